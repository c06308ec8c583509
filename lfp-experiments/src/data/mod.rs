//! Data sets, as Burn's `Dataset` of [`Sample`]s, and their batches.

mod idx;
mod images;
mod mnist;
mod points;

use std::sync::Arc;

use burn::{
    data::{
        dataloader::{DataLoader, DataLoaderBuilder, batcher::Batcher},
        dataset::Dataset,
    },
    tensor::{Device, Int, Tensor, TensorData},
};

pub use idx::IdxError;
pub use images::Images;
pub use mnist::{Mnist, MnistError};
pub use points::{PointCloud, Points};

/// One sample.
#[derive(Clone, Debug)]
pub struct Sample {
    /// `[channels, height, width]`, row by row.
    pub values: Vec<f32>,
    /// The class.
    pub label: u8,
}

/// A batch of samples on a device.
#[derive(Clone, Debug)]
pub struct Batch {
    /// `[batch_size, channels, height, width]`.
    pub inputs: Tensor<4>,
    /// The classes, `[batch_size]`.
    pub targets: Tensor<1, Int>,
}

/// A data set in memory, which any number of loaders can share.
pub trait Samples: Dataset<Sample> + 'static {
    /// `[channels, height, width]` of a sample.
    fn shape(&self) -> [usize; 3];
    /// Number of classes.
    fn num_classes(&self) -> usize;
}

struct SampleBatcher {
    shape: [usize; 3],
}

impl Batcher<Sample, Batch> for SampleBatcher {
    fn batch(&self, samples: Vec<Sample>, device: &Device) -> Batch {
        let [channels, height, width] = self.shape;
        let shape = [samples.len(), channels, height, width];
        let labels: Vec<i64> = samples.iter().map(|sample| sample.label.into()).collect();
        let mut values = Vec::with_capacity(shape.iter().product());
        for sample in samples {
            values.extend_from_slice(&sample.values);
        }
        Batch {
            inputs: Tensor::from_data(TensorData::new(values, shape), device),
            targets: Tensor::from_data(labels.as_slice(), device),
        }
    }
}

/// Batches of `data` on `device`; in another order at every `shuffle` seed, or in order without.
pub fn loader<S: Samples>(
    data: &Arc<S>,
    batch_size: usize,
    shuffle: Option<u64>,
    device: &Device,
) -> Arc<dyn DataLoader<Batch>> {
    let shape = data.shape();
    let builder = DataLoaderBuilder::new(SampleBatcher { shape })
        .batch_size(batch_size)
        .set_device(device.clone());
    let builder = match shuffle {
        Some(seed) => builder.shuffle(seed),
        None => builder,
    };
    builder.build(data.clone())
}

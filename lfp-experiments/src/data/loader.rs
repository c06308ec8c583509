//! Batches, decoded by worker threads, the same for any number of them.
//!
//! Burn's loader decides the order; each batch's samples are then read in parallel, and batches are
//! made ahead while the network learns from the ones before. (Burn's own workers hand batches on as
//! they are ready, which is in another order every time.)

use std::sync::{Arc, mpsc};

use burn::{
    data::{
        dataloader::{DataLoaderBuilder, batcher::Batcher},
        dataset::{Dataset, DatasetError},
    },
    tensor::{Device, Int, Tensor, TensorData},
};
use rayon::prelude::*;

use super::{DataError, Sample, Samples};

/// Batches that are ready before they are asked for.
const AHEAD: usize = 2;

/// A batch of samples on a device.
#[derive(Clone, Debug)]
pub struct Batch {
    /// `[batch_size, channels, height, width]`.
    pub inputs: Tensor<4>,
    /// The classes, `[batch_size]`.
    pub targets: Tensor<1, Int>,
}

/// The order of the samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// As they are.
    Given,
    /// Another one for every number, which also decides how samples are altered.
    Shuffled(u64),
}

/// Burn's batcher of samples.
#[derive(Clone, Copy, Debug)]
pub struct SampleBatcher {
    /// `[channels, height, width]` of a sample.
    pub shape: [usize; 3],
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

/// A data set in batches.
pub struct Batches<'a> {
    /// The data.
    pub data: &'a Arc<dyn Samples>,
    /// Samples per batch; the last may have fewer.
    pub size: usize,
    /// Their order.
    pub order: Order,
    /// Threads that read samples; 0 for as many as the machine has cores.
    pub workers: usize,
}

impl Batches<'_> {
    /// Reads them, once, onto `device`.
    pub fn iter(&self, device: &Device) -> impl Iterator<Item = Result<Batch, DataError>> + use<> {
        let (sender, receiver) = mpsc::sync_channel(AHEAD);
        let reader = Reader {
            data: self.data.clone(),
            device: device.clone(),
            seed: match self.order {
                Order::Given => 0,
                Order::Shuffled(seed) => seed,
            },
            workers: self.workers,
        };
        let indices = indices(self.data.count(), self.size, self.order);
        std::thread::spawn(move || reader.send_all(indices, &sender));
        receiver.into_iter()
    }
}

/// The indices of each batch, in the order of Burn's loader.
fn indices(count: usize, size: usize, order: Order) -> Vec<Vec<usize>> {
    let builder = DataLoaderBuilder::new(Indices).batch_size(size);
    let builder = match order {
        Order::Given => builder,
        Order::Shuffled(seed) => builder.shuffle(seed),
    };
    let loader = builder.build(Range(count));
    let batches = loader.iter();
    batches
        .map(|batch| batch.expect("numbers in memory"))
        .collect()
}

struct Range(usize);

impl Dataset<usize> for Range {
    fn get(&self, index: usize) -> Result<usize, DatasetError> {
        Ok(index)
    }

    fn len(&self) -> usize {
        self.0
    }
}

struct Indices;

impl Batcher<usize, Vec<usize>> for Indices {
    fn batch(&self, indices: Vec<usize>, _device: &Device) -> Vec<usize> {
        indices
    }
}

/// What the worker threads know.
struct Reader {
    data: Arc<dyn Samples>,
    device: Device,
    seed: u64,
    workers: usize,
}

type Sender = mpsc::SyncSender<Result<Batch, DataError>>;

impl Reader {
    fn send_all(&self, batches: Vec<Vec<usize>>, sender: &Sender) {
        // One worker is this thread itself.
        let pool = (self.workers != 1).then(|| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(self.workers);
            pool.build().expect("the system has threads")
        });
        let shape = self.data.shape();
        for indices in batches {
            let read = |&index: &usize| self.read(index);
            let samples: Result<Vec<_>, _> = match &pool {
                Some(pool) => pool.install(|| indices.par_iter().map(read).collect()),
                None => indices.iter().map(read).collect(),
            };
            let batch = samples.map(|samples| SampleBatcher { shape }.batch(samples, &self.device));
            let failed = batch.is_err();
            // Whoever wanted the batches may be gone, or will be after an error.
            if sender.send(batch).is_err() || failed {
                return;
            }
        }
    }

    fn read(&self, index: usize) -> Result<Sample, DataError> {
        let variant = crate::seed::mix(self.seed, index as u64);
        self.data.read(index, variant)
    }
}

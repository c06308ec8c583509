//! Batches, decoded by worker threads. The result does not depend on the number of threads.
//!
//! Burn's loader decides the order. The samples of a batch are read in parallel, and batches are prepared ahead while the network
//! trains. (Burn's own workers deliver batches in the order in which they finish, which differs between runs.)

use std::{
    iter, panic,
    sync::{Arc, mpsc},
    thread::{self, JoinHandle},
};

use burn::{
    data::{
        dataloader::{DataLoaderBuilder, batcher::Batcher},
        dataset::{Dataset, DatasetError},
    },
    tensor::{Device, Int, Tensor, TensorData},
};
use rayon::prelude::*;

use super::{DataError, Sample, Samples};

/// Number of batches prepared ahead.
const AHEAD: usize = 2;

/// A batch of samples on a device.
#[derive(Clone, Debug)]
pub struct Batch {
    /// Images, `[batch, channels, height, width]`.
    pub inputs: Tensor<4>,
    /// Classes, `[batch]`.
    pub targets: Tensor<1, Int>,
}

/// Order of the samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// By index.
    Given,
    /// Shuffled by a seed, which also seeds the augmentation.
    Shuffled(u64),
}

/// Collects samples into a [`Batch`], for Burn's data loaders.
#[derive(Clone, Copy, Debug)]
pub struct SampleBatcher {
    /// Shape of a sample, `[channels, height, width]`.
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
    /// Data set.
    pub data: &'a Arc<dyn Samples>,
    /// Samples per batch; the last batch may be smaller.
    pub size: usize,
    /// Order of the samples.
    pub order: Order,
    /// Number of threads that read samples; 0 for the number of cores.
    pub workers: usize,
}

impl Batches<'_> {
    /// Reads all batches once, onto `device`. The iterator ends after the first error.
    ///
    /// # Panics
    ///
    /// The iterator panics if reading a sample panics.
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
        let indices = indices(self.data.len(), self.size, self.order);
        let mut thread = Some(thread::spawn(move || reader.send_all(indices, &sender)));
        // Without this, a panic of the reader would look like the end of the data.
        let end = iter::from_fn(move || match thread.take().map(JoinHandle::join) {
            Some(Err(cause)) => panic::resume_unwind(cause),
            _ => None,
        });
        receiver.into_iter().chain(end)
    }
}

/// Sample indices of each batch, in the order of Burn's loader.
fn indices(len: usize, size: usize, order: Order) -> Vec<Vec<usize>> {
    let builder = DataLoaderBuilder::new(Indices).batch_size(size);
    let builder = match order {
        Order::Given => builder,
        Order::Shuffled(seed) => builder.shuffle(seed),
    };
    let loader = builder.build(Range(len));
    let batches = loader.iter();
    batches
        .map(|batch| batch.expect("`Range` never fails"))
        .collect()
}

/// The numbers from 0 to below a limit, as a data set.
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

/// State of the reading thread.
struct Reader {
    data: Arc<dyn Samples>,
    device: Device,
    seed: u64,
    workers: usize,
}

type Sender = mpsc::SyncSender<Result<Batch, DataError>>;

impl Reader {
    fn send_all(&self, batches: Vec<Vec<usize>>, sender: &Sender) {
        let pool = match self.pool() {
            Ok(pool) => pool,
            Err(error) => {
                // Sending fails if the receiver was dropped: nobody wants the batches, or the error.
                let _ = sender.send(Err(error));
                return;
            }
        };
        let shape = self.data.shape();
        for indices in batches {
            let read = |&index: &usize| self.read(index);
            let samples: Result<Vec<_>, _> = match &pool {
                Some(pool) => pool.install(|| indices.par_iter().map(read).collect()),
                None => indices.iter().map(read).collect(),
            };
            let batch = samples.map(|samples| SampleBatcher { shape }.batch(samples, &self.device));
            let failed = batch.is_err();
            // Sending fails if the receiver was dropped.
            if sender.send(batch).is_err() || failed {
                return;
            }
        }
    }

    /// The worker threads; `None` for a single worker, which is the reading thread itself.
    fn pool(&self) -> Result<Option<rayon::ThreadPool>, DataError> {
        if self.workers == 1 {
            return Ok(None);
        }
        let pool = rayon::ThreadPoolBuilder::new().num_threads(self.workers);
        let pool = pool.build().map_err(|source| DataError::Workers {
            workers: self.workers,
            source,
        })?;
        Ok(Some(pool))
    }

    fn read(&self, index: usize) -> Result<Sample, DataError> {
        let variant = crate::seed::mix(self.seed, index as u64);
        self.data.read(index, variant)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ten samples, of which the seventh panics when it is read.
    struct Panicking;

    impl Dataset<Sample> for Panicking {
        fn get(&self, index: usize) -> Result<Sample, DatasetError> {
            self.read(index, 0).map_err(DatasetError::new)
        }

        fn len(&self) -> usize {
            10
        }
    }

    impl Samples for Panicking {
        fn shape(&self) -> [usize; 3] {
            [1, 1, 1]
        }

        fn num_classes(&self) -> usize {
            1
        }

        fn label(&self, _index: usize) -> u32 {
            0
        }

        fn read(&self, index: usize, _variant: u64) -> Result<Sample, DataError> {
            assert_ne!(index, 6, "the decoder panics");
            Ok(Sample {
                values: vec![0.0],
                label: 0,
            })
        }
    }

    #[test]
    fn a_panic_while_reading_does_not_end_the_batches_early() {
        let data: Arc<dyn Samples> = Arc::new(Panicking);
        for workers in [1, 2] {
            let batches = Batches {
                data: &data,
                size: 2,
                order: Order::Given,
                workers,
            };
            let mut batches = batches.iter(&Device::default());
            for _ in 0..3 {
                assert!(batches.next().is_some_and(|batch| batch.is_ok()));
            }
            let next = panic::catch_unwind(panic::AssertUnwindSafe(|| batches.next()));
            assert!(next.is_err(), "{workers} workers");
        }
    }
}

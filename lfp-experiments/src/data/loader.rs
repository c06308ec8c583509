//! Batches, decoded by worker threads. The result does not depend on the number of threads.
//!
//! Burn's loader decides the order. The samples of a batch are read in parallel, and batches are prepared ahead while the network
//! trains. (Burn's own workers deliver batches in the order in which they finish, which differs between runs.)

use std::{
    sync::{Arc, mpsc},
    thread,
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
use crate::{interrupt, panics};

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
    /// A panic while a sample is read, and threads that cannot be started, are errors, too: they never look like the end of
    /// the data. The number of samples is checked all the same when the batches are over.
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
        let due = self.data.len();
        let indices = indices(due, self.size, self.order);
        let started = thread::Builder::new().spawn(move || reader.send_all(indices, &sender));
        let not_started = started.err().map(|error| Err(DataError::Reader(error)));
        let batches = receiver.into_iter().chain(not_started);
        Counted {
            batches,
            read: 0,
            due,
            ended: false,
        }
    }
}

/// Batches until the first error, which may be that samples are missing.
struct Counted<I> {
    batches: I,
    read: usize,
    due: usize,
    ended: bool,
}

impl<I: Iterator<Item = Result<Batch, DataError>>> Iterator for Counted<I> {
    type Item = Result<Batch, DataError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        // Whatever is done with the batches stops between two of them.
        if let Err(interrupted) = interrupt::check() {
            self.ended = true;
            return Some(Err(interrupted.into()));
        }
        let next = self.batches.next();
        match &next {
            Some(Ok(batch)) => self.read += batch.targets.dims()[0],
            Some(Err(_)) => self.ended = true,
            None => {
                self.ended = true;
                let (read, due) = (self.read, self.due);
                return (read != due).then_some(Err(DataError::Incomplete { read, due }));
            }
        }
        next
    }
}

/// Sample indices of each batch, in the order of Burn's loader.
fn indices(len: usize, size: usize, order: Order) -> Vec<Vec<usize>> {
    // A batch is no larger than the data.
    let builder = DataLoaderBuilder::new(Indices).batch_size(size.min(len.max(1)));
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
    /// Sends the batches, and last the error, if there is one.
    fn send_all(&self, batches: Vec<Vec<usize>>, sender: &Sender) {
        let sent = panics::contained(|| self.send(batches, sender));
        let sent = sent.unwrap_or_else(|message| Err(DataError::Panicked(message)));
        if let Err(error) = sent {
            // Sending fails if the receiver was dropped: nobody wants the batches, or the error.
            let _ = sender.send(Err(error));
        }
    }

    fn send(&self, batches: Vec<Vec<usize>>, sender: &Sender) -> Result<(), DataError> {
        let pool = self.pool()?;
        let shape = self.data.shape();
        for indices in batches {
            let read = |&index: &usize| self.read(index);
            let samples: Result<Vec<_>, _> = match &pool {
                Some(pool) => pool.install(|| indices.par_iter().map(read).collect()),
                None => indices.iter().map(read).collect(),
            };
            let batch = SampleBatcher { shape }.batch(samples?, &self.device);
            // Sending fails if the receiver was dropped.
            if sender.send(Ok(batch)).is_err() {
                break;
            }
        }
        Ok(())
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
        // Here, because it may be a thread of the pool.
        let read = panics::contained(|| self.data.read(index, variant));
        read.unwrap_or_else(|message| Err(DataError::Panicked(message)))
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

    fn batches_of(workers: usize) -> impl Iterator<Item = Result<Batch, DataError>> {
        let data: Arc<dyn Samples> = Arc::new(Panicking);
        let batches = Batches {
            data: &data,
            size: 2,
            order: Order::Given,
            workers,
        };
        batches.iter(&Device::default())
    }

    #[test]
    fn a_panic_while_reading_is_an_error_and_not_the_end_of_the_data() {
        for workers in [1, 2] {
            let mut batches = batches_of(workers);
            for _ in 0..3 {
                assert!(batches.next().is_some_and(|batch| batch.is_ok()));
            }
            let error = batches.next().expect("not the end").unwrap_err();
            let text = error.to_string();
            assert!(
                text.contains("the decoder panics"),
                "{workers} workers: {text}"
            );
            assert!(batches.next().is_none(), "{workers} workers");
        }
    }

    #[test]
    fn batches_that_end_early_are_an_error() {
        let whole = batches_of(1).take(2);
        let mut counted = Counted {
            batches: whole,
            read: 0,
            due: 10,
            ended: false,
        };
        assert!(counted.by_ref().take(2).all(|batch| batch.is_ok()));
        let error = counted.next().expect("not the end").unwrap_err();
        assert!(matches!(error, DataError::Incomplete { read: 4, due: 10 }));
        assert!(counted.next().is_none());
    }

    #[test]
    fn a_batch_is_no_larger_than_the_data() {
        assert_eq!(indices(3, usize::MAX, Order::Given), [[0, 1, 2]]);
    }
}

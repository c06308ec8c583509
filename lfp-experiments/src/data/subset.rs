//! Subsets of a data set.

use std::sync::Arc;

use burn::data::dataset::{Dataset, DatasetError};
use image::RgbImage;
use rand::{SeedableRng, rngs::StdRng, seq::SliceRandom};
use sha2::{Digest, Sha256};

use super::{DataError, Sample, Samples, Split};

/// Seed of random subsets: fixed, so that every run sees the same samples.
const SEED: u64 = 3;

/// The samples of `data` at `indices`.
struct Subset {
    data: Arc<dyn Samples>,
    indices: Vec<usize>,
}

impl Split {
    /// At most `train` and `test` samples, drawn at random with a fixed seed, in their original order.
    #[must_use]
    pub fn subset(&self, train: usize, test: usize) -> Self {
        let random = |data: &Arc<dyn Samples>, count| {
            subset(data, count, |indices| {
                indices.shuffle(&mut StdRng::seed_from_u64(SEED));
            })
        };
        Self {
            train: random(&self.train, train),
            test: random(&self.test, test),
        }
    }

    /// At most the first `train` and `test` samples.
    #[must_use]
    pub fn first(&self, train: usize, test: usize) -> Self {
        Self {
            train: subset(&self.train, train, |_| {}),
            test: subset(&self.test, test, |_| {}),
        }
    }
}

/// The first `count` samples after `shuffle`, in their original order.
fn subset(
    data: &Arc<dyn Samples>,
    count: usize,
    shuffle: impl FnOnce(&mut [usize]),
) -> Arc<dyn Samples> {
    let data = data.clone();
    if count >= data.len() {
        return data;
    }
    let mut indices: Vec<usize> = (0..data.len()).collect();
    shuffle(&mut indices);
    indices.truncate(count);
    indices.sort_unstable();
    Arc::new(Subset { data, indices })
}

impl Dataset<Sample> for Subset {
    fn get(&self, index: usize) -> Result<Sample, DatasetError> {
        self.data.get(self.indices[index])
    }

    fn len(&self) -> usize {
        self.indices.len()
    }
}

impl Samples for Subset {
    fn shape(&self) -> [usize; 3] {
        self.data.shape()
    }

    fn num_classes(&self) -> usize {
        self.data.num_classes()
    }

    fn class_name(&self, class: usize) -> Option<&str> {
        self.data.class_name(class)
    }

    fn label(&self, index: usize) -> u32 {
        self.data.label(self.indices[index])
    }

    fn read(&self, index: usize, variant: u64) -> Result<Sample, DataError> {
        self.data.read(self.indices[index], variant)
    }

    fn picture(&self, index: usize) -> Result<Option<RgbImage>, DataError> {
        self.data.picture(self.indices[index])
    }

    fn identify(&self, digest: &mut Sha256) {
        self.data.identify(digest);
        for &index in &self.indices {
            digest.update((index as u64).to_le_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{DataSet, Reading};

    #[test]
    fn a_subset_holds_the_same_samples_every_time_and_never_more_than_there_are() {
        let data = DataSet::BLOBS.load(None, Reading::default()).unwrap();
        let values = |split: &Split| -> Vec<Sample> {
            let test = &split.test;
            (0..test.len())
                .map(|index| test.get(index).unwrap())
                .collect()
        };
        let part = data.subset(10, 7);
        assert_eq!((part.train.len(), part.test.len()), (10, 7));
        assert_eq!(values(&part), values(&data.subset(10, 7)));
        assert!(values(&part) != values(&data.first(10, 7)));
        assert_eq!(values(&data.first(10, 7)), values(&data)[..7]);
        assert_eq!(values(&data.subset(10, 101)), values(&data));
    }
}

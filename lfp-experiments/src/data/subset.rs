//! Some samples of a data set.

use std::sync::Arc;

use rand::{SeedableRng, rngs::StdRng, seq::SliceRandom};

use super::{DataError, Sample, Samples, Split};

/// Decides which samples a subset has: the same for everybody.
const SEED: u64 = 3;

struct Subset {
    data: Arc<dyn Samples>,
    indices: Vec<usize>,
}

impl Split {
    /// At most `train` and `test` samples of it, drawn once and for all.
    #[must_use]
    pub fn subset(&self, train: usize, test: usize) -> Self {
        Self {
            train: subset(&self.train, train),
            test: subset(&self.test, test),
        }
    }
}

fn subset(data: &Arc<dyn Samples>, count: usize) -> Arc<dyn Samples> {
    if count >= data.count() {
        return data.clone();
    }
    let mut indices: Vec<usize> = (0..data.count()).collect();
    indices.shuffle(&mut StdRng::seed_from_u64(SEED));
    indices.truncate(count);
    indices.sort_unstable();
    let data = data.clone();
    Arc::new(Subset { data, indices })
}

impl Samples for Subset {
    fn shape(&self) -> [usize; 3] {
        self.data.shape()
    }

    fn num_classes(&self) -> usize {
        self.data.num_classes()
    }

    fn count(&self) -> usize {
        self.indices.len()
    }

    fn label(&self, index: usize) -> u32 {
        self.data.label(self.indices[index])
    }

    fn read(&self, index: usize, variant: u64) -> Result<Sample, DataError> {
        self.data.read(self.indices[index], variant)
    }
}

//! Data sets, and their batches.

mod catalog;
mod cifar;
mod error;
mod idx;
mod images;
mod loader;
mod mnist;
mod photographs;
mod pickle;
mod points;
mod preparation;
mod subset;

use std::sync::Arc;

pub use catalog::DataSet;
pub use cifar::Cifar;
pub use error::DataError;
pub use idx::IdxError;
pub use images::Images;
pub use loader::{Batch, Batches, Order, SampleBatcher};
pub use mnist::{Mnist, MnistError};
pub use photographs::{Photographs, Reading, cub, folder, food11, isic};
pub use points::{PointCloud, Points};
pub use preparation::{Augmentation, Fit, Preparation};

/// One sample.
#[derive(Clone, Debug)]
pub struct Sample {
    /// `[channels, height, width]`, row by row.
    pub values: Vec<f32>,
    /// The class.
    pub label: u32,
}

/// A data set, which any number of threads can read.
pub trait Samples: Send + Sync + 'static {
    /// `[channels, height, width]` of a sample.
    fn shape(&self) -> [usize; 3];

    /// Number of classes.
    fn num_classes(&self) -> usize;

    /// Number of samples.
    fn count(&self) -> usize;

    /// The class of a sample.
    fn label(&self, index: usize) -> u32;

    /// A sample. Where it is altered at random, `variant` decides how, and nothing else does.
    ///
    /// # Errors
    ///
    /// If it cannot be read or decoded.
    fn read(&self, index: usize, variant: u64) -> Result<Sample, DataError>;
}

/// What is learned from, and what is tested on.
#[derive(Clone)]
pub struct Split {
    /// For training.
    pub train: Arc<dyn Samples>,
    /// For testing.
    pub test: Arc<dyn Samples>,
}

impl Split {
    /// Of two parts.
    pub fn new(train: impl Samples, test: impl Samples) -> Self {
        Self {
            train: Arc::new(train),
            test: Arc::new(test),
        }
    }
}

/// A weight for each class, the inverse of its size: together all samples of a class weigh the same, and
/// all samples as many as they are. 1 for a class without samples.
pub fn class_weights(data: &dyn Samples) -> Vec<f32> {
    let mut counts = vec![0usize; data.num_classes()];
    for index in 0..data.count() {
        counts[data.label(index) as usize] += 1;
    }
    let classes = counts.iter().filter(|&&count| count > 0).count();
    let weight = |count: usize| match count {
        0 => 1.0,
        count => data.count() as f32 / (classes * count) as f32,
    };
    counts.into_iter().map(weight).collect()
}

//! Samples, and the trait of a data set.

use std::sync::Arc;

use burn::data::dataset::Dataset;
use image::RgbImage;
use sha2::{Digest, Sha256};

use super::DataError;

/// An image and its class.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// Normalised pixels, `[channels, height, width]` in row-major order.
    pub values: Vec<f32>,
    /// Class, from 0.
    pub label: u32,
}

/// A labelled data set that several threads can read at once.
///
/// It is a Burn [`Dataset`], so Burn's data loaders and `Learner` accept it; `Arc<dyn Samples>` coerces to
/// `Arc<dyn Dataset<Sample>>`. [`get`](Dataset::get) augments differently on every call. Use [`read`](Self::read) for
/// reproducible augmentation.
///
/// # Example
///
/// ```
/// use std::sync::Arc;
///
/// use burn::data::{dataloader::DataLoaderBuilder, dataset::Dataset};
/// use lfp_experiments::data::{Batch, DataSet, Reading, Sample, SampleBatcher};
///
/// let train = DataSet::BLOBS.load(None, Reading::default())?.train;
/// let batcher = SampleBatcher { shape: train.shape() };
/// let dataset: Arc<dyn Dataset<Sample>> = train;
/// let loader = DataLoaderBuilder::new(batcher).batch_size(8).build(dataset);
/// let batch: Batch = loader.iter().next().expect("1,000 points")?;
/// assert_eq!(batch.inputs.dims(), [8, 2, 1, 1]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Samples: Dataset<Sample> + 'static {
    /// Shape of a sample, `[channels, height, width]`.
    fn shape(&self) -> [usize; 3];

    /// Number of classes.
    fn num_classes(&self) -> usize;

    /// Name of a class below [`num_classes`](Self::num_classes); `None` if the data set names none, which is the default.
    fn class_name(&self, class: usize) -> Option<&str> {
        let _ = class;
        None
    }

    /// Class of a sample, below [`num_classes`](Self::num_classes).
    ///
    /// # Panics
    ///
    /// If `index` is not below [`len`](Dataset::len).
    fn label(&self, index: usize) -> u32;

    /// Reads a sample. `variant` seeds its augmentation; data sets without augmentation ignore it.
    ///
    /// # Errors
    ///
    /// If the file of the sample cannot be read or decoded.
    ///
    /// # Panics
    ///
    /// If `index` is not below [`len`](Dataset::len).
    fn read(&self, index: usize, variant: u64) -> Result<Sample, DataError>;

    /// The sample as the network sees it, before augmentation and normalisation, for people to look at. `None` if the
    /// samples are no images, which is the default.
    ///
    /// # Errors
    ///
    /// If the file of the sample cannot be read or decoded.
    ///
    /// # Panics
    ///
    /// If `index` is not below [`len`](Dataset::len).
    fn picture(&self, index: usize) -> Result<Option<RgbImage>, DataError> {
        let _ = index;
        Ok(None)
    }

    /// Adds to `digest` what tells these samples from others, so that a run is not resumed with other data. Where the files
    /// lie does not matter. The default is [`identify_by_labels`].
    fn identify(&self, digest: &mut Sha256) {
        identify_by_labels(self, digest);
    }
}

/// Adds number, shape, classes and labels of samples to `digest`.
pub fn identify_by_labels<S: Samples + ?Sized>(samples: &S, digest: &mut Sha256) {
    let numbers = [samples.len(), samples.num_classes()];
    for number in numbers.into_iter().chain(samples.shape()) {
        digest.update((number as u64).to_le_bytes());
    }
    for class in 0..samples.num_classes() {
        digest.update(samples.class_name(class).unwrap_or_default());
        digest.update([0]);
    }
    for index in 0..samples.len() {
        digest.update(samples.label(index).to_le_bytes());
    }
}

/// The training part and the test part of a data set.
#[derive(Clone)]
pub struct Split {
    /// Training samples.
    pub train: Arc<dyn Samples>,
    /// Test samples.
    pub test: Arc<dyn Samples>,
}

impl Split {
    /// Combines two parts.
    pub fn new(train: impl Samples, test: impl Samples) -> Self {
        Self {
            train: Arc::new(train),
            test: Arc::new(test),
        }
    }
}

/// Class weights by inverse frequency: `samples / (non-empty classes * samples of the class)`.
///
/// The weighted samples of every class then have the same sum, and the sum over all samples is their number. An empty class
/// has weight 1.
pub fn class_weights(data: &dyn Samples) -> Vec<f32> {
    let mut counts = vec![0usize; data.num_classes()];
    for index in 0..data.len() {
        counts[data.label(index) as usize] += 1;
    }
    let classes = counts.iter().filter(|&&count| count > 0).count();
    let weight = |count: usize| match count {
        0 => 1.0,
        count => data.len() as f32 / (classes * count) as f32,
    };
    counts.into_iter().map(weight).collect()
}

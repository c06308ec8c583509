//! Data sets of image files, decoded on access.

use std::{
    collections::HashSet,
    path::{Path, PathBuf},
    sync::OnceLock,
};

use burn::data::dataset::{Dataset, DatasetError};
use image::{DynamicImage, RgbImage, imageops::FilterType};
use rayon::prelude::*;
use sha2::{Digest, Sha256};

use super::{
    Augmentation, DataError, Fit, Preparation, Sample, Samples, Split,
    formats::photograph::Photograph, samples::identify_by_labels,
};

/// Mean and standard deviation of each channel.
pub(super) type ChannelStats = ([f32; 3], [f32; 3]);

/// Statistics of ImageNet, with which torchvision's pretrained networks were trained.
pub(super) const IMAGENET: ChannelStats = ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]);

/// How a data set is read. Data sets ignore what does not concern them.
#[derive(Clone, Copy, Debug)]
pub struct Reading {
    /// Height and width in pixels to which images are resized.
    pub size: u32,
    /// Whether decoded and resized images stay in memory: 147 KiB each at 224x224.
    pub cached: bool,
    /// Seed of a generated data set.
    pub seed: u64,
}

impl Default for Reading {
    /// 224x224, the size that torchvision's networks were made for; no cache; seed 0.
    fn default() -> Self {
        Self {
            size: 224,
            cached: false,
            seed: 0,
        }
    }
}

/// An image file and its class.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Labelled {
    pub(super) path: PathBuf,
    pub(super) label: u32,
}

/// A data set of image files.
#[derive(Debug)]
pub struct ImageFiles {
    images: Vec<Labelled>,
    /// Names of the classes.
    classes: Vec<String>,
    preparation: Preparation,
    /// Decoded and resized images, filled on first access.
    cache: Option<Vec<OnceLock<Vec<u8>>>>,
}

impl ImageFiles {
    /// Checks header, size and end of every file, so that a broken image is reported before training starts.
    fn new(
        images: Vec<Labelled>,
        classes: Vec<String>,
        preparation: Preparation,
        cached: bool,
    ) -> Result<Self, DataError> {
        images.par_iter().try_for_each(Labelled::check)?;
        let cache = || images.iter().map(|_| OnceLock::new()).collect();
        Ok(Self {
            cache: cached.then(cache),
            images,
            classes,
            preparation,
        })
    }

    /// Decoded and resized pixels, `[height, width, 3]`.
    fn decoded(&self, index: usize) -> Result<Vec<u8>, DataError> {
        let image = self.images[index].decode()?;
        Ok(self.preparation.resized(image).into_raw())
    }
}

impl Dataset<Sample> for ImageFiles {
    fn get(&self, index: usize) -> Result<Sample, DatasetError> {
        self.read(index, rand::random()).map_err(DatasetError::new)
    }

    fn len(&self) -> usize {
        self.images.len()
    }
}

impl Samples for ImageFiles {
    fn shape(&self) -> [usize; 3] {
        let size = self.preparation.size as usize;
        [3, size, size]
    }

    fn num_classes(&self) -> usize {
        self.classes.len()
    }

    fn class_name(&self, class: usize) -> Option<&str> {
        self.classes.get(class).map(String::as_str)
    }

    fn label(&self, index: usize) -> u32 {
        self.images[index].label
    }

    fn read(&self, index: usize, variant: u64) -> Result<Sample, DataError> {
        let values = |pixels: &[u8]| self.preparation.values(pixels, variant);
        let cached = self.cache.as_ref().map(|cache| &cache[index]);
        let values = match cached.map(|slot| (slot, slot.get())) {
            None => values(&self.decoded(index)?),
            Some((_, Some(pixels))) => values(pixels),
            // Two threads may decode the same image; the first result stays.
            Some((slot, None)) => {
                let pixels = self.decoded(index)?;
                values(slot.get_or_init(|| pixels))
            }
        };
        Ok(Sample {
            values,
            label: self.label(index),
        })
    }

    fn picture(&self, index: usize) -> Result<Option<RgbImage>, DataError> {
        let image = self.images[index].decode()?;
        Ok(Some(self.preparation.resized(image)))
    }

    /// The names and sizes of the files, without their folder.
    fn identify(&self, digest: &mut Sha256) {
        identify_by_labels(self, digest);
        for Labelled { path, .. } in &self.images {
            let size = path.metadata().map_or(0, |file| file.len());
            digest.update(path.file_name().unwrap_or_default().as_encoded_bytes());
            digest.update([0]);
            digest.update(size.to_le_bytes());
        }
    }
}

impl Labelled {
    fn check(&self) -> Result<(), DataError> {
        Photograph::new(&self.path).check()
    }

    fn decode(&self) -> Result<DynamicImage, DataError> {
        Photograph::new(&self.path).decode()
    }
}

impl Reading {
    /// Draws generated data sets from `seed`.
    #[must_use]
    pub fn with_seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Training and test preparation by the authors' transforms for ISIC 2019 and Food-11.
    pub(super) fn like_isic(self) -> [Preparation; 2] {
        let half = ([0.5; 3], [0.5; 3]);
        let train = self.preparation(half, Augmentation::Isic);
        [
            Preparation {
                filter: FilterType::CatmullRom,
                ..train
            },
            self.preparation(half, Augmentation::None),
        ]
    }

    pub(super) fn preparation(
        self,
        (mean, std): ChannelStats,
        augmentation: Augmentation,
    ) -> Preparation {
        Preparation {
            size: self.size,
            fit: Fit::Stretch,
            // Pillow's bilinear filter, which averages when it shrinks an image.
            filter: FilterType::Triangle,
            augmentation,
            mean,
            std,
        }
    }

    /// Makes a split from the training and the test images. `classes` are the names of the classes.
    pub(super) fn split(
        self,
        [train, test]: [Vec<Labelled>; 2],
        classes: Vec<String>,
        [for_train, for_test]: [Preparation; 2],
    ) -> Result<Split, DataError> {
        let part = |images, preparation| {
            ImageFiles::new(images, classes.clone(), preparation, self.cached)
        };
        Ok(Split::new(part(train, for_train)?, part(test, for_test)?))
    }
}

/// The subfolder `name` if there is one, otherwise `folder`: archives unpack to a subfolder, and users name either.
pub(super) fn subfolder_or_self(folder: &Path, name: &str) -> PathBuf {
    let inner = folder.join(name);
    match inner.is_dir() {
        true => inner,
        false => folder.to_owned(),
    }
}

/// Fails if a class has no image. `classes` holds a path per class for the message; `None` marks a class that may be empty.
pub(super) fn check_classes(
    images: &[Labelled],
    classes: impl IntoIterator<Item = Option<PathBuf>>,
) -> Result<(), DataError> {
    let labels: HashSet<u32> = images.iter().map(|image| image.label).collect();
    let mut required = (0..)
        .zip(classes)
        .filter_map(|(label, class)| Some((label, class?)));
    match required.find(|(label, _)| !labels.contains(label)) {
        Some((_, class)) => Err(DataError::EmptyClass(class)),
        None => Ok(()),
    }
}

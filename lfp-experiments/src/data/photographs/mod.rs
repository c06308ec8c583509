//! Photographs in files, which are decoded when they are wanted.

mod cub;
mod folder;
mod food11;
mod isic;
mod jpeg;

use std::{
    io::Cursor,
    path::{Path, PathBuf},
    sync::OnceLock,
};

use image::{ImageReader, imageops::FilterType};
use rayon::prelude::*;

pub use cub::cub;
pub use folder::folder;
pub use food11::food11;
pub use isic::isic;

use super::{Augmentation, DataError, Fit, Preparation, Sample, Samples, Split};
use crate::files::{self, FileError, failed};

/// Endings of files that count as photographs.
const ENDINGS: [&str; 6] = ["jpg", "jpeg", "png", "bmp", "gif", "webp"];

/// Mean and deviation of ImageNet's channels, which torchvision's networks were trained with.
const IMAGENET: ([f32; 3], [f32; 3]) = ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]);

/// How photographs are read.
#[derive(Clone, Copy, Debug)]
pub struct Reading {
    /// Height and width that they are brought to.
    pub size: u32,
    /// Whether they are kept in memory, decoded and brought to size: 147 KiB each at 224x224.
    pub cached: bool,
}

impl Default for Reading {
    /// 224x224, for which torchvision's networks were made; read anew every time.
    fn default() -> Self {
        Self {
            size: 224,
            cached: false,
        }
    }
}

/// A photograph and its class.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Labelled {
    path: PathBuf,
    label: u32,
}

/// A data set of photographs.
#[derive(Debug)]
pub struct Photographs {
    photographs: Vec<Labelled>,
    num_classes: usize,
    preparation: Preparation,
    cache: Option<Vec<OnceLock<Vec<u8>>>>,
}

impl Photographs {
    /// Looks at the beginning of every file, so that what is no image is known before training.
    fn new(
        photographs: Vec<Labelled>,
        num_classes: usize,
        preparation: Preparation,
        cached: bool,
    ) -> Result<Self, DataError> {
        photographs.par_iter().try_for_each(Labelled::check)?;
        let cache = || photographs.iter().map(|_| OnceLock::new()).collect();
        Ok(Self {
            cache: cached.then(cache),
            photographs,
            num_classes,
            preparation,
        })
    }

    /// Decoded and brought to size.
    fn decoded(&self, index: usize) -> Result<Vec<u8>, DataError> {
        let photograph = self.photographs[index].decode()?;
        Ok(self.preparation.resized(photograph).into_raw())
    }
}

impl Samples for Photographs {
    fn shape(&self) -> [usize; 3] {
        let size = self.preparation.size as usize;
        [3, size, size]
    }

    fn num_classes(&self) -> usize {
        self.num_classes
    }

    fn count(&self) -> usize {
        self.photographs.len()
    }

    fn label(&self, index: usize) -> u32 {
        self.photographs[index].label
    }

    fn read(&self, index: usize, variant: u64) -> Result<Sample, DataError> {
        let values = |pixels: &[u8]| self.preparation.values(pixels, variant);
        let values = match &self.cache {
            None => values(&self.decoded(index)?),
            Some(cache) => {
                let slot = &cache[index];
                if slot.get().is_none() {
                    // Another thread may have been faster.
                    let _ = slot.set(self.decoded(index)?);
                }
                values(slot.get().expect("just filled"))
            }
        };
        Ok(Sample {
            values,
            label: self.label(index),
        })
    }
}

impl Labelled {
    fn check(&self) -> Result<(), DataError> {
        let reader = ImageReader::open(&self.path).and_then(ImageReader::with_guessed_format);
        let size = reader
            .map_err(failed("read", &self.path))?
            .into_dimensions();
        let (width, height) = size.map_err(|error| self.broken(&error))?;
        match width.min(height) {
            0 => Err(self.broken(&"no pixels")),
            _ => Ok(()),
        }
    }

    fn decode(&self) -> Result<image::DynamicImage, DataError> {
        let file = files::read(&self.path)?;
        if !jpeg::is_whole(&file) {
            return Err(self.broken(&"it ends before its image does"));
        }
        let reader = ImageReader::new(Cursor::new(file)).with_guessed_format();
        let decoded = reader.map_err(failed("read", &self.path))?.decode();
        decoded.map_err(|error| self.broken(&error))
    }

    fn broken(&self, reason: &dyn std::fmt::Display) -> DataError {
        DataError::Image {
            path: self.path.clone(),
            reason: reason.to_string(),
        }
    }
}

impl Reading {
    /// With the authors' transforms for ISIC 2019 and Food-11.
    fn quarters(self) -> [Preparation; 2] {
        let half = ([0.5; 3], [0.5; 3]);
        let train = self.preparation(half, Augmentation::Quarters);
        [
            Preparation {
                filter: FilterType::CatmullRom,
                ..train
            },
            self.preparation(half, Augmentation::None),
        ]
    }

    fn preparation(
        self,
        (mean, deviation): ([f32; 3], [f32; 3]),
        augmentation: Augmentation,
    ) -> Preparation {
        Preparation {
            size: self.size,
            fit: Fit::Stretch,
            // What Pillow calls bilinear, which averages when it makes smaller.
            filter: FilterType::Triangle,
            augmentation,
            mean,
            deviation,
        }
    }

    /// The two parts of a data set.
    fn split(
        self,
        [train, test]: [Vec<Labelled>; 2],
        num_classes: usize,
        [for_train, for_test]: [Preparation; 2],
    ) -> Result<Split, DataError> {
        let part = |photographs, preparation| {
            Photographs::new(photographs, num_classes, preparation, self.cached)
        };
        Ok(Split::new(part(train, for_train)?, part(test, for_test)?))
    }
}

/// What is in a folder, by name; what begins with a dot is not.
fn entries(folder: &Path) -> Result<Vec<PathBuf>, FileError> {
    let hidden = |path: &PathBuf| name(path).starts_with('.');
    let mut entries = files::list(folder)?;
    entries.retain(|path| !hidden(path));
    entries.sort();
    Ok(entries)
}

/// The photographs in a folder, by name.
fn photographs_in(folder: &Path) -> Result<Vec<PathBuf>, FileError> {
    let mut files = entries(folder)?;
    files.retain(|path| path.is_file() && is_photograph(path));
    Ok(files)
}

fn is_photograph(path: &Path) -> bool {
    let ending = path.extension().unwrap_or_default().to_string_lossy();
    ENDINGS.contains(&ending.to_lowercase().as_str())
}

fn name(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

/// `folder`, or its subfolder of that name if there is one: archives unpack to one, and users name either.
pub(super) fn unpacked(folder: &Path, name: &str) -> PathBuf {
    let inner = folder.join(name);
    match inner.is_dir() {
        true => inner,
        false => folder.to_owned(),
    }
}

/// That each class has a photograph, but for those excused.
fn check_classes(
    photographs: &[Labelled],
    classes: &[PathBuf],
    excused: impl Fn(&Path) -> bool,
) -> Result<(), DataError> {
    let mut seen = vec![false; classes.len()];
    for photograph in photographs {
        seen[photograph.label as usize] = true;
    }
    let empty = classes
        .iter()
        .zip(seen)
        .find(|(class, seen)| !seen && !excused(class));
    match empty {
        Some((class, _)) => Err(DataError::EmptyClass(class.clone())),
        None => Ok(()),
    }
}

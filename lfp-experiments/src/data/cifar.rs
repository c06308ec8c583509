//! CIFAR-10 and CIFAR-100 in both of their published layouts: the binary and the Python version.

use std::path::{Path, PathBuf};

use super::{DataError, Images, Split, images::normalized_scale, pickle};
use crate::files;

/// `[channels, height, width]` of an image, in the order in which the files hold it.
const SHAPE: [usize; 3] = [3, 32, 32];
const PIXELS: usize = 3 * 32 * 32;

/// Means and deviations of the channels, as the authors' configuration has them.
const MEAN: [f32; 3] = [0.4911, 0.4820, 0.4467];
const DEVIATION: [f32; 3] = [0.2022, 0.1993, 0.2009];

/// Which of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cifar {
    /// Ten classes.
    Ten,
    /// A hundred classes.
    Hundred,
}

/// A published layout.
struct Layout {
    /// The folder that the archive unpacks to.
    folder: &'static str,
    train: &'static [&'static str],
    test: &'static [&'static str],
    read: fn(Cifar, &Path) -> Result<Contents, DataError>,
}

/// What a file holds.
struct Contents {
    pixels: Vec<u8>,
    labels: Vec<u8>,
}

impl Cifar {
    /// Number of classes.
    pub fn num_classes(self) -> usize {
        match self {
            Self::Ten => 10,
            Self::Hundred => 100,
        }
    }

    /// Reads it from `folder`, or the subfolder that its archive unpacks to.
    ///
    /// # Errors
    ///
    /// If a file is missing or broken.
    pub fn load(self, folder: &Path) -> Result<Split, DataError> {
        let layouts = self.layouts();
        let found = layouts.iter().find_map(|layout| {
            let places = [folder.join(layout.folder), folder.to_owned()];
            let here = |place: &PathBuf| place.join(layout.train[0]).is_file();
            Some((layout, places.into_iter().find(here)?))
        });
        let Some((layout, place)) = found else {
            return Err(DataError::NoDataSet {
                folder: folder.to_owned(),
                expected: layouts
                    .map(|layout| format!("{}/{}", layout.folder, layout.train[0]))
                    .join(" or "),
            });
        };
        let part = |names: &[&str]| self.read(layout, &place, names);
        Ok(Split::new(part(layout.train)?, part(layout.test)?))
    }

    fn layouts(self) -> [Layout; 2] {
        match self {
            Self::Ten => [
                Layout {
                    folder: "cifar-10-batches-bin",
                    train: &[
                        "data_batch_1.bin",
                        "data_batch_2.bin",
                        "data_batch_3.bin",
                        "data_batch_4.bin",
                        "data_batch_5.bin",
                    ],
                    test: &["test_batch.bin"],
                    read: binary,
                },
                Layout {
                    folder: "cifar-10-batches-py",
                    train: &[
                        "data_batch_1",
                        "data_batch_2",
                        "data_batch_3",
                        "data_batch_4",
                        "data_batch_5",
                    ],
                    test: &["test_batch"],
                    read: python,
                },
            ],
            Self::Hundred => [
                Layout {
                    folder: "cifar-100-binary",
                    train: &["train.bin"],
                    test: &["test.bin"],
                    read: binary,
                },
                Layout {
                    folder: "cifar-100-python",
                    train: &["train"],
                    test: &["test"],
                    read: python,
                },
            ],
        }
    }

    fn read(self, layout: &Layout, folder: &Path, names: &[&str]) -> Result<Images, DataError> {
        let mut all = Contents {
            pixels: Vec::new(),
            labels: Vec::new(),
        };
        for name in names {
            let path = folder.join(name);
            let contents = (layout.read)(self, &path)?;
            let known = |label: &&u8| usize::from(**label) >= self.num_classes();
            if let Some(&found) = contents.labels.iter().find(known) {
                return Err(DataError::Label {
                    path,
                    found: found.into(),
                    classes: self.num_classes(),
                });
            }
            all.pixels.extend(contents.pixels);
            all.labels.extend(contents.labels);
        }
        Ok(Images {
            shape: SHAPE,
            num_classes: self.num_classes(),
            pixels: all.pixels,
            labels: all.labels,
            scale: normalized_scale(MEAN, DEVIATION),
        })
    }
}

/// Records of a label (CIFAR-100: the coarse and the fine one) and the pixels.
fn binary(kind: Cifar, path: &Path) -> Result<Contents, DataError> {
    let labels = match kind {
        Cifar::Ten => 1,
        Cifar::Hundred => 2,
    };
    let bytes = files::read(path)?;
    let record = labels + PIXELS;
    if bytes.is_empty() || bytes.len() % record != 0 {
        return Err(DataError::Broken {
            path: path.to_owned(),
            reason: format!(
                "expected records of {record} bytes, found {} bytes, which is no multiple of that",
                bytes.len()
            ),
        });
    }
    let records = bytes.chunks(record);
    Ok(Contents {
        labels: records.clone().map(|record| record[labels - 1]).collect(),
        pixels: records
            .flat_map(|record| &record[labels..])
            .copied()
            .collect(),
    })
}

/// A pickled dictionary with an array of pixels and a list of labels.
fn python(kind: Cifar, path: &Path) -> Result<Contents, DataError> {
    let key = match kind {
        Cifar::Ten => "labels",
        Cifar::Hundred => "fine_labels",
    };
    let dictionary = pickle::Dictionary::read(path)?;
    let labels = dictionary.bytes_of_numbers(key)?;
    let pixels = dictionary.array("data")?;
    if pixels.is_empty() || pixels.len() != labels.len() * PIXELS {
        return Err(DataError::Broken {
            path: path.to_owned(),
            reason: format!(
                "expected {PIXELS} pixels for each of {} labels, found {}",
                labels.len(),
                pixels.len()
            ),
        });
    }
    Ok(Contents { pixels, labels })
}

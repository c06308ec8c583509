//! MNIST, from a folder of the user's, the cache, or the network.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    IdxError, Images, Split,
    idx::{Idx, decompressed},
    images::normalized_scale,
};
use crate::files::{self, FileError};

const CLASSES: u8 = 10;

/// The files, and the SHA-256 of what is inside (gzip headers differ between mirrors).
const FILES: [(&str, &str); 4] = [
    (
        "train-images-idx3-ubyte",
        "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    ),
    (
        "train-labels-idx1-ubyte",
        "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    ),
    (
        "t10k-images-idx3-ubyte",
        "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    ),
    (
        "t10k-labels-idx1-ubyte",
        "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    ),
];

const MIRRORS: [&str; 2] = [
    "https://ossci-datasets.s3.amazonaws.com/mnist",
    "https://storage.googleapis.com/cvdf-datasets/mnist",
];

/// Far more than any of the files.
const LARGEST_DOWNLOAD: u64 = 100 << 20;

/// Handwritten digits, 28 by 28 pixels, scaled to `[-1, 1]`.
#[derive(Clone, Debug)]
pub struct Mnist {
    /// 60,000 of them.
    pub train: Arc<Images>,
    /// 10,000 others.
    pub test: Arc<Images>,
}

/// Why there are no digits.
#[derive(Debug, thiserror::Error)]
pub enum MnistError {
    /// A file cannot be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// A file is broken.
    #[error(transparent)]
    Idx(#[from] IdxError),
    /// The user's folder lacks a file.
    #[error(
        "{folder}: found neither {name} nor {name}.gz there or in its subfolder \"mnist\"; \
         `--data-dir` takes the folder with MNIST's four files",
        folder = folder.display()
    )]
    Missing {
        /// The folder.
        folder: PathBuf,
        /// The file.
        name: &'static str,
    },
    /// Images and labels do not fit together.
    #[error(
        "{path}: expected as many labels as there are images, {images}, found {labels}",
        path = path.display()
    )]
    Count {
        /// The file of the labels.
        path: PathBuf,
        /// Number of images.
        images: usize,
        /// Number of labels.
        labels: usize,
    },
    /// A label that is no digit.
    #[error("{path}: expected labels from 0 to 9, found {found}", path = path.display())]
    Label {
        /// The file of the labels.
        path: PathBuf,
        /// The label.
        found: u8,
    },
    /// No images.
    #[error("{path}: expected images of at least 16x16 pixels, found {found:?}", path = path.display())]
    Empty {
        /// The file of the images.
        path: PathBuf,
        /// Its sizes.
        found: [usize; 3],
    },
    /// No mirror could be reached.
    #[error(
        "cannot download {name}: {reason}; put MNIST's four files into a folder and name it with \
         `--data-dir`"
    )]
    Download {
        /// The file.
        name: &'static str,
        /// What the last mirror said.
        reason: String,
    },
    /// Not the digits that everyone else has.
    #[error(
        "{path}: expected SHA-256 {expected}, found {found}; delete it to have it fetched again",
        path = path.display()
    )]
    Checksum {
        /// The file.
        path: PathBuf,
        /// The sum of the right content.
        expected: &'static str,
        /// The sum of the content found.
        found: String,
    },
    /// There is no folder to keep a download in.
    #[error("no cache folder on this system; name a folder with `--data-dir`")]
    NoCache,
}

impl Mnist {
    /// Reads the digits from `data_dir` (or its subfolder `mnist`); without one from the cache,
    /// which is filled from the network first.
    ///
    /// # Errors
    ///
    /// If a file is missing, broken, or cannot be fetched.
    pub fn load(data_dir: Option<&Path>) -> Result<Self, MnistError> {
        let [train_images, train_labels, test_images, test_labels] = match data_dir {
            Some(folder) => find_all(folder)?,
            None => fetch_all()?,
        };
        Ok(Self {
            train: Arc::new(read(&train_images, &train_labels)?),
            test: Arc::new(read(&test_images, &test_labels)?),
        })
    }

    /// The same as any data set's parts.
    pub fn split(self) -> Split {
        Split {
            train: self.train,
            test: self.test,
        }
    }
}

fn read(images: &Path, labels: &Path) -> Result<Images, MnistError> {
    let digits = Idx::<3>::read(images)?;
    let classes = Idx::<1>::read(labels)?;
    let [count, height, width] = digits.sizes;
    if count == 0 || height < 16 || width < 16 {
        return Err(MnistError::Empty {
            path: images.to_owned(),
            found: digits.sizes,
        });
    }
    if classes.bytes.len() != count {
        return Err(MnistError::Count {
            path: labels.to_owned(),
            images: count,
            labels: classes.bytes.len(),
        });
    }
    if let Some(&found) = classes.bytes.iter().find(|&&label| label >= CLASSES) {
        return Err(MnistError::Label {
            path: labels.to_owned(),
            found,
        });
    }
    Ok(Images {
        shape: [1, height, width],
        num_classes: CLASSES.into(),
        pixels: digits.bytes,
        labels: classes.bytes,
        scale: normalized_scale([0.5], [0.5]),
    })
}

fn find_all(folder: &Path) -> Result<[PathBuf; 4], MnistError> {
    let mut paths = [const { PathBuf::new() }; 4];
    for (path, (name, _)) in paths.iter_mut().zip(FILES) {
        *path = find(folder, name).ok_or_else(|| MnistError::Missing {
            folder: folder.to_owned(),
            name,
        })?;
    }
    Ok(paths)
}

fn find(folder: &Path, name: &str) -> Option<PathBuf> {
    let places = [folder.to_owned(), folder.join("mnist")];
    let names = [name.to_owned(), format!("{name}.gz")];
    let candidates = places
        .iter()
        .flat_map(|place| names.iter().map(|name| place.join(name)));
    candidates.into_iter().find(|candidate| candidate.is_file())
}

fn fetch_all() -> Result<[PathBuf; 4], MnistError> {
    let cache = dirs::cache_dir().ok_or(MnistError::NoCache)?;
    let folder = cache.join("lfp").join("mnist");
    let mut paths = [const { PathBuf::new() }; 4];
    for (path, (name, expected)) in paths.iter_mut().zip(FILES) {
        *path = folder.join(name);
        if !path.is_file() {
            files::create_folder(&folder)?;
            download(name, path)?;
        }
        let found = files::sha256(&files::read(path)?);
        if found != expected {
            return Err(MnistError::Checksum {
                path: path.clone(),
                expected,
                found,
            });
        }
    }
    Ok(paths)
}

fn download(name: &'static str, path: &Path) -> Result<(), MnistError> {
    let mut reason = String::new();
    for mirror in MIRRORS {
        let url = format!("{mirror}/{name}.gz");
        tracing::info!("fetching {url}");
        match get(&url) {
            Ok(content) => {
                let plain = decompressed(path, content)?;
                return Ok(files::write(path, &plain)?);
            }
            Err(error) => reason = error.to_string(),
        }
    }
    Err(MnistError::Download { name, reason })
}

fn get(url: &str) -> Result<Vec<u8>, ureq::Error> {
    let mut response = ureq::get(url).call()?;
    response
        .body_mut()
        .with_config()
        .limit(LARGEST_DOWNLOAD)
        .read_to_vec()
}

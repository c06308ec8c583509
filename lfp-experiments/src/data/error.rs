//! Why there are no data.

use std::path::PathBuf;

use super::{IdxError, MnistError};
use crate::files::FileError;

/// Why a data set cannot be used. Every error names the file.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// A file cannot be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// A file of MNIST is broken.
    #[error(transparent)]
    Idx(#[from] IdxError),
    /// MNIST.
    #[error(transparent)]
    Mnist(#[from] MnistError),
    /// Only MNIST can be fetched.
    #[error("dataset {0} is not fetched from the network: name its folder with `--data-dir`")]
    NoFolder(String),
    /// The folder holds something else.
    #[error("{folder}: found no {expected} there; `--data-dir` takes the folder with the unpacked data set", folder = folder.display())]
    NoDataSet {
        /// The folder.
        folder: PathBuf,
        /// What would be there.
        expected: String,
    },
    /// A file is not what it should be.
    #[error("{path}: {reason}", path = path.display())]
    Broken {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A label that is no class.
    #[error("{path}: expected labels below {classes}, found {found}", path = path.display())]
    Label {
        /// The file of the labels.
        path: PathBuf,
        /// The label.
        found: u32,
        /// Number of classes.
        classes: usize,
    },
    /// A file of labels names an image that is not there.
    #[error("{labels}: names {image}, which is missing", labels = labels.display(), image = image.display())]
    MissingImage {
        /// The file of the labels.
        labels: PathBuf,
        /// The image.
        image: PathBuf,
    },
    /// A class without images.
    #[error("{}: a class without images; remove it, or give it some", .0.display())]
    EmptyClass(PathBuf),
    /// An image that cannot be decoded.
    #[error("{path}: broken image ({reason})", path = path.display())]
    Image {
        /// The image.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The data have another number of classes than the model.
    #[error("{folder}: expected data of {expected} classes, as many as the model has, found {found}", folder = folder.display())]
    Classes {
        /// The data.
        folder: PathBuf,
        /// Classes of the model.
        expected: usize,
        /// Classes of the data.
        found: usize,
    },
}

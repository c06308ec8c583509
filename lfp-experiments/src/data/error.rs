//! Errors of loading and reading data sets.

use std::path::{Path, PathBuf};

use super::DataSet;
use crate::files::FileError;

/// A data set that cannot be used. Messages name the file, what was expected and what was found.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// A file cannot be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// No folder for a data set that cannot be downloaded.
    #[error("data set {0} cannot be downloaded; name its folder with `--data-dir`")]
    NoFolder(DataSet),
    /// A folder for a data set without files.
    #[error("data set {0} is generated and has no files; omit `--data-dir`")]
    Generated(DataSet),
    /// The folder does not contain the data set.
    #[error(
        "{folder}: found no {expected}; `--data-dir` takes the folder with the unpacked data set",
        folder = folder.display()
    )]
    NoDataSet {
        /// The folder.
        folder: PathBuf,
        /// Files that the data set has.
        expected: String,
    },
    /// A malformed file or folder.
    #[error("{path}: expected {expected}, found {found}", path = path.display())]
    Malformed {
        /// The file or folder.
        path: PathBuf,
        /// Expected content.
        expected: String,
        /// Content found.
        found: String,
    },
    /// A malformed line of a text file.
    #[error("{path}: line {line}: expected {expected}, found {found}", path = path.display())]
    MalformedLine {
        /// The file.
        path: PathBuf,
        /// Line number, from 1.
        line: u64,
        /// Expected content.
        expected: String,
        /// Content found.
        found: String,
    },
    /// A gzip file that is truncated or corrupt.
    #[error("{path}: broken gzip file ({source}); download it again", path = path.display())]
    Gzip {
        /// The file.
        path: PathBuf,
        /// Reason.
        source: std::io::Error,
    },
    /// A file of labels lists an image that does not exist.
    #[error(
        "{labels}: lists {image}, which is missing",
        labels = labels.display(), image = image.display()
    )]
    MissingImage {
        /// The file of labels.
        labels: PathBuf,
        /// The image.
        image: PathBuf,
    },
    /// A class without images.
    #[error("{}: class without images; remove it or add images", .0.display())]
    EmptyClass(PathBuf),
    /// An image that cannot be decoded.
    #[error("{path}: broken image ({reason})", path = path.display())]
    Image {
        /// The image.
        path: PathBuf,
        /// Reason.
        reason: String,
    },
    /// The number of classes differs from the expected one.
    #[error(
        "{folder}: expected data of {expected} classes, found {found}",
        folder = folder.display()
    )]
    Classes {
        /// The folder of the data set.
        folder: PathBuf,
        /// Expected number of classes.
        expected: usize,
        /// Number of classes found.
        found: usize,
    },
    /// The worker threads cannot be started.
    #[error("cannot start {workers} threads that read samples: {source}")]
    Workers {
        /// Number of threads; 0 for the number of cores.
        workers: usize,
        /// Reason.
        source: rayon::ThreadPoolBuildError,
    },
    /// No mirror delivered a file.
    #[error(
        "cannot download {name}: {reason}; put the data set's files into a folder and name it with `--data-dir`"
    )]
    Download {
        /// The file.
        name: &'static str,
        /// Error of the last mirror.
        reason: String,
    },
    /// The system has no cache folder for downloads.
    #[error("no cache folder on this system; name the data set's folder with `--data-dir`")]
    NoCache,
}

impl DataError {
    pub(super) fn malformed(
        path: &Path,
        expected: impl Into<String>,
        found: impl Into<String>,
    ) -> Self {
        Self::Malformed {
            path: path.to_owned(),
            expected: expected.into(),
            found: found.into(),
        }
    }

    /// For a label that is not below `classes`.
    pub(super) fn label(path: &Path, classes: usize, found: impl Into<u32>) -> Self {
        let expected = format!("labels from 0 to {}", classes - 1);
        Self::malformed(path, expected, found.into().to_string())
    }

    /// For a file that the `csv` crate cannot read as rows of `expected`.
    pub(super) fn csv(path: &Path, expected: &str, error: &csv::Error) -> Self {
        let line = error.position().map_or(0, csv::Position::line);
        let found = match error.kind() {
            csv::ErrorKind::UnequalLengths {
                expected_len, len, ..
            } => format!("{len} fields instead of {expected_len}"),
            csv::ErrorKind::Deserialize { err, .. } => err.to_string(),
            _ => error.to_string(),
        };
        Self::MalformedLine {
            path: path.to_owned(),
            line,
            expected: expected.to_owned(),
            found,
        }
    }
}

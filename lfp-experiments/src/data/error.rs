//! Errors of loading and reading data sets.

use std::path::{Path, PathBuf};

use super::DataSet;
use crate::{
    files::{self, FileError},
    interrupt::Interrupted,
    text::counted,
};

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
        "{folder}: found no {expected}; {hint}",
        folder = folder.display()
    )]
    NoDataSet {
        /// The folder.
        folder: PathBuf,
        /// Files that the data set has.
        expected: String,
        /// What to do, by what the folder holds instead.
        hint: String,
    },
    /// A file that is larger than any of its kind.
    #[error("{path}: {length} bytes; at most {limit} are read", path = path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Largest size in bytes.
        limit: u64,
        /// Its size in bytes.
        length: u64,
    },
    /// Training and test images of different sizes.
    #[error(
        "data set {data_set}: training images have the shape {train:?}, test images {test:?}; expected the same"
    )]
    Shapes {
        /// The data set.
        data_set: DataSet,
        /// Shape of the training images, `[channels, height, width]`.
        train: [usize; 3],
        /// Shape of the test images.
        test: [usize; 3],
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
        "{labels}: line {line}: lists {image}, which is missing",
        labels = labels.display(), image = image.display()
    )]
    MissingImage {
        /// The file of labels.
        labels: PathBuf,
        /// Line number, from 1.
        line: u64,
        /// The image.
        image: PathBuf,
    },
    /// A file of labels lists an image twice, which might put it into the training and the test part.
    #[error(
        "{labels}: lines {} and {} both list {image}; remove one of them",
        lines[0], lines[1], labels = labels.display(), image = image.display()
    )]
    RepeatedImage {
        /// The file of labels.
        labels: PathBuf,
        /// Line numbers, from 1.
        lines: [u64; 2],
        /// The image.
        image: PathBuf,
    },
    /// A part without samples.
    #[error("data set {data_set}: the {part} part has no samples")]
    EmptyPart {
        /// The data set.
        data_set: DataSet,
        /// `training` or `test`.
        part: &'static str,
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
    #[error(
        "cannot start {}: {source}; end other programs, or name fewer by `--workers` where a command has it",
        readers(*workers)
    )]
    Workers {
        /// Number of threads; 0 for the number of cores.
        workers: usize,
        /// Reason.
        source: rayon::ThreadPoolBuildError,
    },
    /// The thread that reads samples cannot be started.
    #[error(
        "cannot start the thread that reads samples: {0}; end other programs, or raise the limit of threads"
    )]
    Reader(std::io::Error),
    /// Reading a sample panicked.
    #[error("reading the samples panicked: {0}")]
    Panicked(String),
    /// The reading threads ended before all samples were read.
    #[error("{read} of {due} samples were read; the reading threads ended early")]
    Incomplete {
        /// Number of samples that were read.
        read: usize,
        /// Number of samples of the data set.
        due: usize,
    },
    /// The user asked the program to stop.
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
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

    /// For a line of a text file, counted from 1.
    pub(super) fn malformed_line(
        path: &Path,
        line: u64,
        expected: impl Into<String>,
        found: impl Into<String>,
    ) -> Self {
        Self::MalformedLine {
            path: path.to_owned(),
            line,
            expected: expected.into(),
            found: found.into(),
        }
    }

    /// For a folder without `expected`. The hint depends on what it has.
    pub(super) fn no_data_set(folder: &Path, expected: impl Into<String>) -> Self {
        let expected = expected.into();
        Self::NoDataSet {
            folder: folder.to_owned(),
            hint: hint(folder, &expected),
            expected,
        }
    }

    pub(super) fn too_large(path: &Path, limit: u64, length: u64) -> Self {
        Self::TooLarge {
            path: path.to_owned(),
            limit,
            length,
        }
    }

    /// For a label that is not below `classes`.
    pub(super) fn label(path: &Path, classes: usize, found: impl Into<u32>) -> Self {
        let expected = format!("labels from 0 to {}", classes - 1);
        Self::malformed(path, expected, found.into().to_string())
    }

    /// For a file that the `csv` crate cannot read as rows of `expected`.
    pub(super) fn csv(path: &Path, line: u64, expected: &str, error: &csv::Error) -> Self {
        let found = match error.kind() {
            csv::ErrorKind::UnequalLengths {
                expected_len, len, ..
            } => format!("{len} fields instead of {expected_len}"),
            csv::ErrorKind::Deserialize { err, .. } => err.to_string(),
            _ => error.to_string(),
        };
        Self::malformed_line(path, line, expected, found)
    }
}

/// Threads that read samples, of which 0 means one for each core.
fn readers(workers: usize) -> String {
    match workers {
        0 => "a thread that reads samples for each core".to_owned(),
        _ => format!("{} that read samples", counted(workers, "thread")),
    }
}

/// What to do about a folder without the data set.
fn hint(folder: &Path, expected: &str) -> String {
    if let Some(problem) = files::not_a_folder(folder) {
        return problem;
    }
    // Hugging Face puts its tables into a subfolder.
    let places = ["", "data", "plain_text"].map(|place| folder.join(place));
    let entries = places.iter().filter_map(|place| files::list(place).ok());
    let name = |path: PathBuf| Some(path.file_name()?.to_string_lossy().into_owned());
    let mut names: Vec<String> = entries.flatten().filter_map(name).collect();
    names.sort();
    let ending = |endings: &[&str]| {
        let is_it = |name: &&String| endings.iter().any(|ending| name.ends_with(ending));
        names.iter().find(is_it)
    };
    if let Some(name) = ending(&[".parquet", ".arrow"]) {
        return format!(
            "{} is a table of Hugging Face: of MNIST and CIFAR, train-*.parquet and test-*.parquet are read; of others, save the images to a folder per class, for `--dataset folder`",
            name.escape_debug()
        );
    }
    if let Some(name) = ending(&[".tar.gz", ".tgz", ".tar", ".zip", ".7z"]) {
        return format!("unpack {} first", name.escape_debug());
    }
    let has = |part: &str| names.iter().any(|name| name == part);
    if has("train") && has("test") && !expected.contains("CLASS") {
        return "for train/CLASS/* and test/CLASS/* use `--dataset folder`".to_owned();
    }
    "`--data-dir` takes the folder with the unpacked data set".to_owned()
}

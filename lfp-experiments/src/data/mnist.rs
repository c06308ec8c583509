//! MNIST: handwritten digits, read from a folder of the user's or from a downloaded copy in the cache.

use std::path::{Path, PathBuf};

use super::{
    DataError, DataSet, DataSetSpec, Images, Load, Split,
    formats::idx::{Idx, decompressed},
    images::normalization,
};
use crate::files;

impl DataSet {
    /// MNIST: 60,000 training and 10,000 test images of 1x28x28 pixels, ten classes, scaled to `[-1, 1]`.
    pub const MNIST: Self = Self::new(&DataSetSpec {
        name: "mnist",
        summary: "Handwritten digits, 28x28; downloaded if --data-dir is not given",
        load: Load::Download { load, is_cached },
    });
}

const CLASSES: u8 = 10;

/// The four files with the SHA-256 of their decompressed content: gzip headers differ between mirrors.
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

/// Limit of a download in bytes. The largest file has 10 MB.
const MAX_DOWNLOAD: u64 = 100 << 20;

fn load(folder: Option<&Path>) -> Result<Split, DataError> {
    let [train_images, train_labels, test_images, test_labels] = match folder {
        Some(folder) => find_all(folder)?,
        None => download_all()?,
    };
    Ok(Split::new(
        read(&train_images, &train_labels)?,
        read(&test_images, &test_labels)?,
    ))
}

fn read(images: &Path, labels: &Path) -> Result<Images, DataError> {
    let digits = Idx::<3>::read(images)?;
    let classes = Idx::<1>::read(labels)?;
    let [count, height, width] = digits.sizes;
    if count == 0 || height < 16 || width < 16 {
        let found = format!("{count} images of {height}x{width}");
        let expected = "images of at least 16x16 pixels";
        return Err(DataError::malformed(images, expected, found));
    }
    if classes.bytes.len() != count {
        let expected = format!("a label for each of {count} images");
        let found = format!("{} labels", classes.bytes.len());
        return Err(DataError::malformed(labels, expected, found));
    }
    if let Some(&found) = classes.bytes.iter().find(|&&label| label >= CLASSES) {
        return Err(DataError::label(labels, CLASSES.into(), found));
    }
    Ok(Images {
        shape: [1, height, width],
        num_classes: CLASSES.into(),
        class_names: &[],
        pixels: digits.bytes,
        labels: classes.bytes,
        lookup: normalization([0.5], [0.5]),
    })
}

fn find_all(folder: &Path) -> Result<[PathBuf; 4], DataError> {
    let mut paths = [const { PathBuf::new() }; 4];
    for (path, (name, _)) in paths.iter_mut().zip(FILES) {
        let candidates = [folder.join(name), folder.join(format!("{name}.gz"))];
        let found = candidates.into_iter().find(|candidate| candidate.is_file());
        *path = found.ok_or_else(|| DataError::NoDataSet {
            folder: folder.to_owned(),
            expected: format!("{name} or {name}.gz"),
        })?;
    }
    Ok(paths)
}

/// The folder of downloaded files.
fn cache() -> Option<PathBuf> {
    Some(dirs::cache_dir()?.join("lfp").join("mnist"))
}

fn is_cached() -> bool {
    let has_all = |folder: PathBuf| FILES.iter().all(|(name, _)| folder.join(name).is_file());
    cache().is_some_and(has_all)
}

fn download_all() -> Result<[PathBuf; 4], DataError> {
    let folder = cache().ok_or(DataError::NoCache)?;
    let mut paths = [const { PathBuf::new() }; 4];
    for (path, (name, expected)) in paths.iter_mut().zip(FILES) {
        *path = folder.join(name);
        if !path.is_file() {
            files::create_folder(&folder)?;
            download(name, path)?;
        }
        let found = files::sha256(&files::read(path)?);
        if found != expected {
            let found = format!("{found}; delete the file to download it again");
            return Err(DataError::malformed(
                path,
                format!("SHA-256 {expected}"),
                found,
            ));
        }
    }
    Ok(paths)
}

fn download(name: &'static str, path: &Path) -> Result<(), DataError> {
    let mut reason = String::new();
    for mirror in MIRRORS {
        let url = format!("{mirror}/{name}.gz");
        tracing::info!("downloading {url}");
        match get(&url) {
            Ok(content) => return Ok(files::write(path, &decompressed(path, content)?)?),
            Err(error) => reason = error.to_string(),
        }
    }
    Err(DataError::Download { name, reason })
}

fn get(url: &str) -> Result<Vec<u8>, ureq::Error> {
    let mut response = ureq::get(url).call()?;
    response
        .body_mut()
        .with_config()
        .limit(MAX_DOWNLOAD)
        .read_to_vec()
}

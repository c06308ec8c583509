//! MNIST: handwritten digits, read from a folder of the user's or from a downloaded copy in the cache.

mod csv;
mod hugging_face;

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use super::{
    DataError, DataSet, DataSetSpec, Load, Split,
    download::Download,
    formats::idx::{Idx, decompressed},
    hugging_face::FOLDERS,
    images::{Contents, normalization},
};
use crate::files;

impl DataSet {
    /// MNIST: 60,000 training and 10,000 test images of 1x28x28 pixels, ten classes, scaled to `[-1, 1]`.
    pub const MNIST: Self = Self::new(&DataSetSpec {
        name: "mnist",
        summary: "Handwritten digits, 28x28; downloaded if --data-dir is not given",
        folders: &[
            &TORCHVISION,
            NAMES.as_flattened(),
            hugging_face::TABLES.folders,
            &FOLDERS,
        ],
        load: Load::Download { load, is_cached },
    });
}

const CLASSES: u8 = 10;
/// Smallest height and width, which the pooling of LeNet needs.
const MIN_SIDE: usize = 16;
/// Largest height and width: networks for digits have a weight for each pixel.
const MAX_SIDE: usize = 256;

/// Folders of torchvision's download: `MNIST/raw`.
const TORCHVISION: [&str; 2] = ["MNIST", "raw"];

/// Names of the four files. On Kaggle they have a dot, or lie in a folder of their name.
const NAMES: [[&str; 2]; 4] = [
    ["train-images-idx3-ubyte", "train-images.idx3-ubyte"],
    ["train-labels-idx1-ubyte", "train-labels.idx1-ubyte"],
    ["t10k-images-idx3-ubyte", "t10k-images.idx3-ubyte"],
    ["t10k-labels-idx1-ubyte", "t10k-labels.idx1-ubyte"],
];

/// The SHA-256 of their decompressed content: gzip headers differ between mirrors.
const SHA256: [&str; 4] = [
    "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
];

const MIRRORS: [&str; 2] = [
    "https://ossci-datasets.s3.amazonaws.com/mnist",
    "https://storage.googleapis.com/cvdf-datasets/mnist",
];

/// Limit of a download in bytes, compressed and decompressed. The largest file has 10 and 47 MB.
const MAX_DOWNLOAD: u64 = 100 << 20;

fn load(folder: Option<&Path>) -> Result<Split, DataError> {
    let parts = match folder {
        Some(folder) => read_folder(folder)?,
        None => read_idx(download_all()?)?,
    };
    let [train, test] =
        parts.map(|digits| digits.into_images(CLASSES.into(), &[], normalization([0.5], [0.5])));
    Ok(Split::new(train, test))
}

/// Reads the published files, or tables.
fn read_folder(folder: &Path) -> Result<[Contents; 2], DataError> {
    let [_, raw] = TORCHVISION;
    let places = [
        folder.to_owned(),
        folder.join(PathBuf::from_iter(TORCHVISION)),
        folder.join(raw),
    ];
    let [images, ..] = NAMES;
    let published = places.iter().find(|place| find(place, images).is_some());
    if let Some(place) = published {
        return read_idx(find_all(place)?);
    }
    if let Some(tables) = csv::find(folder) {
        return csv::read(tables);
    }
    let tables = hugging_face::TABLES;
    if let Some([train, test]) = tables.find(folder)? {
        return Ok([tables.read(&train)?, tables.read(&test)?]);
    }
    read_idx(find_all(folder)?)
}

fn read_idx(
    [train_images, train_labels, test_images, test_labels]: [PathBuf; 4],
) -> Result<[Contents; 2], DataError> {
    Ok([
        read_part(&train_images, &train_labels)?,
        read_part(&test_images, &test_labels)?,
    ])
}

fn read_part(images: &Path, labels: &Path) -> Result<Contents, DataError> {
    let digits = Idx::<3>::read(images)?;
    let classes = Idx::<1>::read(labels)?;
    let [count, height, width] = digits.sizes;
    if count == 0 {
        return Err(DataError::malformed(images, "images", "none"));
    }
    check_side(images, height)?;
    check_side(images, width)?;
    if classes.bytes.len() != count {
        let expected = format!("a label for each of {count} images");
        let found = format!("{} labels", classes.bytes.len());
        return Err(DataError::malformed(labels, expected, found));
    }
    if let Some(&found) = classes.bytes.iter().find(|&&label| label >= CLASSES) {
        return Err(DataError::label(labels, CLASSES.into(), found));
    }
    Ok(Contents {
        sides: [height, width],
        pixels: digits.bytes,
        labels: classes.bytes,
    })
}

/// Checks the height or width of images in a file.
fn check_side(path: &Path, side: usize) -> Result<(), DataError> {
    match (MIN_SIDE..=MAX_SIDE).contains(&side) {
        true => Ok(()),
        false => {
            let expected =
                format!("images of {MIN_SIDE}x{MIN_SIDE} to {MAX_SIDE}x{MAX_SIDE} pixels");
            Err(DataError::malformed(
                path,
                expected,
                format!("a side of {side}"),
            ))
        }
    }
}

/// A published file in `place`, compressed or not.
fn find(place: &Path, names: [&str; 2]) -> Option<PathBuf> {
    let candidates = names.map(|name| {
        let file = place.join(name);
        [file.join(name), file, place.join(format!("{name}.gz"))]
    });
    let mut candidates = candidates.into_iter().flatten();
    candidates.find(|candidate| candidate.is_file())
}

fn find_all(folder: &Path) -> Result<[PathBuf; 4], DataError> {
    let mut paths = [const { PathBuf::new() }; 4];
    for (path, names @ [name, _]) in paths.iter_mut().zip(NAMES) {
        let expected = format!("{name} or {name}.gz");
        *path = find(folder, names).ok_or_else(|| DataError::no_data_set(folder, expected))?;
    }
    Ok(paths)
}

/// The folder of downloaded files.
fn cache() -> Option<PathBuf> {
    Some(dirs::cache_dir()?.join("lfp").join("mnist"))
}

fn is_cached() -> bool {
    let has_all = |folder: PathBuf| NAMES.iter().all(|[name, _]| folder.join(name).is_file());
    cache().is_some_and(has_all)
}

fn download_all() -> Result<[PathBuf; 4], DataError> {
    let folder = cache().ok_or(DataError::NoCache)?;
    let mut paths = [const { PathBuf::new() }; 4];
    let published = NAMES.into_iter().zip(SHA256);
    for (path, ([name, _], expected)) in paths.iter_mut().zip(published) {
        *path = folder.join(name);
        if !path.is_file() {
            files::create_folder(&folder)?;
            files::write(path, &download(name, expected)?)?;
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

/// The decompressed content of a published file.
fn download(name: &'static str, sha256: &str) -> Result<Vec<u8>, DataError> {
    let download = Download {
        name: &format!("{name}.gz"),
        mirrors: &MIRRORS,
        limit: MAX_DOWNLOAD,
        pause: Duration::from_secs(1),
    };
    let accept = |content| {
        let plain = decompressed(content, MAX_DOWNLOAD).map_err(|error| error.to_string())?;
        match files::sha256(&plain) == sha256 {
            true => Ok(plain),
            false => Err("another content than the published file".to_owned()),
        }
    };
    let content = download.fetch(accept);
    content.map_err(|reason| DataError::Download { name, reason })
}

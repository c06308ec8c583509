//! Any photographs: `train/CLASS/*` and `test/CLASS/*` (or `val/CLASS/*`).

use std::path::{Path, PathBuf};

use super::{
    Augmentation, IMAGENET, Labelled, Reading, check_classes, entries, name, photographs_in,
};
use crate::data::{DataError, Split};

/// Reads photographs in a folder for each class. Classes are numbered by name.
///
/// # Errors
///
/// If a part is missing, a class is empty or of one part alone, or a file is no image.
pub fn folder(root: &Path, reading: Reading) -> Result<Split, DataError> {
    let train = root.join("train");
    let test = ["test", "val"].map(|name| root.join(name));
    let test = test.iter().find(|path| path.is_dir());
    let (true, Some(test)) = (train.is_dir(), test) else {
        return Err(DataError::NoDataSet {
            folder: root.to_owned(),
            expected: "train/CLASS/* and test/CLASS/*".to_owned(),
        });
    };
    let classes = classes(&train)?;
    same_classes(&classes, test)?;
    let parts = [labelled(&train, &classes)?, labelled(test, &classes)?];
    let preparations =
        [Augmentation::Mirror, Augmentation::None].map(|of| reading.preparation(IMAGENET, of));
    reading.split(parts, classes.len(), preparations)
}

/// The names of the subfolders.
pub(super) fn classes(part: &Path) -> Result<Vec<String>, DataError> {
    let folders = entries(part)?.into_iter().filter(|path| path.is_dir());
    let classes: Vec<String> = folders.map(|path| name(&path)).collect();
    match classes.is_empty() {
        true => Err(DataError::NoDataSet {
            folder: part.to_owned(),
            expected: "folder for each class".to_owned(),
        }),
        false => Ok(classes),
    }
}

/// That another part has the same classes.
pub(super) fn same_classes(classes: &[String], part: &Path) -> Result<(), DataError> {
    let others = self::classes(part)?;
    let differs = |(ours, theirs): (&[String], &[String])| {
        let only = ours.iter().find(|class| !theirs.contains(class));
        only.cloned()
    };
    let missing = differs((classes, &others));
    let unknown = differs((&others, classes));
    match missing.or(unknown) {
        Some(class) => Err(DataError::Broken {
            path: part.join(&class),
            reason: "expected the same classes for training and for testing, and this is one of one part alone"
                .to_owned(),
        }),
        None => Ok(()),
    }
}

pub(super) fn labelled(part: &Path, classes: &[String]) -> Result<Vec<Labelled>, DataError> {
    let mut all = Vec::new();
    let folders: Vec<PathBuf> = classes.iter().map(|class| part.join(class)).collect();
    for (label, folder) in (0..).zip(&folders) {
        let photographs = photographs_in(folder)?.into_iter();
        all.extend(photographs.map(|path| Labelled { path, label }));
    }
    check_classes(&all, &folders, |_| false)?;
    Ok(all)
}

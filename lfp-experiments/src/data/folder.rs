//! Image files in a folder per class: `train/CLASS/*` and `test/CLASS/*` (or `val/CLASS/*`).

use std::path::{Path, PathBuf};

use super::{
    Augmentation, DataError, DataSet, DataSetSpec, Load, Reading, Split,
    image_files::{IMAGENET, Labelled, check_classes, entries, images_in, name},
};

impl DataSet {
    /// Any image files, `train/CLASS/*` and `test/CLASS/*`. Classes are numbered in the order of their names.
    pub const FOLDER: Self = Self::new(&DataSetSpec {
        name: "folder",
        summary: "Your own image files in train/CLASS/* and test/CLASS/*",
        load: Load::ImageFiles(load),
    });
}

fn load(root: &Path, reading: Reading) -> Result<Split, DataError> {
    let train = root.join("train");
    let test = ["test", "val"].map(|name| root.join(name));
    let test = test.iter().find(|path| path.is_dir());
    let (true, Some(test)) = (train.is_dir(), test) else {
        return Err(DataError::NoDataSet {
            folder: root.to_owned(),
            expected: "train/CLASS/* and test/CLASS/*".to_owned(),
        });
    };
    let (parts, classes) = labelled_parts(&train, test)?;
    let preparations = [Augmentation::Flip, Augmentation::None]
        .map(|augmentation| reading.preparation(IMAGENET, augmentation));
    reading.split(parts, classes, preparations)
}

/// The images of both parts, labelled by their subfolders, and the names of the classes.
pub(super) fn labelled_parts(
    train: &Path,
    test: &Path,
) -> Result<([Vec<Labelled>; 2], Vec<String>), DataError> {
    let classes = classes(train)?;
    check_same_classes(&classes, test)?;
    let parts = [labelled(train, &classes)?, labelled(test, &classes)?];
    Ok((parts, classes))
}

/// Names of the subfolders.
fn classes(part: &Path) -> Result<Vec<String>, DataError> {
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

fn check_same_classes(train_classes: &[String], test: &Path) -> Result<(), DataError> {
    let test_classes = classes(test)?;
    let only_in = |ours: &[String], others: &[String]| {
        ours.iter().find(|class| !others.contains(class)).cloned()
    };
    let missing = only_in(train_classes, &test_classes);
    match missing.or_else(|| only_in(&test_classes, train_classes)) {
        Some(class) => Err(DataError::malformed(
            &test.join(class),
            "the same classes for training and testing",
            "this class in one part only",
        )),
        None => Ok(()),
    }
}

fn labelled(part: &Path, classes: &[String]) -> Result<Vec<Labelled>, DataError> {
    let mut all = Vec::new();
    let folders: Vec<PathBuf> = classes.iter().map(|class| part.join(class)).collect();
    for (label, folder) in (0..).zip(&folders) {
        let images = images_in(folder)?.into_iter();
        all.extend(images.map(|path| Labelled { path, label }));
    }
    check_classes(&all, folders.into_iter().map(Some))?;
    Ok(all)
}

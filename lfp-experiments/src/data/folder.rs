//! Image files in a folder per class: `train/CLASS/*` and `test/CLASS/*` (or `val`, `valid`, `validation`).

use std::{
    collections::HashSet,
    ffi::OsString,
    path::{Path, PathBuf},
};

use super::{
    Augmentation, DataError, DataSet, DataSetSpec, Load, Reading, Split,
    image_files::{IMAGENET, Labelled},
    listing::{Skipped, file_name, folders, images_below},
};

impl DataSet {
    /// Any image files, `train/CLASS/*` and `test/CLASS/*`, in subfolders, too. Classes are numbered in the order of their
    /// names.
    pub const FOLDER: Self = Self::new(&DataSetSpec {
        name: "folder",
        summary: "Your own image files in train/CLASS/* and test/CLASS/*",
        folders: &[&[TRAIN], &TEST_PARTS],
        load: Load::ImageFiles(load),
    });
}

const TRAIN: &str = "train";
/// Names of the test part. The first one with classes is used.
const TEST_PARTS: [&str; 4] = ["test", "val", "valid", "validation"];

fn load(root: &Path, reading: Reading) -> Result<Split, DataError> {
    let mut skipped = Skipped::default();
    let train = root.join(TRAIN);
    let test = test_part(root, &mut skipped)?;
    let (true, Some(test)) = (train.is_dir(), test) else {
        let expected = "train/CLASS/* and test/CLASS/*";
        return Err(DataError::no_data_set(root, expected));
    };
    let (parts, classes) = labelled_parts(&train, &test, &mut skipped)?;
    let preparations = [Augmentation::Flip, Augmentation::None]
        .map(|augmentation| reading.preparation(IMAGENET, augmentation));
    let split = reading.split(parts, classes, preparations)?;
    skipped.report(root);
    Ok(split)
}

/// The folder of the test part. A folder without classes, such as the unlabelled test images of a competition, is passed over.
fn test_part(root: &Path, skipped: &mut Skipped) -> Result<Option<PathBuf>, DataError> {
    let mut found = None;
    let parts = TEST_PARTS.map(|name| root.join(name));
    for part in parts.into_iter().filter(|path| path.is_dir()) {
        let has_classes = !folders(&part, &mut Skipped::default())?.is_empty();
        match (&found, has_classes) {
            (None, true) => found = Some(part),
            (None, false) => skipped.add("test part without classes", &part),
            (Some(_), _) => skipped.add("further test part", &part),
        }
    }
    Ok(found)
}

/// The images of both parts, labelled by their subfolders, and the names of the classes.
pub(super) fn labelled_parts(
    train: &Path,
    test: &Path,
    skipped: &mut Skipped,
) -> Result<([Vec<Labelled>; 2], Vec<String>), DataError> {
    let [of_train, of_test] = [classes(train, skipped)?, classes(test, skipped)?];
    check_same_classes(&of_train, &of_test, [train, test])?;
    let names = of_train.iter();
    let names = names.map(|class| file_name(class).to_string_lossy().into_owned());
    let names = names.collect();
    let parts = [labelled(of_train, skipped)?, labelled(of_test, skipped)?];
    Ok((parts, names))
}

/// The folders of the classes.
fn classes(part: &Path, skipped: &mut Skipped) -> Result<Vec<PathBuf>, DataError> {
    let classes = folders(part, skipped)?;
    match classes.is_empty() {
        true => Err(DataError::no_data_set(part, "folder for each class")),
        false => Ok(classes),
    }
}

/// Names are compared as they are on disk: different ones may look the same when they are shown.
fn check_same_classes(
    train: &[PathBuf],
    test: &[PathBuf],
    [train_part, test_part]: [&Path; 2],
) -> Result<(), DataError> {
    let names = |classes: &[PathBuf]| -> HashSet<OsString> {
        classes.iter().map(|class| file_name(class)).collect()
    };
    let only_in = |ours: &[PathBuf], others: &[PathBuf]| {
        let others = names(others);
        let mut ours = ours.iter();
        ours.find(|class| !others.contains(&file_name(class)))
            .cloned()
    };
    let in_train = only_in(train, test).map(|class| (class, test_part));
    let in_one = in_train.or_else(|| only_in(test, train).map(|class| (class, train_part)));
    match in_one {
        Some((class, other)) => Err(DataError::malformed(
            &class,
            "the same classes for training and testing",
            format!("no such class in {}", other.display()),
        )),
        None => Ok(()),
    }
}

fn labelled(classes: Vec<PathBuf>, skipped: &mut Skipped) -> Result<Vec<Labelled>, DataError> {
    let mut all = Vec::new();
    for (label, folder) in (0..).zip(classes) {
        let mut others = Skipped::default();
        let images = images_below(&folder, &mut others)?;
        match (images.is_empty(), others.is_empty()) {
            (true, true) => return Err(DataError::EmptyClass(folder)),
            (true, false) => {
                let expected = "images (JPEG, PNG, BMP, GIF, WebP or PNM)";
                return Err(DataError::malformed(&folder, expected, others.to_string()));
            }
            (false, _) => skipped.extend(others),
        }
        all.extend(images.into_iter().map(|path| Labelled { path, label }));
    }
    Ok(all)
}

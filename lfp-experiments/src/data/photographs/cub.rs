//! CUB-200-2011: `images.txt`, `image_class_labels.txt` and `train_test_split.txt`, lines of an image's number and what
//! the file says of it.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use super::{Augmentation, Fit, Labelled, Reading, check_classes, unpacked};
use crate::{
    data::{DataError, Preparation, Split},
    files,
};

/// Mean and deviation of the channels, as the authors' configuration has them.
const SCALE: ([f32; 3], [f32; 3]) = (
    [0.474_734_9, 0.488_35, 0.417_599_5],
    [0.227_987_73, 0.222_885_73, 0.259_824_04],
);

/// Reads CUB-200-2011, split as published: 1 in `train_test_split.txt` is for training.
///
/// # Errors
///
/// If a file is missing or broken, names an image that is not there, or an image is none.
pub fn cub(root: &Path, reading: Reading) -> Result<Split, DataError> {
    let root = unpacked(root, "CUB_200_2011");
    let names = root.join("images.txt");
    if !names.is_file() {
        return Err(DataError::NoDataSet {
            folder: root,
            expected: "images.txt".to_owned(),
        });
    }
    let paths = Table::read(&names)?;
    let labels = Table::read(&root.join("image_class_labels.txt"))?;
    let is_training = Table::read(&root.join("train_test_split.txt"))?;
    let mut parts = [Vec::new(), Vec::new()];
    let mut num_classes = 0;
    for (number, path) in &paths.rows {
        let image = root.join("images").join(path);
        if !image.is_file() {
            return Err(DataError::MissingImage {
                labels: names.clone(),
                image,
            });
        }
        // Classes are counted from 1.
        let class = labels.number(number)?;
        let label = class
            .checked_sub(1)
            .ok_or_else(|| labels.broken(number, "a class from 1"))?;
        num_classes = num_classes.max(class as usize);
        let part = match is_training.number(number)? {
            1 => 0,
            0 => 1,
            _ => return Err(is_training.broken(number, "0 or 1")),
        };
        parts[part].push(Labelled { path: image, label });
    }
    let classes: Vec<PathBuf> = (1..=num_classes)
        .map(|class| root.join(format!("images/{class:03}.*")))
        .collect();
    for part in &parts {
        check_classes(part, &classes, |_| false)?;
    }
    let train = Preparation {
        fit: Fit::CropMiddle,
        ..reading.preparation(SCALE, Augmentation::Birds)
    };
    let test = reading.preparation(SCALE, Augmentation::None);
    reading.split(parts, num_classes, [train, test])
}

/// A file of lines `NUMBER VALUE`.
struct Table {
    path: PathBuf,
    rows: BTreeMap<u32, String>,
}

impl Table {
    fn read(path: &Path) -> Result<Self, DataError> {
        let content = files::read(path)?;
        let content = String::from_utf8_lossy(&content);
        let row = |(index, line): (usize, &str)| {
            let row = line
                .trim()
                .split_once(' ')
                .and_then(|(number, value)| Some((number.parse().ok()?, value.trim().to_owned())));
            row.ok_or_else(|| DataError::Broken {
                path: path.to_owned(),
                reason: format!(
                    "line {}: expected a number and a value, found \"{line}\"",
                    index + 1
                ),
            })
        };
        let lines = content
            .lines()
            .enumerate()
            .filter(|(_, line)| !line.trim().is_empty());
        Ok(Self {
            path: path.to_owned(),
            rows: lines.map(row).collect::<Result<_, _>>()?,
        })
    }

    /// The number that it has for an image.
    fn number(&self, image: &u32) -> Result<u32, DataError> {
        let value = self.rows.get(image).and_then(|value| value.parse().ok());
        value.ok_or_else(|| self.broken(image, "a number"))
    }

    fn broken(&self, image: &u32, expected: &str) -> DataError {
        DataError::Broken {
            path: self.path.clone(),
            reason: format!(
                "expected {expected} for image {image}, found {}",
                self.rows.get(image).map_or("none", String::as_str)
            ),
        }
    }
}

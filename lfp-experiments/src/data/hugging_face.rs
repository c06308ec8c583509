//! Data sets as Hugging Face publishes them: tables such as `train-00000-of-00001.parquet`, with an image file and a label per
//! row.

use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::{
    DataError,
    formats::{parquet, photograph::Photograph},
    listing::file_name,
};
use crate::files;

/// Parts of a data set, as the names of their tables have them.
const PARTS: [&str; 2] = ["train", "test"];

/// How a data set is published.
pub(super) struct Published {
    /// Folders that its tables may lie in.
    pub(super) folders: &'static [&'static str],
    /// Column of the labels.
    pub(super) label: &'static str,
    pub(super) num_classes: usize,
}

/// An image file in a table.
pub(super) struct Embedded<'a> {
    /// Table and row, for messages.
    pub(super) path: PathBuf,
    pub(super) file: &'a [u8],
}

impl Embedded<'_> {
    /// Width and height.
    pub(super) fn size(&self) -> Result<(u32, u32), DataError> {
        Photograph::new(&self.path).size(self.file)
    }

    pub(super) fn decode(&self) -> Result<image::DynamicImage, DataError> {
        Photograph::new(&self.path).decode_content(self.file)
    }
}

impl Published {
    /// The tables for training and testing, if there are any for training.
    pub(super) fn find(&self, folder: &Path) -> Result<Option<[Vec<PathBuf>; 2]>, DataError> {
        let folders = ["", "data"].iter().chain(self.folders);
        let mut found = folders.map(|place| PARTS.map(|part| tables(&folder.join(place), part)));
        let found = found.find(|[train, _]| !train.is_empty());
        if let Some([train, test]) = &found
            && let (Some(first), true) = (train.first(), test.is_empty())
        {
            let expected = "a table for testing beside it, with \"test\" in its name";
            return Err(DataError::malformed(first, expected, "none"));
        }
        Ok(found)
    }

    /// Reads tables, and the images in them by `decode`, in the order of the rows.
    pub(super) fn read<T: Send>(
        &self,
        tables: &[PathBuf],
        decode: impl Fn(&Embedded<'_>) -> Result<T, DataError> + Sync,
    ) -> Result<(Vec<T>, Vec<u8>), DataError> {
        check_count(tables)?;
        let (mut images, mut labels) = (Vec::new(), Vec::new());
        for path in tables {
            let rows = parquet::read(path, self.label)?;
            for row in &rows {
                let label = u8::try_from(row.label).ok();
                let label = label.filter(|&label| usize::from(label) < self.num_classes);
                labels.push(label.ok_or_else(|| {
                    let expected = format!("labels from 0 to {}", self.num_classes - 1);
                    DataError::malformed(path, expected, row.label.to_string())
                })?);
            }
            let decoded = rows.par_iter().enumerate().map(|(index, row)| {
                decode(&Embedded {
                    path: path.join(format!("row {}", index + 1)),
                    file: row.file.data(),
                })
            });
            images.extend(decoded.collect::<Result<Vec<_>, _>>()?);
        }
        Ok((images, labels))
    }
}

/// The tables of a part in a folder, `train-00000-of-00002.parquet` or `train/0000.parquet`, in the order of their names.
fn tables(place: &Path, part: &str) -> Vec<PathBuf> {
    let list = |folder: &Path| files::list(folder).unwrap_or_default();
    let is_table = |path: &PathBuf| {
        path.extension()
            .is_some_and(|extension| extension.eq_ignore_ascii_case("parquet"))
    };
    let has_part = |path: &PathBuf| {
        let name = file_name(path).to_string_lossy().to_lowercase();
        let mut words = name.split(|letter: char| !letter.is_alphanumeric());
        words.any(|word| word == part)
    };
    let mut tables: Vec<_> = list(place).into_iter().filter(has_part).collect();
    tables.extend(list(&place.join(part)));
    tables.retain(is_table);
    tables.sort();
    tables
}

/// Checks that no table is missing of those that the names of the others count, as `-of-00002` does.
fn check_count(tables: &[PathBuf]) -> Result<(), DataError> {
    for path in tables {
        let name = file_name(path).to_string_lossy().into_owned();
        let Some((_, rest)) = name.split_once("-of-") else {
            continue;
        };
        let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
        let found = tables.len();
        if digits.parse().is_ok_and(|count: usize| count != found) {
            let expected = format!("all of {} tables", digits.trim_start_matches('0'));
            return Err(DataError::malformed(path, expected, found.to_string()));
        }
    }
    Ok(())
}

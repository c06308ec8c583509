//! Data sets as Hugging Face publishes them: tables such as `train-00000-of-00001.parquet`, with an image file and a label per
//! row.

use std::path::{Path, PathBuf};

use image::DynamicImage;
use rayon::prelude::*;

use super::{
    DataError,
    formats::{
        idx::MAX_ELEMENTS,
        parquet::{self, Row},
        photograph::Photograph,
    },
    images::Contents,
    listing::file_name,
};
use crate::files;

/// Parts of a data set, as the names of their tables have them.
const PARTS: [&str; 2] = ["train", "test"];
/// A folder that tables of any data set may lie in.
const DATA: &str = "data";
/// Folders of tables in that of a data set, beside its [own](Published::folders).
pub(super) const FOLDERS: [&str; 3] = [DATA, PARTS[0], PARTS[1]];

/// How a data set is published.
pub(super) struct Published {
    /// Folders that its tables may lie in.
    pub(super) folders: &'static [&'static str],
    /// Column of the labels.
    pub(super) label: &'static str,
    pub(super) num_classes: usize,
    /// Bytes of a pixel.
    pub(super) channels: usize,
    /// Checks height and width of the images in a table.
    pub(super) check: fn(&Path, [usize; 2]) -> Result<(), DataError>,
    /// The pixels of an image, whose path is that of its table and row.
    pub(super) pixels: fn(&Path, DynamicImage) -> Result<Vec<u8>, DataError>,
}

impl Published {
    /// The tables for training and testing, if there are any for training.
    pub(super) fn find(&self, folder: &Path) -> Result<Option<[Vec<PathBuf>; 2]>, DataError> {
        let folders = ["", DATA].iter().chain(self.folders);
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

    /// Reads tables, in the order of the rows.
    pub(super) fn read(&self, tables: &[PathBuf]) -> Result<Contents, DataError> {
        self.read_within(tables, MAX_ELEMENTS)
    }

    /// Reads tables whose images have at most `limit` bytes when decoded: a column can repeat an image in a few bytes.
    fn read_within(&self, tables: &[PathBuf], limit: usize) -> Result<Contents, DataError> {
        check_count(tables)?;
        let mut contents = Contents::default();
        for path in tables {
            let rows = parquet::read(path, self.label)?;
            self.read_labels(path, &rows, &mut contents.labels)?;
            self.check_sizes(path, &rows, &mut contents.sides)?;
            let size = contents.sides.iter().product::<usize>() * self.channels;
            let start = contents.pixels.len();
            let length = rows.len().saturating_mul(size).saturating_add(start);
            if length > limit {
                let expected = format!("images of at most {limit} bytes when decoded");
                return Err(DataError::malformed(path, expected, length.to_string()));
            }
            contents.pixels.resize(length, 0);
            let places = contents.pixels.split_at_mut(start).1;
            // The first of several faults, in the order of the rows.
            let fault = rows
                .par_iter()
                .zip(places.par_chunks_mut(size.max(1)))
                .enumerate()
                .find_map_first(|(index, (row, place))| {
                    self.decode(&place_of(path, index), row, place).err()
                });
            if let Some(fault) = fault {
                return Err(fault);
            }
        }
        Ok(contents)
    }

    fn read_labels(
        &self,
        path: &Path,
        rows: &[Row],
        labels: &mut Vec<u8>,
    ) -> Result<(), DataError> {
        for row in rows {
            let label = u8::try_from(row.label).ok();
            let label = label.filter(|&label| usize::from(label) < self.num_classes);
            labels.push(label.ok_or_else(|| {
                let expected = format!("labels from 0 to {}", self.num_classes - 1);
                DataError::malformed(path, expected, row.label.to_string())
            })?);
        }
        Ok(())
    }

    /// Checks that all images have the size of the first one of all tables.
    fn check_sizes(
        &self,
        path: &Path,
        rows: &[Row],
        sides: &mut [usize; 2],
    ) -> Result<(), DataError> {
        let size_of = |index: usize, row: &Row| {
            let size = Photograph::new(&place_of(path, index)).size(row.file.data());
            size.map(|(width, height)| [height as usize, width as usize])
        };
        if let (Some(first), [0, 0]) = (rows.first(), &sides) {
            *sides = size_of(0, first)?;
            (self.check)(&place_of(path, 0), *sides)?;
        }
        let first @ [height, width] = *sides;
        let check = |index: usize, row: &Row| match size_of(index, row)? {
            found if found == first => Ok(()),
            found => {
                let expected = format!("{width}x{height} pixels, as in the first row");
                let found = format!("{}x{}", found[1], found[0]);
                Err(DataError::malformed(
                    &place_of(path, index),
                    expected,
                    found,
                ))
            }
        };
        let rows = rows.par_iter().enumerate();
        let fault = rows.find_map_first(|(index, row)| check(index, row).err());
        fault.map_or(Ok(()), Err)
    }

    fn decode(&self, path: &Path, row: &Row, place: &mut [u8]) -> Result<(), DataError> {
        let image = Photograph::new(path).decode_content(row.file.data())?;
        let pixels = (self.pixels)(path, image)?;
        if pixels.len() != place.len() {
            let expected = format!("{} bytes of pixels", place.len());
            let found = pixels.len().to_string();
            return Err(DataError::malformed(path, expected, found));
        }
        place.copy_from_slice(&pixels);
        Ok(())
    }
}

/// Table and row, for messages.
fn place_of(table: &Path, index: usize) -> PathBuf {
    table.join(format!("row {}", index + 1))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_images_of_all_tables_together_are_limited_before_they_are_decoded() {
        let published = Published {
            folders: &[],
            label: "label",
            num_classes: 10,
            channels: 1,
            check: |_, _| Ok(()),
            pixels: |_, image| Ok(image.into_luma8().into_raw()),
        };
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/parquet");
        let tables = ["digits", "plain"].map(|name| folder.join(format!("{name}.parquet")));
        // Four images of 28x28 in each.
        let limit = 2 * 4 * 28 * 28;
        let read = published.read_within(&tables, limit).unwrap();
        assert_eq!((read.pixels.len(), read.labels.len()), (limit, 8));
        let error = published.read_within(&tables, limit - 1).err().unwrap();
        let error = error.to_string();
        assert!(
            error.contains("plain.parquet") && error.contains("at most 6271 bytes"),
            "{error}"
        );
    }
}

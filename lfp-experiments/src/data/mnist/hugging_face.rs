//! MNIST as Hugging Face has it: a PNG file and a label per row.

use std::path::PathBuf;

use super::{CLASSES, Digits, check_side};
use crate::data::{
    DataError,
    hugging_face::{Embedded, Published},
};

pub(super) const TABLES: Published = Published {
    folders: &["mnist"],
    label: "label",
    num_classes: CLASSES as usize,
};

/// Reads the tables of a part.
pub(super) fn read(tables: &[PathBuf]) -> Result<Digits, DataError> {
    let (images, labels) = TABLES.read(tables, decoded)?;
    let sides = images.first().map_or([0, 0], |(_, sides, _)| *sides);
    let mut pixels = Vec::new();
    for (path, found, image) in images {
        if found != sides {
            let [height, width] = sides;
            let expected = format!("{width}x{height} pixels, as in the first row");
            let found = format!("{}x{}", found[1], found[0]);
            return Err(DataError::malformed(&path, expected, found));
        }
        pixels.extend(image);
    }
    Ok(Digits {
        sides,
        pixels,
        labels,
    })
}

/// Table and row of an image, its height and width, and its pixels.
fn decoded(image: &Embedded<'_>) -> Result<(PathBuf, [usize; 2], Vec<u8>), DataError> {
    let (width, height) = image.size()?;
    let sides = [height as usize, width as usize];
    for side in sides {
        check_side(&image.path, side)?;
    }
    let decoded = image.decode()?;
    if decoded.color().has_color() {
        let expected = "a digit in shades of grey";
        return Err(DataError::malformed(&image.path, expected, "colours"));
    }
    Ok((image.path.clone(), sides, decoded.into_luma8().into_raw()))
}

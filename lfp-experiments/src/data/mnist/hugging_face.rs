//! MNIST as Hugging Face has it: a PNG file and a label per row.

use std::path::Path;

use image::DynamicImage;

use super::{CLASSES, check_side};
use crate::data::{DataError, hugging_face::Published};

pub(super) const TABLES: Published = Published {
    folders: &["mnist"],
    label: "label",
    num_classes: CLASSES as usize,
    channels: 1,
    check: |path, sides| {
        sides
            .into_iter()
            .try_for_each(|side| check_side(path, side))
    },
    pixels: grey,
};

fn grey(path: &Path, image: DynamicImage) -> Result<Vec<u8>, DataError> {
    match image.color().has_color() {
        true => {
            let expected = "a digit in shades of grey";
            Err(DataError::malformed(path, expected, "colours"))
        }
        false => Ok(image.into_luma8().into_raw()),
    }
}

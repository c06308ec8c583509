//! CIFAR-10 as Kaggle has it: `train/1.png` and so on, and their classes in `trainLabels.csv`. Its test images have no labels.

use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::{SIDES, check_size, planes};
use crate::data::{
    DataError,
    formats::{photograph::Photograph, table::Table},
    held_out,
    images::Contents,
    listing::{Listed, Skipped, images_in, skip_unlisted},
};

/// Folder of the images.
pub(super) const FOLDER: &str = "train";

/// The table of classes in a folder.
pub(super) fn find(folder: &Path) -> Option<PathBuf> {
    let labels = folder.join("trainLabels.csv");
    (labels.is_file() && folder.join(FOLDER).is_dir()).then_some(labels)
}

/// Training images, of which a share is held out for testing.
pub(super) fn read(labels: &Path, classes: &[&str]) -> Result<[Contents; 2], DataError> {
    let folder = labels.with_file_name(FOLDER);
    let images = listed(labels, &folder, classes)?;
    let mut skipped = Skipped::default();
    let found = images_in(&folder, &mut skipped)?;
    skip_unlisted(&found, images.iter().map(|(path, _)| &**path), &mut skipped);
    skipped.report(&folder);
    held_out::announce(labels, held_out::NO_LABELS);
    let class = |(_, label): &(PathBuf, u8)| usize::from(*label);
    let parts = held_out::stratified(labels, images, class, classes.len())?;
    let [train, test] = parts.map(|mut part| {
        part.sort();
        decoded(&part)
    });
    Ok([train?, test?])
}

/// The images of the table, and their classes.
fn listed(labels: &Path, folder: &Path, classes: &[&str]) -> Result<Vec<(PathBuf, u8)>, DataError> {
    let table = Table::read(labels, b",;\t")?;
    let mut images = Vec::new();
    let mut listed = Listed::new(labels, folder);
    for row in table.rows() {
        let row = row.map_err(|error| table.unreadable("an image and its class", &error))?;
        let (image, class) = match (row.get(0), row.get(1)) {
            (Some("id"), _) => continue,
            (image, class) => (image.unwrap_or_default(), class.unwrap_or_default()),
        };
        let label = classes.iter().position(|name| *name == class);
        let label = label.and_then(|label| u8::try_from(label).ok());
        let expected = || format!("one of {}", classes.join(", "));
        let label = label.ok_or_else(|| table.malformed(&row, expected(), class))?;
        let path = listed.add(&format!("{image}.png"), table.line(&row))?;
        images.push((path, label));
    }
    match images.is_empty() {
        true => Err(DataError::malformed(labels, "images", "none")),
        false => Ok(images),
    }
}

fn decoded(images: &[(PathBuf, u8)]) -> Result<Contents, DataError> {
    let planes = images.par_iter().map(|(path, _)| {
        let photograph = Photograph::new(path).decode()?.into_rgb8();
        let (width, height) = photograph.dimensions();
        check_size(path, [height, width].map(|side| side as usize))?;
        Ok(planes(&photograph))
    });
    let planes = planes.collect::<Result<Vec<_>, DataError>>()?;
    Ok(Contents {
        sides: SIDES,
        pixels: planes.concat(),
        labels: images.iter().map(|(_, label)| *label).collect(),
    })
}

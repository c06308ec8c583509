//! ISIC 2019: photographs of skin lesions.
//!
//! `ISIC_2019_Training_GroundTruth.csv` has a column per class, `ISIC_2019_Training_Input` holds the images.

use std::path::Path;

use super::{
    DataError, DataSet, DataSetSpec, Load, Reading, Split,
    formats::table::Table,
    held_out::stratified,
    image_files::{Labelled, check_classes, subfolder_or_self},
    listing::{Listed, Skipped, images_in, skip_unlisted},
};

impl DataSet {
    /// ISIC 2019: 25,331 images, nine classes of which one (`UNK`) is empty. The published test set has no labels, so a tenth of
    /// each class, drawn with a fixed seed, serves for testing.
    pub const ISIC: Self = Self::new(&DataSetSpec {
        name: "isic",
        summary: "ISIC 2019: photographs of skin lesions",
        folders: &[&[IMAGES]],
        load: Load::ImageFiles(load),
    });
}

const LABELS: &str = "ISIC_2019_Training_GroundTruth.csv";
const IMAGES: &str = "ISIC_2019_Training_Input";
/// Class of lesions that belong to no other class. Its column exists, but no training image has it.
const UNKNOWN: &str = "UNK";

fn load(root: &Path, reading: Reading) -> Result<Split, DataError> {
    let labels = root.join(LABELS);
    if !labels.is_file() {
        return Err(DataError::no_data_set(root, LABELS));
    }
    // The archive holds a folder of its own name, and some tools unpack it into another one.
    let folder = subfolder_or_self(&subfolder_or_self(root, IMAGES), IMAGES);
    let (images, classes) = read(&labels, &folder)?;
    let required = |class: &String| (class != UNKNOWN).then(|| folder.join(class));
    check_classes(&images, classes.iter().map(required))?;
    let mut skipped = Skipped::default();
    let found = images_in(&folder, &mut skipped)?;
    let listed = images.iter().map(|image| image.path.as_path());
    skip_unlisted(&found, listed, &mut skipped);
    let class = |image: &Labelled| image.label as usize;
    let mut parts = stratified(&labels, images, class, classes.len())?;
    for part in &mut parts {
        part.sort_by(|a, b| a.path.cmp(&b.path));
    }
    let split = reading.split(parts, classes, reading.like_isic())?;
    skipped.report(root);
    Ok(split)
}

/// The labelled images in `folder`, and the names of the classes.
fn read(labels: &Path, folder: &Path) -> Result<(Vec<Labelled>, Vec<String>), DataError> {
    let table = Table::read(labels, b",;\t")?;
    let invalid = |error: csv::Error| table.unreadable("a row of the table", &error);
    let mut rows = table.rows();
    let header = rows
        .next()
        .transpose()
        .map_err(invalid)?
        .unwrap_or_default();
    let classes: Vec<String> = header.iter().skip(1).map(str::to_owned).collect();
    if header.get(0) != Some("image") || classes.is_empty() {
        let found = format!("\"{}\"", header.as_slice());
        return Err(table.malformed(&header, "the header \"image,MEL,NV,...\"", found));
    }
    let mut images = Vec::new();
    let mut listed = Listed::new(labels, folder);
    for row in rows {
        let row = row.map_err(invalid)?;
        let expected = "1 for exactly one class and 0 for the others";
        let label = label(&row).map_err(|found| table.malformed(&row, expected, found))?;
        let name = format!("{}.jpg", row.get(0).unwrap_or_default());
        let path = listed.add(&name, table.line(&row))?;
        images.push(Labelled { path, label });
    }
    Ok((images, classes))
}

/// The class whose column is 1; otherwise what the row holds instead.
fn label(row: &csv::StringRecord) -> Result<u32, String> {
    let mut ones = Vec::new();
    for (class, cell) in (0..).zip(row.iter().skip(1)) {
        match cell.parse() {
            Ok(1.0_f32) => ones.push(class),
            Ok(0.0) => {}
            _ => return Err(format!("\"{cell}\"")),
        }
    }
    match ones[..] {
        [label] => Ok(label),
        _ => Err(format!("1 for {} classes", ones.len())),
    }
}

//! ISIC 2019: photographs of skin lesions.
//!
//! `ISIC_2019_Training_GroundTruth.csv` has a column per class, `ISIC_2019_Training_Input` holds the images.

use std::path::Path;

use rand::{SeedableRng, rngs::StdRng, seq::SliceRandom};

use super::{
    DataError, DataSet, DataSetSpec, Load, Reading, Split,
    image_files::{Labelled, check_classes, subfolder_or_self},
};
use crate::files;

impl DataSet {
    /// ISIC 2019: 25,331 images, nine classes of which one (`UNK`) is empty. The published test set has no labels, so a tenth of
    /// each class, drawn with a fixed seed, serves for testing.
    pub const ISIC: Self = Self::new(&DataSetSpec {
        name: "isic",
        summary: "ISIC 2019: photographs of skin lesions",
        load: Load::ImageFiles(load),
    });
}

const LABELS: &str = "ISIC_2019_Training_GroundTruth.csv";
const IMAGES: &str = "ISIC_2019_Training_Input";
/// Class of lesions that belong to no other class. Its column exists, but no training image has it.
const UNKNOWN: &str = "UNK";
/// One in `TEST_SHARE` images of each class is a test image.
const TEST_SHARE: usize = 10;
/// Seed of the split: fixed, so that every run has the same test images.
const SPLIT_SEED: u64 = 2019;

fn load(root: &Path, reading: Reading) -> Result<Split, DataError> {
    let labels = root.join(LABELS);
    if !labels.is_file() {
        return Err(DataError::NoDataSet {
            folder: root.to_owned(),
            expected: LABELS.to_owned(),
        });
    }
    // The archive holds a folder of its own name, and some tools unpack it into another one.
    let folder = subfolder_or_self(&subfolder_or_self(root, IMAGES), IMAGES);
    let (images, classes) = read(&labels, &folder)?;
    let required = |class: &String| (class != UNKNOWN).then(|| folder.join(class));
    check_classes(&images, classes.iter().map(required))?;
    let parts = stratified(images, classes.len());
    reading.split(parts, classes, reading.like_isic())
}

/// The labelled images in `folder`, and the names of the classes.
fn read(labels: &Path, folder: &Path) -> Result<(Vec<Labelled>, Vec<String>), DataError> {
    let content = files::read(labels)?;
    let mut rows = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .from_reader(content.as_slice());
    let invalid = |error: csv::Error| DataError::csv(labels, "a row of the table", &error);
    let header = rows.headers().map_err(invalid)?;
    let classes: Vec<String> = header.iter().skip(1).map(str::to_owned).collect();
    if header.get(0) != Some("image") || classes.is_empty() {
        return Err(DataError::MalformedLine {
            path: labels.to_owned(),
            line: 1,
            expected: "the header \"image,MEL,NV,...\"".to_owned(),
            found: format!("\"{}\"", header.as_slice()),
        });
    }
    let mut images = Vec::new();
    for row in rows.records() {
        let row = row.map_err(invalid)?;
        let image = folder.join(format!("{}.jpg", &row[0]));
        let label = label(&row).map_err(|found| DataError::MalformedLine {
            path: labels.to_owned(),
            line: row.position().map_or(0, csv::Position::line),
            expected: "1 for exactly one class and 0 for the others".to_owned(),
            found,
        })?;
        if !image.is_file() {
            return Err(DataError::MissingImage {
                labels: labels.to_owned(),
                image,
            });
        }
        images.push(Labelled { path: image, label });
    }
    Ok((images, classes))
}

/// The class whose column is 1; otherwise what the row holds instead.
fn label(row: &csv::StringRecord) -> Result<u32, String> {
    let mut ones = Vec::new();
    for (class, cell) in (0..).zip(row.iter().skip(1)) {
        match cell.parse() {
            Ok(1.0_f32) => ones.push(class),
            Ok(_) => {}
            Err(_) => return Err(format!("\"{cell}\"")),
        }
    }
    match ones[..] {
        [label] => Ok(label),
        _ => Err(format!("1 for {} classes", ones.len())),
    }
}

/// Training images, and a share of each class as test images: at least one of every class with two images.
fn stratified(images: Vec<Labelled>, num_classes: usize) -> [Vec<Labelled>; 2] {
    let mut rng = StdRng::seed_from_u64(SPLIT_SEED);
    let mut by_class = vec![Vec::new(); num_classes];
    for image in images {
        by_class[image.label as usize].push(image);
    }
    let mut parts = [Vec::new(), Vec::new()];
    for mut class in by_class {
        class.shuffle(&mut rng);
        let share = (class.len() as f64 / TEST_SHARE as f64).round() as usize;
        let share = share.max(usize::from(class.len() > 1));
        parts[1].extend(class.drain(..share));
        parts[0].extend(class);
    }
    parts
        .iter_mut()
        .for_each(|part| part.sort_by(|a, b| a.path.cmp(&b.path)));
    parts
}

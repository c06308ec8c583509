//! ISIC 2019: `ISIC_2019_Training_GroundTruth.csv`, a column for each class, and the photographs in
//! `ISIC_2019_Training_Input`.

use std::path::{Path, PathBuf};

use rand::{SeedableRng, rngs::StdRng, seq::SliceRandom};

use super::{Labelled, Reading, check_classes, unpacked};
use crate::{
    data::{DataError, Split},
    files,
};

const LABELS: &str = "ISIC_2019_Training_GroundTruth.csv";
const IMAGES: &str = "ISIC_2019_Training_Input";
/// The class of what is none of the others: it has a column, and no photographs for training.
const UNKNOWN: &str = "UNK";
/// One in so many photographs of a class is for testing: the published test set came without labels.
const TEST_SHARE: usize = 10;
/// Decides which, the same for every run.
const SPLIT_SEED: u64 = 2019;

/// Reads ISIC 2019. The list for training is split: of each class a tenth, drawn once and for all, is for testing.
///
/// # Errors
///
/// If a file is missing or broken, names an image that is not there, or an image is none.
pub fn isic(root: &Path, reading: Reading) -> Result<Split, DataError> {
    let labels = root.join(LABELS);
    if !labels.is_file() {
        return Err(DataError::NoDataSet {
            folder: root.to_owned(),
            expected: LABELS.to_owned(),
        });
    }
    // Its archive holds a folder of its own name, and some unpack it into one.
    let images = unpacked(&unpacked(root, IMAGES), IMAGES);
    let (photographs, classes) = read(&labels, &images)?;
    let paths: Vec<PathBuf> = classes.iter().map(|class| images.join(class)).collect();
    check_classes(&photographs, &paths, |class| class.ends_with(UNKNOWN))?;
    let parts = stratified(photographs, classes.len());
    reading.split(parts, classes.len(), reading.quarters())
}

/// The photographs with their classes, and the names of the classes.
fn read(labels: &Path, images: &Path) -> Result<(Vec<Labelled>, Vec<String>), DataError> {
    let content = files::read(labels)?;
    let content = String::from_utf8_lossy(&content);
    let broken = |line: usize, reason: String| DataError::Broken {
        path: labels.to_owned(),
        reason: format!("line {line}: {reason}"),
    };
    let mut lines = (1..)
        .zip(content.lines())
        .filter(|(_, line)| !line.trim().is_empty());
    let header = lines
        .next()
        .and_then(|(_, line)| line.trim().strip_prefix("image,"));
    let header = header.ok_or_else(|| broken(1, "expected \"image,MEL,NV,...\"".to_owned()))?;
    let classes: Vec<String> = header.split(',').map(str::to_owned).collect();
    let mut photographs = Vec::new();
    for (number, line) in lines {
        let mut cells = line.trim().split(',');
        let image = images.join(format!("{}.jpg", cells.next().unwrap_or_default()));
        let cells: Option<Vec<f32>> = cells.map(|cell| cell.parse().ok()).collect();
        let ones = |cells: &[f32]| {
            let ones = cells.iter().enumerate().filter(|(_, cell)| **cell == 1.0);
            ones.map(|(class, _)| class as u32).collect::<Vec<_>>()
        };
        let label = match cells.as_deref() {
            Some(cells) if cells.len() == classes.len() => match ones(cells)[..] {
                [label] => label,
                _ => {
                    return Err(broken(
                        number,
                        "expected a 1 for exactly one class".to_owned(),
                    ));
                }
            },
            _ => {
                let reason = format!("expected a number for each of {} classes", classes.len());
                return Err(broken(number, reason));
            }
        };
        if !image.is_file() {
            return Err(DataError::MissingImage {
                labels: labels.to_owned(),
                image,
            });
        }
        photographs.push(Labelled { path: image, label });
    }
    Ok((photographs, classes))
}

/// For training, and for testing a share of each class, at least one of those with two.
fn stratified(photographs: Vec<Labelled>, classes: usize) -> [Vec<Labelled>; 2] {
    let mut rng = StdRng::seed_from_u64(SPLIT_SEED);
    let mut by_class = vec![Vec::new(); classes];
    for photograph in photographs {
        by_class[photograph.label as usize].push(photograph);
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

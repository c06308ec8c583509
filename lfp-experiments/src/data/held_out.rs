//! A test part for data sets that are published without the labels of theirs.

use std::path::Path;

use rand::{SeedableRng, rngs::StdRng, seq::SliceRandom};

use super::DataError;

/// One in `SHARE` samples of each class is for testing.
const SHARE: usize = 10;
/// Seed of the split: fixed, so that every run has the same test samples.
const SEED: u64 = 2019;

/// The reason of data sets whose published test part has no labels.
pub(super) const NO_LABELS: &str = "the test part has no labels";

/// Tells people that a share of the training samples listed in `labels` serves for testing, and why.
pub(super) fn announce(labels: &Path, reason: &str) {
    tracing::info!(
        "{}: {reason}, so a tenth of each class is held out for testing",
        labels.display()
    );
}

/// Training samples, and a share of each class for testing: at least one of every class with two samples. `class` is below
/// `num_classes`. Samples are ordered by class, and within a class at random.
///
/// # Errors
///
/// If no class of the samples, which `labels` lists, has two.
pub(super) fn stratified<T: Clone>(
    labels: &Path,
    samples: Vec<T>,
    class: impl Fn(&T) -> usize,
    num_classes: usize,
) -> Result<[Vec<T>; 2], DataError> {
    let mut rng = StdRng::seed_from_u64(SEED);
    let mut by_class = vec![Vec::new(); num_classes];
    for sample in samples {
        if let Some(of_class) = by_class.get_mut(class(&sample)) {
            of_class.push(sample);
        }
    }
    let mut parts = [Vec::new(), Vec::new()];
    for mut class in by_class {
        class.shuffle(&mut rng);
        let share = (class.len() as f64 / SHARE as f64).round() as usize;
        let share = share.max(usize::from(class.len() > 1));
        parts[1].extend(class.drain(..share));
        parts[0].extend(class);
    }
    match parts[1].is_empty() {
        true => Err(DataError::malformed(
            labels,
            "a class with two images, of which one serves for testing",
            "none",
        )),
        false => Ok(parts),
    }
}

//! How well a network names samples.

use burn::tensor::Device;
use lfp_models::{Classifier, Network};
use serde::{Deserialize, Serialize};

use crate::data::{Batches, DataError};

/// Shares of samples that a network names rightly.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Accuracy {
    /// Its first choice.
    pub top1: f64,
    /// One of its first five choices.
    pub top5: f64,
    /// The first choice, averaged over the classes that there are samples of: each class counts the same,
    /// however rare. (Samples weighted by the inverse frequency of their class.)
    pub class_mean: f64,
}

impl Accuracy {
    /// Tests `network` on `batches`, read onto `device`.
    ///
    /// # Errors
    ///
    /// If a sample cannot be read.
    pub fn of(network: &Network, batches: &Batches, device: &Device) -> Result<Self, DataError> {
        let mut counts = Counts::new(batches.data.num_classes());
        for batch in batches.iter(device) {
            let batch = batch?;
            let scores = network.outputs(batch.inputs).scores().into_data();
            let scores: Vec<f32> = scores.iter().collect();
            let labels = batch.targets.into_data();
            let samples = scores.chunks(scores.len() / labels.num_elements().max(1));
            for (scores, label) in samples.zip(labels.iter::<i64>()) {
                counts.add(scores, label as usize);
            }
        }
        Ok(counts.accuracy())
    }
}

struct Counts {
    /// By class: all samples, and those named rightly.
    classes: Vec<[usize; 2]>,
    in_first_five: usize,
}

impl Counts {
    fn new(classes: usize) -> Self {
        Self {
            classes: vec![[0; 2]; classes],
            in_first_five: 0,
        }
    }

    fn add(&mut self, scores: &[f32], label: usize) {
        let rank = rank(scores, label);
        let [all, right] = &mut self.classes[label];
        *all += 1;
        *right += usize::from(rank == Some(0));
        self.in_first_five += usize::from(rank.is_some_and(|rank| rank < 5));
    }

    fn accuracy(&self) -> Accuracy {
        let share = |[all, right]: [usize; 2]| right as f64 / all.max(1) as f64;
        let sum = |which: usize| self.classes.iter().map(|counts| counts[which]).sum();
        let all = sum(0);
        let known: Vec<_> = self.classes.iter().filter(|[all, _]| *all > 0).collect();
        let shares = known.iter().map(|&&counts| share(counts));
        Accuracy {
            top1: share([all, sum(1)]),
            top5: share([all, self.in_first_five]),
            class_mean: shares.sum::<f64>() / known.len().max(1) as f64,
        }
    }
}

/// How many classes are preferred to `label`; the first of equals is. Nothing if a score is NaN, which
/// prefers nobody.
fn rank(scores: &[f32], label: usize) -> Option<usize> {
    let own = scores[label];
    let preferred =
        |&(class, &score): &(usize, &f32)| score > own || (score == own && class < label);
    let known = !scores.iter().any(|score| score.is_nan());
    known.then(|| scores.iter().enumerate().filter(preferred).count())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_class_counts_the_same_however_rare() {
        let mut counts = Counts::new(3);
        // Nine of class 0, all right; one of class 1, wrong; none of class 2.
        for _ in 0..9 {
            counts.add(&[1.0, 0.0, 0.0], 0);
        }
        counts.add(&[1.0, 0.0, 0.0], 1);
        let accuracy = counts.accuracy();
        assert_eq!(accuracy.top1, 0.9);
        assert_eq!(accuracy.class_mean, 0.5);
        assert_eq!(accuracy.top5, 1.0, "there are only three classes");
    }

    #[test]
    fn the_sixth_choice_is_not_among_the_first_five() {
        let mut counts = Counts::new(6);
        let scores = [0.5, 0.4, 0.3, 0.2, 0.1, 0.0];
        counts.add(&scores, 4);
        counts.add(&scores, 5);
        assert_eq!(counts.accuracy().top5, 0.5);
    }

    #[test]
    fn who_says_nothing_names_nothing() {
        assert_eq!(rank(&[f32::NAN, f32::NAN], 0), None);
        assert_eq!(rank(&[0.0, 0.0], 0), Some(0), "the first of equals");
        assert_eq!(rank(&[0.0, 0.0], 1), Some(1));
    }
}

//! Test accuracy.

use burn::tensor::Device;
use lfp_models::{Classifier, Network};
use serde::{Deserialize, Serialize};

use crate::data::{Batches, DataError};

/// Accuracies of a network, in `[0, 1]`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Accuracy {
    /// Share of samples whose class has the highest score.
    pub top1: f64,
    /// Share of samples whose class is among the five highest scores.
    pub top5: f64,
    /// Class-balanced accuracy: the mean of the accuracies of the classes that occur, so that rare classes count as much
    /// as frequent ones.
    pub class_mean: f64,
}

impl Accuracy {
    /// Evaluates `network` on `batches`, on `device`.
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
    /// `[all, correct]` samples of each class.
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

/// Number of classes that rank before `label`; ties go to the lower class. `None` if a score is NaN.
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
    fn class_balanced_accuracy_is_the_mean_over_the_classes_that_occur() {
        let mut counts = Counts::new(3);
        // Nine samples of class 0, all correct; one of class 1, wrong; none of class 2.
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
    fn the_sixth_highest_score_does_not_count_for_top_5() {
        let mut counts = Counts::new(6);
        let scores = [0.5, 0.4, 0.3, 0.2, 0.1, 0.0];
        counts.add(&scores, 4);
        counts.add(&scores, 5);
        assert_eq!(counts.accuracy().top5, 0.5);
    }

    #[test]
    fn nan_scores_are_never_correct() {
        assert_eq!(rank(&[f32::NAN, f32::NAN], 0), None);
        assert_eq!(rank(&[0.0, 0.0], 0), Some(0), "the first of equals");
        assert_eq!(rank(&[0.0, 0.0], 1), Some(1));
    }
}

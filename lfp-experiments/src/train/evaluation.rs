//! Test accuracy, confusion matrix and worst mistakes.

use std::{cmp::Ordering, collections::BTreeMap};

use burn::tensor::Device;
use lfp_models::{Classifier, Network, Outputs};
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
    /// Number of samples whose scores are NaN. They count as wrong.
    #[serde(skip_serializing_if = "is_zero", default)]
    pub undecided: usize,
}

fn is_zero(number: &usize) -> bool {
    *number == 0
}

impl Accuracy {
    /// Evaluates `network` on `batches`, on `device`.
    ///
    /// # Errors
    ///
    /// If a sample cannot be read.
    pub fn of(network: &Network, batches: &Batches, device: &Device) -> Result<Self, DataError> {
        let mut counts = Counts::new(batches.data.num_classes());
        each_sample(network, batches, device, |scored| {
            counts.add(scored.scores, scored.label);
        })?;
        Ok(counts.accuracy())
    }
}

/// Number of [`Evaluation::mistakes`].
const MISTAKES: usize = 24;

/// The predictions of a network on a test set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// The accuracies.
    pub accuracy: Accuracy,
    /// Number of test samples.
    pub samples: usize,
    /// The confusion matrix without its zeros, in ascending order: true class, predicted class, number of samples. It does
    /// not count samples whose scores are NaN.
    pub confusion: Vec<[usize; 3]>,
    /// The mistakes with the highest [`score`](Mistake::score) of the predicted class, from the highest.
    pub mistakes: Vec<Mistake>,
}

/// A test sample in a wrong class.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mistake {
    /// Index in the test set.
    pub index: usize,
    /// The true class.
    pub label: usize,
    /// The predicted class.
    pub predicted: usize,
    /// The score of the predicted class, from 0 to 1: the softmax of the logits, or the share of the time steps in which
    /// the output neuron spikes.
    pub score: f64,
    /// The score of the true class.
    pub label_score: f64,
}

impl Evaluation {
    /// Evaluates `network` on `batches`, which are in order, on `device`, in one pass.
    ///
    /// # Errors
    ///
    /// If a sample cannot be read.
    pub fn of(network: &Network, batches: &Batches, device: &Device) -> Result<Self, DataError> {
        let mut counts = Counts::new(batches.data.num_classes());
        let mut confusion = BTreeMap::new();
        let mut mistakes = Vec::new();
        each_sample(network, batches, device, |scored| {
            counts.add(scored.scores, scored.label);
            let Some(predicted) = scored.prediction() else {
                return;
            };
            *confusion.entry([scored.label, predicted]).or_insert(0) += 1;
            if predicted != scored.label {
                keep_worst(&mut mistakes, scored.mistake(predicted));
            }
        })?;
        Ok(Self {
            accuracy: counts.accuracy(),
            samples: batches.data.len(),
            confusion: confusion
                .into_iter()
                .map(|([label, predicted], count)| [label, predicted, count])
                .collect(),
            mistakes,
        })
    }
}

/// Adds a mistake to the worst [`MISTAKES`], which are sorted. Of equal scores, that with the lower score of the true class
/// is worse, then that with the lower index.
fn keep_worst(worst: &mut Vec<Mistake>, mistake: Mistake) {
    let before = |known: &Mistake| {
        let order = known.score.total_cmp(&mistake.score).reverse();
        order.then(known.label_score.total_cmp(&mistake.label_score)) != Ordering::Greater
    };
    let place = worst.partition_point(before);
    worst.insert(place, mistake);
    worst.truncate(MISTAKES);
}

/// The scores of a sample.
struct Scored<'a> {
    index: usize,
    label: usize,
    /// Logits, or numbers of spikes.
    scores: &'a [f32],
    /// Time steps of a spiking network.
    steps: Option<usize>,
}

impl Scored<'_> {
    /// The class with the highest score, the first of equals; `None` if a score is NaN.
    fn prediction(&self) -> Option<usize> {
        let mut best = 0;
        for (class, score) in self.scores.iter().enumerate() {
            if score.is_nan() {
                return None;
            }
            if *score > self.scores[best] {
                best = class;
            }
        }
        Some(best)
    }

    fn mistake(&self, predicted: usize) -> Mistake {
        Mistake {
            index: self.index,
            label: self.label,
            predicted,
            score: self.share(predicted),
            label_score: self.share(self.label),
        }
    }

    /// See [`Mistake::score`].
    fn share(&self, class: usize) -> f64 {
        let score = f64::from(self.scores[class]);
        match self.steps {
            Some(steps) => score / steps.max(1) as f64,
            // A difference of two infinities would be NaN.
            None => {
                let relative = |other: &f32| match f64::from(*other) == score {
                    true => 1.0,
                    false => (f64::from(*other) - score).exp(),
                };
                1.0 / self.scores.iter().map(relative).sum::<f64>()
            }
        }
    }
}

/// Calls `take` with every sample of `batches`, in their order.
fn each_sample(
    network: &Network,
    batches: &Batches,
    device: &Device,
    mut take: impl FnMut(Scored),
) -> Result<(), DataError> {
    let mut index = 0;
    for batch in batches.iter(device) {
        let batch = batch?;
        let outputs = network.outputs(batch.inputs);
        let steps = match &outputs {
            Outputs::Logits(_) => None,
            Outputs::Spikes(spikes) => Some(spikes.dims()[0]),
        };
        let scores = outputs.scores().into_data();
        let scores: Vec<f32> = scores.iter().collect();
        let labels = batch.targets.into_data();
        let samples = scores.chunks(scores.len() / labels.num_elements().max(1));
        for (scores, label) in samples.zip(labels.iter::<i64>()) {
            take(Scored {
                index,
                label: label as usize,
                scores,
                steps,
            });
            index += 1;
        }
    }
    Ok(())
}

struct Counts {
    /// `[all, correct]` samples of each class.
    classes: Vec<[usize; 2]>,
    in_first_five: usize,
    undecided: usize,
}

impl Counts {
    fn new(classes: usize) -> Self {
        Self {
            classes: vec![[0; 2]; classes],
            in_first_five: 0,
            undecided: 0,
        }
    }

    fn add(&mut self, scores: &[f32], label: usize) {
        let rank = rank(scores, label);
        self.undecided += usize::from(rank.is_none());
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
            undecided: self.undecided,
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

    fn scored(scores: &[f32], steps: Option<usize>) -> Scored<'_> {
        Scored {
            index: 0,
            label: 0,
            scores,
            steps,
        }
    }

    #[test]
    fn the_score_of_a_class_is_its_softmax_or_its_share_of_the_time_steps() {
        // exp(2) / (exp(2) + exp(1) + exp(0)) = 0.665
        let softmax = scored(&[2.0, 1.0, 0.0], None).share(0);
        assert!((softmax - 0.665_241).abs() < 1e-6, "{softmax}");
        assert_eq!(scored(&[1e4, 0.0], None).share(0), 1.0);
        assert_eq!(scored(&[1e4, 0.0], None).share(1), 0.0);
        assert_eq!(scored(&[f32::INFINITY, 0.0], None).share(0), 1.0);
        assert_eq!(scored(&[3.0, 0.0], Some(4)).share(0), 0.75);
    }

    #[test]
    fn the_prediction_is_the_first_of_the_highest_scores_and_nan_predicts_nothing() {
        assert_eq!(scored(&[0.0, 2.0, 2.0], None).prediction(), Some(1));
        assert_eq!(scored(&[0.0, 2.0, f32::NAN], None).prediction(), None);
    }

    #[test]
    fn the_worst_mistakes_are_the_most_confident_ones() {
        let mut worst = Vec::new();
        for index in 0..100 {
            keep_worst(
                &mut worst,
                Mistake {
                    index,
                    label: 0,
                    predicted: 1,
                    // 0.00, 0.07, 0.14, ..., each of 100 values once.
                    score: (index * 7 % 100) as f64 / 100.0,
                    label_score: 0.0,
                },
            );
        }
        let scores: Vec<f64> = worst.iter().map(|mistake| mistake.score).collect();
        let expected: Vec<f64> = (76..100).rev().map(|score| score as f64 / 100.0).collect();
        assert_eq!(scores, expected);
    }

    #[test]
    fn nan_scores_are_never_correct() {
        assert_eq!(rank(&[f32::NAN, f32::NAN], 0), None);
        assert_eq!(rank(&[0.0, 0.0], 0), Some(0), "the first of equals");
        assert_eq!(rank(&[0.0, 0.0], 1), Some(1));
        let mut counts = Counts::new(2);
        counts.add(&[f32::NAN, 1.0], 1);
        counts.add(&[0.0, 1.0], 1);
        let Accuracy {
            top1, undecided, ..
        } = counts.accuracy();
        assert_eq!((top1, undecided), (0.5, 1));
    }
}

//! Rewards from objectives of a whole batch, such as F1.

use std::sync::{Mutex, PoisonError};

use burn::tensor::{
    Int, Tensor, TensorData,
    activation::{sigmoid, softmax},
};

use super::Reward;

/// The decisions about one class in a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Counts {
    /// Samples of the class that were decided to be of it.
    pub true_positives: f64,
    /// Samples of other classes that were decided to be of it.
    pub false_positives: f64,
    /// Samples of the class that were decided not to be of it.
    pub false_negatives: f64,
    /// Samples of other classes that were decided not to be of it.
    pub true_negatives: f64,
}

impl Counts {
    /// `TP / (TP + FP)`; 0 if nothing was decided to be of the class.
    pub fn precision(&self) -> f64 {
        ratio(
            self.true_positives,
            self.true_positives + self.false_positives,
        )
    }

    /// `TP / (TP + FN)`; 0 if there is no sample of the class.
    pub fn recall(&self) -> f64 {
        ratio(
            self.true_positives,
            self.true_positives + self.false_negatives,
        )
    }

    /// The harmonic mean of precision and recall, `2 TP / (2 TP + FP + FN)`; 0 if there is no such sample nor decision.
    pub fn f1(&self) -> f64 {
        let wrong = self.false_positives + self.false_negatives;
        ratio(2.0 * self.true_positives, 2.0 * self.true_positives + wrong)
    }

    /// Adds samples that are of the class or not, and were decided to be of it or not.
    pub fn count(&mut self, is_of_class: bool, decided: bool, samples: f64) {
        *match (is_of_class, decided) {
            (true, true) => &mut self.true_positives,
            (false, true) => &mut self.false_positives,
            (true, false) => &mut self.false_negatives,
            (false, false) => &mut self.true_negatives,
        } += samples;
    }

    fn scaled(self, factor: f64) -> Self {
        Self {
            true_positives: factor * self.true_positives,
            false_positives: factor * self.false_positives,
            false_negatives: factor * self.false_negatives,
            true_negatives: factor * self.true_negatives,
        }
    }
}

fn ratio(part: f64, whole: f64) -> f64 {
    match whole > 0.0 {
        true => part / whole,
        false => 0.0,
    }
}

/// The mean of F1 over all classes.
pub fn macro_f1(classes: &[Counts]) -> f64 {
    ratio(classes.iter().map(Counts::f1).sum(), classes.len() as f64)
}

/// The share of decisions that are right, over all classes.
pub fn accuracy(classes: &[Counts]) -> f64 {
    let right = |counts: &Counts| counts.true_positives;
    let all = |counts: &Counts| counts.true_positives + counts.false_negatives;
    ratio(
        classes.iter().map(right).sum(),
        classes.iter().map(all).sum(),
    )
}

/// The reward of decisions by what they add to an objective of the whole batch, which need be neither a sum over samples nor
/// differentiable: any function of the [`Counts`] of each class.
///
/// For a sample of class `y`, the gain `g_c` is the objective with this sample decided for `y`, minus the objective with it
/// decided for `c`, while all other decisions stay; times the number of samples. The reward is that of the softmax (#3 of
/// Table 2) with each wrong class weighted by its gain:
///
/// ```text
/// r_y = o_y sum_c p_c g_c        r_c = -o_c p_c g_c        p = softmax(o)
/// ```
///
/// With the accuracy as objective all gains are 1, and the reward is [`SoftmaxReward`](super::SoftmaxReward). It ends like
/// that one where the right class is certain. With several labels per sample (targets of rank 2) each output decides for
/// itself, and the same holds with [`SigmoidReward`](super::SigmoidReward): `r_c = o_c g_c (t_c - sigmoid(o_c))`.
///
/// The gains are computed on the host: a step waits once for its decisions.
///
/// # Example
///
/// Two of four samples are of class 1, and one of these is missed.
///
/// ```
/// use burn::tensor::{Device, Int, Tensor};
/// use lfp_burn::reward::{BatchObjectiveReward, Reward, macro_f1};
///
/// let reward = BatchObjectiveReward::new(macro_f1);
/// let logits = [[1.0, -1.0], [1.0, -1.0], [1.0, -1.0], [-1.0, 1.0]];
/// let device = Device::default();
/// let labels = Tensor::<1, Int>::from_ints([0, 0, 1, 1], &device);
/// let rewards = reward.forward(Tensor::<2>::from_floats(logits, &device), labels);
/// assert_eq!(rewards.dims(), [4, 2]);
/// ```
#[derive(Debug)]
pub struct BatchObjectiveReward<F> {
    objective: F,
    memory: f64,
    earlier: Mutex<Vec<Counts>>,
}

impl<F: Fn(&[Counts]) -> f64> BatchObjectiveReward<F> {
    /// The reward for an objective that is to grow, a function of the counts of each class.
    pub fn new(objective: F) -> Self {
        Self {
            objective,
            memory: 0.0,
            earlier: Mutex::default(),
        }
    }

    /// Counts earlier batches, too, by a factor that is multiplied at each further one: 0.9 is a memory of about ten batches.
    /// For classes that a batch has few samples of. Default: 0, the batch alone.
    ///
    /// # Panics
    ///
    /// If `memory` is not from 0 to below 1.
    #[must_use]
    pub fn with_memory(mut self, memory: f64) -> Self {
        assert!(
            (0.0..1.0).contains(&memory),
            "the memory of a batch objective: expected a number from 0 to below 1, found {memory}"
        );
        self.memory = memory;
        self
    }

    /// The counts of the batch, with those of earlier batches.
    fn remembered(&self, batch: Vec<Counts>) -> Vec<Counts> {
        if self.memory == 0.0 {
            return batch;
        }
        let mut earlier = self.earlier.lock().unwrap_or_else(PoisonError::into_inner);
        let mut counts = batch;
        for (counts, earlier) in counts.iter_mut().zip(earlier.iter()) {
            let earlier = earlier.scaled(self.memory);
            counts.true_positives += earlier.true_positives;
            counts.false_positives += earlier.false_positives;
            counts.false_negatives += earlier.false_negatives;
            counts.true_negatives += earlier.true_negatives;
        }
        earlier.clone_from(&counts);
        counts
    }

    /// For each sample of a class below `classes`, decided for a class, the gain of its class over each class, times the
    /// samples that were counted: `[samples, classes]`. Samples with other labels have no gains.
    fn gains(&self, decided: &[usize], labels: &[i64], classes: usize) -> Vec<f32> {
        let class = |label: i64| usize::try_from(label).ok().filter(|&y| y < classes);
        let mut counts = vec![Counts::default(); classes];
        for (&decided, &label) in decided.iter().zip(labels) {
            if let Some(label) = class(label) {
                decide(&mut counts, label, decided, 1.0);
            }
        }
        let counts = self.remembered(counts);
        let samples = counts.first().map_or(0.0, |counts| {
            counts.true_positives
                + counts.false_positives
                + counts.false_negatives
                + counts.true_negatives
        });
        // Only class and decision of a sample matter.
        let mut known = vec![None; classes * classes];
        let mut gains = Vec::with_capacity(decided.len() * classes);
        for (&decided, &label) in decided.iter().zip(labels) {
            let Some(label) = class(label) else {
                gains.extend(vec![0.0; classes]);
                continue;
            };
            let of_pair = known[label * classes + decided]
                .get_or_insert_with(|| self.gains_of(&counts, label, decided, samples));
            gains.extend_from_slice(of_pair);
        }
        gains
    }

    /// The gains of a sample of class `label`, one of those that were decided for `decided`.
    fn gains_of(&self, counts: &[Counts], label: usize, decided: usize, samples: f64) -> Vec<f32> {
        let mut others = counts.to_vec();
        decide(&mut others, label, decided, -1.0);
        let objective = |decided: usize| {
            let mut counts = others.clone();
            decide(&mut counts, label, decided, 1.0);
            (self.objective)(&counts)
        };
        let right = objective(label);
        let gain = |other: usize| (samples * (right - objective(other))) as f32;
        (0..counts.len()).map(gain).collect()
    }

    /// The gain of each right decision over the wrong one, of outputs that decide for themselves, times the number of samples.
    fn gains_of_labels(&self, decided: &[bool], targets: &[bool], classes: usize) -> Vec<f32> {
        let mut counts = vec![Counts::default(); classes];
        for (index, (&decided, &target)) in decided.iter().zip(targets).enumerate() {
            counts[index % classes].count(target, decided, 1.0);
        }
        let counts = self.remembered(counts);
        let mut known = vec![None; classes * 4];
        let mut gains = Vec::with_capacity(decided.len());
        for (index, (&decided, &target)) in decided.iter().zip(targets).enumerate() {
            let class = index % classes;
            let pair = class * 4 + 2 * usize::from(target) + usize::from(decided);
            gains.push(*known[pair].get_or_insert_with(|| {
                let mut counts = counts.clone();
                let all = counts[class];
                let samples = all.true_positives
                    + all.false_positives
                    + all.false_negatives
                    + all.true_negatives;
                counts[class].count(target, decided, -1.0);
                let mut objective = |decided: bool| {
                    counts[class].count(target, decided, 1.0);
                    let value = (self.objective)(&counts);
                    counts[class].count(target, decided, -1.0);
                    value
                };
                (samples * (objective(target) - objective(!target))) as f32
            }));
        }
        gains
    }
}

/// Counts samples of class `label` that were decided for `decided`.
fn decide(counts: &mut [Counts], label: usize, decided: usize, samples: f64) {
    for (class, counts) in counts.iter_mut().enumerate() {
        counts.count(class == label, class == decided, samples);
    }
}

/// One class per sample.
impl<F: Fn(&[Counts]) -> f64> Reward<2> for BatchObjectiveReward<F> {
    /// # Panics
    ///
    /// If there is one output only, or another number of labels than of samples.
    fn forward(&self, outputs: Tensor<2>, targets: Tensor<1, Int>) -> Tensor<2> {
        let [samples, classes] = outputs.dims();
        assert!(
            classes > 1 && targets.dims() == [samples],
            "an objective of the batch: expected an output per class, at least two, and a label per sample, found {samples} \
             samples with {classes} outputs and {} labels",
            targets.dims()[0]
        );
        let (outputs, targets) = (outputs.inner(), targets.inner());
        let decided = outputs.clone().argmax(1).squeeze_dim::<1>(1);
        // One transfer for both.
        let decisions = Tensor::stack::<2>(vec![decided.cast(targets.dtype()), targets], 0);
        let decisions: Vec<i64> = decisions.into_data().iter::<i64>().collect();
        let (decided, labels) = decisions.split_at(samples);
        let decided: Vec<usize> = decided.iter().map(|&class| class as usize).collect();
        let gains = self.gains(&decided, labels, classes);
        let gains = TensorData::new(gains, [samples, classes]);
        let gains = Tensor::<2>::from_data(gains, &outputs.device()).cast(outputs.dtype());
        // The gain of the class over itself is 0, so the sum runs over the wrong classes.
        let wrong = softmax(outputs.clone(), 1) * gains.clone();
        let right = wrong.clone().sum_dim(1);
        let is_right = {
            let classes: Vec<i64> = (0..classes as i64).collect();
            let at = labels
                .iter()
                .flat_map(|label| classes.iter().map(move |class| class == label));
            let at: Vec<bool> = at.collect();
            Tensor::<2, burn::tensor::Bool>::from_data(
                TensorData::new(at, [samples, classes.len()]),
                &outputs.device(),
            )
        };
        let weights = (-wrong).mask_where(is_right, right.expand([samples, classes]));
        outputs * weights
    }
}

/// Several labels per sample: a 1 for each class that the sample is of, else a 0. An output that is not negative decides for
/// its class.
impl<F: Fn(&[Counts]) -> f64> Reward<2, Tensor<2, Int>> for BatchObjectiveReward<F> {
    /// # Panics
    ///
    /// If the targets have another shape than the outputs.
    fn forward(&self, outputs: Tensor<2>, targets: Tensor<2, Int>) -> Tensor<2> {
        assert_eq!(
            targets.dims(),
            outputs.dims(),
            "an objective of the batch: expected a label for each output {:?}, found {:?}",
            outputs.dims(),
            targets.dims()
        );
        let [samples, classes] = outputs.dims();
        let (outputs, targets) = (outputs.inner(), targets.inner());
        let decided = outputs.clone().greater_equal_elem(0.0).int();
        let decisions = Tensor::stack::<3>(vec![decided.cast(targets.dtype()), targets.clone()], 0);
        let decisions: Vec<bool> = decisions
            .into_data()
            .iter::<i64>()
            .map(|value| value != 0)
            .collect();
        let (decided, labels) = decisions.split_at(samples * classes);
        let gains = self.gains_of_labels(decided, labels, classes);
        let gains = TensorData::new(gains, [samples, classes]);
        let gains = Tensor::<2>::from_data(gains, &outputs.device()).cast(outputs.dtype());
        let error = targets.float().cast(outputs.dtype()) - sigmoid(outputs.clone());
        outputs * gains * error
    }
}

//! Rewards from objectives of a whole batch, such as F1.

mod counts;

use std::sync::{Mutex, PoisonError};

use burn::tensor::{
    Int, Tensor, TensorData,
    activation::{sigmoid, softmax},
};

use super::{Reward, RewardError, classification::Samples, finite};
pub use counts::{Counts, accuracy, macro_f1};

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
/// With the [`accuracy`] as objective every gain is 1, and the reward is [`SoftmaxReward`](super::SoftmaxReward). Like that
/// one it vanishes where the right class is certain. A label that is no class gives its sample a reward of 0, and is not
/// counted.
///
/// With several labels per sample (targets of rank 2) each output decides for itself, as in
/// [`SigmoidReward`](super::SigmoidReward): `r_c = o_c g_c (t_c - sigmoid(o_c))`, where `g_c` is the objective with this
/// decision right minus that with it wrong, times the number of samples.
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

    /// Counts earlier batches, too: each is multiplied by `memory` once per later batch, so 0.9 remembers about ten. For
    /// classes of which a batch has few samples. Default: 0, the batch alone.
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
    fn remembered(&self, mut counts: Vec<Counts>) -> Vec<Counts> {
        if self.memory > 0.0 {
            let mut earlier = self.earlier.lock().unwrap_or_else(PoisonError::into_inner);
            for (counts, &earlier) in counts.iter_mut().zip(earlier.iter()) {
                *counts = *counts + earlier * self.memory;
            }
            earlier.clone_from(&counts);
        }
        counts
    }

    /// The gain of each sample's class over every class, `[samples, classes]`; 0 for labels that are no class.
    fn gains(&self, decided: &[i64], labels: &[i64], classes: usize) -> Vec<f32> {
        let class = |label: i64| usize::try_from(label).ok().filter(|&class| class < classes);
        let pairs = || labels.iter().zip(decided);
        let pairs = || pairs().map(|(&label, &decided)| class(label).zip(class(decided)));
        let mut counts = vec![Counts::default(); classes];
        for (label, decided) in pairs().flatten() {
            decide(&mut counts, label, decided, 1.0);
        }
        let counts = self.remembered(counts);
        // Samples of the same class with the same decision have the same gains.
        let mut known = vec![None; classes * classes];
        let mut gains = Vec::with_capacity(labels.len() * classes);
        for pair in pairs() {
            match pair {
                Some((label, decided)) => {
                    let of_pair = known[label * classes + decided]
                        .get_or_insert_with(|| self.gains_of(&counts, label, decided));
                    gains.extend_from_slice(of_pair);
                }
                None => gains.resize(gains.len() + classes, 0.0),
            }
        }
        gains
    }

    /// The gains of a sample of class `label`, one of those that were decided for `decided`.
    fn gains_of(&self, counts: &[Counts], label: usize, decided: usize) -> Vec<f32> {
        let mut others = counts.to_vec();
        decide(&mut others, label, decided, -1.0);
        let objective = |decided: usize| {
            let mut counts = others.clone();
            decide(&mut counts, label, decided, 1.0);
            (self.objective)(&counts)
        };
        let (right, samples) = (objective(label), counts[label].samples());
        let gain = |other: usize| (samples * (right - objective(other))) as f32;
        (0..counts.len()).map(gain).collect()
    }

    /// The gain of the right decision over the wrong one, for each output.
    fn gains_of_labels(&self, decided: &[bool], targets: &[bool], classes: usize) -> Vec<f32> {
        let outputs = || {
            let pairs = targets.iter().zip(decided).enumerate();
            pairs.map(|(index, (&target, &decided))| (index % classes, target, decided))
        };
        let mut counts = vec![Counts::default(); classes];
        for (class, target, decided) in outputs() {
            counts[class].count(target, decided, 1.0);
        }
        let counts = self.remembered(counts);
        let gain = |class: usize, target: bool, decided: bool| {
            let objective = |other: bool| {
                let mut counts = counts.clone();
                counts[class].count(target, decided, -1.0);
                counts[class].count(target, other, 1.0);
                (self.objective)(&counts)
            };
            (counts[class].samples() * (objective(target) - objective(!target))) as f32
        };
        // Outputs of the same class with the same target and decision have the same gain.
        let mut known = vec![[None; 4]; classes];
        let of_output = |(class, target, decided): (usize, bool, bool)| {
            let pair = 2 * usize::from(target) + usize::from(decided);
            *known[class][pair].get_or_insert_with(|| gain(class, target, decided))
        };
        outputs().map(of_output).collect()
    }
}

/// Counts samples of class `label` that were decided for `decided`.
fn decide(counts: &mut [Counts], label: usize, decided: usize, samples: f64) {
    for (class, counts) in counts.iter_mut().enumerate() {
        counts.count(class == label, class == decided, samples);
    }
}

/// Decisions and targets, on the host by one transfer.
fn read<const D: usize>(decided: Tensor<D, Int>, targets: Tensor<D, Int>) -> [Vec<i64>; 2] {
    let targets = targets.cast(decided.dtype());
    let both = Tensor::cat(vec![decided, targets], 0).into_data();
    let mut decided: Vec<i64> = both.iter().collect();
    let targets = decided.split_off(decided.len() / 2);
    [decided, targets]
}

/// The gains in the type and on the device of the outputs, off the tape.
fn like(outputs: &Tensor<2>, gains: Vec<f32>) -> Tensor<2> {
    let gains = TensorData::new(gains, outputs.dims());
    Tensor::<2>::from_data(gains, &outputs.device()).cast(outputs.dtype())
}

/// One class per sample.
impl<F: Fn(&[Counts]) -> f64> Reward<2> for BatchObjectiveReward<F> {
    /// # Panics
    ///
    /// If there is one output only, or another number of labels than of samples.
    fn forward(&self, outputs: Tensor<2>, targets: Tensor<1, Int>) -> Tensor<2> {
        let samples = Samples::new(outputs, targets);
        let outputs = samples.logits.clone();
        let [_, classes] = outputs.dims();
        assert!(
            !samples.is_binary(),
            "an objective of the batch: expected an output per class, found one output"
        );
        let [decided, labels] = read(outputs.clone().argmax(1), samples.labels());
        let gains = like(&outputs, self.gains(&decided, &labels, classes));
        // The gain of a class over itself is 0, so the sum runs over the wrong classes.
        let wrong = softmax(outputs.clone(), 1) * gains;
        let right = wrong.clone().sum_dim(1).expand(outputs.dims());
        outputs * (-wrong).mask_where(samples.is_target(), right)
    }

    fn try_forward(
        &self,
        outputs: Tensor<2>,
        targets: Tensor<1, Int>,
    ) -> Result<Tensor<2>, RewardError> {
        Samples::new(outputs.clone(), targets.clone()).check()?;
        finite(self.forward(outputs, targets))
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
        let (outputs, targets) = (outputs.inner(), targets.inner());
        let decided = outputs.clone().greater_equal_elem(0.0).int();
        let [decided, labels] = read(decided, targets.clone()).map(|values| {
            values
                .into_iter()
                .map(|value| value != 0)
                .collect::<Vec<_>>()
        });
        let gains = self.gains_of_labels(&decided, &labels, outputs.dims()[1]);
        let error = targets.float().cast(outputs.dtype()) - sigmoid(outputs.clone());
        like(&outputs, gains) * outputs * error
    }
}

//! Initial rewards: the reward of every output, from outputs and targets.
//!
//! No derivative is taken of a reward, so anything may compute one: a metric, a simulator, a person.
//!
//! | reward | at output `c` of a sample of class `y` | Table 2 |
//! |---|---|---|
//! | [`TrueClassReward`] | `sign(o_y)` at `c = y`, else 0 | #1 |
//! | [`CorrectReward`] | the same if the sample is classified correctly, else 0 | #1 in `lfprop` |
//! | [`MisclassificationReward`] | `-sign(o_c)` if `o_c > o_y`, else 0 | #2 |
//! | [`SoftmaxReward`] | `o_c (1[c = y] - softmax(o)_c)` | #3 |
//! | [`SigmoidReward`] | `o_c (1[c = y] - sigmoid(o_c))` | #4 |
//! | [`SignedReward`] | `sign(o_c) rho R_c` for any rating `R_c` of outcomes (Eqs. 12, 13) | |
//! | [`BatchObjectiveReward`] | #3 or #4, each wrong class weighted by what it costs an objective of the batch, such as F1 | |
//! | [`PolicyReward`] | `o_c (1[c = a] - softmax(o)_c) A` for an action `a` with the advantage `A` | |
//! | [`SequenceReward`] | #3 per column, each wrong class weighted by what it costs a score of the whole sequence, such as the edit distance | |
//! | [`VerdictReward`] | by a verdict on one guess `a` alone: #3 with `a` as label, or its probability to the others | |
//! | [`LossReward`] | `o_c (-dL/do_c)` for any differentiable loss (Theorem 1) | |
//! | [`SpikeRateReward`] | the rate-coded reward of spikes (Eq. A.4) | |
//! | [`FnReward`] | the result of a closure | |
//! | [`TargetReward`] | 1 at `c = y`, else 0: relevance instead of training | |
//!
//! The rewards of Table 2 take logits of rank 2 to 4 with the classes last, `[..., classes]`, and labels `[...]`. `sign(0) = 1`
//! in all of them. They define two special cases alike:
//!
//! - **One output** means two classes, of which 1 is chosen by an output that is not negative. Softmax and sigmoid rewards
//!   then agree; the others rate the choice, without the sign (section 3.2).
//! - **A label that is no class** (-1, 255, or 1 to `n` in place of 0 to `n-1`) gives the sample a reward of 0 at every
//!   output. [`try_forward`](Reward::try_forward) reports it as an error.

mod batch_objective;
mod class_weighted;
mod classification;
mod correct;
mod custom;
mod loss;
mod misclassification;
mod policy;
mod regret;
mod sequence;
mod sigmoid;
mod signed;
mod softmax;
mod spike_rate;
mod target;
mod true_class;
mod verdict;

pub use batch_objective::{BatchObjectiveReward, Counts, accuracy, macro_f1};
pub use class_weighted::ClassWeighted;
pub use correct::CorrectReward;
pub use custom::FnReward;
pub use loss::LossReward;
pub use misclassification::MisclassificationReward;
pub use policy::{Decisions, PolicyReward};
pub use sequence::{Decoding, SequenceReward};
pub use sigmoid::SigmoidReward;
pub use signed::SignedReward;
pub use softmax::SoftmaxReward;
pub use spike_rate::{HalfTime, SpikeRateForm, SpikeRateReward};
pub use target::TargetReward;
pub use true_class::TrueClassReward;
pub use verdict::{Judged, VerdictReward};

use burn::{
    config::Config,
    tensor::{Int, Tensor},
};

/// An initial reward of outputs of rank `D` for targets `T`.
pub trait Reward<const D: usize, T = Tensor<1, Int>> {
    /// The reward of every output, off the tape.
    ///
    /// # Shapes
    ///
    /// - `outputs` and the reward: the same. For classification `[batch_size, classes]`, with `targets` `[batch_size]`
    fn forward(&self, outputs: Tensor<D>, targets: T) -> Tensor<D>;

    /// [`forward`](Self::forward) with a check of its result, for a loop that stops on bad numbers.
    ///
    /// It reads back from the device: call it once per epoch rather than at each step.
    ///
    /// # Errors
    ///
    /// [`RewardError`] if a reward is infinite or NaN, or a label is no class.
    fn try_forward(&self, outputs: Tensor<D>, targets: T) -> Result<Tensor<D>, RewardError> {
        finite(self.forward(outputs, targets))
    }
}

/// What is wrong with the rewards of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RewardError {
    /// Some are infinite or NaN.
    #[error(
        "{count} of {of} initial rewards are infinite or NaN: the outputs have probably diverged; lower the learning rate, or \
         clip the updates"
    )]
    NonFinite {
        /// The number of such rewards.
        count: usize,
        /// The number of all rewards.
        of: usize,
    },
    /// A label is no class.
    #[error("expected labels from 0 to {last}, found {label}", last = classes - 1)]
    Label {
        /// The label.
        label: i64,
        /// The number of classes.
        classes: usize,
    },
}

/// How the rewards of the samples of a batch are combined.
#[derive(Config, Debug, Copy, PartialEq, Eq)]
pub enum Reduction {
    /// Feedback is the sum over the samples.
    Sum,
    /// Feedback is the mean over the samples, as the gradient of a mean loss.
    Mean,
}

impl Reduction {
    /// The divisor of the rewards of `count` samples.
    fn divisor(self, count: usize) -> f64 {
        match self {
            Self::Sum => 1.0,
            Self::Mean => count.max(1) as f64,
        }
    }
}

/// Checks that all rewards are finite.
fn finite<const D: usize>(reward: Tensor<D>) -> Result<Tensor<D>, RewardError> {
    let bad = reward.clone().is_finite().bool_not().int().sum();
    match bad.into_scalar::<i64>() {
        0 => Ok(reward),
        count => Err(RewardError::NonFinite {
            count: count as usize,
            of: reward.shape().num_elements(),
        }),
    }
}

/// 1 where a value is zero or positive, -1 where it is negative. (Burn's `sign` of zero is zero.)
fn sign<const D: usize>(values: Tensor<D>) -> Tensor<D> {
    let negative = values.clone().lower_elem(0.0);
    values.ones_like().mask_fill(negative, -1.0)
}

//! Initial rewards: what the outputs get, from the logits and the targets.
//!
//! No derivative is taken of a reward, so anything may compute one: a metric, a simulator, a person.
//! [`FnReward`] makes one from a closure.

mod class_weighted;
mod correct;
mod custom;
mod misclassification;
mod sigmoid;
mod softmax;
mod spike_rate;
mod target;

pub use class_weighted::ClassWeighted;
pub use correct::CorrectReward;
pub use custom::FnReward;
pub use misclassification::MisclassificationReward;
pub use sigmoid::SigmoidReward;
pub use softmax::SoftmaxReward;
pub use spike_rate::{HalfTime, SpikeRateReward};
pub use target::TargetReward;

use burn::{
    config::Config,
    tensor::{Int, Tensor},
};

/// An initial reward.
pub trait Reward {
    /// The reward of every output of every sample.
    ///
    /// # Shapes
    ///
    /// - `logits` and the reward: `[batch_size, classes]`
    /// - `targets`: `[batch_size]`, from 0 to `classes - 1`
    fn forward(&self, logits: Tensor<2>, targets: Tensor<1, Int>) -> Tensor<2>;

    /// Like [`forward`](Self::forward), for a loop that would rather stop than learn from NaN.
    ///
    /// It reads one number back from the device: once per epoch costs nothing, once per step does.
    ///
    /// # Errors
    ///
    /// [`NonFiniteReward`] if the reward of any output is infinite or NaN.
    fn forward_checked(
        &self,
        logits: Tensor<2>,
        targets: Tensor<1, Int>,
    ) -> Result<Tensor<2>, NonFiniteReward> {
        let reward = self.forward(logits, targets);
        let bad = reward.clone().is_finite().bool_not().int().sum();
        match bad.into_scalar::<i64>() {
            0 => Ok(reward),
            count => Err(NonFiniteReward {
                count: count as usize,
                of: reward.shape().num_elements(),
            }),
        }
    }
}

/// Rewards that are infinite or NaN.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{count} of {of} initial rewards are infinite or NaN, expected finite ones: the outputs have \
     probably diverged (a lower learning rate, or clipping, keeps them from it)"
)]
pub struct NonFiniteReward {
    /// How many.
    pub count: usize,
    /// Of how many.
    pub of: usize,
}

/// How the rewards of the samples of a batch are weighed against each other.
#[derive(Config, Debug, Copy, PartialEq, Eq)]
pub enum Reduction {
    /// Every sample counts in full: feedback is summed over the batch, as in the paper.
    Sum,
    /// Rewards are divided by the size of the batch, as a mean loss divides gradients.
    Mean,
}

impl Reduction {
    fn apply(self, reward: Tensor<2>) -> Tensor<2> {
        let [batch_size, _] = reward.dims();
        match self {
            Self::Sum => reward,
            Self::Mean => reward.div_scalar(self.divisor(batch_size)),
        }
    }

    /// What the sum over `count` is divided by.
    fn divisor(self, count: usize) -> f64 {
        match self {
            Self::Sum => 1.0,
            Self::Mean => count as f64,
        }
    }
}

/// 1 at the target and 0 elsewhere, `[batch_size, classes]`. One output means two classes, and the
/// target, 0 or 1, itself.
///
/// Burn's `one_hot` reads the targets back to check them, so every step would wait for the device.
fn one_hot(targets: Tensor<1, Int>, logits: &Tensor<2>) -> Tensor<2> {
    let targets = targets.inner().unsqueeze_dim::<2>(1);
    let hot = match logits.dims() {
        [_, 1] => targets.float(),
        [_, classes] => {
            let classes = Tensor::<1, Int>::arange(0..classes as i64, &targets.device());
            let classes = classes.cast(targets.dtype()).unsqueeze::<2>();
            targets.equal(classes).float()
        }
    };
    hot.cast(logits.dtype())
}

/// The logit of the target, `[batch_size, 1]`.
fn target_logit(targets: Tensor<1, Int>, logits: &Tensor<2>) -> Tensor<2> {
    let index = targets.inner().unsqueeze_dim::<2>(1);
    logits.clone().gather(1, index)
}

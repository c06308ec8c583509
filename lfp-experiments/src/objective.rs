//! What a network is trained for, and by which of the two backward passes.

use std::fmt;

use burn::{
    module::Module,
    nn::loss::CrossEntropyLossConfig,
    optim::GradientsParams,
    tensor::{Gradients, Int, Tensor},
};
use clap::ValueEnum;
use lfp_burn::{
    Feedback, Propagate,
    reward::{NonFiniteReward, Reward, SoftmaxReward},
};
use serde::{Deserialize, Serialize};

/// How a network learns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Method {
    /// Layer-wise feedback propagation.
    Lfp,
    /// Gradient descent on the mean cross-entropy.
    Gradient,
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Lfp => "lfp",
            Self::Gradient => "gradient",
        })
    }
}

impl Method {
    /// The objective of the paper's experiments on images: reward #3, or the cross-entropy.
    pub fn objective(self) -> Objective {
        match self {
            Self::Lfp => Objective::Reward(Box::new(SoftmaxReward::new())),
            Self::Gradient => Objective::CrossEntropy,
        }
    }
}

/// What is asked of the outputs.
pub enum Objective {
    /// An initial reward, to be propagated.
    Reward(Box<dyn Reward + Send + Sync>),
    /// The cross-entropy, averaged over the batch, to be differentiated.
    CrossEntropy,
}

/// What a backward pass left at the parameters.
pub enum BackwardPass {
    /// Of rewards.
    Feedback(Feedback),
    /// Of a loss.
    Gradients(Gradients),
}

impl Objective {
    /// The backward pass from `logits`, `[batch_size, classes]`, for `targets`, `[batch_size]`.
    pub fn backward(&self, logits: Tensor<2>, targets: Tensor<1, Int>) -> BackwardPass {
        match self {
            Self::Reward(reward) => {
                let reward = reward.forward(logits.clone(), targets);
                BackwardPass::Feedback(logits.propagate(reward))
            }
            Self::CrossEntropy => {
                let loss = CrossEntropyLossConfig::new().init(&logits.device());
                BackwardPass::Gradients(loss.forward(logits, targets).backward())
            }
        }
    }

    /// Whether the outputs can still be learned from.
    ///
    /// # Errors
    ///
    /// If a reward, or the reward that goes with the cross-entropy, is infinite or NaN.
    pub fn check(&self, logits: Tensor<2>, targets: Tensor<1, Int>) -> Result<(), NonFiniteReward> {
        let softmax = SoftmaxReward::new();
        let reward: &dyn Reward = match self {
            Self::Reward(reward) => reward.as_ref(),
            Self::CrossEntropy => &softmax,
        };
        reward.forward_checked(logits, targets).map(|_| ())
    }
}

impl BackwardPass {
    /// The updates for an optimiser that minimises.
    pub fn into_grads<M: Module>(self, model: &M) -> GradientsParams {
        match self {
            Self::Feedback(feedback) => feedback.into_grads(model),
            Self::Gradients(gradients) => GradientsParams::from_grads(gradients, model),
        }
    }
}

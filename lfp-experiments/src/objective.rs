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
    Feedback, Propagate, Rule,
    reward::{ClassWeighted, NonFiniteReward, Reduction, Reward, SoftmaxReward, SpikeRateReward},
    spiking::rate_cross_entropy,
};
use lfp_models::Outputs;
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
    /// The same with a weight for each class of logits.
    pub fn weighted_objective(self, weights: Vec<f32>) -> Objective {
        match self {
            Self::Lfp => Objective::reward(ClassWeighted::new(SoftmaxReward::new(), weights)),
            Self::Gradient => Objective::CrossEntropy {
                weights: Some(weights),
            },
        }
    }

    /// The objective of the paper's experiments: reward #3 or the rate-coded one, or the cross-entropy.
    pub fn objective(self) -> Objective {
        match self {
            Self::Lfp => Objective::reward(SoftmaxReward::new()),
            Self::Gradient => Objective::CrossEntropy { weights: None },
        }
    }
}

/// What is asked of the outputs.
pub enum Objective {
    /// An initial reward, to be propagated.
    Reward {
        /// Of logits.
        logits: Box<dyn Reward + Send + Sync>,
        /// Of spikes.
        spikes: SpikeRateReward,
        /// By which rule.
        rule: Rule,
    },
    /// The cross-entropy, averaged over the batch and over the steps, to be differentiated.
    CrossEntropy {
        /// Of each class, if not all the same; spikes have none.
        weights: Option<Vec<f32>>,
    },
}

/// What a backward pass left at the parameters.
pub enum BackwardPass {
    /// Of rewards.
    Feedback(Feedback),
    /// Of a loss.
    Gradients(Gradients),
}

impl Objective {
    /// A reward of logits, by the default rule. Spikes get the rate-coded reward, averaged over the steps.
    pub fn reward(logits: impl Reward + Send + Sync + 'static) -> Self {
        Self::Reward {
            logits: Box::new(logits),
            spikes: SpikeRateReward::new().with_steps(Reduction::Mean),
            rule: Rule::default(),
        }
    }

    /// The backward pass from `outputs` for `targets`, `[batch_size]`.
    pub fn backward(&self, outputs: Outputs, targets: Tensor<1, Int>) -> BackwardPass {
        self.backward_of_part(outputs, targets, 1.0)
    }

    /// The backward pass for a `share` of a batch: those of all parts together are that of the batch.
    /// Rewards are summed over the batch, so a part's are what they are; a mean counts by its share.
    pub fn backward_of_part(
        &self,
        outputs: Outputs,
        targets: Tensor<1, Int>,
        share: f64,
    ) -> BackwardPass {
        match (self, outputs) {
            (Self::Reward { logits, rule, .. }, Outputs::Logits(outputs)) => {
                let reward = logits.forward(outputs.clone(), targets);
                BackwardPass::Feedback(propagate(outputs, reward, *rule))
            }
            (Self::Reward { spikes, rule, .. }, Outputs::Spikes(outputs)) => {
                let reward = spikes.forward(outputs.clone(), targets);
                BackwardPass::Feedback(propagate(outputs, reward, *rule))
            }
            (Self::CrossEntropy { weights }, Outputs::Logits(outputs)) => {
                let loss = CrossEntropyLossConfig::new().with_weights(weights.clone());
                let loss = loss.init(&outputs.device()).forward(outputs, targets);
                BackwardPass::Gradients(loss.mul_scalar(share).backward())
            }
            (Self::CrossEntropy { .. }, Outputs::Spikes(outputs)) => {
                let loss = rate_cross_entropy(outputs, targets);
                BackwardPass::Gradients(loss.mul_scalar(share).backward())
            }
        }
    }

    /// The same objective, propagated by another rule.
    #[must_use]
    pub fn with_rule(mut self, new: Rule) -> Self {
        if let Self::Reward { rule, .. } = &mut self {
            *rule = new;
        }
        self
    }

    /// Whether the outputs, `[batch_size, classes]`, can still be learned from.
    ///
    /// # Errors
    ///
    /// If a reward, or the reward that goes with the cross-entropy, is infinite or NaN.
    pub fn check(&self, scores: Tensor<2>, targets: Tensor<1, Int>) -> Result<(), NonFiniteReward> {
        let softmax = SoftmaxReward::new();
        let reward: &dyn Reward = match self {
            Self::Reward { logits, .. } => logits.as_ref(),
            Self::CrossEntropy { .. } => &softmax,
        };
        reward.forward_checked(scores, targets).map(|_| ())
    }
}

fn propagate<const D: usize>(outputs: Tensor<D>, reward: Tensor<D>, rule: Rule) -> Feedback {
    outputs
        .try_propagate(reward, rule)
        .expect("the reward has the shape of the outputs, and the network is tracked")
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

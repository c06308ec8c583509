//! The objective of a training run, and its backward pass: rewards or gradients.

use burn::{
    module::Module,
    nn::loss::CrossEntropyLossConfig,
    optim::GradientsParams,
    tensor::{Gradients, Int, Tensor},
};
use clap::ValueEnum;
use lfp_burn::{
    Feedback, LfpConfig, Propagate,
    reward::{
        ClassWeighted, CorrectReward, MisclassificationReward, Reduction, Reward, RewardError,
        SigmoidReward, SoftmaxReward, SpikeRateForm, SpikeRateReward, TrueClassReward,
    },
    spiking::rate_cross_entropy,
};
use lfp_models::Outputs;
use serde::{Deserialize, Serialize};
use strum::Display;

/// The training method.
#[derive(Clone, Copy, Debug, Display, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum Method {
    /// Layer-wise feedback propagation.
    Lfp,
    /// Gradient descent on the mean cross-entropy.
    Gradient,
}

/// The initial reward of logits (Table 2).
#[derive(
    Clone, Copy, Debug, Default, Display, PartialEq, Eq, ValueEnum, Serialize, Deserialize,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum RewardKind {
    /// Reward #3, by the softmax.
    #[default]
    Softmax,
    /// Reward #4, by the sigmoid.
    Sigmoid,
    /// Reward #1, for the true class.
    TrueClass,
    /// Reward #1 of lfprop, for the true class if the classification is correct.
    Correct,
    /// Reward #2, against false positives.
    Misclassification,
}

type LogitReward = Box<dyn Reward<2> + Send + Sync>;

impl RewardKind {
    fn build(self, class_weights: Option<Vec<f32>>) -> LogitReward {
        fn weighted<R>(reward: R, weights: Option<Vec<f32>>) -> LogitReward
        where
            R: Reward<2> + Send + Sync + 'static,
        {
            match weights {
                Some(weights) => Box::new(ClassWeighted::new(reward, weights)),
                None => Box::new(reward),
            }
        }
        match self {
            Self::Softmax => weighted(SoftmaxReward::new(), class_weights),
            Self::Sigmoid => weighted(SigmoidReward::new(), class_weights),
            Self::TrueClass => weighted(TrueClassReward::new(), class_weights),
            Self::Correct => weighted(CorrectReward::new(), class_weights),
            Self::Misclassification => weighted(MisclassificationReward::new(), class_weights),
        }
    }
}

/// The objective of a training run.
pub enum Objective {
    /// An initial reward, which is propagated.
    Reward {
        /// For logits.
        logits: LogitReward,
        /// For spikes.
        spikes: SpikeRateReward,
        /// The settings of the propagation.
        config: LfpConfig,
    },
    /// The cross-entropy, averaged over batch and steps, which is differentiated.
    CrossEntropy {
        /// A weight for each class of logits.
        weights: Option<Vec<f32>>,
    },
}

/// The result of a backward pass.
pub enum BackwardPass {
    /// Of rewards.
    Feedback(Feedback),
    /// Of a loss.
    Gradients(Gradients),
}

impl Objective {
    /// The objective of a method. Spikes get the rate-coded reward, averaged over the steps.
    pub fn new(
        method: Method,
        reward: RewardKind,
        spike_reward: SpikeRateForm,
        class_weights: Option<Vec<f32>>,
        config: LfpConfig,
    ) -> Self {
        match method {
            Method::Lfp => Self::Reward {
                logits: reward.build(class_weights),
                spikes: SpikeRateReward::new()
                    .with_steps(Reduction::Mean)
                    .with_form(spike_reward),
                config,
            },
            Method::Gradient => Self::CrossEntropy {
                weights: class_weights,
            },
        }
    }

    /// The objective of a method with its default settings.
    pub fn of(method: Method) -> Self {
        let (reward, spike_reward) = (RewardKind::default(), SpikeRateForm::default());
        Self::new(method, reward, spike_reward, None, LfpConfig::new())
    }

    /// The backward pass from `outputs` for `targets`, `[batch_size]`.
    pub fn backward(&self, outputs: Outputs, targets: Tensor<1, Int>) -> BackwardPass {
        self.backward_of_part(outputs, targets, 1.0)
    }

    /// The backward pass of a micro-batch that is the fraction `share` of its batch: rewards are sums over samples, a mean
    /// loss is weighted by its share. The sum over the micro-batches equals the backward pass of the batch, unless something
    /// is computed over the samples of a micro-batch: statistics of batch normalisation, the largest magnitude by which
    /// spiking layers normalise, the sum of class weights by which the cross-entropy divides.
    pub fn backward_of_part(
        &self,
        outputs: Outputs,
        targets: Tensor<1, Int>,
        share: f64,
    ) -> BackwardPass {
        match (self, outputs) {
            (Self::Reward { logits, config, .. }, Outputs::Logits(outputs)) => {
                let reward = logits.forward(outputs.clone(), targets);
                BackwardPass::Feedback(outputs.propagate_with(reward, config))
            }
            (Self::Reward { spikes, config, .. }, Outputs::Spikes(outputs)) => {
                let reward = spikes.forward(outputs.clone(), targets);
                BackwardPass::Feedback(outputs.propagate_with(reward, config))
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

    /// Checks the scores of a batch, `[batch_size, classes]`.
    ///
    /// # Errors
    ///
    /// If a reward, or the reward that corresponds to the cross-entropy, is infinite or NaN.
    pub fn check(&self, scores: Tensor<2>, targets: Tensor<1, Int>) -> Result<(), RewardError> {
        let softmax = SoftmaxReward::new();
        let reward: &dyn Reward<2> = match self {
            Self::Reward { logits, .. } => logits.as_ref(),
            Self::CrossEntropy { .. } => &softmax,
        };
        reward.try_forward(scores, targets).map(|_| ())
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

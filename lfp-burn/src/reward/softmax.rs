//! Reward #3 of Table 2.

use burn::{
    config::Config,
    tensor::{Tensor, activation},
};

use super::{
    Reduction,
    classification::{PerSample, Samples, classification_reward},
};

/// Reward #3 of Table 2: `r_c = o_c (1[c = y] - softmax(o)_c)`, the reward to start with. By Theorem 1 it makes LFP follow the
/// cross-entropy, with each weight's step scaled by `|w|`.
#[derive(Config, Debug)]
pub struct SoftmaxReward {
    /// Over the samples. Default: sum, as in the authors' package.
    #[config(default = "Reduction::Sum")]
    pub reduction: Reduction,
}

impl PerSample for SoftmaxReward {
    fn reduction(&self) -> Reduction {
        self.reduction
    }

    fn rewards(&self, samples: &Samples) -> Tensor<2> {
        let logits = samples.logits.clone();
        let probabilities = match samples.is_binary() {
            true => activation::sigmoid(logits.clone()),
            false => activation::softmax(logits.clone(), 1),
        };
        logits * (samples.one_hot() - probabilities)
    }
}

classification_reward!(SoftmaxReward);

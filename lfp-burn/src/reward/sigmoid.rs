//! Reward #4 of Table 2.

use burn::{
    config::Config,
    tensor::{Tensor, activation::sigmoid},
};

use super::{
    Reduction,
    classification::{PerSample, Samples, classification_reward},
};

/// Reward #4 of Table 2: `r_c = o_c (1[c = y] - sigmoid(o_c))`, which treats every output as a decision of its own. By
/// Theorem 1 it makes LFP follow the binary cross-entropy.
#[derive(Config, Debug)]
pub struct SigmoidReward {
    /// Over the samples. Default: sum, as in the authors' package.
    #[config(default = "Reduction::Sum")]
    pub reduction: Reduction,
}

impl PerSample for SigmoidReward {
    fn reduction(&self) -> Reduction {
        self.reduction
    }

    fn rewards(&self, samples: &Samples) -> Tensor<2> {
        let logits = samples.logits.clone();
        let error = samples.one_hot() - sigmoid(logits.clone());
        logits * error
    }
}

classification_reward!(SigmoidReward);

//! Reward #1 of Table 2.

use burn::{config::Config, tensor::Tensor};

use super::{
    Reduction,
    classification::{PerSample, Samples, classification_reward},
    sign,
};

/// Reward #1 of Table 2 in the form of the authors' package: `r_y = sign(o_y)` for samples that are classified correctly, 0
/// otherwise. A tie for the largest logit counts as correct.
#[derive(Config, Debug)]
pub struct CorrectReward {
    /// Over the samples. Default: sum, as in the authors' package.
    #[config(default = "Reduction::Sum")]
    pub reduction: Reduction,
}

impl PerSample for CorrectReward {
    fn reduction(&self) -> Reduction {
        self.reduction
    }

    fn rewards(&self, samples: &Samples) -> Tensor<2> {
        let logits = samples.logits.clone();
        if samples.is_binary() {
            return logits.zeros_like().mask_fill(samples.is_right(), 1.0);
        }
        let largest = logits.clone().max_dim(1);
        let correct = samples.target_logit().equal(largest);
        let rewarded = samples.is_target().bool_and(correct.expand(logits.dims()));
        logits.zeros_like().mask_where(rewarded, sign(logits))
    }
}

classification_reward!(CorrectReward);

//! Reward #2 of Table 2.

use burn::{config::Config, tensor::Tensor};

use super::{
    Reduction,
    classification::{PerSample, Samples, classification_reward},
    sign,
};

/// Reward #2 of Table 2 (Eq. 14): `r_c = -sign(o_c)` for every class with a larger logit than the true one, 0 otherwise.
#[derive(Config, Debug)]
pub struct MisclassificationReward {
    /// Over the samples. Default: sum, as in the authors' package.
    #[config(default = "Reduction::Sum")]
    pub reduction: Reduction,
}

impl PerSample for MisclassificationReward {
    fn reduction(&self) -> Reduction {
        self.reduction
    }

    fn rewards(&self, samples: &Samples) -> Tensor<2> {
        let logits = samples.logits.clone();
        if samples.is_binary() {
            let wrong = samples.is_right().bool_not();
            return logits.zeros_like().mask_fill(wrong, -1.0);
        }
        let larger = logits.clone().greater(samples.target_logit());
        logits.zeros_like().mask_where(larger, -sign(logits))
    }
}

classification_reward!(MisclassificationReward);

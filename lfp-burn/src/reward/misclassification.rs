//! Reward #2 of Table 2.

use burn::{config::Config, tensor::Tensor};

use super::{
    Reduction,
    classification::{PerSample, Samples, classification_reward},
};

/// Reward #2 of Table 2 (Eq. 14): `r_c = -sign(o_c)` for every class with a larger logit than the true one, 0 otherwise. A tie
/// with the true class is no mistake.
///
/// With one output for two classes the choice is rated, `r = -1` if it is wrong, else 0.
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
        let wrong = match samples.is_binary() {
            true => samples.is_right().bool_not(),
            false => samples.logits.clone().greater(samples.target_logit()),
        };
        samples.rated(wrong, -1.0)
    }
}

classification_reward!(MisclassificationReward);

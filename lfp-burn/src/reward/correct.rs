//! Reward #1 of Table 2 in the form of the authors' package.

use burn::{config::Config, tensor::Tensor};

use super::{
    Reduction,
    classification::{PerSample, Samples, classification_reward},
};

/// The variant of reward #1 of Table 2 in the authors' package (`lfprop`): `r_y = sign(o_y)` at the true class of samples that
/// are classified correctly, 0 otherwise. A tie for the largest logit counts as correct.
///
/// The paper's own #1 does not ask whether the class was predicted: [`TrueClassReward`](super::TrueClassReward). With one
/// output for two classes they are the same.
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
        if samples.is_binary() {
            return samples.rated(samples.is_right(), 1.0);
        }
        let largest = samples.logits.clone().max_dim(1);
        let correct = samples.target_logit().equal(largest);
        let correct = correct.expand(samples.logits.dims());
        samples.rated(samples.is_target().bool_and(correct), 1.0)
    }
}

classification_reward!(CorrectReward);

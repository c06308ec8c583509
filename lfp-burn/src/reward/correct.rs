//! Reward #1 of Table 2.

use burn::{
    config::Config,
    tensor::{Int, Tensor},
};

use super::{Reduction, Reward, one_hot, target_logit};

/// Reward #1 of Table 2: `r_y = sign(o_y)` for samples that are classified correctly, 0 otherwise.
///
/// A tie for the largest logit counts as correct. Not differentiable, and LFP does not mind.
#[derive(Config, Debug)]
pub struct CorrectReward {
    /// Over the batch. Default: sum, as in the paper.
    #[config(default = "Reduction::Sum")]
    pub reduction: Reduction,
}

impl Reward for CorrectReward {
    fn forward(&self, logits: Tensor<2>, targets: Tensor<1, Int>) -> Tensor<2> {
        let logits = logits.inner();
        let largest = logits.clone().max_dim(1);
        let correct = target_logit(targets.clone(), &logits)
            .equal(largest)
            .float();
        let reward = one_hot(targets, &logits) * correct * logits.sign();
        self.reduction.apply(reward)
    }
}

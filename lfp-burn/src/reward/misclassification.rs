//! Reward #2 of Table 2.

use burn::{
    config::Config,
    tensor::{Int, Tensor},
};

use super::{Reduction, Reward, target_logit};

/// Reward #2 of Table 2: `r_c = -sign(o_c)` for every class that beats the true one, 0 otherwise.
///
/// Not differentiable, and LFP does not mind.
#[derive(Config, Debug)]
pub struct MisclassificationReward {
    /// Over the batch. Default: sum, as in the paper.
    #[config(default = "Reduction::Sum")]
    pub reduction: Reduction,
}

impl Reward for MisclassificationReward {
    fn forward(&self, logits: Tensor<2>, targets: Tensor<1, Int>) -> Tensor<2> {
        let logits = logits.inner();
        let beats_target = logits.clone().greater(target_logit(targets, &logits));
        self.reduction.apply(beats_target.float() * -logits.sign())
    }
}

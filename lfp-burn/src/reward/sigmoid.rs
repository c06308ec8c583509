//! Reward #4 of Table 2.

use burn::{
    config::Config,
    tensor::{Int, Tensor, activation::sigmoid},
};

use super::{Reduction, Reward, one_hot};

/// Reward #4 of Table 2: `r_c = o_c (1[c = y] - sigmoid(o_c))`, every output a yes or no of its own.
///
/// With a single output the targets are 0 and 1.
#[derive(Config, Debug)]
pub struct SigmoidReward {
    /// Over the batch. Default: sum, as in the paper.
    #[config(default = "Reduction::Sum")]
    pub reduction: Reduction,
}

impl Reward for SigmoidReward {
    fn forward(&self, logits: Tensor<2>, targets: Tensor<1, Int>) -> Tensor<2> {
        let logits = logits.inner();
        let error = one_hot(targets, &logits) - sigmoid(logits.clone());
        self.reduction.apply(logits * error)
    }
}

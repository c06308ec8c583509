//! Reward #3 of Table 2.

use burn::{
    config::Config,
    tensor::{Int, Tensor, activation::softmax},
};

use super::{Reduction, Reward, one_hot};

/// Reward #3 of Table 2: `r_c = o_c (1[c = y] - softmax(o)_c)`, the one to start with.
///
/// Together with Theorem 1 it makes LFP follow the cross-entropy, each weight's step scaled by `|w|`.
#[derive(Config, Debug)]
pub struct SoftmaxReward {
    /// Over the batch. Default: sum, as in the paper.
    #[config(default = "Reduction::Sum")]
    pub reduction: Reduction,
}

impl Reward for SoftmaxReward {
    fn forward(&self, logits: Tensor<2>, targets: Tensor<1, Int>) -> Tensor<2> {
        let logits = logits.inner();
        let error = one_hot(targets, &logits) - softmax(logits.clone(), 1);
        self.reduction.apply(logits * error)
    }
}

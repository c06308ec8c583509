//! The start of relevances.

use burn::{
    config::Config,
    tensor::{Int, Tensor},
};

use super::{Reward, one_hot};

/// 1 at the true class and 0 elsewhere, of every sample: what is propagated is then relevance by LRP, the share
/// that each neuron and connection has in the true class's output.
#[derive(Config, Debug)]
pub struct TargetReward {}

impl Reward for TargetReward {
    fn forward(&self, logits: Tensor<2>, targets: Tensor<1, Int>) -> Tensor<2> {
        one_hot(targets, &logits.inner())
    }
}

//! The initial reward of relevances.

use burn::{config::Config, tensor::Tensor};

use super::{
    Reduction,
    classification::{PerSample, Samples, classification_reward},
};

/// 1 at the true class and 0 elsewhere: the propagation then computes relevances by LRP, the contribution of each neuron and
/// connection to the output of the true class.
#[derive(Config, Debug)]
pub struct TargetReward {}

impl PerSample for TargetReward {
    fn reduction(&self) -> Reduction {
        Reduction::Sum
    }

    fn rewards(&self, samples: &Samples) -> Tensor<2> {
        samples.one_hot()
    }
}

classification_reward!(TargetReward);

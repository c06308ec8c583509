//! Reward #1 of Table 2.

use burn::{config::Config, tensor::Tensor};

use super::{
    Reduction,
    classification::{PerSample, Samples, classification_reward},
};

/// Reward #1 of Table 2: `r_y = sign(o_y)` at the true class `y`, whether or not it is the prediction, and 0 elsewhere.
///
/// It has no convergence mechanism (`rho = 1`): the true output grows without end, so lower the learning rate, or stop in
/// time. [`CorrectReward`](super::CorrectReward) is the variant of the authors' package.
///
/// With one output for two classes the choice is rated, `r = 1` if it is right, else 0.
#[derive(Config, Debug)]
pub struct TrueClassReward {
    /// Over the samples. Default: sum, as in the authors' package.
    #[config(default = "Reduction::Sum")]
    pub reduction: Reduction,
}

impl PerSample for TrueClassReward {
    fn reduction(&self) -> Reduction {
        self.reduction
    }

    fn rewards(&self, samples: &Samples) -> Tensor<2> {
        let rated = match samples.is_binary() {
            true => samples.is_right(),
            false => samples.is_target(),
        };
        samples.rated(rated, 1.0)
    }
}

classification_reward!(TrueClassReward);

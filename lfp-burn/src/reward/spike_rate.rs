//! The reward of spiking networks.

use burn::{
    config::Config,
    tensor::{Int, Tensor, activation::sigmoid},
};
use serde::{Deserialize, Serialize};

use super::{Reduction, Reward, RewardError, classification::Samples};

/// The rate-coded reward of output spikes (Eq. A.4) in the form of the authors' package: the true class is rewarded at every
/// step, every other class is punished at the steps at which it fires.
///
/// With `n` steps, `p` spikes and `m = n - p` silent steps of an output, and the sigmoid `s`:
///
/// ```text
/// r[t] = 1 - s(p - n/2)               for the true class
/// r[t] = -out[t] (1 - s(m - n/2))     for every other class
/// ```
///
/// so an output that fires (or is silent) often enough gets little. Propagate it from the spikes themselves,
/// `spikes.propagate(reward)`: rewards then reach silent neurons, too.
#[derive(Config, Debug)]
pub struct SpikeRateReward {
    /// Over the samples. Default: sum, as in the authors' package.
    #[config(default = "Reduction::Sum")]
    pub reduction: Reduction,
    /// Over the steps. Default: sum. The mean makes learning rates independent of the number of steps.
    #[config(default = "Reduction::Sum")]
    pub steps: Reduction,
    /// The value of `n/2` for an odd number of steps. Default: exact.
    #[config(default = "HalfTime::Exact")]
    pub half: HalfTime,
}

/// Half of the number of steps `n`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HalfTime {
    /// `n / 2`.
    Exact,
    /// `floor(n / 2)`, as in the authors' package (`lfprop`).
    Floor,
}

impl Reward<3> for SpikeRateReward {
    /// # Shapes
    ///
    /// - `outputs`, the spikes, and the reward: `[steps, batch_size, classes]`
    /// - `targets`: `[batch_size]`
    fn forward(&self, outputs: Tensor<3>, targets: Tensor<1, Int>) -> Tensor<3> {
        let spikes = outputs.inner();
        let [steps, batch, _] = spikes.dims();
        let half = match self.half {
            HalfTime::Exact => steps as f64 / 2.0,
            HalfTime::Floor => (steps / 2) as f64,
        };
        let fired = spikes.clone().sum_dim(0);
        let silent = fired.clone().neg().add_scalar(steps as f64);
        // 1 - s(x) = s(-x)
        let lacking = sigmoid(fired.clone().sub_scalar(half).neg());
        let excess = sigmoid(silent.sub_scalar(half).neg());
        let samples = Samples::new(fired.squeeze_dim::<2>(0), targets);
        let of_samples =
            |values: Tensor<2>| samples.reduce(values, Reduction::Sum).unsqueeze_dim::<3>(0);
        let target = samples.one_hot();
        let others = of_samples(target.clone().neg().add_scalar(1.0));
        let reward = of_samples(target) * lacking - spikes * (others * excess);
        let divisor = self.steps.divisor(steps) * self.reduction.divisor(batch);
        match divisor == 1.0 {
            true => reward,
            false => reward.div_scalar(divisor),
        }
    }

    fn try_forward(
        &self,
        outputs: Tensor<3>,
        targets: Tensor<1, Int>,
    ) -> Result<Tensor<3>, RewardError> {
        let counts = outputs.clone().sum_dim(0).squeeze_dim::<2>(0);
        Samples::new(counts, targets.clone()).check()?;
        super::finite(self.forward(outputs, targets))
    }
}

//! The reward of spiking networks.

use burn::{
    config::Config,
    tensor::{Int, Tensor, activation::sigmoid},
};

use super::{Reduction, one_hot};

/// The rate-coded reward of spiking outputs (Eq. A.4): the true class should fire, whether it did or
/// not, and the others should not have.
///
/// With `n` steps, `p` spikes and `m = n - p` silences of an output, and the sigmoid `s`:
///
/// ```text
/// r[t] = 1 - s(p - n/2)               for the true class
/// r[t] = -out[t] (1 - s(m - n/2))     for every other class
/// ```
///
/// so what already fires often (or seldom) enough gets little. Propagate it from the spikes
/// themselves, `spikes.propagate(reward)`: below a spike, rewards also reach neurons that are silent.
#[derive(Config, Debug)]
pub struct SpikeRateReward {
    /// Over the batch. Default: sum, as in the paper.
    #[config(default = "Reduction::Sum")]
    pub reduction: Reduction,
    /// Over the steps. Default: sum; the mean makes learning rates independent of their number.
    #[config(default = "Reduction::Sum")]
    pub steps: Reduction,
    /// What counts as half of an odd number of steps. Default: exactly half of it.
    #[config(default = "HalfTime::Exact")]
    pub half: HalfTime,
}

/// Half of the number of steps `n`, the number of spikes that is neither many nor few.
#[derive(Config, Debug, Copy, PartialEq, Eq)]
pub enum HalfTime {
    /// `n / 2`: spikes and silences are weighed alike.
    Exact,
    /// `floor(n / 2)`, as in the authors' package (`lfprop`). Another reward where `n` is odd.
    Floor,
}

impl SpikeRateReward {
    /// The reward of every output at every step of every sample.
    ///
    /// # Shapes
    ///
    /// - `spikes` and the reward: `[steps, batch_size, classes]`
    /// - `targets`: `[batch_size]`, from 0 to `classes - 1`
    pub fn forward(&self, spikes: Tensor<3>, targets: Tensor<1, Int>) -> Tensor<3> {
        let spikes = spikes.inner();
        let [steps, batch, _] = spikes.dims();
        let half = match self.half {
            HalfTime::Exact => steps as f64 / 2.0,
            HalfTime::Floor => (steps / 2) as f64,
        };
        let fired = spikes.clone().sum_dim(0);
        let silent = fired.clone().neg().add_scalar(steps as f64);
        // 1 - s(x) = s(-x)
        let lacking = sigmoid(fired.sub_scalar(half).neg());
        let excess = sigmoid(silent.sub_scalar(half).neg());
        let target = one_hot(targets, &spikes.clone().slice(0..1).squeeze_dim(0)).unsqueeze_dim(0);
        let others = target.clone().neg().add_scalar(1.0);
        let reward = target * lacking - spikes * (others * excess);
        let divisor = self.steps.divisor(steps) * self.reduction.divisor(batch);
        match divisor == 1.0 {
            true => reward,
            false => reward.div_scalar(divisor),
        }
    }
}

//! The reward of spiking networks.

use burn::{
    config::Config,
    tensor::{Int, Tensor, activation::sigmoid},
};
use serde::{Deserialize, Serialize};
use strum::{Display, EnumString, VariantNames};

use super::{Reduction, Reward, RewardError, classification::Samples};

/// The rate-coded reward of output spikes (Eq. A.4): the true class is asked to fire, every other class to be silent.
///
/// With `n` steps, `p` spikes and `m = n - p` silent steps of an output, and the sigmoid `s`:
///
/// ```text
/// r[t] = 1 - s(p - n/2)               for the true class
/// r[t] = s(m - n/2) - 1               for every other class, at every step
/// r[t] = (s(m - n/2) - 1) out[t]      for every other class, with SpikeRateForm::AtSpikes
/// ```
///
/// so an output that fires (or is silent) often enough gets little. Propagate it from the spikes themselves,
/// `spikes.propagate(reward)`: rewards then reach silent neurons, too.
///
/// The reward of the authors' package is `SpikeRateReward::new().with_form(SpikeRateForm::AtSpikes).with_half(HalfTime::Floor)`.
///
/// # Example
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use lfp_burn::reward::{Reward, SpikeRateReward};
///
/// // Two steps of one sample: class 0 fires twice, class 1 once; class 1 is true.
/// let device = Device::default();
/// let spikes = Tensor::<3>::from_floats([[[1.0, 1.0]], [[1.0, 0.0]]], &device);
/// let reward = SpikeRateReward::new().forward(spikes, Tensor::from_ints([1], &device));
/// // Class 0: s(0 - 1) - 1 = -0.731. Class 1: 1 - s(1 - 1) = 0.5.
/// let expected = [-0.731, 0.5, -0.731, 0.5];
/// for (found, expected) in reward.into_data().iter::<f32>().zip(expected) {
///     assert!((found - expected).abs() < 1e-3);
/// }
/// ```
#[derive(Config, Debug)]
pub struct SpikeRateReward {
    /// Over the samples. Default: sum, as in the authors' package.
    #[config(default = "Reduction::Sum")]
    pub reduction: Reduction,
    /// Over the steps. Default: sum. The mean makes learning rates independent of the number of steps.
    #[config(default = "Reduction::Sum")]
    pub steps: Reduction,
    /// The steps at which classes other than the true one are punished. Default: every step, as Eq. A.4.
    #[config(default = "SpikeRateForm::EveryStep")]
    pub form: SpikeRateForm,
    /// The value of `n/2` for an odd number of steps. Default: exact.
    #[config(default = "HalfTime::Exact")]
    pub half: HalfTime,
}

/// The steps at which [`SpikeRateReward`] punishes classes other than the true one.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    Display,
    EnumString,
    VariantNames,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum SpikeRateForm {
    /// Every step, as Eq. A.4.
    #[default]
    EveryStep,
    /// The steps at which the class fires, as the authors' package (`lfprop`).
    AtSpikes,
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
        let punished = match self.form {
            SpikeRateForm::EveryStep => spikes.ones_like(),
            SpikeRateForm::AtSpikes => spikes,
        };
        let reward = of_samples(target) * lacking - punished * (others * excess);
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

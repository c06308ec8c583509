//! Leaky integrate-and-fire (LIF) neurons.

use burn_core as burn;
use burn_core::config::Config;

/// The dynamics of leaky integrate-and-fire neurons, with reset by subtraction:
///
/// ```text
/// S[t-1] = 1 where U[t-1] > threshold, else 0          (U[0] = 0)
/// U[t]   = beta U[t-1] + I[t] - threshold S[t-1]
/// out[t] = 1 where U[t] > threshold, else 0
/// ```
///
/// with the current `I`, the membrane potential `U` and the spikes `out`.
///
/// # Example
///
/// ```
/// use lfp_core::{LifNeuron, Surrogate};
///
/// assert!(LifNeuron::new(0.9, 1.0, Surrogate::default()).is_ok());
/// assert!(LifNeuron::new(0.9, 0.0, Surrogate::default()).is_err());
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LifNeuron {
    beta: f64,
    threshold: f64,
    surrogate: Surrogate,
}

/// What stands in for the derivative of a spike with respect to `x = U - threshold` in `backward()`.
/// Rewards need none.
#[derive(Config, Debug, Copy, PartialEq)]
pub enum Surrogate {
    /// That of `x / (1 + slope |x|)`, which is `1 / (1 + slope |x|)^2`.
    FastSigmoid {
        /// How steep, positive. Usually 25.
        slope: f64,
    },
    /// The true one, which is zero: nothing is learned, as the paper's plain gradient shows.
    None,
}

impl Default for Surrogate {
    /// The fast sigmoid with slope 25.
    fn default() -> Self {
        Self::FastSigmoid { slope: 25.0 }
    }
}

/// Settings that make no neuron.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum LifError {
    /// The membrane keeps a share of its potential.
    #[error("a spiking neuron's beta is the share of its potential it keeps, from 0 to 1, got {0}")]
    Beta(f64),
    /// A neuron at rest does not fire.
    #[error("a spiking neuron's threshold must be a positive, finite number (such as 1), got {0}")]
    Threshold(f64),
    /// A surrogate is steep.
    #[error("the slope of a surrogate must be a positive, finite number (such as 25), got {0}")]
    Slope(f64),
}

impl LifNeuron {
    /// Neurons of which each keeps the share `beta` of its potential from step to step, and fires
    /// above `threshold`.
    ///
    /// # Errors
    ///
    /// [`LifError`] unless `beta` is from 0 to 1, and `threshold` and the surrogate's slope are positive
    /// and finite.
    pub fn new(beta: f64, threshold: f64, surrogate: Surrogate) -> Result<Self, LifError> {
        let positive = |value: f64| value.is_finite() && value > 0.0;
        if !(0.0..=1.0).contains(&beta) {
            return Err(LifError::Beta(beta));
        }
        if !positive(threshold) {
            return Err(LifError::Threshold(threshold));
        }
        match surrogate {
            Surrogate::FastSigmoid { slope } if !positive(slope) => Err(LifError::Slope(slope)),
            _ => Ok(Self {
                beta,
                threshold,
                surrogate,
            }),
        }
    }

    /// The share of its potential that a membrane keeps from step to step.
    pub fn beta(&self) -> f64 {
        self.beta
    }

    /// The potential above which a neuron fires.
    pub fn threshold(&self) -> f64 {
        self.threshold
    }

    /// What `backward()` takes for the derivative of a spike.
    pub fn surrogate(&self) -> Surrogate {
        self.surrogate
    }
}

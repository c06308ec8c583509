//! Leaky integrate-and-fire (LIF) neurons.

use core::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{Normalization, activation::is_positive_single};

/// The dynamics of leaky integrate-and-fire neurons, with reset by subtraction (Eqs. A.2 and A.3):
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
    gradient_normalization: Normalization,
}

/// The surrogate for the derivative of a spike with respect to `x = U - threshold` in `backward()`. A propagation needs
/// none.
///
/// As text: `fast-sigmoid`, `fast-sigmoid:SLOPE` or `none`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Surrogate {
    /// The derivative of `x / (1 + slope |x|)`, which is `1 / (1 + slope |x|)^2`.
    FastSigmoid {
        /// The steepness, positive. Default: 25.
        slope: f64,
    },
    /// The true derivative, zero: nothing is learned, as the paper's plain gradient shows (Figure 7).
    None,
}

impl Default for Surrogate {
    /// The fast sigmoid with slope 25.
    fn default() -> Self {
        Self::FastSigmoid { slope: 25.0 }
    }
}

impl fmt::Display for Surrogate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FastSigmoid { .. } if *self == Self::default() => f.pad("fast-sigmoid"),
            Self::FastSigmoid { slope } => f.pad(&format!("fast-sigmoid:{slope}")),
            Self::None => f.pad("none"),
        }
    }
}

impl FromStr for Surrogate {
    type Err = UnknownSurrogate;

    fn from_str(text: &str) -> Result<Self, UnknownSurrogate> {
        let slope = text.strip_prefix("fast-sigmoid:").map(str::parse);
        match (text, slope) {
            ("fast-sigmoid", _) => Ok(Self::default()),
            ("none", _) => Ok(Self::None),
            (_, Some(Ok(slope))) if is_positive_single(slope) => Ok(Self::FastSigmoid { slope }),
            _ => Err(UnknownSurrogate {
                text: text.to_owned(),
            }),
        }
    }
}

impl TryFrom<String> for Surrogate {
    type Error = UnknownSurrogate;

    fn try_from(text: String) -> Result<Self, UnknownSurrogate> {
        text.parse()
    }
}

impl From<Surrogate> for String {
    fn from(surrogate: Surrogate) -> Self {
        surrogate.to_string()
    }
}

/// A text that names no surrogate.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "unknown surrogate \"{text}\", expected fast-sigmoid, fast-sigmoid:SLOPE with a slope that is positive and finite in single precision, or none"
)]
pub struct UnknownSurrogate {
    text: String,
}

/// Parameters that are out of range for a neuron.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum LifError {
    /// The decay of the membrane.
    #[error("beta, the decay of a spiking neuron's membrane, must be from 0 to 1, got {0}")]
    Beta(f64),
    /// The threshold: a neuron at rest must not fire.
    #[error(
        "a spiking neuron's threshold must be positive and finite in single precision (such as 1), got {0}"
    )]
    Threshold(f64),
    /// The slope of the surrogate.
    #[error(
        "the slope of a surrogate must be positive and finite in single precision (such as 25), got {0}"
    )]
    Slope(f64),
}

impl LifNeuron {
    /// Neurons whose membrane potential decays by the factor `beta` at each step, and that fire above `threshold`. Their
    /// gradient is not normalised.
    ///
    /// # Errors
    ///
    /// [`LifError`] unless `beta` is from 0 to 1, and `threshold` and the surrogate's slope are positive and finite in single
    /// precision.
    pub fn new(beta: f64, threshold: f64, surrogate: Surrogate) -> Result<Self, LifError> {
        if !(0.0..=1.0).contains(&beta) {
            return Err(LifError::Beta(beta));
        }
        if !is_positive_single(threshold) {
            return Err(LifError::Threshold(threshold));
        }
        match surrogate {
            Surrogate::FastSigmoid { slope } if !is_positive_single(slope) => {
                Err(LifError::Slope(slope))
            }
            _ => Ok(Self {
                beta,
                threshold,
                surrogate,
                gradient_normalization: Normalization::None,
            }),
        }
    }

    /// The same neurons with another normalisation of the gradient that `backward()` brings to their spikes. Rewards follow
    /// [`LfpConfig::reward_normalization`](crate::LfpConfig::reward_normalization) instead.
    #[must_use]
    pub fn with_gradient_normalization(self, normalization: Normalization) -> Self {
        Self {
            gradient_normalization: normalization,
            ..self
        }
    }

    /// The factor by which the membrane potential decays at each step, from 0 to 1.
    pub fn beta(&self) -> f64 {
        self.beta
    }

    /// The potential above which a neuron fires.
    pub fn threshold(&self) -> f64 {
        self.threshold
    }

    /// The surrogate for the derivative of a spike in `backward()`.
    pub fn surrogate(&self) -> Surrogate {
        self.surrogate
    }

    /// How the gradient that arrives at the spikes in `backward()` is normalised.
    pub fn gradient_normalization(&self) -> Normalization {
        self.gradient_normalization
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_surrogate_is_read_back_from_its_text() {
        for surrogate in [
            Surrogate::default(),
            Surrogate::FastSigmoid { slope: 2.5 },
            Surrogate::None,
        ] {
            assert_eq!(surrogate.to_string().parse(), Ok(surrogate));
        }
        for text in [
            "fast-sigmoid:0",
            "fast-sigmoid:inf",
            "fast-sigmoid:",
            "arctan",
        ] {
            let error = text.parse::<Surrogate>().unwrap_err().to_string();
            assert!(error.contains(text), "{error}");
        }
    }

    #[test]
    fn parameters_out_of_range_are_refused() {
        let neuron = |beta, threshold, slope| {
            LifNeuron::new(beta, threshold, Surrogate::FastSigmoid { slope })
        };
        assert_eq!(neuron(1.1, 1.0, 25.0), Err(LifError::Beta(1.1)));
        assert!(matches!(
            neuron(f64::NAN, 1.0, 25.0),
            Err(LifError::Beta(_))
        ));
        for threshold in [0.0, 1e-50, 1e300] {
            let refused = Err(LifError::Threshold(threshold));
            assert_eq!(neuron(0.9, threshold, 25.0), refused);
        }
        assert_eq!(neuron(0.9, 1.0, -1.0), Err(LifError::Slope(-1.0)));
    }
}

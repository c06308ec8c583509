//! The built-in activation functions.

use burn_core as burn;
use burn_core::config::Config;

/// An activation function `a = phi(z)` that rewards pass unchanged.
///
/// Any other function, differentiable or not, can be used through
/// [`functions::custom_activation`](crate::functions::custom_activation); these have a fused
/// backward pass and need nothing on the tape but one tensor.
///
/// # Example
///
/// ```
/// use lfp_core::Activation;
/// let activation: Activation = "leaky_relu".parse()?;
/// assert_eq!(activation, Activation::LeakyRelu { slope: 0.01 });
/// # Ok::<(), lfp_core::UnknownActivation>(())
/// ```
#[derive(Config, Debug, Copy, PartialEq)]
pub enum Activation {
    /// `max(0, z)`.
    Relu,
    /// `z` where `z >= 0`, else `slope * z`. PyTorch's default slope is 0.01.
    LeakyRelu {
        /// The factor of negative inputs.
        slope: f64,
    },
    /// `z * sigmoid(z)`, also called swish.
    Silu,
    /// `z` where `z > 0`, else `alpha * (exp(z) - 1)`. PyTorch's default alpha is 1.
    Elu {
        /// The scale of the negative branch.
        alpha: f64,
    },
    /// The hyperbolic tangent.
    Tanh,
    /// `1 / (1 + exp(-z))`.
    Sigmoid,
    /// 1 where `z > 0`, else 0. Its derivative is zero everywhere: only LFP trains through it.
    Heaviside,
}

impl Activation {
    /// Every function, with PyTorch's default parameters.
    pub const ALL: [Self; 7] = [
        Self::Relu,
        Self::LeakyRelu { slope: 0.01 },
        Self::Silu,
        Self::Elu { alpha: 1.0 },
        Self::Tanh,
        Self::Sigmoid,
        Self::Heaviside,
    ];

    /// The name of the function, as [`FromStr`](std::str::FromStr) reads it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Relu => "relu",
            Self::LeakyRelu { .. } => "leaky_relu",
            Self::Silu => "silu",
            Self::Elu { .. } => "elu",
            Self::Tanh => "tanh",
            Self::Sigmoid => "sigmoid",
            Self::Heaviside => "heaviside",
        }
    }
}

impl core::str::FromStr for Activation {
    type Err = UnknownActivation;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|activation| activation.name() == name)
            .ok_or_else(|| UnknownActivation {
                name: name.to_owned(),
            })
    }
}

/// The name of an activation function that does not exist.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown activation \"{name}\", expected one of: {}", Activation::ALL.map(|a| a.name()).join(", "))]
pub struct UnknownActivation {
    name: String,
}

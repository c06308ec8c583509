//! The built-in activation functions.

use core::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// An activation function `a = phi(z)`. Rewards pass it unchanged, so no derivative is taken.
///
/// It should [keep the sign](Self::keeps_sign) of its input; otherwise see [`SignChangeRule`](crate::SignChangeRule).
///
/// Any other function, differentiable or not, goes through
/// [`functions::custom_activation`](crate::functions::custom_activation). A built-in one keeps a single tensor on the
/// tape and has a fused backward pass.
///
/// As text it is a name, with parameters after a colon: `relu`, `leaky_relu:0.2`, `hardtanh:-1,1`. A name alone stands for
/// PyTorch's default parameters.
///
/// # Example
///
/// ```
/// use lfp_core::ActivationFn;
///
/// assert_eq!("leaky_relu".parse(), Ok(ActivationFn::LeakyRelu { slope: 0.01 }));
/// assert_eq!("leaky_relu:0.2".parse(), Ok(ActivationFn::LeakyRelu { slope: 0.2 }));
/// assert_eq!(ActivationFn::Elu { alpha: 0.5 }.to_string(), "elu:0.5");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum ActivationFn {
    /// `max(0, z)`.
    Relu,
    /// `z` where `z >= 0`, else `slope * z`.
    LeakyRelu {
        /// The factor of negative inputs. PyTorch's default: 0.01.
        slope: f64,
    },
    /// `z * sigmoid(z)`, also called swish.
    Silu,
    /// `z` where `z > 0`, else `alpha * (exp(z) - 1)`.
    Elu {
        /// The scale of the negative branch. PyTorch's default: 1.
        alpha: f64,
    },
    /// `z * Phi(z)` with the normal distribution function `Phi`, by the error function.
    Gelu,
    /// GELU with the approximation by tanh.
    GeluTanh,
    /// The hyperbolic tangent.
    Tanh,
    /// `z` limited to a range.
    Hardtanh {
        /// The lowest output. PyTorch's default: -1.
        min: f64,
        /// The highest output. PyTorch's default: 1.
        max: f64,
    },
    /// `1 / (1 + exp(-z))`. It changes the sign of negative inputs.
    Sigmoid,
    /// `ln(1 + exp(beta z)) / beta`, and `z` where `beta z > 20`. It changes the sign of negative inputs.
    Softplus {
        /// The sharpness. PyTorch's default: 1.
        beta: f64,
    },
    /// 1 where `z > 0`, else 0. Its derivative is zero everywhere: only LFP trains through it.
    Heaviside,
    /// -1, 0 or 1, the sign of `z`: the activation of binary networks. Gradients pass it straight through where `|z| <= 1`
    /// (Hubara et al. 2016); rewards need no such estimator.
    Sign,
    /// `z` limited to `[0, 1]` and rounded to one of `count` evenly spaced levels: a quantised ReLU. Gradients pass it
    /// straight through where `0 <= z <= 1`; rewards need no such estimator.
    Levels {
        /// The number of levels, a whole number from 2 to 256; another panics where it is used. Default: 4, which two bits can
        /// hold.
        count: f64,
    },
}

impl ActivationFn {
    /// Every function, with PyTorch's default parameters.
    pub const ALL: [Self; 13] = [
        Self::Relu,
        Self::LeakyRelu { slope: 0.01 },
        Self::Silu,
        Self::Elu { alpha: 1.0 },
        Self::Gelu,
        Self::GeluTanh,
        Self::Tanh,
        Self::Hardtanh {
            min: -1.0,
            max: 1.0,
        },
        Self::Sigmoid,
        Self::Softplus { beta: 1.0 },
        Self::Heaviside,
        Self::Sign,
        Self::Levels { count: 4.0 },
    ];

    /// Whether positive inputs have outputs from 0 up, and negative inputs outputs from 0 down, as LFP requires (section 3.4).
    /// Of the functions with PyTorch's parameters, sigmoid and softplus do not.
    pub fn keeps_sign(&self) -> bool {
        match *self {
            Self::Sigmoid | Self::Softplus { .. } => false,
            Self::LeakyRelu { slope } => slope >= 0.0,
            Self::Elu { alpha } => alpha >= 0.0,
            Self::Hardtanh { min, max } => min <= 0.0 && max >= 0.0,
            Self::Relu
            | Self::Silu
            | Self::Gelu
            | Self::GeluTanh
            | Self::Tanh
            | Self::Heaviside
            | Self::Sign
            | Self::Levels { .. } => true,
        }
    }

    /// The name, without parameters.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Relu => "relu",
            Self::LeakyRelu { .. } => "leaky_relu",
            Self::Silu => "silu",
            Self::Elu { .. } => "elu",
            Self::Gelu => "gelu",
            Self::GeluTanh => "gelu_tanh",
            Self::Tanh => "tanh",
            Self::Hardtanh { .. } => "hardtanh",
            Self::Sigmoid => "sigmoid",
            Self::Softplus { .. } => "softplus",
            Self::Heaviside => "heaviside",
            Self::Sign => "sign",
            Self::Levels { .. } => "levels",
        }
    }

    fn parameters(&self) -> Vec<f64> {
        match *self {
            Self::LeakyRelu { slope } => vec![slope],
            Self::Elu { alpha } => vec![alpha],
            Self::Hardtanh { min, max } => vec![min, max],
            Self::Softplus { beta } => vec![beta],
            Self::Levels { count } => vec![count],
            _ => Vec::new(),
        }
    }

    /// The same function with other parameters; `None` if they are not the function's, or out of range in single precision.
    fn with_parameters(self, parameters: &[f64]) -> Option<Self> {
        let rounded = parameters.iter().map(|&parameter| parameter as f32);
        if !rounded.clone().all(f32::is_finite) {
            return None;
        }
        let ascends = rounded.is_sorted_by(|a, b| a < b);
        match (self, parameters) {
            (Self::LeakyRelu { .. }, &[slope]) => Some(Self::LeakyRelu { slope }),
            (Self::Elu { .. }, &[alpha]) => Some(Self::Elu { alpha }),
            (Self::Hardtanh { .. }, &[min, max]) if ascends => Some(Self::Hardtanh { min, max }),
            (Self::Softplus { .. }, &[beta]) if is_positive_single(beta) => {
                Some(Self::Softplus { beta })
            }
            (Self::Levels { .. }, &[count]) if can_be_levels(count) => Some(Self::Levels { count }),
            _ => None,
        }
    }
}

/// Whether a number is positive and finite in single precision, and its reciprocal, too.
pub(crate) fn is_positive_single(number: f64) -> bool {
    (f32::MIN_POSITIVE..=f32::MAX).contains(&(number as f32))
}

/// Whether `count` is a number of levels of [`ActivationFn::Levels`].
pub(crate) fn can_be_levels(count: f64) -> bool {
    count.fract() == 0.0 && (2.0..=256.0).contains(&count)
}

impl fmt::Display for ActivationFn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parameters = self.parameters();
        if Self::ALL.contains(self) || parameters.is_empty() {
            return f.pad(self.name());
        }
        let parameters: Vec<String> = parameters.iter().map(f64::to_string).collect();
        f.pad(&format!("{}:{}", self.name(), parameters.join(",")))
    }
}

impl FromStr for ActivationFn {
    type Err = UnknownActivation;

    fn from_str(text: &str) -> Result<Self, UnknownActivation> {
        let unknown = || UnknownActivation {
            text: text.to_owned(),
        };
        let (name, parameters) = match text.split_once(':') {
            Some((name, parameters)) => (name, Some(parameters)),
            None => (text, None),
        };
        let default = Self::ALL.into_iter().find(|known| known.name() == name);
        let default = default.ok_or_else(unknown)?;
        let Some(parameters) = parameters else {
            return Ok(default);
        };
        let parameters: Result<Vec<f64>, _> = parameters.split(',').map(str::parse).collect();
        let parameters = parameters.map_err(|_| unknown())?;
        default.with_parameters(&parameters).ok_or_else(unknown)
    }
}

impl TryFrom<String> for ActivationFn {
    type Error = UnknownActivation;

    fn try_from(text: String) -> Result<Self, UnknownActivation> {
        text.parse()
    }
}

impl From<ActivationFn> for String {
    fn from(activation: ActivationFn) -> Self {
        activation.to_string()
    }
}

/// A text that names no activation function, or gives it parameters that it does not take.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "unknown activation \"{text}\", expected one of: {}; parameters follow a colon, as in leaky_relu:0.2, and are in the range of single precision",
    ActivationFn::ALL.map(|activation| activation.name()).join(", ")
)]
pub struct UnknownActivation {
    text: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_function_is_read_back_from_its_name() {
        let others = [
            ActivationFn::LeakyRelu { slope: 0.3 },
            ActivationFn::Elu { alpha: 0.1 },
            ActivationFn::Hardtanh {
                min: -0.5,
                max: 2.0,
            },
            ActivationFn::Softplus { beta: 3.0 },
            ActivationFn::Levels { count: 2.0 },
        ];
        for activation in ActivationFn::ALL.into_iter().chain(others) {
            assert_eq!(activation.to_string().parse(), Ok(activation));
            let json = serde_json::to_string(&activation).unwrap();
            assert_eq!(json, format!("\"{activation}\""));
            assert_eq!(
                serde_json::from_str::<ActivationFn>(&json).unwrap(),
                activation
            );
        }
    }

    #[test]
    fn a_function_keeps_the_sign_if_no_value_differs_in_sign_from_its_input() {
        use burn_core::tensor::{Device, Tensor};

        let others = [
            ActivationFn::LeakyRelu { slope: -0.5 },
            ActivationFn::Elu { alpha: -1.0 },
            ActivationFn::Hardtanh { min: 0.5, max: 2.0 },
            ActivationFn::Hardtanh {
                min: -2.0,
                max: -0.5,
            },
        ];
        let z = Tensor::<1>::from_floats([-9.0, -3.0, -0.7, -0.1, 0.1, 0.7, 3.0], &Device::flex());
        for activation in ActivationFn::ALL.into_iter().chain(others) {
            let a = crate::functions::activation(z.clone(), activation);
            let products: Vec<f32> = (a * z.clone()).into_data().iter().collect();
            let kept = products.iter().all(|&product| product >= 0.0);
            assert_eq!(activation.keeps_sign(), kept, "{activation}");
        }
    }

    #[test]
    fn a_number_of_levels_made_in_code_is_checked_where_it_is_used() {
        use burn_core::tensor::{Device, Tensor};

        for count in [1.0, 2.5, f64::NAN, 257.0] {
            let z = Tensor::<1>::from_floats([0.3], &Device::flex());
            let used = std::panic::catch_unwind(|| {
                crate::functions::activation(z, ActivationFn::Levels { count })
            });
            let panic = used.expect_err("it is refused");
            let message = panic.downcast_ref::<String>().unwrap();
            let expected = format!("expected a whole number from 2 to 256, found {count}");
            assert!(message.contains(&expected), "{message}");
        }
    }

    #[test]
    fn levels_of_what_is_no_number_are_no_numbers() {
        use burn_core::tensor::{Device, Tensor};

        let z = Tensor::<1>::from_floats([f32::NAN, 0.3], &Device::flex());
        let a = crate::functions::activation(z, ActivationFn::Levels { count: 4.0 });
        let a: Vec<f32> = a.into_data().iter().collect();
        assert!(a[0].is_nan() && (a[1] - 1.0 / 3.0).abs() < 1e-6, "{a:?}");
    }

    #[test]
    fn a_name_that_is_none_lists_those_that_are() {
        for text in [
            "mish",
            "relu:1",
            "elu:",
            "elu:1,2",
            "hardtanh:1,-1",
            "softplus:0",
            "elu:nan",
            "levels:1",
            "levels:2.5",
            "levels:257",
        ] {
            let error = text.parse::<ActivationFn>().unwrap_err().to_string();
            assert!(
                error.contains(text) && error.contains("leaky_relu"),
                "{error}"
            );
        }
    }
}

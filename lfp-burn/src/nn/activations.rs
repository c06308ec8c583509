//! Burn's activation layers: their hooks, and the conversion of their configuration.

use burn::{
    nn::activation::{
        Activation, ActivationConfig, Celu, Elu, Gelu, HardShrink, HardSigmoid, HardSwish,
        Hardtanh, LeakyRelu, Mish, PRelu, Relu, Relu6, Selu, Shrink, SiLU, Sigmoid, SoftShrink,
        Softplus, Softsign, Tanh, Tanhshrink, ThresholdedRelu,
    },
    tensor::Tensor,
};
use lfp_core::{
    ActivationFn,
    functions::{activation, custom_activation},
};

use super::Hookable;

/// A configuration of Burn that no [`ActivationFn`] corresponds to.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{config} is no built-in activation of LFP: hook Burn's layer instead (`.init(..).hooked()`), or use `hooks::custom_activation`"
)]
pub struct UnsupportedActivation {
    config: String,
}

/// The built-in activation for a configuration of Burn's activation layers.
///
/// # Errors
///
/// [`UnsupportedActivation`] if there is none, or the layer has parameters (PReLU, SwiGLU).
///
/// # Example
///
/// ```
/// use burn::nn::activation::ActivationConfig;
/// use lfp_burn::{ActivationFn, nn::activation_fn};
///
/// assert_eq!(activation_fn(&ActivationConfig::Gelu), Ok(ActivationFn::Gelu));
/// assert!(activation_fn(&ActivationConfig::Selu).is_err());
/// ```
pub fn activation_fn(config: &ActivationConfig) -> Result<ActivationFn, UnsupportedActivation> {
    match config {
        ActivationConfig::Relu => Ok(ActivationFn::Relu),
        ActivationConfig::LeakyRelu(config) => Ok(ActivationFn::LeakyRelu {
            slope: config.negative_slope,
        }),
        ActivationConfig::Gelu => Ok(ActivationFn::Gelu),
        ActivationConfig::GeluApproximate => Ok(ActivationFn::GeluTanh),
        ActivationConfig::Sigmoid => Ok(ActivationFn::Sigmoid),
        ActivationConfig::Tanh => Ok(ActivationFn::Tanh),
        ActivationConfig::Softplus(config) if config.threshold == 20.0 => {
            Ok(ActivationFn::Softplus { beta: config.beta })
        }
        ActivationConfig::Elu(config) => Ok(ActivationFn::Elu {
            alpha: config.alpha,
        }),
        other => Err(UnsupportedActivation {
            config: format!("{other:?}"),
        }),
    }
}

/// Layers that are a built-in activation, as a function of the layer.
macro_rules! built_in {
    ($($layer:ty: |$this:ident| $function:expr),* $(,)?) => {$(
        impl<const D: usize> Hookable<D> for $layer {
            const WEIGHTED_SUM: bool = false;

            fn forward_raw(&self, input: Tensor<D>) -> Tensor<D> {
                let $this = self;
                activation(input, $function)
            }
        }
    )*};
}

/// Layers whose own forward pass is the activation; rewards pass it unchanged.
macro_rules! elementwise {
    ($($layer:ty),* $(,)?) => {$(
        impl<const D: usize> Hookable<D> for $layer {
            const WEIGHTED_SUM: bool = false;

            fn forward_raw(&self, input: Tensor<D>) -> Tensor<D> {
                custom_activation(input, |input| self.forward(input))
            }
        }
    )*};
}

built_in! {
    Relu: |_layer| ActivationFn::Relu,
    LeakyRelu: |layer| ActivationFn::LeakyRelu { slope: layer.negative_slope },
    Sigmoid: |_layer| ActivationFn::Sigmoid,
    SiLU: |_layer| ActivationFn::Silu,
    Tanh: |_layer| ActivationFn::Tanh,
    Hardtanh: |layer| ActivationFn::Hardtanh { min: layer.min_val, max: layer.max_val },
    Elu: |layer| ActivationFn::Elu { alpha: layer.alpha },
    Gelu: |layer| match layer.approximate {
        true => ActivationFn::GeluTanh,
        false => ActivationFn::Gelu,
    },
}

elementwise!(
    Celu,
    HardShrink,
    HardSigmoid,
    HardSwish,
    Mish,
    Relu6,
    Selu,
    Shrink,
    SoftShrink,
    Softplus,
    Softsign,
    Tanhshrink,
    ThresholdedRelu,
);

/// The built-in activation that a layer of Burn is, to be fused with the stabiliser of the layer before it.
pub(super) fn built_in_of(activation: &Activation) -> Option<ActivationFn> {
    match activation {
        Activation::Relu(_) => Some(ActivationFn::Relu),
        Activation::LeakyRelu(layer) => Some(ActivationFn::LeakyRelu {
            slope: layer.negative_slope,
        }),
        Activation::Gelu(layer) => Some(match layer.approximate {
            true => ActivationFn::GeluTanh,
            false => ActivationFn::Gelu,
        }),
        Activation::Sigmoid(_) => Some(ActivationFn::Sigmoid),
        Activation::Tanh(_) => Some(ActivationFn::Tanh),
        Activation::Elu(layer) => Some(ActivationFn::Elu { alpha: layer.alpha }),
        _ => None,
    }
}

/// Any of Burn's activation layers.
impl<const D: usize> Hookable<D> for Activation {
    const WEIGHTED_SUM: bool = false;

    fn forward_raw(&self, input: Tensor<D>) -> Tensor<D> {
        match (built_in_of(self), self) {
            (Some(function), _) => activation(input, function),
            (None, Self::Identity(_)) => input,
            (None, Self::PRelu(layer)) => layer.forward_raw(input),
            (None, Self::SwiGlu(layer)) => layer.forward_raw(input),
            (None, layer) => custom_activation(input, |input| layer.forward(input)),
        }
    }
}

/// PReLU is linear in its input and in its slopes on either side of zero, so its vector-Jacobian product is the rule for
/// both; the slopes learn like weights.
impl<const D: usize> Hookable<D> for PRelu {
    const WEIGHTED_SUM: bool = false;

    fn forward_raw(&self, input: Tensor<D>) -> Tensor<D> {
        self.forward(input)
    }
}

//! A layer with a hook.

use burn::{
    module::{Content, DisplaySettings, Module, ModuleDisplay, ModuleDisplayDefault},
    tensor::{Device, Tensor},
};
use lfp_core::{
    Activation,
    functions::{neuron, stabilize},
};

use super::transparent::transparent_module;

/// One of Burn's layers that also knows how rewards pass it.
///
/// For Burn the layer is the one inside: parameter paths, shapes and records are the same, so
/// records of the plain model load, and PyTorch's weights too.
#[derive(Clone, Debug)]
pub struct Hooked<M> {
    pub(super) layer: M,
    pub(super) activation: Option<Activation>,
}

/// Turns a layer of Burn into a [`Hooked`] one.
///
/// # Example
///
/// ```
/// use burn::nn::conv::Conv2dConfig;
/// use burn::tensor::{Device, Tensor};
/// use lfp_burn::{Activation, nn::Hook};
///
/// let device = Device::default();
/// let conv = Conv2dConfig::new([1, 4], [3, 3])
///     .init(&device)
///     .hooked()
///     .with_activation(Activation::Relu);
/// let features = conv.forward(Tensor::<4>::ones([2, 1, 8, 8], &device));
/// assert_eq!(features.dims(), [2, 4, 6, 6]);
/// ```
pub trait Hook: Module {
    /// The layer with its hook.
    fn hooked(self) -> Hooked<Self> {
        Hooked {
            layer: self,
            activation: None,
        }
    }
}

/// A layer whose outputs are weighted sums of its inputs, and so can be a neuron's pre-activation.
pub trait LinearMap: Hook {}

impl<M: LinearMap> Hooked<M> {
    /// Lets the layer apply an activation, too. One pass over memory for both, so prefer it to a
    /// separate [`hooks::activation`](crate::hooks::activation).
    #[must_use]
    pub fn with_activation(self, activation: Activation) -> Self {
        Self {
            activation: Some(activation),
            ..self
        }
    }

    pub(super) fn finish<const D: usize>(&self, z: Tensor<D>) -> Tensor<D> {
        match self.activation {
            Some(activation) => neuron(z, activation),
            None => stabilize(z),
        }
    }
}

impl<M> Hooked<M> {
    fn replace(self, change: impl FnOnce(M) -> M) -> Self {
        Self {
            layer: change(self.layer),
            activation: self.activation,
        }
    }

    fn annotate(&self, content: Content) -> Content {
        match self.activation {
            Some(activation) => content.add("activation", &activation.name().to_owned()),
            None => content,
        }
    }
}

transparent_module!(Hooked);

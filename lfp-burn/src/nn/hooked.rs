//! A layer with a hook.

use burn::{
    module::{Content, DisplaySettings, Module, ModuleDisplay, ModuleDisplayDefault},
    tensor::{Device, Tensor},
};
use lfp_core::{
    ActivationFn, Stabilizer,
    functions::{activation, activation_of, stabilize_as},
};

use super::{InputError, transparent::transparent_module};

/// A layer that a hook can be put on.
///
/// Burn's layers implement it. Implement it for a layer of your own, and `layer.hooked()` trains by LFP:
///
/// ```
/// use burn::module::{Module, Param};
/// use burn::tensor::{Device, Tensor};
/// use lfp_burn::prelude::*;
///
/// /// One weight for each feature.
/// #[derive(Module, Debug)]
/// struct Scale {
///     weight: Param<Tensor<1>>,
/// }
///
/// impl<const D: usize> Hookable<D> for Scale {
///     fn forward_raw(&self, input: Tensor<D>) -> Tensor<D> {
///         input * self.weight.val().unsqueeze()
///     }
/// }
///
/// let device = Device::default().autodiff();
/// let layer = Scale { weight: Param::from_tensor(Tensor::ones([4], &device)) };
/// let layer = layer.hooked().with_activation(ActivationFn::Silu);
/// assert_eq!(layer.forward(Tensor::<2>::ones([3, 4], &device)).dims(), [3, 4]);
/// ```
///
/// # Shapes
///
/// `I` and `O` are the ranks of input and output.
pub trait Hookable<const I: usize, const O: usize = I>: Module {
    /// Whether the outputs are weighted sums of the inputs, whose rewards follow the epsilon rule (Eqs. 6 and 7): the hook
    /// then stabilises them. `false` for layers that pass rewards on as they are, such as activations.
    const WEIGHTED_SUM: bool = true;
    /// The stabiliser of a weighted sum. Default: that of a linear map with parameters.
    const STABILIZER: Stabilizer = Stabilizer::WeightedSum;

    /// The forward pass before the stabiliser. It must use tensor operations that are linear in input and parameters, or
    /// hooks of its own.
    fn forward_raw(&self, input: Tensor<I>) -> Tensor<O>;
}

/// The forward pass of a hooked layer for one type of input. Every [`Hookable`] layer has it for a float tensor; layers with
/// other inputs, such as token ids or masks, implement it.
pub trait HookedForward<Input, Output>: Module {
    /// The forward pass with its hooks, and the activation of the outputs if there is one.
    ///
    /// # Errors
    ///
    /// If the input does not fit the layer.
    fn try_forward_hooked(
        &self,
        input: Input,
        activation: Option<ActivationFn>,
    ) -> Result<Output, InputError>;
}

impl<M, const I: usize, const O: usize> HookedForward<Tensor<I>, Tensor<O>> for M
where
    M: Hookable<I, O>,
{
    fn try_forward_hooked(
        &self,
        input: Tensor<I>,
        activation: Option<ActivationFn>,
    ) -> Result<Tensor<O>, InputError> {
        Ok(hook(self, activation, input))
    }
}

/// The forward pass of a layer with its hook.
pub(super) fn hook<M: Hookable<I, O>, const I: usize, const O: usize>(
    layer: &M,
    function: Option<ActivationFn>,
    input: Tensor<I>,
) -> Tensor<O> {
    let z = layer.forward_raw(input);
    match (M::WEIGHTED_SUM, function) {
        (true, Some(function)) => activation_of(z, function, M::STABILIZER),
        (true, None) => stabilize_as(z, M::STABILIZER),
        (false, function) => activated(z, function),
    }
}

/// An activation of values that are stabilised already.
pub(super) fn activated<const D: usize>(z: Tensor<D>, function: Option<ActivationFn>) -> Tensor<D> {
    match function {
        Some(function) => activation(z, function),
        None => z,
    }
}

/// A layer whose backward pass follows LFP in a propagation.
///
/// For Burn the wrapper is invisible: parameter paths, shapes and records are those of the layer inside, so records of the
/// plain model load, and PyTorch's weights too. The plain layer is [`inner`](Self::inner); its own `forward` bypasses the
/// hook, which is why `Hooked` does not dereference to it.
#[derive(Clone, Debug)]
pub struct Hooked<M> {
    pub(super) layer: M,
    pub(super) activation: Option<ActivationFn>,
}

/// Puts a hook on a module.
///
/// # Example
///
/// ```
/// use burn::nn::conv::Conv2dConfig;
/// use burn::tensor::{Device, Tensor};
/// use lfp_burn::{ActivationFn, nn::Hook};
///
/// let device = Device::default();
/// let conv = Conv2dConfig::new([1, 4], [3, 3])
///     .init(&device)
///     .hooked()
///     .with_activation(ActivationFn::Relu);
/// let features = conv.forward(Tensor::<4>::ones([2, 1, 8, 8], &device));
/// assert_eq!(features.dims(), [2, 4, 6, 6]);
/// ```
pub trait Hook: Module {
    /// The module with a hook. Its forward pass exists if the module is [`Hookable`] or implements [`HookedForward`].
    fn hooked(self) -> Hooked<Self> {
        Hooked {
            layer: self,
            activation: None,
        }
    }
}

impl<M: Module> Hook for M {}

impl<M> Hooked<M> {
    /// Applies an activation to the layer's outputs, in one pass over memory with the hook. Prefer it to a separate
    /// [`hooks::activation`](crate::hooks::activation).
    #[must_use]
    pub fn with_activation(self, activation: ActivationFn) -> Self {
        Self {
            activation: Some(activation),
            ..self
        }
    }

    /// The activation, if there is one.
    pub fn activation(&self) -> Option<ActivationFn> {
        self.activation
    }

    /// The layer without its hook, for its parameters and settings.
    pub fn inner(&self) -> &M {
        &self.layer
    }

    /// The layer without its hook.
    pub fn into_inner(self) -> M {
        self.layer
    }

    /// The forward pass of the layer, and the activation if there is one.
    ///
    /// # Shapes
    ///
    /// Those of the layer inside: `[..., d_input]` to `[..., d_output]` for `Linear`, `[batch, channels_in, ...]` to
    /// `[batch, channels_out, ...]` for convolutions, pooling and batch normalisation.
    ///
    /// # Panics
    ///
    /// If [`try_forward`](Self::try_forward) fails, with its message, and where the layer inside does.
    pub fn forward<I, O>(&self, input: I) -> O
    where
        M: HookedForward<I, O>,
    {
        self.try_forward(input)
            .unwrap_or_else(|error| panic!("{error}"))
    }

    /// [`forward`](Self::forward), with an error in place of a panic for what attention and embeddings check: heads, masks,
    /// token ids, positions.
    ///
    /// # Errors
    ///
    /// If the input does not fit the layer.
    pub fn try_forward<I, O>(&self, input: I) -> Result<O, InputError>
    where
        M: HookedForward<I, O>,
    {
        self.layer.try_forward_hooked(input, self.activation)
    }

    fn replace(self, change: impl FnOnce(M) -> M) -> Self {
        Self {
            layer: change(self.layer),
            activation: self.activation,
        }
    }

    fn annotate(&self, content: Content) -> Content {
        match self.activation {
            Some(activation) => content.add("activation", &activation.to_string()),
            None => content,
        }
    }
}

transparent_module!(Hooked);

//! The hooks as functions on Burn's [`Tensor`]. In a model they are layers; see `lfp-burn`.
//!
//! In the forward pass each is an ordinary layer, on any device. On an autodiff device it also says
//! how rewards go back; `backward()` is Burn's gradient, bit for bit.

use burn_core::{
    backend::Dispatch,
    tensor::{Tensor, ops::ConvOptions},
};

use crate::{Activation, LfpOps, LifNeuron};

/// Marks `z` as the output of a linear map: rewards follow the epsilon rule (Eqs. 6 and 7).
///
/// # Shapes
///
/// - `z` and the output: the same, any rank
pub fn stabilize<const D: usize>(z: Tensor<D>) -> Tensor<D> {
    Tensor::from_dispatch(Dispatch::lfp_stabilize(z.into_dispatch()))
}

/// A neuron: `phi(z)` where `z` is the raw output of a linear map, whose stabiliser is included.
///
/// Equal to [`activation`] after [`stabilize`], in one pass over memory, and exact also where
/// `z = 0`.
///
/// # Shapes
///
/// - `z` and the output: the same, any rank
///
/// # Example
///
/// ```
/// use burn_core::tensor::{Device, Tensor};
/// use lfp_core::{Activation, functions::neuron};
///
/// let z = Tensor::<1>::from_floats([-1.0, 2.0], &Device::default());
/// let a = neuron(z, Activation::Relu);
/// assert_eq!(a.to_data().to_vec::<f32>().unwrap(), [0.0, 2.0]);
/// ```
pub fn neuron<const D: usize>(z: Tensor<D>, activation: Activation) -> Tensor<D> {
    let a = Dispatch::lfp_activation(z.into_dispatch(), activation, true);
    Tensor::from_dispatch(a)
}

/// `phi(z)`, where `z` has been stabilised already or is no linear map: rewards pass unchanged, and
/// vanish where `z = 0`.
///
/// # Shapes
///
/// - `z` and the output: the same, any rank
pub fn activation<const D: usize>(z: Tensor<D>, activation: Activation) -> Tensor<D> {
    let a = Dispatch::lfp_activation(z.into_dispatch(), activation, false);
    Tensor::from_dispatch(a)
}

/// A neuron with the user's own activation, differentiable or not.
///
/// Rewards pass `function` unchanged, and nothing is asked of it; `backward()` is Burn's gradient
/// of it, zero if Burn cannot differentiate it. `z` is the raw output of a linear map, as in
/// [`neuron`].
///
/// # Shapes
///
/// - `z` and the output: the same, any rank
///
/// # Panics
///
/// If `function` changes the shape.
///
/// # Example
///
/// ```
/// use burn_core::tensor::{Device, Tensor};
/// use lfp_core::functions::custom_neuron;
///
/// let z = Tensor::<1>::from_floats([-1.4, 2.6], &Device::default().autodiff());
/// let a = custom_neuron(z, |z| z.round());
/// assert_eq!(a.to_data().to_vec::<f32>().unwrap(), [-1.0, 3.0]);
/// ```
pub fn custom_neuron<const D: usize>(
    z: Tensor<D>,
    function: impl FnOnce(Tensor<D>) -> Tensor<D>,
) -> Tensor<D> {
    custom(z, function, true)
}

/// The user's own activation after anything but a linear map; see [`activation`] and
/// [`custom_neuron`].
///
/// # Shapes
///
/// - `z` and the output: the same, any rank
///
/// # Panics
///
/// If `function` changes the shape.
pub fn custom_activation<const D: usize>(
    z: Tensor<D>,
    function: impl FnOnce(Tensor<D>) -> Tensor<D>,
) -> Tensor<D> {
    custom(z, function, false)
}

fn custom<const D: usize>(
    z: Tensor<D>,
    function: impl FnOnce(Tensor<D>) -> Tensor<D>,
    stabilized: bool,
) -> Tensor<D> {
    let entrance = Dispatch::lfp_stop_rewards(z.clone().into_dispatch());
    let output = function(Tensor::from_dispatch(entrance));
    assert_eq!(
        z.dims(),
        output.dims(),
        "an activation keeps the shape: expected {:?}, found {:?}",
        z.dims(),
        output.dims()
    );
    let a = Dispatch::lfp_custom_activation(z.into_dispatch(), output.into_dispatch(), stabilized);
    Tensor::from_dispatch(a)
}

/// Records, after dropout with probability `p`, what [`DropoutRule::Scale`](crate::DropoutRule)
/// needs.
///
/// # Shapes
///
/// - `x` and the output: the same, any rank
pub fn dropout<const D: usize>(x: Tensor<D>, p: f64) -> Tensor<D> {
    Tensor::from_dispatch(Dispatch::lfp_dropout(x.into_dispatch(), 1.0 / (1.0 - p)))
}

/// Batch normalisation by the statistics of the batch (Eqs. 9 and 10). Not stabilised: follow it by
/// [`stabilize`] or [`neuron`]. Returns output, mean and biased variance.
///
/// # Shapes
///
/// - `x` and the output: `[batch, channels, ...]`
/// - `gamma`, `beta`, mean and variance: `[channels]`
pub fn batch_norm_train<const D: usize>(
    x: Tensor<D>,
    gamma: Tensor<1>,
    beta: Tensor<1>,
    epsilon: f64,
) -> (Tensor<D>, Tensor<1>, Tensor<1>) {
    let (output, mean, variance) = Dispatch::lfp_batch_norm_train(
        x.into_dispatch(),
        gamma.into_dispatch(),
        beta.into_dispatch(),
        epsilon,
    );
    (
        Tensor::from_dispatch(output),
        Tensor::from_dispatch(mean),
        Tensor::from_dispatch(variance),
    )
}

/// Convolution in two dimensions, as Burn's; a propagation has the weights' share computed in a way of its
/// own. Not stabilised: follow it by [`stabilize`] or [`neuron`].
///
/// # Shapes
///
/// - `x`: `[batch, channels_in, height_in, width_in]`
/// - `weight`: `[channels_out, channels_in / groups, kernel_height, kernel_width]`
/// - `bias`: `[channels_out]`
/// - the output: `[batch, channels_out, height_out, width_out]`
pub fn conv2d(
    x: Tensor<4>,
    weight: Tensor<4>,
    bias: Option<Tensor<1>>,
    options: ConvOptions<2>,
) -> Tensor<4> {
    let (x, weight) = (x.into_dispatch(), weight.into_dispatch());
    Tensor::from_dispatch(match bias {
        Some(bias) => Dispatch::lfp_conv2d(x, weight, bias.into_dispatch(), options),
        None => Dispatch::lfp_conv2d_without_bias(x, weight, options),
    })
}

/// Leaky integrate-and-fire neurons over all steps. Returns spikes, and membrane potentials off the tape.
///
/// Do not stabilise the linear map that the currents come from: the neuron divides its reward by itself. Where
/// [`propagate`](crate::propagate) starts at the spikes, rewards enter below them, so that a silent
/// neuron can be rewarded, too.
///
/// # Shapes
///
/// - `currents`: `[steps, ...]`, or `[1, ...]` for the same current at every step
/// - spikes and membrane potentials: `[steps, ...]`
///
/// # Panics
///
/// If there are no steps, or the currents are of another number of steps.
///
/// # Example
///
/// ```
/// use burn_core::tensor::{Device, Tensor};
/// use lfp_core::{LifNeuron, Surrogate, functions::lif};
///
/// let neuron = LifNeuron::new(1.0, 1.0, Surrogate::default())?;
/// let current = Tensor::<2>::from_floats([[0.6]], &Device::default());
/// let (spikes, membrane) = lif(current, 3, neuron);
/// assert_eq!(spikes.to_data().to_vec::<f32>().unwrap(), [0.0, 1.0, 0.0]);
/// assert!((membrane.to_data().to_vec::<f32>().unwrap()[2] - 0.8).abs() < 1e-6);
/// # Ok::<(), lfp_core::LifError>(())
/// ```
pub fn lif<const D: usize>(
    currents: Tensor<D>,
    steps: usize,
    neuron: LifNeuron,
) -> (Tensor<D>, Tensor<D>) {
    let found = currents.dims()[0];
    assert!(
        steps > 0 && (found == steps || found == 1),
        "currents of spiking neurons: expected 1 or {steps} steps, of which there must be some, found {found}"
    );
    let (spikes, membrane) = Dispatch::lfp_lif(currents.into_dispatch(), steps, neuron);
    (
        Tensor::from_dispatch(spikes),
        Tensor::from_dispatch(membrane),
    )
}

/// The update of a parameter (Eq. 7) for an optimiser that minimises: `-|w| V`, where `V` is the
/// quotient that [`propagate`](crate::propagate) left at `weight`.
///
/// # Shapes
///
/// - `weight`, `quotient` and the output: the same, any rank
pub fn descent<const D: usize>(weight: Tensor<D>, quotient: Tensor<D>) -> Tensor<D> {
    let descent = Dispatch::lfp_descent(
        weight.inner().into_dispatch(),
        quotient.inner().into_dispatch(),
    );
    Tensor::from_dispatch(descent)
}

//! The hooks as functions on Burn's [`Tensor`]. In a model they are layers; see `lfp-burn`.
//!
//! In the forward pass each is an ordinary layer, on any device. On an autodiff device it also records how rewards pass;
//! `backward()` is Burn's gradient, bit for bit (for a convolution to rounding, see [`conv2d`]; [`dropout`] draws random
//! numbers of its own).

use burn_core::{
    backend::Dispatch,
    tensor::{DType, FloatDType, Tensor, ops::ConvOptions},
};

use crate::{
    ActivationFn, Centering, LfpOps, LifNeuron, NormalizationRule, PoolWindows, Stabilizer,
};

/// Marks `z` as the output of a linear map: rewards follow the epsilon rule (Eqs. 6 and 7).
///
/// # Shapes
///
/// - `z` and the output: the same, any rank
pub fn stabilize<const D: usize>(z: Tensor<D>) -> Tensor<D> {
    stabilize_as(z, Stabilizer::WeightedSum)
}

/// [`stabilize`] for any operation whose rewards follow the epsilon rule.
///
/// # Shapes
///
/// - `z` and the output: the same, any rank
pub fn stabilize_as<const D: usize>(z: Tensor<D>, stabilizer: Stabilizer) -> Tensor<D> {
    Tensor::from_dispatch(Dispatch::lfp_stabilize(z.into_dispatch(), stabilizer))
}

/// The sum of two activations (Eq. 11), such as a residual sum: each receives the share of its own value.
///
/// # Shapes
///
/// - `a`, `b`: shapes that Burn can add, any rank
pub fn sum<const D: usize>(a: Tensor<D>, b: Tensor<D>) -> Tensor<D> {
    stabilize_as(a + b, Stabilizer::Sum)
}

/// The elementwise product of two activations, such as a gate and what it gates: each receives half of the reward.
///
/// # Shapes
///
/// - `a`, `b`: shapes that Burn can multiply, any rank
///
/// # Example
///
/// ```
/// use burn_core::tensor::{Device, Tensor};
/// use lfp_core::functions::product;
///
/// let device = Device::default();
/// let gate = Tensor::<1>::from_floats([0.5, 1.0], &device);
/// let open = product(gate, Tensor::from_floats([3.0, 4.0], &device));
/// assert_eq!(open.to_data().to_vec::<f32>().unwrap(), [1.5, 4.0]);
/// ```
pub fn product<const D: usize>(a: Tensor<D>, b: Tensor<D>) -> Tensor<D> {
    stabilize_as(a * b, Stabilizer::Product)
}

/// The matrix product of two activations, such as queries and keys: each receives half of the reward.
///
/// # Shapes
///
/// - `a`: `[..., rows, inner]`
/// - `b`: `[..., inner, columns]`
/// - the output: `[..., rows, columns]`
pub fn matmul<const D: usize>(a: Tensor<D>, b: Tensor<D>) -> Tensor<D> {
    stabilize_as(a.matmul(b), Stabilizer::Product)
}

/// A tensor of parameters that enters the network as an activation: looked-up rows of an embedding, a class token, a
/// position table. It is the output of a linear map of one-hot inputs.
///
/// # Shapes
///
/// - `values` and the output: the same, any rank
pub fn table<const D: usize>(values: Tensor<D>) -> Tensor<D> {
    stabilize_as(values, Stabilizer::Table)
}

/// Normalises each row by its own mean and deviation, or by its root mean square ([`Centering::None`]), without scale and
/// shift: the core of layer, RMS, group and instance normalisation. Rewards follow
/// [`LfpConfig::layer_norm`](crate::LfpConfig::layer_norm). Not stabilised: multiply by the scale, add the shift, and
/// [`stabilize`].
///
/// `epsilon` is added to the biased variance. Statistics of `f16` are computed in `f32`.
///
/// # Shapes
///
/// - `x` and the output: `[..., width]`; a row is the last dimension
pub fn normalize<const D: usize>(x: Tensor<D>, centering: Centering, epsilon: f64) -> Tensor<D> {
    normalize_by(x, centering, epsilon, None)
}

/// [`normalize`] with a rule of its own in place of that of the propagation.
///
/// # Shapes
///
/// - `x` and the output: `[..., width]`; a row is the last dimension
pub fn normalize_by<const D: usize>(
    x: Tensor<D>,
    centering: Centering,
    epsilon: f64,
    rule: Option<NormalizationRule>,
) -> Tensor<D> {
    let normalized = |x: Tensor<D>| -> Tensor<D> {
        Tensor::from_dispatch(Dispatch::lfp_normalize(
            x.into_dispatch(),
            centering,
            epsilon,
            rule,
        ))
    };
    match x.dtype() {
        // 65504, the largest f16, is exceeded by the square of 256.
        DType::F16 => normalized(x.cast(FloatDType::F32)).cast(FloatDType::F16),
        _ => normalized(x),
    }
}

/// `phi(z)` for the raw output `z` of a linear map, with the map's stabiliser.
///
/// Equal to [`activation`] after [`stabilize`], in one pass over memory, and exact also where `z = 0`.
///
/// # Shapes
///
/// - `z` and the output: the same, any rank
///
/// # Example
///
/// ```
/// use burn_core::tensor::{Device, Tensor};
/// use lfp_core::{ActivationFn, functions::linear_activation};
///
/// let z = Tensor::<1>::from_floats([-1.0, 2.0], &Device::default());
/// let a = linear_activation(z, ActivationFn::Relu);
/// assert_eq!(a.to_data().to_vec::<f32>().unwrap(), [0.0, 2.0]);
/// ```
pub fn linear_activation<const D: usize>(z: Tensor<D>, activation: ActivationFn) -> Tensor<D> {
    activation_of(z, activation, Stabilizer::WeightedSum)
}

/// [`linear_activation`] for any operation whose rewards follow the epsilon rule. After a product the two are separate operations.
///
/// # Shapes
///
/// - `z` and the output: the same, any rank
pub fn activation_of<const D: usize>(
    z: Tensor<D>,
    activation: ActivationFn,
    stabilizer: Stabilizer,
) -> Tensor<D> {
    // The fused pass divides a reward by the output once; a product divides it among two operands.
    let (z, stabilizer) = match stabilizer {
        Stabilizer::Product => (stabilize_as(z, stabilizer), None),
        _ => (z, Some(stabilizer)),
    };
    let a = Dispatch::lfp_activation(z.into_dispatch(), activation, stabilizer);
    Tensor::from_dispatch(a)
}

/// `phi(z)` where `z` is already stabilised or comes from no linear map: rewards pass unchanged, and vanish where `z = 0`.
///
/// # Shapes
///
/// - `z` and the output: the same, any rank
pub fn activation<const D: usize>(z: Tensor<D>, activation: ActivationFn) -> Tensor<D> {
    let a = Dispatch::lfp_activation(z.into_dispatch(), activation, None);
    Tensor::from_dispatch(a)
}

/// The user's own activation, differentiable or not, for the raw output `z` of a linear map; see [`linear_activation`].
///
/// Rewards pass `function` unchanged; the paper asks that it keeps the sign of `z` (section 3.4). `backward()` is Burn's
/// gradient of it, zero if Burn cannot differentiate it.
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
/// use lfp_core::functions::custom_linear_activation;
///
/// let z = Tensor::<1>::from_floats([-1.4, 2.6], &Device::default().autodiff());
/// let a = custom_linear_activation(z, |z| z.round());
/// assert_eq!(a.to_data().to_vec::<f32>().unwrap(), [-1.0, 3.0]);
/// ```
pub fn custom_linear_activation<const D: usize>(
    z: Tensor<D>,
    function: impl FnOnce(Tensor<D>) -> Tensor<D>,
) -> Tensor<D> {
    custom(z, function, Some(Stabilizer::WeightedSum))
}

/// The user's own activation after anything but a linear map; see [`activation`] and [`custom_linear_activation`].
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
    custom(z, function, None)
}

fn custom<const D: usize>(
    z: Tensor<D>,
    function: impl FnOnce(Tensor<D>) -> Tensor<D>,
    stabilizer: Option<Stabilizer>,
) -> Tensor<D> {
    let input = Dispatch::lfp_stop_rewards(z.clone().into_dispatch());
    let output = function(Tensor::from_dispatch(input));
    assert_eq!(
        z.dims(),
        output.dims(),
        "an activation keeps the shape: expected {:?}, found {:?}",
        z.dims(),
        output.dims()
    );
    let a = Dispatch::lfp_custom_activation(z.into_dispatch(), output.into_dispatch(), stabilizer);
    Tensor::from_dispatch(a)
}

/// Dropout: each element becomes zero with `probability`, the others are multiplied by `1 / (1 - probability)`. Rewards are
/// conserved unless [`DropoutRule::Scale`](crate::DropoutRule) is set. The random numbers come from the device's generator,
/// so `device.seed(...)` repeats them.
///
/// On Flex (f32, f64), one number of the generator seeds a counter-based generator: the result does not depend on the
/// number of threads, and no mask is kept.
///
/// # Shapes
///
/// - `x` and the output: the same, any rank
///
/// # Panics
///
/// If `probability` is not from 0 to 1.
///
/// # Example
///
/// ```
/// use burn_core::tensor::{Device, Tensor};
///
/// let x = Tensor::<2>::ones([100, 100], &Device::default());
/// let mean = lfp_core::functions::dropout(x, 0.3).mean().into_scalar::<f32>();
/// assert!((mean - 1.0).abs() < 0.05);
/// ```
pub fn dropout<const D: usize>(x: Tensor<D>, probability: f64) -> Tensor<D> {
    assert!(
        (0.0..=1.0).contains(&probability),
        "dropout: expected a probability from 0 to 1, found {probability}"
    );
    Tensor::from_dispatch(Dispatch::lfp_dropout(x.into_dispatch(), probability))
}

/// Batch normalisation by the statistics of the batch (Eqs. 9 and 10). Not stabilised: follow it by [`stabilize`] or
/// [`linear_activation`]. Returns output, mean and biased variance.
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

/// Convolution in two dimensions. Not stabilised: follow it by [`stabilize`] or [`linear_activation`].
///
/// On Flex (f32, not depthwise but for the bias gradient) by convolutions of this crate, which are several times faster than
/// Burn's, for the forward pass and the backward passes of both methods. Outputs and `backward()` equal Burn's to rounding, 1e-5 of the largest magnitude. Any model
/// may call it, hooked or not.
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

/// A linear map of an input that may hold spikes. Not stabilised: [`lif`] neurons divide their rewards themselves; before any
/// other layer, follow it by [`stabilize`] or [`linear_activation`].
///
/// On Flex (f32), an input of zeros and ones, of which at most three tenths are ones, is not multiplied: the rows of the weights
/// at the ones are gathered and added. Outputs and `backward()` of finite numbers equal Burn's to rounding, 1e-5 of the largest
/// magnitude, and bit for bit with any other input. In a propagation the quotients of the zeros of such an input are zero, so
/// form it by hooks: behind an unhooked sum like `1 - s` its parts would receive no reward.
///
/// # Shapes
///
/// - `x`: `[rows, d_input]`
/// - `weight`: `[d_input, d_output]`
/// - `bias`: `[d_output]`
/// - the output: `[rows, d_output]`
///
/// # Panics
///
/// If the shapes do not match, or `LFP_CONVOLUTION` names no algorithm.
///
/// # Example
///
/// ```
/// use burn_core::tensor::{Device, Tensor};
///
/// let device = Device::default();
/// let spikes = Tensor::<2>::from_floats([[0.0, 1.0, 0.0]], &device);
/// let weight = Tensor::from_floats([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], &device);
/// let currents = lfp_core::functions::linear(spikes, weight, None);
/// assert_eq!(currents.to_data().to_vec::<f32>().unwrap(), [3.0, 4.0]);
/// ```
pub fn linear(x: Tensor<2>, weight: Tensor<2>, bias: Option<Tensor<1>>) -> Tensor<2> {
    let [_, inputs] = x.dims();
    let [d_input, d_output] = weight.dims();
    let biases = bias.as_ref().map_or(d_output, |bias| bias.dims()[0]);
    assert!(
        inputs == d_input && biases == d_output,
        "a linear map: expected inputs [rows, {d_input}] and biases [{d_output}] for weights [{d_input}, {d_output}], found \
         [rows, {inputs}] and [{biases}]"
    );
    let bias =
        bias.unwrap_or_else(|| Tensor::zeros([d_output], (&weight.device(), weight.dtype())));
    let [x, weight, bias] = [
        x.into_dispatch(),
        weight.into_dispatch(),
        bias.into_dispatch(),
    ];
    Tensor::from_dispatch(Dispatch::lfp_linear(x, weight, bias))
}

/// Pixels of a plane, or of a window, that [`max_pool2d`] takes, at most: up to it, f32 holds all indices.
pub const MOST_PIXELS: usize = 1 << 24;

/// Max pooling. The maximum of a window receives its whole reward, or gradient; of equal values the first in row-major
/// order. The same as Burn's, faster on Flex (f32).
///
/// # Shapes
///
/// - `x`: `[batch, channels, height, width]`
/// - the output: `[batch, channels, windows per column, windows per row]`
///
/// # Panics
///
/// If the windows are not [valid](PoolWindows::is_valid), or a plane has more than [`MOST_PIXELS`].
pub fn max_pool2d(x: Tensor<4>, windows: PoolWindows) -> Tensor<4> {
    let [_, _, height, width] = x.dims();
    assert!(
        windows.is_valid() && height * width <= MOST_PIXELS,
        "max pooling: expected windows that are not empty, with padding of at most half their size, and at most {MOST_PIXELS} \
         pixels in a window and in the image, found {windows:?} on {height}x{width} pixels"
    );
    Tensor::from_dispatch(Dispatch::lfp_max_pool(x.into_dispatch(), windows))
}

/// Leaky integrate-and-fire neurons over all steps. Returns spikes, and membrane potentials off the tape.
///
/// Do not stabilise the linear map that computes the currents: the neuron divides its reward itself. If
/// [`propagate`](crate::propagate) starts at the spikes, or at a view of them (reshape, slice, permute), rewards enter below
/// the spikes, so that silent neurons receive theirs, too.
///
/// # Shapes
///
/// - `currents`: `[steps, ...]`, or `[1, ...]` for a constant current
/// - spikes and membrane potentials: `[steps, ...]`
///
/// # Panics
///
/// If `steps` is zero, or the currents have neither one nor `steps` steps.
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
        "currents of spiking neurons: expected 1 or {} steps, found {found}",
        steps.max(1)
    );
    let (spikes, membrane) = Dispatch::lfp_lif(currents.into_dispatch(), steps, neuron);
    (
        Tensor::from_dispatch(spikes),
        Tensor::from_dispatch(membrane),
    )
}

/// The update of a parameter (Eq. 7) for an optimiser that minimises: `-|w| V`, where `V` is the quotient that
/// [`propagate`](crate::propagate) leaves at `weight`.
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

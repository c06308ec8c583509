//! The backend extension: the operations that LFP needs beyond Burn's own.

use burn_core as burn;
use burn_core::backend::{Backend, backend_extension, ops::ConvOptions, tensor::FloatTensor};

use crate::{
    ActivationFn, BatchNormRule, LfpConfig, LifNeuron, NormalizationRule, PoolWindows,
    SignChangeRule, Stabilizer,
    rules::{self, normalization::Centering},
};

/// The operations of layer-wise feedback propagation.
///
/// Every operation has a default body of Burn primitives, so a backend joins with an empty implementation. There are two
/// groups:
///
/// * **Recorded** operations (`lfp_stabilize` to `lfp_seed`): their forward pass is that of an ordinary layer; `Autodiff`
///   overrides each of them with one whose backward pass follows the propagation that is running, or is Burn's gradient
///   if none is.
/// * **Kernels** (`lfp_rescale` and below), which those backward passes call on the inner backend.
#[backend_extension(
    Flex: cfg(feature = "flex"),
    NdArray: cfg(feature = "ndarray"),
    LibTorch: cfg(feature = "tch"),
    Cube: cfg(feature = "cubecl"),
    Remote: cfg(feature = "remote"),
    Capture: cfg(feature = "capture"),
    Fusion: cfg(feature = "fusion"),
    Autodiff
)]
pub trait LfpOps: Backend {
    /// Marks `z`, any shape, as the output of an operation whose rewards follow the epsilon rule.
    #[fusion(default)]
    fn lfp_stabilize(z: FloatTensor<Self>, stabilizer: Stabilizer) -> FloatTensor<Self> {
        let _ = stabilizer; // only the tape reads it
        z
    }

    /// `phi(z)`, any shape; with a `stabilizer` if `z` is the raw output of an operation that has one.
    #[fusion(default)]
    fn lfp_activation(
        z: FloatTensor<Self>,
        activation: ActivationFn,
        stabilizer: Option<Stabilizer>,
    ) -> FloatTensor<Self> {
        let _ = stabilizer;
        rules::activation::forward::<Self>(z, activation)
    }

    /// The user's own activation: returns `output`, which was computed from `z` (same shape).
    #[fusion(default)]
    fn lfp_custom_activation(
        z: FloatTensor<Self>,
        output: FloatTensor<Self>,
        stabilizer: Option<Stabilizer>,
    ) -> FloatTensor<Self> {
        let _ = (z, stabilizer);
        output
    }

    /// Passes gradients and stops rewards.
    #[fusion(default)]
    fn lfp_stop_rewards(x: FloatTensor<Self>) -> FloatTensor<Self> {
        x
    }

    /// Dropout: zeros with a `probability` from 0 to 1, other elements times `1 / (1 - probability)`.
    #[fusion(default)]
    fn lfp_dropout(x: FloatTensor<Self>, probability: f64) -> FloatTensor<Self> {
        Self::lfp_dropout_mask(x, probability).0
    }

    /// Batch normalisation by the statistics of the batch. Returns output, mean, biased variance.
    ///
    /// # Shapes
    ///
    /// `x` and the output: `[batch, channels, ...]`; the others: `[channels]`.
    #[fusion(default)]
    fn lfp_batch_norm_train(
        x: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        epsilon: f64,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        rules::batch_norm::train::<Self>(x, gamma, beta, epsilon)
    }

    /// Normalisation of each row, the last dimension, by its own statistics, without scale and shift. Without a `rule` of
    /// its own, that of the propagation holds.
    #[fusion(default)]
    fn lfp_normalize(
        x: FloatTensor<Self>,
        centering: Centering,
        epsilon: f64,
        rule: Option<NormalizationRule>,
    ) -> FloatTensor<Self> {
        let _ = rule; // only the tape reads it
        Self::lfp_normalize_rows(x, centering, epsilon).0
    }

    /// Convolution in two dimensions, not stabilised.
    ///
    /// # Shapes
    ///
    /// `x`: `[batch, channels_in, height, width]`; `weight`: `[channels_out, channels_in / groups, height, width]`;
    /// `bias`: `[channels_out]`.
    #[fusion(default)]
    fn lfp_conv2d(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        options: ConvOptions<2>,
    ) -> FloatTensor<Self> {
        Self::conv2d(x, weight, Some(bias), options)
    }

    /// The same without bias. (A backend extension takes no optional tensors.)
    #[fusion(default)]
    fn lfp_conv2d_without_bias(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        options: ConvOptions<2>,
    ) -> FloatTensor<Self> {
        Self::conv2d(x, weight, None, options)
    }

    /// A linear map of an input that may hold spikes, not stabilised.
    ///
    /// # Shapes
    ///
    /// `x`: `[rows, inputs]`; `weight`: `[inputs, outputs]`; `bias`: `[outputs]`.
    #[fusion(default)]
    fn lfp_linear(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        Self::linear(x, weight, Some(bias))
    }

    /// Max pooling.
    ///
    /// # Shapes
    ///
    /// `x`: `[batch, channels, height, width]`.
    #[fusion(default)]
    fn lfp_max_pool(x: FloatTensor<Self>, windows: PoolWindows) -> FloatTensor<Self> {
        Self::lfp_max_pool_winners(x, windows).0
    }

    /// Leaky integrate-and-fire neurons over all steps. Returns spikes and membrane potentials.
    ///
    /// # Shapes
    ///
    /// `currents`: `[steps, ...]`, or `[1, ...]` for a constant current; the others: `[steps, ...]`.
    #[fusion(meta = |currents, steps, _neuron| {
        let mut output = currents.clone();
        output.shape[0] = *steps;
        (output.clone(), output)
    })]
    fn lfp_lif(
        currents: FloatTensor<Self>,
        steps: usize,
        neuron: LifNeuron,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        rules::lif::forward::<Self>(currents, steps, neuron)
    }

    /// The root of a propagation: a scalar whose backward pass starts the rewards at `output`.
    #[fusion(default)]
    fn lfp_seed(output: FloatTensor<Self>, reward: FloatTensor<Self>) -> FloatTensor<Self> {
        let _ = reward;
        Self::float_sum(output)
    }

    /// Dropout, and what [`lfp_dropout_backward`](Self::lfp_dropout_backward) of the same backend needs to repeat it. Its
    /// random numbers come from the backend's generator.
    #[fusion(default)]
    fn lfp_dropout_mask(
        x: FloatTensor<Self>,
        probability: f64,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        rules::dropout::forward::<Self>(x, probability)
    }

    /// What arrives at the elements that were kept, times `1 / (1 - probability)`.
    #[fusion(default)]
    fn lfp_dropout_backward(
        grad: FloatTensor<Self>,
        mask: FloatTensor<Self>,
        probability: f64,
    ) -> FloatTensor<Self> {
        rules::dropout::backward::<Self>(grad, mask, probability)
    }

    /// Gradients or quotients of the input, gamma and beta of a batch normalisation, from what arrives at its output.
    ///
    /// # Shapes
    ///
    /// `x`, `grad` and the first result: `[batch, channels, ...]`; the others: `[channels]`.
    #[fusion(default)]
    fn lfp_batch_norm_backward(
        x: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        mean: FloatTensor<Self>,
        variance: FloatTensor<Self>,
        grad: FloatTensor<Self>,
        epsilon: f64,
        rule: BatchNormRule,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        rules::batch_norm::backward::<Self>(x, gamma, mean, variance, grad, epsilon, rule)
    }

    /// The maxima, and which pixel each is: numbers in f32, whose meaning only
    /// [`lfp_max_pool_backward`](Self::lfp_max_pool_backward) of the same backend knows.
    #[fusion(default)]
    fn lfp_max_pool_winners(
        x: FloatTensor<Self>,
        windows: PoolWindows,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        rules::max_pool::winners::<Self>(x, windows)
    }

    /// Passes what arrives at each maximum to its pixel, in planes of `size`, `[height, width]`.
    #[fusion(default)]
    fn lfp_max_pool_backward(
        grad: FloatTensor<Self>,
        winners: FloatTensor<Self>,
        size: [usize; 2],
        windows: PoolWindows,
    ) -> FloatTensor<Self> {
        rules::max_pool::backward::<Self>(grad, winners, size, windows)
    }

    /// The epsilon rule (Eq. 6): `g z / s(n z)`, where `n` is the number of `shares`.
    #[fusion(default)]
    fn lfp_rescale(
        quotient: FloatTensor<Self>,
        z: FloatTensor<Self>,
        shares: f64,
        epsilon: f64,
    ) -> FloatTensor<Self> {
        rules::epsilon::rescale::<Self>(quotient, z, shares, epsilon)
    }

    /// The initial quotient: `r / s(o)`.
    #[fusion(default)]
    fn lfp_quotient(
        reward: FloatTensor<Self>,
        output: FloatTensor<Self>,
        epsilon: f64,
    ) -> FloatTensor<Self> {
        rules::epsilon::quotient::<Self>(reward, output, epsilon)
    }

    /// Activation and epsilon rule in one pass: `g phi(z) / s(z)`. With an epsilon of zero the activation alone,
    /// `g phi(z) / z`, and 0 where `z = 0`. Where the activation changes the sign, `sign_change` decides.
    #[fusion(default)]
    fn lfp_rescale_activation(
        quotient: FloatTensor<Self>,
        z: FloatTensor<Self>,
        activation: ActivationFn,
        epsilon: f64,
        sign_change: SignChangeRule,
    ) -> FloatTensor<Self> {
        rules::activation::rescale::<Self>(quotient, z, activation, epsilon, sign_change)
    }

    /// The quotients at the currents of `current_steps` steps, from those at the spikes; `at_output` if the initial reward
    /// arrives at these spikes.
    #[fusion(dtype = membrane, shape = {
        let mut shape = membrane.clone();
        shape[0] = *current_steps;
        shape
    })]
    fn lfp_lif_rewards(
        quotient: FloatTensor<Self>,
        membrane: FloatTensor<Self>,
        current_steps: usize,
        neuron: LifNeuron,
        config: LfpConfig,
        at_output: bool,
    ) -> FloatTensor<Self> {
        rules::lif::rewards::<Self>(quotient, membrane, current_steps, neuron, config, at_output)
    }

    /// The gradient at the currents of `current_steps` steps, from that at the spikes.
    #[fusion(dtype = membrane, shape = {
        let mut shape = membrane.clone();
        shape[0] = *current_steps;
        shape
    })]
    fn lfp_lif_gradient(
        grad: FloatTensor<Self>,
        membrane: FloatTensor<Self>,
        current_steps: usize,
        neuron: LifNeuron,
    ) -> FloatTensor<Self> {
        rules::lif::gradient::<Self>(grad, membrane, current_steps, neuron)
    }

    /// The input gradient of a convolution, for both passes: in a propagation `grad` holds quotients, and so does the result.
    /// Of `x` only the shape matters.
    #[fusion(default)]
    fn lfp_conv2d_x_backward(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        grad: FloatTensor<Self>,
        options: ConvOptions<2>,
    ) -> FloatTensor<Self> {
        Self::conv2d_x_backward(x, weight, grad, options)
    }

    /// The quotients of a convolution's input. Where `x` is zero they may be anything finite: the reward is zero there. (A sum of
    /// activations that makes such a zero must be stabilised, as for the epsilon rule.)
    #[fusion(default)]
    fn lfp_conv2d_x_rewards(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        quotient: FloatTensor<Self>,
        options: ConvOptions<2>,
    ) -> FloatTensor<Self> {
        Self::lfp_conv2d_x_backward(x, weight, quotient, options)
    }

    /// The weight gradient of a convolution, for both passes: in a propagation `grad` holds quotients, and the result is
    /// `V = q a^T` of Eq. 7, summed over samples and positions.
    #[fusion(default)]
    fn lfp_conv2d_weight_backward(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        grad: FloatTensor<Self>,
        options: ConvOptions<2>,
    ) -> FloatTensor<Self> {
        Self::conv2d_weight_backward(x, weight, grad, options)
    }

    /// The bias gradient of a convolution, for both passes: `grad`, in a propagation the quotients, summed over samples and
    /// positions. Of `x` and `bias` only the shapes matter.
    #[fusion(default)]
    fn lfp_conv2d_bias_backward(
        x: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        grad: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        Self::conv2d_bias_backward(x, bias, grad)
    }

    /// The quotients of the input of a linear map. Where `x` is zero they may be anything finite: the reward is zero there.
    #[fusion(default)]
    fn lfp_linear_x_rewards(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        quotient: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        let _ = x; // a kernel may leave out its zeros
        Self::linear_x_backward(weight, quotient)
    }

    /// The weight gradient of a linear map, for both passes: in a propagation `grad` holds quotients, and the result is
    /// `V = q a^T` of Eq. 7, summed over rows.
    #[fusion(default)]
    fn lfp_linear_weight_backward(
        x: FloatTensor<Self>,
        grad: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        Self::linear_weight_backward(x, grad)
    }

    /// The normalised rows, and the reciprocal deviation of each.
    ///
    /// # Shapes
    ///
    /// `x` and the first output: `[..., width]`; the second: `[..., 1]`.
    #[fusion(default)]
    fn lfp_normalize_rows(
        x: FloatTensor<Self>,
        centering: Centering,
        epsilon: f64,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        rules::normalization::forward::<Self>(x, centering, epsilon)
    }

    /// The quotients below a normalisation, from those above it and both results of
    /// [`lfp_normalize_rows`](Self::lfp_normalize_rows).
    #[fusion(default)]
    fn lfp_normalize_rows_backward(
        quotient: FloatTensor<Self>,
        normalized: FloatTensor<Self>,
        inverse_sigma: FloatTensor<Self>,
        centering: Centering,
        rule: NormalizationRule,
    ) -> FloatTensor<Self> {
        rules::normalization::backward::<Self>(quotient, normalized, inverse_sigma, centering, rule)
    }

    /// The update of a parameter (Eq. 7), for an optimiser that minimises: `-|w| V`.
    #[fusion(default)]
    fn lfp_descent(weight: FloatTensor<Self>, quotient: FloatTensor<Self>) -> FloatTensor<Self> {
        rules::feedback::descent::<Self>(weight, quotient)
    }
}

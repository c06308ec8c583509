//! The tape: each recorded operation with a backward pass that follows the propagation that is running on this thread, and
//! is Burn's gradient if none is.

mod activation;
mod batch_norm;
mod conv;
mod dropout;
mod epsilon;
mod lif;
mod linear;
mod max_pool;
mod normalization;
mod seed;

use burn_autodiff::{
    Autodiff,
    checkpoint::strategy::CheckpointStrategy,
    ops::{Backward, OpsKind},
};
use burn_core::backend::{Backend, ops::ConvOptions, tensor::FloatTensor};

use crate::{
    ActivationFn, LfpOps, LifNeuron, NormalizationRule, PoolWindows, Stabilizer,
    rules::normalization::Centering,
};

impl<B: Backend + LfpOps, C: CheckpointStrategy> LfpOps for Autodiff<B, C> {
    fn lfp_stabilize(z: FloatTensor<Self>, stabilizer: Stabilizer) -> FloatTensor<Self> {
        epsilon::stabilize::<B, C>(z, stabilizer)
    }

    fn lfp_activation(
        z: FloatTensor<Self>,
        activation: ActivationFn,
        stabilizer: Option<Stabilizer>,
    ) -> FloatTensor<Self> {
        activation::built_in::<B, C>(z, activation, stabilizer)
    }

    fn lfp_custom_activation(
        z: FloatTensor<Self>,
        output: FloatTensor<Self>,
        stabilizer: Option<Stabilizer>,
    ) -> FloatTensor<Self> {
        activation::custom::<B, C>(z, output, stabilizer)
    }

    fn lfp_stop_rewards(x: FloatTensor<Self>) -> FloatTensor<Self> {
        activation::stop_rewards::<B, C>(x)
    }

    fn lfp_dropout(x: FloatTensor<Self>, probability: f64) -> FloatTensor<Self> {
        dropout::dropout::<B, C>(x, probability)
    }

    fn lfp_batch_norm_train(
        x: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        epsilon: f64,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        batch_norm::train::<B, C>(x, gamma, beta, epsilon)
    }

    fn lfp_normalize(
        x: FloatTensor<Self>,
        centering: Centering,
        epsilon: f64,
        rule: Option<NormalizationRule>,
    ) -> FloatTensor<Self> {
        normalization::normalize::<B, C>(x, centering, epsilon, rule)
    }

    fn lfp_conv2d(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        options: ConvOptions<2>,
    ) -> FloatTensor<Self> {
        conv::conv2d::<B, C>(x, weight, Some(bias), options)
    }

    fn lfp_conv2d_without_bias(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        options: ConvOptions<2>,
    ) -> FloatTensor<Self> {
        conv::conv2d::<B, C>(x, weight, None, options)
    }

    fn lfp_linear(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        linear::linear::<B, C>(x, weight, bias)
    }

    fn lfp_max_pool(x: FloatTensor<Self>, windows: PoolWindows) -> FloatTensor<Self> {
        max_pool::max_pool::<B, C>(x, windows)
    }

    fn lfp_lif(
        currents: FloatTensor<Self>,
        steps: usize,
        neuron: LifNeuron,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        lif::lif::<B, C>(currents, steps, neuron)
    }

    fn lfp_seed(output: FloatTensor<Self>, reward: FloatTensor<Self>) -> FloatTensor<Self> {
        seed::seed::<B, C>(output, reward)
    }
}

/// Records an operation of one input: `forward` returns its output and the state that `backward` needs.
///
/// All operations here count as compute bound for checkpointing: they keep tensors that their neighbours on the tape hold
/// anyway (a linear map keeps its input, which is our output), so recomputing would save no memory.
fn record<B, C, Op>(
    operation: Op,
    input: FloatTensor<Autodiff<B, C>>,
    forward: impl FnOnce(FloatTensor<B>) -> (FloatTensor<B>, Op::State),
) -> FloatTensor<Autodiff<B, C>>
where
    B: Backend,
    C: CheckpointStrategy,
    Op: Backward<B, 1>,
{
    let (input, node) = input.into_parts();
    let (output, state) = forward(input);
    match operation.prepare::<C>([node]).compute_bound().stateful() {
        OpsKind::Tracked(prep) => prep.finish(state, output),
        OpsKind::UnTracked(prep) => prep.finish(output),
    }
}

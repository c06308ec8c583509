//! Activations, built in and the user's own.

use burn_autodiff::{
    Autodiff,
    checkpoint::{base::Checkpointer, strategy::CheckpointStrategy},
    grads::Gradients,
    ops::{Backward, Ops, OpsKind, unary},
};
use burn_core::backend::{Backend, TensorMetadata, tensor::FloatTensor};

use super::record;
use crate::{
    ActivationFn, LfpOps, Stabilizer,
    propagation::{Arrival, arrive, config_of},
    rules,
};

pub(super) fn built_in<B: Backend + LfpOps, C: CheckpointStrategy>(
    z: FloatTensor<Autodiff<B, C>>,
    activation: ActivationFn,
    stabilizer: Option<Stabilizer>,
) -> FloatTensor<Autodiff<B, C>> {
    record::<B, C, _>(BuiltIn, z, |z| {
        let state = |saved| BuiltInState {
            saved,
            activation,
            stabilizer,
        };
        match activation {
            // The output suffices, so the forward pass may overwrite the input: half the memory.
            ActivationFn::Relu => {
                let output = rules::activation::forward::<B>(z, activation);
                (output.clone(), state(output))
            }
            _ => {
                let output = rules::activation::forward::<B>(z.clone(), activation);
                (output, state(z))
            }
        }
    })
}

#[derive(Debug)]
struct BuiltIn;

#[derive(Clone, Debug)]
struct BuiltInState<T> {
    /// The input; for ReLU the output.
    saved: T,
    activation: ActivationFn,
    /// `None` if the activation does not follow an operation that it is fused with.
    stabilizer: Option<Stabilizer>,
}

impl<B: Backend + LfpOps> Backward<B, 1> for BuiltIn {
    type State = BuiltInState<FloatTensor<B>>;

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let BuiltInState {
            saved,
            activation,
            stabilizer,
        } = ops.state;
        let arrival = arrive(grads);
        unary::<B, _>(ops.parents, ops.node, grads, |g| match arrival {
            Some(arrival) if arrival.at_output && activation != ActivationFn::Relu => {
                let output = rules::activation::forward::<B>(saved.clone(), activation);
                enter::<B>(g, saved, output, stabilizer, arrival)
            }
            // An active ReLU has equal input and output, so the seed's stabiliser is already the right one.
            Some(arrival) if arrival.at_output => {
                let sign_change = arrival.config.sign_change;
                B::lfp_rescale_activation(g, saved, activation, 0.0, sign_change)
            }
            Some(arrival) => {
                let epsilon = epsilon::<B>(&saved, stabilizer, arrival);
                let sign_change = arrival.config.sign_change;
                B::lfp_rescale_activation(g, saved, activation, epsilon, sign_change)
            }
            None => rules::activation::gradient::<B>(g, saved, activation),
        });
    }
}

/// The stabiliser of the operation before the activation; zero if the activation is not fused with one.
fn epsilon<B: Backend>(
    z: &FloatTensor<B>,
    stabilizer: Option<Stabilizer>,
    arrival: Arrival,
) -> f64 {
    stabilizer.map_or(0.0, |of| of.epsilon(&arrival.config, z.dtype()))
}

/// The initial reward at an activated output passes the activation like any other reward.
fn enter<B: Backend>(
    quotient: FloatTensor<B>,
    z: FloatTensor<B>,
    output: FloatTensor<B>,
    stabilizer: Option<Stabilizer>,
    arrival: Arrival,
) -> FloatTensor<B> {
    let seed_epsilon = arrival.config.epsilon_for(output.dtype());
    let epsilon = epsilon::<B>(&z, stabilizer, arrival);
    rules::activation::enter::<B>(
        quotient,
        z,
        output,
        seed_epsilon,
        epsilon,
        arrival.config.sign_change,
    )
}

/// Two parents: rewards go to `z`, gradients through whatever computed `output`.
pub(super) fn custom<B: Backend + LfpOps, C: CheckpointStrategy>(
    z: FloatTensor<Autodiff<B, C>>,
    output: FloatTensor<Autodiff<B, C>>,
    stabilizer: Option<Stabilizer>,
) -> FloatTensor<Autodiff<B, C>> {
    let (z, z_node) = z.into_parts();
    let (output, output_node) = output.into_parts();
    match Custom
        .prepare::<C>([z_node, output_node])
        .compute_bound()
        .stateful()
    {
        OpsKind::Tracked(prep) => prep.finish((z, output.clone(), stabilizer), output),
        OpsKind::UnTracked(prep) => prep.finish(output),
    }
}

#[derive(Debug)]
struct Custom;

impl<B: Backend + LfpOps> Backward<B, 2> for Custom {
    type State = (FloatTensor<B>, FloatTensor<B>, Option<Stabilizer>);

    fn backward(self, ops: Ops<Self::State, 2>, grads: &mut Gradients, _: &mut Checkpointer) {
        let [z_node, output_node] = ops.parents;
        let (z, output, stabilizer) = ops.state;
        let g = grads.consume::<B>(&ops.node);
        // Burn expects every parent to receive a value; adding -0 changes no sum.
        let nothing = B::float_full(g.shape(), (-0.0).into(), &g.device(), g.dtype().into());
        let (to_z, to_output) = match arrive(grads) {
            Some(arrival) if arrival.at_output => {
                (enter::<B>(g, z, output, stabilizer, arrival), nothing)
            }
            Some(arrival) => {
                let share = match epsilon::<B>(&z, stabilizer, arrival) {
                    0.0 => rules::activation::share::<B>(output, z, 0.0),
                    epsilon => B::lfp_quotient(output, z, epsilon),
                };
                let sign_change = arrival.config.sign_change;
                (rules::activation::pass::<B>(g, share, sign_change), nothing)
            }
            None => (nothing, g),
        };
        if let Some(node) = z_node {
            grads.register::<B>(node.id, to_z);
        }
        if let Some(node) = output_node {
            grads.register::<B>(node.id, to_output);
        }
    }
}

/// The input of the user's function. The rewards on its tape are zero, or NaN where its derivative is infinite; they
/// stop here.
pub(super) fn stop_rewards<B: Backend, C: CheckpointStrategy>(
    x: FloatTensor<Autodiff<B, C>>,
) -> FloatTensor<Autodiff<B, C>> {
    record::<B, C, _>(StopRewards, x, |x| (x, ()))
}

#[derive(Debug)]
struct StopRewards;

impl<B: Backend> Backward<B, 1> for StopRewards {
    type State = ();

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let g = grads.consume::<B>(&ops.node);
        let [parent] = ops.parents;
        if let Some(parent) = parent
            && config_of(grads).is_none()
        {
            grads.register::<B>(parent.id, g);
        }
    }
}

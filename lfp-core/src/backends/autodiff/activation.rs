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
    Activation, LfpOps, Rule,
    propagation::{is_root, rule_of},
    rules,
};

pub(super) fn built_in<B: Backend + LfpOps, C: CheckpointStrategy>(
    z: FloatTensor<Autodiff<B, C>>,
    activation: Activation,
    stabilized: bool,
) -> FloatTensor<Autodiff<B, C>> {
    record::<B, C, _>(BuiltIn, z, |z| {
        let state = |remembered| BuiltInState {
            remembered,
            activation,
            stabilized,
        };
        match activation {
            // The output will do, which lets the forward pass overwrite the input: half the memory.
            Activation::Relu => {
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
    /// The input; of a ReLU the output.
    remembered: T,
    activation: Activation,
    stabilized: bool,
}

impl<B: Backend + LfpOps> Backward<B, 1> for BuiltIn {
    type State = BuiltInState<FloatTensor<B>>;

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let BuiltInState {
            remembered,
            activation,
            stabilized,
        } = ops.state;
        let rule = rule_of(grads);
        let root = is_root(ops.node.id);
        unary::<B, _>(ops.parents, ops.node, grads, |g| match rule {
            Some(rule) if root && activation != Activation::Relu => {
                let output = rules::activation::forward::<B>(remembered.clone(), activation);
                enter::<B>(g, remembered, output, stabilized, rule)
            }
            // Of a ReLU that is on, input and output are the same, and so are their stabilisers.
            Some(_) if root => B::lfp_rescale_activation(g, remembered, activation, 0.0),
            Some(rule) => {
                let epsilon = if stabilized { rule.epsilon() } else { 0.0 };
                B::lfp_rescale_activation(g, remembered, activation, epsilon)
            }
            None => rules::activation::gradient::<B>(g, remembered, activation),
        });
    }
}

/// Rewards that enter at an activation's output pass it unchanged, like all others.
fn enter<B: Backend>(
    quotient: FloatTensor<B>,
    z: FloatTensor<B>,
    output: FloatTensor<B>,
    stabilized: bool,
    rule: Rule,
) -> FloatTensor<B> {
    let epsilon = if stabilized { rule.epsilon() } else { 0.0 };
    rules::activation::enter::<B>(quotient, z, output, rule.epsilon(), epsilon)
}

/// Two parents: rewards take the way to `z`, gradients the way through whatever computed `output`.
pub(super) fn custom<B: Backend + LfpOps, C: CheckpointStrategy>(
    z: FloatTensor<Autodiff<B, C>>,
    output: FloatTensor<Autodiff<B, C>>,
    stabilized: bool,
) -> FloatTensor<Autodiff<B, C>> {
    let (z, z_node) = z.into_parts();
    let (output, output_node) = output.into_parts();
    match Custom
        .prepare::<C>([z_node, output_node])
        .compute_bound()
        .stateful()
    {
        OpsKind::Tracked(prep) => prep.finish((z, output.clone(), stabilized), output),
        OpsKind::UnTracked(prep) => prep.finish(output),
    }
}

#[derive(Debug)]
struct Custom;

impl<B: Backend + LfpOps> Backward<B, 2> for Custom {
    type State = (FloatTensor<B>, FloatTensor<B>, bool);

    fn backward(self, ops: Ops<Self::State, 2>, grads: &mut Gradients, _: &mut Checkpointer) {
        let [z_node, output_node] = ops.parents;
        let (z, output, stabilized) = ops.state;
        let g = grads.consume::<B>(&ops.node);
        // Burn expects every parent to receive something. Minus zero leaves any sum as it is.
        let nothing = B::float_full(g.shape(), (-0.0).into(), &g.device(), g.dtype().into());
        let root = is_root(ops.node.id);
        let (to_z, to_output) = match rule_of(grads) {
            Some(rule) if root => (enter::<B>(g, z, output, stabilized, rule), nothing),
            Some(rule) if stabilized => {
                let share = B::lfp_quotient(output, z, rule.epsilon());
                (B::float_mul(g, share), nothing)
            }
            Some(_) => {
                let quotient = rules::activation::share_without_stabilizer::<B>(g, z, output);
                (quotient, nothing)
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

/// The entrance of the user's function: what rewards sent into its tape (nothing, but perhaps NaN
/// where its derivative is infinite) ends here.
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
            && rule_of(grads).is_none()
        {
            grads.register::<B>(parent.id, g);
        }
    }
}

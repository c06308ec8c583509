//! A linear map by the kernels of [`LfpOps`], which may gain from spikes, in both passes.

use burn_autodiff::{
    Autodiff,
    checkpoint::{base::Checkpointer, strategy::CheckpointStrategy},
    grads::Gradients,
    ops::{Backward, Ops, OpsKind},
};
use burn_core::backend::{Backend, tensor::FloatTensor};

use crate::{LfpOps, propagation::arrive};

pub(super) fn linear<B: Backend + LfpOps, C: CheckpointStrategy>(
    x: FloatTensor<Autodiff<B, C>>,
    weight: FloatTensor<Autodiff<B, C>>,
    bias: FloatTensor<Autodiff<B, C>>,
) -> FloatTensor<Autodiff<B, C>> {
    let (x, x_node) = x.into_parts();
    let (weight, weight_node) = weight.into_parts();
    let (bias, bias_node) = bias.into_parts();
    let output = B::lfp_linear(x.clone(), weight.clone(), bias);
    let nodes = [x_node, weight_node, bias_node];
    match Linear.prepare::<C>(nodes).compute_bound().stateful() {
        OpsKind::Tracked(prep) => prep.finish(State { x, weight }, output),
        OpsKind::UnTracked(prep) => prep.finish(output),
    }
}

#[derive(Debug)]
struct Linear;

#[derive(Clone, Debug)]
struct State<T> {
    x: T,
    weight: T,
}

impl<B: Backend + LfpOps> Backward<B, 3> for Linear {
    type State = State<FloatTensor<B>>;

    fn backward(self, ops: Ops<Self::State, 3>, grads: &mut Gradients, _: &mut Checkpointer) {
        // An unstabilised map at the outputs has received the initial reward; layers below it have not.
        let arrival = arrive(grads);
        let grad = grads.consume::<B>(&ops.node);
        let State { x, weight } = ops.state;
        let [x_node, weight_node, bias_node] = ops.parents;
        if let Some(node) = x_node {
            let below = match arrival {
                Some(_) => B::lfp_linear_x_rewards(x.clone(), weight, grad.clone()),
                None => B::linear_x_backward(weight, grad.clone()),
            };
            grads.register::<B>(node.id, below);
        }
        if let Some(node) = weight_node {
            let of_weight = B::lfp_linear_weight_backward(x, grad.clone());
            grads.register::<B>(node.id, of_weight);
        }
        if let Some(node) = bias_node {
            grads.register::<B>(node.id, B::linear_bias_backward(grad));
        }
    }
}

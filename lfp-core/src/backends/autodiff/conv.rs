//! Convolution in two dimensions by the kernels of [`LfpOps`], in both passes, so that a comparison of the methods compares
//! no kernels.

use burn_autodiff::{
    Autodiff,
    checkpoint::{base::Checkpointer, strategy::CheckpointStrategy},
    grads::Gradients,
    ops::{Backward, Ops, OpsKind},
};
use burn_core::backend::{Backend, ops::ConvOptions, tensor::FloatTensor};

use crate::{LfpOps, propagation::arrive};

pub(super) fn conv2d<B: Backend + LfpOps, C: CheckpointStrategy>(
    x: FloatTensor<Autodiff<B, C>>,
    weight: FloatTensor<Autodiff<B, C>>,
    bias: Option<FloatTensor<Autodiff<B, C>>>,
    options: ConvOptions<2>,
) -> FloatTensor<Autodiff<B, C>> {
    let (x, x_node) = x.into_parts();
    let (weight, weight_node) = weight.into_parts();
    let (bias, bias_node) = bias.map(|bias| bias.into_parts()).unzip();
    let output = {
        let (x, weight, options) = (x.clone(), weight.clone(), options.clone());
        match bias.clone() {
            Some(bias) => B::lfp_conv2d(x, weight, bias, options),
            None => B::lfp_conv2d_without_bias(x, weight, options),
        }
    };
    let state = State {
        x,
        weight,
        bias,
        options,
    };
    // A macro, because the type of a node has no public name that a function could take.
    macro_rules! record {
        ($nodes:expr) => {
            match Conv2d.prepare::<C>($nodes).compute_bound().stateful() {
                OpsKind::Tracked(prep) => prep.finish(state, output),
                OpsKind::UnTracked(prep) => prep.finish(output),
            }
        };
    }
    match bias_node {
        Some(bias_node) => record!([x_node, weight_node, bias_node]),
        None => record!([x_node, weight_node]),
    }
}

#[derive(Debug)]
struct Conv2d;

#[derive(Clone, Debug)]
struct State<T> {
    x: T,
    weight: T,
    bias: Option<T>,
    options: ConvOptions<2>,
}

impl<B: Backend + LfpOps, const N: usize> Backward<B, N> for Conv2d {
    type State = State<FloatTensor<B>>;

    fn backward(self, ops: Ops<Self::State, N>, grads: &mut Gradients, _: &mut Checkpointer) {
        // An unstabilised convolution at the outputs has received the initial reward; layers below it have not.
        let arrival = arrive(grads);
        let grad = grads.consume::<B>(&ops.node);
        let State {
            x,
            weight,
            bias,
            options,
        } = ops.state;
        let mut parents = ops.parents.into_iter();
        let mut parent = || parents.next().flatten();
        if let Some(node) = parent() {
            let (x, weight, grad) = (x.clone(), weight.clone(), grad.clone());
            let below = match arrival {
                Some(_) => B::lfp_conv2d_x_rewards(x, weight, grad, options.clone()),
                None => B::lfp_conv2d_x_backward(x, weight, grad, options.clone()),
            };
            grads.register::<B>(node.id, below);
        }
        if let Some(node) = parent() {
            let (x, grad) = (x.clone(), grad.clone());
            let of_weight = B::lfp_conv2d_weight_backward(x, weight, grad, options);
            grads.register::<B>(node.id, of_weight);
        }
        if let (Some(node), Some(bias)) = (parent(), bias) {
            grads.register::<B>(node.id, B::lfp_conv2d_bias_backward(x, bias, grad));
        }
    }
}

//! Dropout: conserves rewards, or multiplies them by the same factor as the outputs.

use burn_autodiff::{
    Autodiff,
    checkpoint::{base::Checkpointer, strategy::CheckpointStrategy},
    grads::Gradients,
    ops::{Backward, Ops, unary},
};
use burn_core::backend::{Backend, tensor::FloatTensor};

use super::record;
use crate::{DropoutRule, LfpOps, propagation::config_of, rules::dropout::scale};

pub(super) fn dropout<B: Backend + LfpOps, C: CheckpointStrategy>(
    x: FloatTensor<Autodiff<B, C>>,
    probability: f64,
) -> FloatTensor<Autodiff<B, C>> {
    record::<B, C, _>(Dropout, x, |x| {
        let (output, mask) = B::lfp_dropout_mask(x, probability);
        (output, State { mask, probability })
    })
}

#[derive(Debug)]
struct Dropout;

#[derive(Clone, Debug)]
struct State<T> {
    mask: T,
    probability: f64,
}

impl<B: Backend + LfpOps> Backward<B, 1> for Dropout {
    type State = State<FloatTensor<B>>;

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let rule = config_of(grads).map(|config| config.dropout);
        let State { mask, probability } = ops.state;
        unary::<B, _>(ops.parents, ops.node, grads, |quotient| {
            let below = B::lfp_dropout_backward(quotient, mask, probability);
            match rule {
                Some(DropoutRule::Scale) => B::float_mul_scalar(below, scale(probability).into()),
                Some(DropoutRule::Conserve) | None => below,
            }
        });
    }
}

//! Dropout: Burn's own conserves rewards; this records the factor that the other rule needs.

use burn_autodiff::{
    Autodiff,
    checkpoint::{base::Checkpointer, strategy::CheckpointStrategy},
    grads::Gradients,
    ops::{Backward, Ops, unary},
};
use burn_core::backend::{Backend, tensor::FloatTensor};

use super::record;
use crate::{DropoutRule, propagation::config_of};

pub(super) fn dropout<B: Backend, C: CheckpointStrategy>(
    x: FloatTensor<Autodiff<B, C>>,
    factor: f64,
) -> FloatTensor<Autodiff<B, C>> {
    record::<B, C, _>(Dropout, x, |x| (x, factor))
}

#[derive(Debug)]
struct Dropout;

impl<B: Backend> Backward<B, 1> for Dropout {
    type State = f64;

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let rule = config_of(grads).map(|config| config.dropout);
        unary::<B, _>(ops.parents, ops.node, grads, |quotient| match rule {
            Some(DropoutRule::Scale) => B::float_mul_scalar(quotient, ops.state.into()),
            Some(DropoutRule::Conserve) | None => quotient,
        });
    }
}

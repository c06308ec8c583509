//! The epsilon rule at the output of a linear map.

use burn_autodiff::{
    Autodiff,
    checkpoint::{base::Checkpointer, strategy::CheckpointStrategy},
    grads::Gradients,
    ops::{Backward, Ops, unary},
};
use burn_core::backend::{Backend, TensorMetadata, tensor::FloatTensor};

use super::record;
use crate::{LfpOps, propagation::arrive};

pub(super) fn stabilize<B: Backend + LfpOps, C: CheckpointStrategy>(
    z: FloatTensor<Autodiff<B, C>>,
) -> FloatTensor<Autodiff<B, C>> {
    record::<B, C, _>(Stabilize, z, |z| (z.clone(), z))
}

#[derive(Debug)]
struct Stabilize;

impl<B: Backend + LfpOps> Backward<B, 1> for Stabilize {
    type State = FloatTensor<B>;

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let arrival = arrive(grads);
        unary::<B, _>(ops.parents, ops.node, grads, |quotient| match arrival {
            Some(arrival) if !arrival.at_output => {
                let epsilon = arrival.config.epsilon_for(quotient.dtype());
                B::lfp_rescale(quotient, ops.state, epsilon)
            }
            _ => quotient,
        });
    }
}

//! The epsilon rule at the output of a linear map, a sum or a product of activations, or a table of parameters.

use burn_autodiff::{
    Autodiff,
    checkpoint::{base::Checkpointer, strategy::CheckpointStrategy},
    grads::Gradients,
    ops::{Backward, Ops, unary},
};
use burn_core::backend::{Backend, TensorMetadata, tensor::FloatTensor};

use super::record;
use crate::{LfpOps, Stabilizer, propagation::arrive, rules};

pub(super) fn stabilize<B: Backend + LfpOps, C: CheckpointStrategy>(
    z: FloatTensor<Autodiff<B, C>>,
    stabilizer: Stabilizer,
) -> FloatTensor<Autodiff<B, C>> {
    record::<B, C, _>(Stabilize, z, |z| (z.clone(), (z, stabilizer)))
}

#[derive(Debug)]
struct Stabilize;

impl<B: Backend + LfpOps> Backward<B, 1> for Stabilize {
    type State = (FloatTensor<B>, Stabilizer);

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let arrival = arrive(grads);
        let (z, stabilizer) = ops.state;
        let shares = stabilizer.shares();
        unary::<B, _>(ops.parents, ops.node, grads, |quotient| {
            let Some(arrival) = arrival else {
                return quotient;
            };
            let epsilon = stabilizer.epsilon(&arrival.config, quotient.dtype());
            let seed_epsilon = arrival.config.epsilon_for(quotient.dtype());
            match arrival.at_output {
                // The seed has done it all.
                true if shares == 1.0 && epsilon == seed_epsilon => quotient,
                true => rules::epsilon::enter::<B>(quotient, z, seed_epsilon, shares, epsilon),
                false if epsilon == 0.0 => quotient,
                false => B::lfp_rescale(quotient, z, shares, epsilon),
            }
        });
    }
}

//! The start of a propagation.

use burn_autodiff::{
    Autodiff,
    checkpoint::{base::Checkpointer, strategy::CheckpointStrategy},
    grads::Gradients,
    ops::{Backward, Ops},
};
use burn_core::backend::{Backend, Shape, TensorMetadata, tensor::FloatTensor};

use super::record;
use crate::{LfpOps, propagation::begin};

pub(super) fn seed<B: Backend + LfpOps, C: CheckpointStrategy>(
    output: FloatTensor<Autodiff<B, C>>,
    reward: FloatTensor<Autodiff<B, C>>,
) -> FloatTensor<Autodiff<B, C>> {
    record::<B, C, _>(Seed, output, |output| {
        // The value is never read; Burn starts a backward pass at a scalar.
        let root = B::float_zeros(Shape::new([1]), &output.device(), output.dtype().into());
        (root, (output, reward.into_primitive()))
    })
}

#[derive(Debug)]
struct Seed;

impl<B: Backend + LfpOps> Backward<B, 1> for Seed {
    type State = (FloatTensor<B>, FloatTensor<B>);

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        grads.consume::<B>(&ops.node);
        let [parent] = ops.parents;
        let (output, reward) = ops.state;
        if let Some(parent) = parent {
            let epsilon = begin(grads).epsilon_for(output.dtype());
            let quotient = B::lfp_quotient(reward, output, epsilon);
            grads.register::<B>(parent.id, quotient);
        }
    }
}

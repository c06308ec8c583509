//! Max pooling: gradients and rewards go to the maximum of each window.

use burn_autodiff::{
    Autodiff,
    checkpoint::{base::Checkpointer, strategy::CheckpointStrategy},
    grads::Gradients,
    ops::{Backward, Ops, unary},
};
use burn_core::backend::{Backend, TensorMetadata, tensor::FloatTensor};

use super::record;
use crate::{LfpOps, PoolWindows};

pub(super) fn max_pool<B: Backend + LfpOps, C: CheckpointStrategy>(
    x: FloatTensor<Autodiff<B, C>>,
    windows: PoolWindows,
) -> FloatTensor<Autodiff<B, C>> {
    record::<B, C, _>(MaxPool, x, |x| {
        let [_, _, height, width] = x.shape().dims();
        let (maxima, winners) = B::lfp_max_pool_winners(x, windows);
        let state = State {
            winners,
            size: [height, width],
            windows,
        };
        (maxima, state)
    })
}

#[derive(Debug)]
struct MaxPool;

#[derive(Clone, Debug)]
struct State<T> {
    winners: T,
    size: [usize; 2],
    windows: PoolWindows,
}

impl<B: Backend + LfpOps> Backward<B, 1> for MaxPool {
    type State = State<FloatTensor<B>>;

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let State {
            winners,
            size,
            windows,
        } = ops.state;
        unary::<B, _>(ops.parents, ops.node, grads, |grad| {
            B::lfp_max_pool_backward(grad, winners, size, windows)
        });
    }
}

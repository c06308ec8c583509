//! Leaky integrate-and-fire neurons, all steps as one operation.

use burn_autodiff::{
    Autodiff,
    checkpoint::{base::Checkpointer, strategy::CheckpointStrategy},
    grads::Gradients,
    ops::{Backward, Ops, OpsKind, unary},
};
use burn_core::backend::{AutodiffBackend, Backend, TensorMetadata, tensor::FloatTensor};

use crate::{LfpOps, LifNeuron, propagation::arrive};

/// Spikes and membrane potentials.
type Response<B, C> = (FloatTensor<Autodiff<B, C>>, FloatTensor<Autodiff<B, C>>);

pub(super) fn lif<B: Backend + LfpOps, C: CheckpointStrategy>(
    currents: FloatTensor<Autodiff<B, C>>,
    steps: usize,
    neuron: LifNeuron,
) -> Response<B, C> {
    let (currents, node) = currents.into_parts();
    let current_steps = currents.shape()[0];
    let (spikes, membrane) = B::lfp_lif(currents, steps, neuron);
    let spikes = match Lif.prepare::<C>([node]).compute_bound().stateful() {
        OpsKind::Tracked(prep) => {
            let state = State {
                membrane: membrane.clone(),
                current_steps,
                neuron,
            };
            prep.finish(state, spikes)
        }
        OpsKind::UnTracked(prep) => prep.finish(spikes),
    };
    (spikes, Autodiff::<B, C>::from_inner(membrane))
}

#[derive(Debug)]
struct Lif;

#[derive(Clone, Debug)]
struct State<T> {
    membrane: T,
    current_steps: usize,
    neuron: LifNeuron,
}

impl<B: Backend + LfpOps> Backward<B, 1> for Lif {
    type State = State<FloatTensor<B>>;

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let State {
            membrane,
            current_steps,
            neuron,
        } = ops.state;
        let arrival = arrive(grads);
        unary::<B, _>(ops.parents, ops.node, grads, |arriving| match arrival {
            Some(arrival) => B::lfp_lif_rewards(
                arriving,
                membrane,
                current_steps,
                neuron,
                arrival.config,
                arrival.at_output,
            ),
            None => B::lfp_lif_gradient(arriving, membrane, current_steps, neuron),
        });
    }
}

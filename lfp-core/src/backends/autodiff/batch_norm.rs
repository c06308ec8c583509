//! Batch normalisation by the statistics of the batch.

use burn_autodiff::{
    Autodiff,
    checkpoint::{base::Checkpointer, strategy::CheckpointStrategy},
    grads::Gradients,
    ops::{Backward, Ops, OpsKind},
};
use burn_core::backend::{AutodiffBackend, Backend, tensor::FloatTensor};

use crate::{BatchNormRule, LfpOps, propagation::arrive};

type Tensors<B, C> = (
    FloatTensor<Autodiff<B, C>>,
    FloatTensor<Autodiff<B, C>>,
    FloatTensor<Autodiff<B, C>>,
);

pub(super) fn train<B: Backend + LfpOps, C: CheckpointStrategy>(
    x: FloatTensor<Autodiff<B, C>>,
    gamma: FloatTensor<Autodiff<B, C>>,
    beta: FloatTensor<Autodiff<B, C>>,
    epsilon: f64,
) -> Tensors<B, C> {
    let (x, x_node) = x.into_parts();
    let (gamma, gamma_node) = gamma.into_parts();
    let (beta, beta_node) = beta.into_parts();
    let (output, mean, variance) = B::lfp_batch_norm_train(x.clone(), gamma.clone(), beta, epsilon);
    let output = match BatchNormTrain
        .prepare::<C>([x_node, gamma_node, beta_node])
        .compute_bound()
        .stateful()
    {
        OpsKind::Tracked(prep) => {
            let state = State {
                x,
                gamma,
                mean: mean.clone(),
                variance: variance.clone(),
                epsilon,
            };
            prep.finish(state, output)
        }
        OpsKind::UnTracked(prep) => prep.finish(output),
    };
    (
        output,
        Autodiff::<B, C>::from_inner(mean),
        Autodiff::<B, C>::from_inner(variance),
    )
}

#[derive(Debug)]
struct BatchNormTrain;

#[derive(Clone, Debug)]
struct State<T> {
    x: T,
    gamma: T,
    mean: T,
    variance: T,
    epsilon: f64,
}

impl<B: Backend + LfpOps> Backward<B, 3> for BatchNormTrain {
    type State = State<FloatTensor<B>>;

    fn backward(self, ops: Ops<Self::State, 3>, grads: &mut Gradients, _: &mut Checkpointer) {
        let g = grads.consume::<B>(&ops.node);
        let State {
            x,
            gamma,
            mean,
            variance,
            epsilon,
        } = ops.state;
        let rule = match arrive(grads) {
            Some(arrival) => arrival.config.batch_norm,
            None => BatchNormRule::ThroughStatistics,
        };
        let (of_x, of_gamma, of_beta) =
            B::lfp_batch_norm_backward(x, gamma, mean, variance, g, epsilon, rule);
        let quotients = [of_x, of_gamma, of_beta];
        for (parent, quotient) in ops.parents.into_iter().zip(quotients) {
            if let Some(parent) = parent {
                grads.register::<B>(parent.id, quotient);
            }
        }
    }
}

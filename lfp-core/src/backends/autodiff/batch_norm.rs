//! Batch normalisation by the statistics of the batch.

use burn_autodiff::{
    Autodiff,
    checkpoint::{base::Checkpointer, strategy::CheckpointStrategy},
    grads::Gradients,
    ops::{Backward, Ops, OpsKind},
};
use burn_core::backend::{AutodiffBackend, Backend, tensor::FloatTensor};

use crate::{BatchNormRule, propagation::arrive, rules};

type Tensors<B, C> = (
    FloatTensor<Autodiff<B, C>>,
    FloatTensor<Autodiff<B, C>>,
    FloatTensor<Autodiff<B, C>>,
);

pub(super) fn train<B: Backend, C: CheckpointStrategy>(
    x: FloatTensor<Autodiff<B, C>>,
    gamma: FloatTensor<Autodiff<B, C>>,
    beta: FloatTensor<Autodiff<B, C>>,
    epsilon: f64,
) -> Tensors<B, C> {
    let (x, x_node) = x.into_parts();
    let (gamma, gamma_node) = gamma.into_parts();
    let (beta, beta_node) = beta.into_parts();
    let result = B::batch_norm_train(x.clone(), gamma.clone(), beta, epsilon);
    let output = match BatchNormTrain
        .prepare::<C>([x_node, gamma_node, beta_node])
        .compute_bound()
        .stateful()
    {
        OpsKind::Tracked(prep) => {
            let state = State {
                x,
                gamma,
                mean: result.mean.clone(),
                variance: result.variance.clone(),
                epsilon,
            };
            prep.finish(state, result.output)
        }
        OpsKind::UnTracked(prep) => prep.finish(result.output),
    };
    (
        output,
        Autodiff::<B, C>::from_inner(result.mean),
        Autodiff::<B, C>::from_inner(result.variance),
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

impl<B: Backend> Backward<B, 3> for BatchNormTrain {
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
        let backward = match arrive(grads).map(|arrival| arrival.config.batch_norm) {
            Some(BatchNormRule::ConstantStatistics) => {
                rules::batch_norm::constant_statistics::<B>(x, gamma, mean, variance, epsilon, g)
            }
            Some(BatchNormRule::ThroughStatistics) | None => {
                B::batch_norm_train_backward(x, gamma, mean, variance, epsilon, g)
            }
        };
        let quotients = [backward.x_grad, backward.gamma_grad, backward.beta_grad];
        for (parent, quotient) in ops.parents.into_iter().zip(quotients) {
            if let Some(parent) = parent {
                grads.register::<B>(parent.id, quotient);
            }
        }
    }
}

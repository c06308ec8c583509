//! Normalisation of rows by their own statistics.

use burn_autodiff::{
    Autodiff,
    checkpoint::{base::Checkpointer, strategy::CheckpointStrategy},
    grads::Gradients,
    ops::{Backward, Ops, unary},
};
use burn_core::backend::{Backend, tensor::FloatTensor};

use super::record;
use crate::{LfpOps, NormalizationRule, propagation::arrive, rules::normalization::Centering};

pub(super) fn normalize<B: Backend + LfpOps, C: CheckpointStrategy>(
    x: FloatTensor<Autodiff<B, C>>,
    centering: Centering,
    epsilon: f64,
    rule: Option<NormalizationRule>,
) -> FloatTensor<Autodiff<B, C>> {
    record::<B, C, _>(Normalize, x, |x| {
        let (normalized, inverse_sigma) = B::lfp_normalize_rows(x, centering, epsilon);
        let state = State {
            normalized: normalized.clone(),
            inverse_sigma,
            centering,
            rule,
        };
        (normalized, state)
    })
}

#[derive(Debug)]
struct Normalize;

#[derive(Clone, Debug)]
struct State<T> {
    normalized: T,
    inverse_sigma: T,
    centering: Centering,
    rule: Option<NormalizationRule>,
}

impl<B: Backend + LfpOps> Backward<B, 1> for Normalize {
    type State = State<FloatTensor<B>>;

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let State {
            normalized,
            inverse_sigma,
            centering,
            rule,
        } = ops.state;
        let rule = match arrive(grads) {
            Some(arrival) => rule.unwrap_or(arrival.config.layer_norm),
            // The vector-Jacobian product.
            None => NormalizationRule::ThroughStatistics,
        };
        unary::<B, _>(ops.parents, ops.node, grads, |quotient| {
            B::lfp_normalize_rows_backward(quotient, normalized, inverse_sigma, centering, rule)
        });
    }
}

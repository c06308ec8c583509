//! Rewards of decisions by what they lose against the best one.

use burn::tensor::{Tensor, activation::softmax};

/// For regrets `g >= 0` along the last dimension, 0 at the best decisions, the reward
///
/// ```text
/// r_c = o_c (q_c sum_k p_k g_k - p_c g_c)        p = softmax(o)
/// q = softmax(o) among the best decisions, 0 elsewhere
/// ```
pub(super) fn of_regrets<const D: usize>(outputs: Tensor<D>, regrets: Tensor<D>) -> Tensor<D> {
    let classes = D - 1;
    let worse = regrets.clone().greater_elem(0.0);
    let best = softmax(outputs.clone().mask_fill(worse, f32::NEG_INFINITY), classes);
    let lost = softmax(outputs.clone(), classes) * regrets;
    outputs * (best * lost.clone().sum_dim(classes) - lost)
}

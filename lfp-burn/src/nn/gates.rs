//! Gated activations: a product of a gate and what it gates, of which each receives half of the reward.

use burn::{nn::activation::SwiGlu, tensor::Tensor};
use lfp_core::{ActivationFn, functions::product};

use super::{Hookable, hooked::hook};

impl<const D: usize> Hookable<D> for SwiGlu {
    /// The product has a stabiliser of its own.
    const WEIGHTED_SUM: bool = false;

    fn forward_raw(&self, input: Tensor<D>) -> Tensor<D> {
        let gate: Tensor<D> = hook(&self.linear_inner, Some(ActivationFn::Silu), input.clone());
        product(gate, hook(&self.linear_outer, None, input))
    }
}

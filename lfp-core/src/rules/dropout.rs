//! Dropout: `o = m x / (1 - p)` with `m` 0 or 1. A kept unit passes its reward on: `q_x = q m / (1 - p)`, so that
//! `q_x x = q o`. By Burn's own operations.

use burn_core::{
    backend::{Backend, TensorMetadata, tensor::FloatTensor},
    tensor::Distribution,
};

/// The output, and the mask `m`.
pub(crate) fn forward<B: Backend>(
    x: FloatTensor<B>,
    probability: f64,
) -> (FloatTensor<B>, FloatTensor<B>) {
    let kept = Distribution::Bernoulli(1.0 - probability);
    let mask = B::float_random(x.shape(), kept, &x.device(), x.dtype().into());
    (backward::<B>(x, mask.clone(), probability), mask)
}

/// `q m / (1 - p)`
pub(crate) fn backward<B: Backend>(
    quotient: FloatTensor<B>,
    mask: FloatTensor<B>,
    probability: f64,
) -> FloatTensor<B> {
    B::float_mul_scalar(B::float_mul(quotient, mask), scale(probability).into())
}

/// `1 / (1 - p)`; 0 if every element is dropped.
pub(crate) fn scale(probability: f64) -> f64 {
    match probability < 1.0 {
        true => 1.0 / (1.0 - probability),
        false => 0.0,
    }
}

//! Normalisation of each row by its own mean and deviation: the common part of layer, RMS, group and instance normalisation.
//! A row is the last dimension. Scale and shift are tensor operations of their own, whose vector-Jacobian product is the
//! rule.

use burn_core::backend::{Backend, TensorMetadata, tensor::FloatTensor};

use crate::NormalizationRule;

/// Whether a normalisation subtracts the mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Centering {
    /// `n = (x - mean) / sigma`, as in layer, group and instance normalisation.
    Mean,
    /// `n = x / sqrt(mean of x^2)`, as in RMS normalisation.
    None,
}

/// The normalised rows `n`, and `1 / sigma` of each row, where `sigma = sqrt(variance + epsilon)` with the biased variance.
///
/// # Shapes
///
/// `x` and `n`: `[..., width]`; `1 / sigma`: `[..., 1]`.
pub(crate) fn forward<B: Backend>(
    x: FloatTensor<B>,
    centering: Centering,
    epsilon: f64,
) -> (FloatTensor<B>, FloatTensor<B>) {
    let last = x.shape().num_dims() - 1;
    let centred = match centering {
        Centering::Mean => B::float_sub(x.clone(), B::float_mean_dim(x, last)),
        Centering::None => x,
    };
    let square = B::float_mul(centred.clone(), centred.clone());
    let variance = B::float_mean_dim(square, last);
    let sigma = B::float_sqrt(B::float_add_scalar(variance, epsilon.into()));
    let normalized = B::float_div(centred, sigma.clone());
    (normalized, B::float_recip(sigma))
}

/// The quotients at `x` for the quotients `u` at the normalised rows `n`:
///
/// ```text
/// through the statistics   (u - mean(u) - n mean(u n)) / sigma, the vector-Jacobian product
/// constant deviation       (u - mean(u)) / sigma
/// constant statistics      u / sigma, as in Eq. 9
/// ```
///
/// Without centering there is no mean to subtract.
pub(crate) fn backward<B: Backend>(
    quotient: FloatTensor<B>,
    normalized: FloatTensor<B>,
    inverse_sigma: FloatTensor<B>,
    centering: Centering,
    rule: NormalizationRule,
) -> FloatTensor<B> {
    let last = quotient.shape().num_dims() - 1;
    let mean = |tensor| B::float_mean_dim(tensor, last);
    let centred = match (centering, rule) {
        (Centering::None, _) | (_, NormalizationRule::ConstantStatistics) => quotient.clone(),
        (Centering::Mean, _) => B::float_sub(quotient.clone(), mean(quotient.clone())),
    };
    let below = match rule {
        NormalizationRule::ThroughStatistics => {
            let along = mean(B::float_mul(quotient, normalized.clone()));
            B::float_sub(centred, B::float_mul(normalized, along))
        }
        NormalizationRule::ConstantStatistics | NormalizationRule::ConstantDeviation => centred,
    };
    B::float_mul(below, inverse_sigma)
}

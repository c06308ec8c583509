//! The update of a parameter (Eq. 7).

use burn_core::backend::{Backend, tensor::FloatTensor};

/// The update for an optimiser that minimises: `-|w| V`, where `V` is the quotient that the vector-Jacobian product
/// leaves at the parameter.
pub(crate) fn descent<B: Backend>(
    weight: FloatTensor<B>,
    quotient: FloatTensor<B>,
) -> FloatTensor<B> {
    B::float_neg(B::float_mul(B::float_abs(weight), quotient))
}

//! The epsilon rule (Eqs. 6 and 7): a reward is decomposed among a neuron's inputs in proportion to their contributions
//! to its stabilised output `s(z) = z + sign(z) epsilon`, with `sign(0) = 1`.

use burn_core::backend::{
    Backend, TensorMetadata, get_or_init_device_settings,
    tensor::{BoolTensor, FloatTensor},
};

/// `s(z) = z + sign(z) epsilon`, never zero for a positive epsilon.
pub(crate) fn stabilized<B: Backend>(z: FloatTensor<B>, epsilon: f64) -> FloatTensor<B> {
    let negative = below_zero::<B>(&z);
    let up = B::float_add_scalar(z.clone(), epsilon.into());
    let down = B::float_sub_scalar(z, epsilon.into());
    B::float_mask_where(up, negative, down)
}

/// Eq. 6 in quotients: `q = g z / s(n z)`, where `n` is 1 at the output `z` of a linear map and 2 at a product of two
/// activations.
pub(crate) fn rescale<B: Backend>(
    quotient: FloatTensor<B>,
    z: FloatTensor<B>,
    shares: f64,
    epsilon: f64,
) -> FloatTensor<B> {
    let share = B::float_div(z.clone(), stabilized::<B>(times::<B>(z, shares), epsilon));
    B::float_mul(quotient, share)
}

/// The quotient below an output `z` at which the initial reward arrives: the seed has divided the reward by
/// `s(z)` with its own epsilon, and `r / s(n z)` with that of the operation is due.
pub(crate) fn enter<B: Backend>(
    quotient: FloatTensor<B>,
    z: FloatTensor<B>,
    seed_epsilon: f64,
    shares: f64,
    epsilon: f64,
) -> FloatTensor<B> {
    let reward = B::float_mul(quotient, stabilized::<B>(z.clone(), seed_epsilon));
    B::float_div(reward, stabilized::<B>(times::<B>(z, shares), epsilon))
}

fn times<B: Backend>(z: FloatTensor<B>, factor: f64) -> FloatTensor<B> {
    match factor {
        1.0 => z,
        factor => B::float_mul_scalar(z, factor.into()),
    }
}

/// The initial quotient at an output `o` with reward `r`: `q = r / s(o)`.
pub(crate) fn quotient<B: Backend>(
    reward: FloatTensor<B>,
    output: FloatTensor<B>,
    epsilon: f64,
) -> FloatTensor<B> {
    B::float_div(reward, stabilized::<B>(output, epsilon))
}

fn below_zero<B: Backend>(z: &FloatTensor<B>) -> BoolTensor<B> {
    let dtype = get_or_init_device_settings::<B>(&z.device()).bool_dtype;
    B::float_lower_elem(z.clone(), 0.into(), dtype)
}

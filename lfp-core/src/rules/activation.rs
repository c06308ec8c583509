//! Activations: a reward passes an activation unchanged, so in quotients `g_z = g_a phi(z) / z`. No
//! derivative is taken. Where the activation follows a linear map directly, the map's stabiliser
//! (Eq. 6) joins the same pass: `q = g_a phi(z) / s(z)`.

use burn_core::backend::{
    Backend, TensorMetadata, get_or_init_device_settings,
    tensor::{BoolTensor, FloatTensor},
};

use super::epsilon::stabilized;
use crate::Activation;

/// `phi(z)`, by the very operations of `burn::tensor::activation`.
pub(crate) fn forward<B: Backend>(z: FloatTensor<B>, activation: Activation) -> FloatTensor<B> {
    match activation {
        Activation::Relu => B::relu(z),
        Activation::LeakyRelu { slope } => B::leaky_relu(z, slope.into()),
        Activation::Silu => B::float_mul(z.clone(), B::sigmoid(z)),
        Activation::Elu { alpha } => {
            let below = at_most_zero::<B>(&z);
            let scaled = B::float_sub_scalar(B::float_exp(z.clone()), 1.into());
            let scaled = B::float_mul_scalar(scaled, alpha.into());
            B::float_mask_where(z, below, scaled)
        }
        Activation::Tanh => B::float_tanh(z),
        Activation::Sigmoid => B::sigmoid(z),
        Activation::Heaviside => {
            let above = above_zero::<B>(&z);
            B::bool_into_float(above, z.dtype().into())
        }
    }
}

/// `g phi(z) / s(z)`; with an epsilon of zero `g phi(z) / z`, and 0 where `z = 0`.
///
/// For [`Activation::Relu`], `z` may be the output instead: applying it twice changes nothing.
pub(crate) fn rescale<B: Backend>(
    quotient: FloatTensor<B>,
    z: FloatTensor<B>,
    activation: Activation,
    epsilon: f64,
) -> FloatTensor<B> {
    let output = forward::<B>(z.clone(), activation);
    if epsilon > 0.0 {
        let share = B::float_div(output, stabilized::<B>(z, epsilon));
        return B::float_mul(quotient, share);
    }
    share_without_stabilizer::<B>(quotient, z, output)
}

/// `g a / z`, and 0 where `z = 0`.
pub(crate) fn share_without_stabilizer<B: Backend>(
    quotient: FloatTensor<B>,
    z: FloatTensor<B>,
    output: FloatTensor<B>,
) -> FloatTensor<B> {
    let dtype = get_or_init_device_settings::<B>(&z.device()).bool_dtype;
    let zero = B::float_equal_elem(z.clone(), 0.into(), dtype);
    let share = B::float_mask_fill(B::float_div(output, z), zero, 0.into());
    B::float_mul(quotient, share)
}

/// Where rewards enter at an activation's output `a`, as `q = r / s(a)`: what they are at its input,
/// `r / s(z)`; with an epsilon of zero `r / z`, and 0 where `z = 0`.
pub(crate) fn enter<B: Backend>(
    quotient: FloatTensor<B>,
    z: FloatTensor<B>,
    output: FloatTensor<B>,
    seed_epsilon: f64,
    epsilon: f64,
) -> FloatTensor<B> {
    let seeded = stabilized::<B>(output, seed_epsilon);
    if epsilon > 0.0 {
        let share = B::float_div(seeded, stabilized::<B>(z, epsilon));
        return B::float_mul(quotient, share);
    }
    share_without_stabilizer::<B>(quotient, z, seeded)
}

/// `g phi'(z)`: what `loss.backward()` gets, operation by operation as Burn's tape computes it, so
/// that gradients of a hooked model are Burn's, bit for bit.
pub(crate) fn gradient<B: Backend>(
    grad: FloatTensor<B>,
    z: FloatTensor<B>,
    activation: Activation,
) -> FloatTensor<B> {
    match activation {
        Activation::Relu => B::relu_backward(z, grad),
        Activation::LeakyRelu { slope } => {
            let dtype = get_or_init_device_settings::<B>(&z.device()).bool_dtype;
            let negative = B::float_lower_elem(z, 0.into(), dtype);
            let scaled = B::float_mul_scalar(grad.clone(), slope.into());
            B::float_mask_where(grad, negative, scaled)
        }
        Activation::Silu => {
            let sigmoid = B::sigmoid(z.clone());
            let direct = B::float_mul(grad.clone(), sigmoid.clone());
            let through_sigmoid = B::sigmoid_backward(sigmoid, B::float_mul(grad, z));
            B::float_add(through_sigmoid, direct)
        }
        Activation::Elu { alpha } => {
            let below = at_most_zero::<B>(&z);
            let scaled = B::float_mul_scalar(grad.clone(), alpha.into());
            let scaled = B::float_mul(scaled, B::float_exp(z));
            B::float_mask_where(grad, below, scaled)
        }
        Activation::Tanh => {
            let square = B::float_powi_scalar(B::float_tanh(z), 2.into());
            let derivative = B::float_add_scalar(B::float_neg(square), 1f32.into());
            B::float_mul(grad, derivative)
        }
        Activation::Sigmoid => B::sigmoid_backward(B::sigmoid(z), grad),
        Activation::Heaviside => B::float_zeros(grad.shape(), &grad.device(), grad.dtype().into()),
    }
}

fn at_most_zero<B: Backend>(z: &FloatTensor<B>) -> BoolTensor<B> {
    let dtype = get_or_init_device_settings::<B>(&z.device()).bool_dtype;
    B::float_lower_equal_elem(z.clone(), 0.into(), dtype)
}

fn above_zero<B: Backend>(z: &FloatTensor<B>) -> BoolTensor<B> {
    let dtype = get_or_init_device_settings::<B>(&z.device()).bool_dtype;
    B::float_greater_elem(z.clone(), 0.into(), dtype)
}

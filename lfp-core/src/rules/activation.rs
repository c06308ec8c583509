//! Activations: a reward passes an activation unchanged, so in quotients `g_z = g_a phi(z) / z`. No derivative is taken.
//! Directly after a linear map the map's stabiliser (Eq. 6) joins the same pass: `q = g_a phi(z) / s(z)`.
//!
//! [`SignChangeRule::Negate`] (footnote 12) takes the reward with the opposite sign where `a = phi(z)` and `z` differ in
//! sign. With `r = g a` and `s(z) = sign(z) (|z| + epsilon)`:
//!
//! ```text
//! r' = sign(a) sign(z) r = g |a| sign(z)
//! q  = r' / s(z) = g |a| / (|z| + epsilon) = g |a / s(z)|
//! ```
//!
//! so the rule takes the magnitude of the share `a / s(z)`. Where `a` is zero both rules give zero.

use core::f64::consts::{FRAC_1_SQRT_2, FRAC_2_SQRT_PI};

use burn_core::backend::{
    Backend, TensorMetadata, get_or_init_device_settings,
    tensor::{BoolTensor, FloatTensor},
};

use super::epsilon::stabilized;
use crate::{ActivationFn, SignChangeRule, activation::can_be_levels};

/// `sqrt(2 / pi)` and the cubic coefficient of the tanh approximation of GELU.
const GELU_SCALE: f64 = FRAC_2_SQRT_PI * FRAC_1_SQRT_2;
const GELU_CUBIC: f64 = 0.044715;
/// The value of `beta z` above which Burn and PyTorch take softplus for the identity.
const SOFTPLUS_THRESHOLD: f64 = 20.0;

/// `phi(z)`, by the same operations as `burn::tensor::activation`.
pub(crate) fn forward<B: Backend>(z: FloatTensor<B>, activation: ActivationFn) -> FloatTensor<B> {
    match activation {
        ActivationFn::Relu => B::relu(z),
        ActivationFn::LeakyRelu { slope } => B::leaky_relu(z, slope.into()),
        ActivationFn::Silu => B::float_mul(z.clone(), B::sigmoid(z)),
        ActivationFn::Elu { alpha } => {
            let below = at_most::<B>(&z, 0.0);
            let scaled = B::float_sub_scalar(B::float_exp(z.clone()), 1.into());
            let scaled = B::float_mul_scalar(scaled, alpha.into());
            B::float_mask_where(z, below, scaled)
        }
        ActivationFn::Gelu => B::gelu(z),
        ActivationFn::GeluTanh => {
            let gate = B::float_add_scalar(gelu_tanh::<B>(&z), 1.into());
            B::float_mul_scalar(B::float_mul(z, gate), 0.5.into())
        }
        ActivationFn::Tanh => B::float_tanh(z),
        ActivationFn::Hardtanh { min, max } => B::float_clamp(z, min.into(), max.into()),
        ActivationFn::Sigmoid => B::sigmoid(z),
        ActivationFn::Softplus { beta } => {
            let Softplus { saturated, exp, .. } = Softplus::<B>::new(&z, beta);
            let curved = B::float_div_scalar(B::float_log1p(exp), beta.into());
            B::float_mask_where(curved, saturated, z)
        }
        ActivationFn::Heaviside => {
            let above = above::<B>(&z, 0.0);
            B::bool_into_float(above, z.dtype().into())
        }
        ActivationFn::Sign => B::float_sign(z),
        ActivationFn::Levels { count } => {
            assert!(
                can_be_levels(count),
                "levels of an activation: expected a whole number from 2 to 256, found {count}"
            );
            let steps = count - 1.0;
            let limited = B::float_clamp(z, 0.0.into(), 1.0.into());
            let scaled =
                B::float_add_scalar(B::float_mul_scalar(limited, steps.into()), 0.5.into());
            B::float_div_scalar(B::float_floor(scaled), steps.into())
        }
    }
}

/// `g phi(z) / s(z)`; with an epsilon of zero `g phi(z) / z`, and 0 where `z = 0`.
///
/// For [`ActivationFn::Relu`], `z` may be the output instead: applying ReLU twice changes nothing.
pub(crate) fn rescale<B: Backend>(
    quotient: FloatTensor<B>,
    z: FloatTensor<B>,
    activation: ActivationFn,
    epsilon: f64,
    sign_change: SignChangeRule,
) -> FloatTensor<B> {
    let output = forward::<B>(z.clone(), activation);
    pass::<B>(quotient, share::<B>(output, z, epsilon), sign_change)
}

/// `a / s(z)`; with an epsilon of zero `a / z`, and 0 where `z = 0`.
pub(crate) fn share<B: Backend>(
    output: FloatTensor<B>,
    z: FloatTensor<B>,
    epsilon: f64,
) -> FloatTensor<B> {
    if epsilon > 0.0 {
        return B::float_div(output, stabilized::<B>(z, epsilon));
    }
    let zero = zero::<B>(&z);
    B::float_mask_fill(B::float_div(output, z), zero, 0.into())
}

/// The quotient below an activation, from the one above it and the share `a / s(z)`.
pub(crate) fn pass<B: Backend>(
    quotient: FloatTensor<B>,
    share: FloatTensor<B>,
    sign_change: SignChangeRule,
) -> FloatTensor<B> {
    let share = match sign_change {
        SignChangeRule::Pass => share,
        SignChangeRule::Negate => B::float_abs(share),
    };
    B::float_mul(quotient, share)
}

/// The pass from an activated *output* `a`, where the initial quotient is `r / s(a)`, to its pre-activation: the reward
/// passes unchanged, so `r / s(z)`; with an epsilon of zero `r / z`, and 0 where `z = 0`. Under [`SignChangeRule::Negate`]
/// it changes its sign with `a / z`.
pub(crate) fn enter<B: Backend>(
    quotient: FloatTensor<B>,
    z: FloatTensor<B>,
    output: FloatTensor<B>,
    seed_epsilon: f64,
    epsilon: f64,
    sign_change: SignChangeRule,
) -> FloatTensor<B> {
    let silent = zero::<B>(&output);
    let share = share::<B>(stabilized::<B>(output, seed_epsilon), z, epsilon);
    let share = match sign_change {
        SignChangeRule::Pass => share,
        // An output of zero has no sign to differ in.
        SignChangeRule::Negate => B::float_mask_where(B::float_abs(share.clone()), silent, share),
    };
    B::float_mul(quotient, share)
}

fn zero<B: Backend>(tensor: &FloatTensor<B>) -> BoolTensor<B> {
    B::float_equal_elem(tensor.clone(), 0.into(), bool_type::<B>(tensor))
}

/// `g phi'(z)` for `loss.backward()`, operation by operation as Burn's own tape computes it, so that the gradients of a
/// hooked model equal Burn's bit for bit.
pub(crate) fn gradient<B: Backend>(
    grad: FloatTensor<B>,
    z: FloatTensor<B>,
    activation: ActivationFn,
) -> FloatTensor<B> {
    match activation {
        ActivationFn::Relu => B::relu_backward(z, grad),
        ActivationFn::LeakyRelu { slope } => {
            let negative = below::<B>(&z, 0.0);
            let scaled = B::float_mul_scalar(grad.clone(), slope.into());
            B::float_mask_where(grad, negative, scaled)
        }
        ActivationFn::Silu => {
            let sigmoid = B::sigmoid(z.clone());
            let direct = B::float_mul(grad.clone(), sigmoid.clone());
            let through_sigmoid = B::sigmoid_backward(sigmoid, B::float_mul(grad, z));
            B::float_add(through_sigmoid, direct)
        }
        ActivationFn::Elu { alpha } => {
            let below = at_most::<B>(&z, 0.0);
            let scaled = B::float_mul_scalar(grad.clone(), alpha.into());
            let scaled = B::float_mul(scaled, B::float_exp(z));
            B::float_mask_where(grad, below, scaled)
        }
        ActivationFn::Gelu => B::gelu_backward(z, grad),
        ActivationFn::GeluTanh => gelu_tanh_gradient::<B>(grad, z),
        ActivationFn::Tanh => B::float_mul(grad, tanh_derivative::<B>(B::float_tanh(z))),
        ActivationFn::Hardtanh { min, max } => within::<B>(grad, &z, [min, max]),
        ActivationFn::Sign => within::<B>(grad, &z, [-1.0, 1.0]),
        ActivationFn::Levels { .. } => within::<B>(grad, &z, [0.0, 1.0]),
        ActivationFn::Sigmoid => B::sigmoid_backward(B::sigmoid(z), grad),
        ActivationFn::Softplus { beta } => {
            let Softplus { saturated, exp } = Softplus::<B>::new(&z, beta);
            let inverse = B::float_recip(B::float_add_scalar(exp.clone(), 1f32.into()));
            let curved = B::float_mul(B::float_div_scalar(grad.clone(), beta.into()), inverse);
            let curved = B::float_mul_scalar(B::float_mul(curved, exp), beta.into());
            B::float_mask_where(curved, saturated, grad)
        }
        ActivationFn::Heaviside => {
            B::float_zeros(grad.shape(), &grad.device(), grad.dtype().into())
        }
    }
}

/// The gradient where `z` is within limits, else 0.
fn within<B: Backend>(
    grad: FloatTensor<B>,
    z: &FloatTensor<B>,
    [min, max]: [f64; 2],
) -> FloatTensor<B> {
    let grad = B::float_mask_fill(grad, below::<B>(z, min), 0.into());
    B::float_mask_fill(grad, above::<B>(z, max), 0.into())
}

/// `1 - tanh^2`.
fn tanh_derivative<B: Backend>(tanh: FloatTensor<B>) -> FloatTensor<B> {
    let square = B::float_powi_scalar(tanh, 2.into());
    B::float_add_scalar(B::float_neg(square), 1f32.into())
}

/// `tanh(sqrt(2 / pi) (z + 0.044715 z^3))`.
fn gelu_tanh<B: Backend>(z: &FloatTensor<B>) -> FloatTensor<B> {
    let cube = B::float_powf_scalar(z.clone(), 3.0.into());
    let inner = B::float_add(z.clone(), B::float_mul_scalar(cube, GELU_CUBIC.into()));
    B::float_tanh(B::float_mul_scalar(inner, GELU_SCALE.into()))
}

fn gelu_tanh_gradient<B: Backend>(grad: FloatTensor<B>, z: FloatTensor<B>) -> FloatTensor<B> {
    let tanh = gelu_tanh::<B>(&z);
    let gate = B::float_add_scalar(tanh.clone(), 1.into());
    let grad = B::float_mul_scalar(grad, 0.5.into());
    let direct = B::float_mul(grad.clone(), gate);
    let through_tanh = B::float_mul(B::float_mul(grad, z.clone()), tanh_derivative::<B>(tanh));
    let inner = B::float_mul_scalar(through_tanh, GELU_SCALE.into());
    let cubed = B::float_mul_scalar(inner.clone(), GELU_CUBIC.into());
    let square = B::float_powf_scalar(z, 2.0.into());
    let through_cube = B::float_mul(cubed, B::float_mul_scalar(square, 3.0.into()));
    B::float_add(B::float_add(direct, inner), through_cube)
}

/// The parts of softplus: where it is the identity, and `exp(beta z)`, limited to the threshold.
struct Softplus<B: Backend> {
    saturated: BoolTensor<B>,
    exp: FloatTensor<B>,
}

impl<B: Backend> Softplus<B> {
    fn new(z: &FloatTensor<B>, beta: f64) -> Self {
        // Burn lowers the threshold to what `exp` can represent.
        let largest = match z.dtype() {
            burn_core::tensor::DType::F16 | burn_core::tensor::DType::Flex32 => 11.0,
            _ => SOFTPLUS_THRESHOLD,
        };
        let scaled = B::float_mul_scalar(z.clone(), beta.into());
        let saturated = above::<B>(&scaled, largest);
        let limited = B::float_mask_fill(scaled, saturated.clone(), largest.into());
        Self {
            saturated,
            exp: B::float_exp(limited),
        }
    }
}

fn at_most<B: Backend>(z: &FloatTensor<B>, limit: f64) -> BoolTensor<B> {
    B::float_lower_equal_elem(z.clone(), limit.into(), bool_type::<B>(z))
}

fn above<B: Backend>(z: &FloatTensor<B>, limit: f64) -> BoolTensor<B> {
    B::float_greater_elem(z.clone(), limit.into(), bool_type::<B>(z))
}

fn below<B: Backend>(z: &FloatTensor<B>, limit: f64) -> BoolTensor<B> {
    B::float_lower_elem(z.clone(), limit.into(), bool_type::<B>(z))
}

fn bool_type<B: Backend>(z: &FloatTensor<B>) -> burn_core::tensor::BoolDType {
    get_or_init_device_settings::<B>(&z.device()).bool_dtype
}

//! Flex: each kernel is one parallel pass over memory that overwrites the incoming quotient.

mod batch_norm;
mod buffer;
mod convolution;
mod dropout;
mod lif;
mod linear;
mod max_pool;
#[cfg(test)]
mod measure;
mod planes;
mod shared;
mod spikes;
mod transpose;
mod vectors;

use burn_core::backend::{
    Bytes, DType, Element, Shape,
    ops::{ConvOptions, ModuleOps},
    tensor::FloatTensor,
};
use burn_flex::{Flex, FlexTensor, Layout, ops::binary::binary_op};
use num_traits::Float;
use rayon::prelude::*;

pub use convolution::{UnknownConvolution, check_convolution};

use crate::{
    ActivationFn, BatchNormRule, LfpConfig, LfpOps, LifNeuron, PoolWindows, SignChangeRule, rules,
};

/// A contiguous tensor.
fn tensor<E: Element>(values: Vec<E>, shape: impl Into<Shape>) -> FlexTensor {
    let layout = Layout::contiguous(shape.into());
    FlexTensor::new(Bytes::from_elems(values), layout, E::dtype())
}

impl LfpOps for Flex {
    fn lfp_rescale(
        quotient: FloatTensor<Self>,
        z: FloatTensor<Self>,
        shares: f64,
        epsilon: f64,
    ) -> FloatTensor<Self> {
        match shares {
            1.0 => zip(quotient, z, Rescale { epsilon }),
            _ => zip(quotient, z, RescaleShares { shares, epsilon }),
        }
    }

    fn lfp_quotient(
        reward: FloatTensor<Self>,
        output: FloatTensor<Self>,
        epsilon: f64,
    ) -> FloatTensor<Self> {
        zip(reward, output, Quotient { epsilon })
    }

    fn lfp_rescale_activation(
        quotient: FloatTensor<Self>,
        z: FloatTensor<Self>,
        activation: ActivationFn,
        epsilon: f64,
        sign_change: SignChangeRule,
    ) -> FloatTensor<Self> {
        let rescale = RescaleActivation {
            activation,
            epsilon,
        };
        match (activation, sign_change) {
            (ActivationFn::Relu, _) => zip(quotient, z, RescaleRelu { epsilon }),
            // The forward passes of these are fused kernels of Flex already.
            (ActivationFn::Gelu | ActivationFn::GeluTanh | ActivationFn::Softplus { .. }, _) => {
                rules::activation::rescale::<Self>(quotient, z, activation, epsilon, sign_change)
            }
            (_, SignChangeRule::Pass) => zip(quotient, z, rescale),
            (_, SignChangeRule::Negate) => zip(quotient, z, Negating(rescale)),
        }
    }

    fn lfp_lif(
        currents: FloatTensor<Self>,
        steps: usize,
        neuron: LifNeuron,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        lif::forward(currents, steps, neuron)
    }

    fn lfp_lif_rewards(
        quotient: FloatTensor<Self>,
        membrane: FloatTensor<Self>,
        current_steps: usize,
        neuron: LifNeuron,
        config: LfpConfig,
        at_output: bool,
    ) -> FloatTensor<Self> {
        lif::rewards(quotient, membrane, current_steps, neuron, config, at_output)
    }

    fn lfp_lif_gradient(
        grad: FloatTensor<Self>,
        membrane: FloatTensor<Self>,
        current_steps: usize,
        neuron: LifNeuron,
    ) -> FloatTensor<Self> {
        lif::gradient(grad, membrane, current_steps, neuron)
    }

    fn lfp_dropout_mask(
        x: FloatTensor<Self>,
        probability: f64,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        match dropout::supports(x.dtype()) {
            true => dropout::forward(x, probability),
            false => rules::dropout::forward::<Self>(x, probability),
        }
    }

    fn lfp_dropout_backward(
        grad: FloatTensor<Self>,
        mask: FloatTensor<Self>,
        probability: f64,
    ) -> FloatTensor<Self> {
        match dropout::supports(grad.dtype()) {
            true => dropout::backward(grad, &mask, probability),
            false => rules::dropout::backward::<Self>(grad, mask, probability),
        }
    }

    fn lfp_batch_norm_train(
        x: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        epsilon: f64,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        let ours = batch_norm::forward(&x, &gamma, &beta, epsilon);
        ours.unwrap_or_else(|| rules::batch_norm::train::<Self>(x, gamma, beta, epsilon))
    }

    fn lfp_batch_norm_backward(
        x: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        mean: FloatTensor<Self>,
        variance: FloatTensor<Self>,
        grad: FloatTensor<Self>,
        epsilon: f64,
        rule: BatchNormRule,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        let statistics = [&gamma, &mean, &variance];
        match batch_norm::backward(&x, statistics, grad, epsilon, rule) {
            Ok(ours) => ours,
            Err(grad) => {
                rules::batch_norm::backward::<Self>(x, gamma, mean, variance, grad, epsilon, rule)
            }
        }
    }

    fn lfp_max_pool_winners(
        x: FloatTensor<Self>,
        windows: PoolWindows,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        let ours = max_pool::forward(&x, windows);
        ours.unwrap_or_else(|| rules::max_pool::winners::<Self>(x, windows))
    }

    fn lfp_max_pool_backward(
        grad: FloatTensor<Self>,
        winners: FloatTensor<Self>,
        size: [usize; 2],
        windows: PoolWindows,
    ) -> FloatTensor<Self> {
        let ours = max_pool::backward(&grad, &winners, size, windows);
        ours.unwrap_or_else(|| rules::max_pool::backward::<Self>(grad, winners, size, windows))
    }

    fn lfp_conv2d(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        options: ConvOptions<2>,
    ) -> FloatTensor<Self> {
        let ours = convolution::forward(&x, &weight, Some(&bias), &options);
        ours.unwrap_or_else(|| Self::conv2d(x, weight, Some(bias), options))
    }

    fn lfp_conv2d_without_bias(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        options: ConvOptions<2>,
    ) -> FloatTensor<Self> {
        let ours = convolution::forward(&x, &weight, None, &options);
        ours.unwrap_or_else(|| Self::conv2d(x, weight, None, options))
    }

    fn lfp_conv2d_x_backward(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        grad: FloatTensor<Self>,
        options: ConvOptions<2>,
    ) -> FloatTensor<Self> {
        let shape = x.layout().shape().dims();
        let ours = convolution::input_gradient(shape, &weight, &grad, &options);
        ours.unwrap_or_else(|| Self::conv2d_x_backward(x, weight, grad, options))
    }

    fn lfp_conv2d_x_rewards(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        quotient: FloatTensor<Self>,
        options: ConvOptions<2>,
    ) -> FloatTensor<Self> {
        let ours = convolution::input_rewards(&x, &weight, &quotient, &options);
        ours.unwrap_or_else(|| Self::conv2d_x_backward(x, weight, quotient, options))
    }

    fn lfp_conv2d_weight_backward(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        grad: FloatTensor<Self>,
        options: ConvOptions<2>,
    ) -> FloatTensor<Self> {
        let shape = weight.layout().shape().dims();
        let ours = convolution::weight_gradient(&x, shape, &grad, &options);
        ours.unwrap_or_else(|| Self::conv2d_weight_backward(x, weight, grad, options))
    }

    fn lfp_conv2d_bias_backward(
        x: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        grad: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        let ours = convolution::bias_gradient(&grad);
        ours.unwrap_or_else(|| Self::conv2d_bias_backward(x, bias, grad))
    }

    fn lfp_linear(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        let ours = linear::forward(&x, &weight, &bias);
        ours.unwrap_or_else(|| Self::linear(x, weight, Some(bias)))
    }

    fn lfp_linear_x_rewards(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        quotient: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        let ours = linear::input_rewards(&x, &weight, &quotient);
        ours.unwrap_or_else(|| Self::linear_x_backward(weight, quotient))
    }

    fn lfp_linear_weight_backward(
        x: FloatTensor<Self>,
        grad: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        linear::weight_gradient(&x, &grad).unwrap_or_else(|| Self::linear_weight_backward(x, grad))
    }

    fn lfp_descent(weight: FloatTensor<Self>, quotient: FloatTensor<Self>) -> FloatTensor<Self> {
        zip(quotient, weight, Descent)
    }
}

/// An elementwise function of two tensors.
trait Kernel: Copy + Send + Sync {
    fn apply<E: Float>(self, lhs: E, rhs: E) -> E;
}

/// `g z / s(z)`
#[derive(Clone, Copy)]
struct Rescale {
    epsilon: f64,
}

impl Kernel for Rescale {
    #[inline(always)]
    fn apply<E: Float>(self, quotient: E, z: E) -> E {
        quotient * (z / stabilized(z, self.epsilon))
    }
}

/// `g z / s(n z)`
#[derive(Clone, Copy)]
struct RescaleShares {
    shares: f64,
    epsilon: f64,
}

impl Kernel for RescaleShares {
    #[inline(always)]
    fn apply<E: Float>(self, quotient: E, z: E) -> E {
        let shares = E::from(self.shares).unwrap();
        quotient * (z / stabilized(shares * z, self.epsilon))
    }
}

/// `r / s(o)`
#[derive(Clone, Copy)]
struct Quotient {
    epsilon: f64,
}

impl Kernel for Quotient {
    #[inline(always)]
    fn apply<E: Float>(self, reward: E, output: E) -> E {
        reward / stabilized(output, self.epsilon)
    }
}

/// `g relu(z) / s(z)`, without the branches of [`RescaleActivation`].
#[derive(Clone, Copy)]
struct RescaleRelu {
    epsilon: f64,
}

impl Kernel for RescaleRelu {
    #[inline(always)]
    fn apply<E: Float>(self, quotient: E, z: E) -> E {
        let epsilon = E::from(self.epsilon).unwrap();
        if z > E::zero() {
            quotient * (z / (z + epsilon))
        } else {
            E::zero()
        }
    }
}

/// `g phi(z) / s(z)`, and 0 where that divides by zero.
#[derive(Clone, Copy)]
struct RescaleActivation {
    activation: ActivationFn,
    epsilon: f64,
}

impl RescaleActivation {
    #[inline(always)]
    fn share<E: Float>(self, z: E) -> E {
        let denominator = stabilized(z, self.epsilon);
        if denominator == E::zero() {
            return E::zero();
        }
        activate(self.activation, z) / denominator
    }
}

impl Kernel for RescaleActivation {
    #[inline(always)]
    fn apply<E: Float>(self, quotient: E, z: E) -> E {
        quotient * self.share(z)
    }
}

/// The same under [`SignChangeRule::Negate`].
#[derive(Clone, Copy)]
struct Negating(RescaleActivation);

impl Kernel for Negating {
    #[inline(always)]
    fn apply<E: Float>(self, quotient: E, z: E) -> E {
        quotient * self.0.share(z).abs()
    }
}

/// `-|w| V`
#[derive(Clone, Copy)]
struct Descent;

impl Kernel for Descent {
    #[inline(always)]
    fn apply<E: Float>(self, quotient: E, weight: E) -> E {
        -(weight.abs() * quotient)
    }
}

#[inline(always)]
fn stabilized<E: Float>(z: E, epsilon: f64) -> E {
    let epsilon = E::from(epsilon).unwrap();
    if z < E::zero() {
        z - epsilon
    } else {
        z + epsilon
    }
}

#[inline(always)]
fn activate<E: Float>(activation: ActivationFn, z: E) -> E {
    let (zero, one) = (E::zero(), E::one());
    let real = |value: f64| E::from(value).unwrap();
    match activation {
        ActivationFn::Relu => z.max(zero),
        ActivationFn::LeakyRelu { slope } if z < zero => z * real(slope),
        ActivationFn::LeakyRelu { .. } => z,
        ActivationFn::Silu => z / (one + (-z).exp()),
        ActivationFn::Elu { alpha } if z <= zero => z.exp_m1() * real(alpha),
        ActivationFn::Elu { .. } => z,
        ActivationFn::Tanh => z.tanh(),
        ActivationFn::Sigmoid => one / (one + (-z).exp()),
        ActivationFn::Hardtanh { min, max } => z.max(real(min)).min(real(max)),
        ActivationFn::Heaviside if z > zero => one,
        ActivationFn::Heaviside => zero,
        ActivationFn::Sign if z == zero => zero,
        ActivationFn::Sign => z.signum(),
        ActivationFn::Levels { count } => {
            let steps = real(count - 1.0);
            (z.max(zero).min(one) * steps + real(0.5)).floor() / steps
        }
        ActivationFn::Gelu | ActivationFn::GeluTanh | ActivationFn::Softplus { .. } => {
            unreachable!("composed of Flex's own kernels")
        }
    }
}

/// `kernel(lhs, rhs)` elementwise, in place of `lhs` if its storage is not shared.
fn zip(lhs: FlexTensor, rhs: FlexTensor, kernel: impl Kernel) -> FlexTensor {
    if lhs.dtype() == rhs.dtype() && same_storage_order(&lhs, &rhs) {
        match lhs.dtype() {
            DType::F32 => return zip_dense::<f32>(lhs, rhs, kernel),
            DType::F64 => return zip_dense::<f64>(lhs, rhs, kernel),
            _ => {}
        }
    }
    // Views and half precision: Flex iterates over any pair of layouts.
    binary_op(
        lhs,
        rhs,
        |l: f32, r| kernel.apply(l, r),
        |l: f64, r| kernel.apply(l, r),
        None,
    )
}

/// Whether element `i` of one storage corresponds to element `i` of the other, for the whole of both.
fn same_storage_order(lhs: &FlexTensor, rhs: &FlexTensor) -> bool {
    is_dense(lhs) && is_dense(rhs) && axes(lhs).eq(axes(rhs))
}

/// Whether the tensor covers its storage exactly, in any order of its axes.
fn is_dense(tensor: &FlexTensor) -> bool {
    let mut axes: Vec<_> = axes(tensor).collect();
    axes.sort_unstable();
    let mut length = 1;
    for (stride, size) in axes {
        if stride != length as isize {
            return false;
        }
        length *= size;
    }
    tensor.bytes().len() == length * tensor.dtype().size()
}

/// Stride and size of every axis that has more than one element.
fn axes(tensor: &FlexTensor) -> impl Iterator<Item = (isize, usize)> {
    let layout = tensor.layout();
    let sizes = layout.shape().iter().copied();
    layout
        .strides()
        .iter()
        .copied()
        .zip(sizes)
        .filter(|&(_, size)| size != 1)
}

fn zip_dense<E: Element + Float + bytemuck::Pod>(
    mut lhs: FlexTensor,
    rhs: FlexTensor,
    kernel: impl Kernel,
) -> FlexTensor {
    let right: &[E] = rhs.storage();
    let task = task_size(right.len());
    if let Some(left) = lhs.try_storage_mut::<E>() {
        let tasks = left.par_chunks_mut(task).zip(right.par_chunks(task));
        tasks.for_each(|(left, right)| apply(left, right, kernel));
        return lhs;
    }
    let left: &[E] = lhs.storage();
    let result: Vec<E> = left
        .par_iter()
        .zip(right)
        .with_min_len(task)
        .map(|(&l, &r)| kernel.apply(l, r))
        .collect();
    FlexTensor::new(Bytes::from_elems(result), lhs.layout().clone(), E::dtype())
}

/// Compiled for several instruction sets, chosen at run time: AVX-512 divides sixteen numbers in the time that baseline
/// x86-64 needs for four.
#[multiversion::multiversion(targets("x86_64+avx512f+avx512vl+avx512bw+avx512dq", "x86_64+avx2"))]
fn apply<E: Element + Float, K: Kernel>(left: &mut [E], right: &[E], kernel: K) {
    for (l, &r) in left.iter_mut().zip(right) {
        *l = kernel.apply(*l, r);
    }
}

/// Elements per parallel task. Below the threshold of Burn's own kernels there is one task on the calling thread, because
/// waking another thread takes longer than the work.
fn task_size(elements: usize) -> usize {
    const PARALLEL: usize = 1024 * 1024;
    const TASK: usize = 64 * 1024;
    if elements < PARALLEL {
        elements.max(1)
    } else {
        TASK
    }
}

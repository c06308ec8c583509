//! Leaky integrate-and-fire neurons: one kernel per pass. A thread scans all steps of one neuron, whose state stays in registers.
//! The equations are those of [`rules::lif`](crate::rules::lif).

#![expect(
    unsafe_code,
    reason = "a checked launch would compare every index with the length of its tensor"
)]

use burn_core::backend::{
    Shape, TensorMetadata, cubecl::dtype_to_storage_type, ops::FloatTensorOps,
};
use burn_cubecl::{
    CubeBackend,
    cubecl::{
        self, calculate_cube_count_elemwise,
        prelude::*,
        std::tensor::layout::linear::{LinearView, LinearViewMut},
    },
    ops::numeric::empty_device_dtype,
    tensor::CubeTensor,
};

use crate::{LfpConfig, LifDenominator, LifNeuron, Normalization, Surrogate};

/// See [`LfpOps::lfp_lif`](crate::LfpOps::lfp_lif).
pub(super) fn forward(
    currents: CubeTensor,
    steps: usize,
    neuron: LifNeuron,
) -> (CubeTensor, CubeTensor) {
    let is_constant = currents.shape()[0] < steps;
    let spikes = empty_like(&currents, steps);
    let membrane = empty_like(&currents, steps);
    let Some(scan) = Scan::of(&membrane) else {
        return (spikes, membrane);
    };
    let address_type = address_type([&currents, &membrane]);
    // SAFETY: each thread below `neurons` accesses its own elements alone, of which the tensors have `steps` (a constant
    // current: one).
    unsafe {
        forward_kernel::launch_unchecked(
            &membrane.client,
            scan.cube_count,
            scan.cube_dim,
            address_type,
            currents.into_linear_view(),
            spikes.clone().into_linear_view(),
            membrane.clone().into_linear_view(),
            scalar(neuron.beta(), &membrane),
            scalar(neuron.threshold(), &membrane),
            scan.neurons,
            steps,
            is_constant,
            dtype_to_storage_type(membrane.dtype),
        );
    }
    (spikes, membrane)
}

/// See [`LfpOps::lfp_lif_rewards`](crate::LfpOps::lfp_lif_rewards).
pub(super) fn rewards(
    quotient: CubeTensor,
    membrane: CubeTensor,
    current_steps: usize,
    neuron: LifNeuron,
    config: LfpConfig,
    at_output: bool,
) -> CubeTensor {
    let to_currents = empty_like(&membrane, current_steps);
    let Some(scan) = Scan::of(&membrane) else {
        return to_currents;
    };
    let largest = match (at_output, config.reward_normalization) {
        (false, Normalization::MaxAbs) => Some(scan.largest_reward(&quotient, &membrane, neuron)),
        (true, _) | (false, Normalization::None) => None,
    };
    let address_type = address_type([&quotient, &membrane]);
    // SAFETY: as in `forward`.
    unsafe {
        rewards_kernel::launch_unchecked(
            &to_currents.client,
            scan.cube_count,
            scan.cube_dim,
            address_type,
            quotient.into_linear_view(),
            membrane.clone().into_linear_view(),
            largest.map(CubeTensor::into_buffer_arg).into(),
            to_currents.clone().into_linear_view(),
            scalar(neuron.beta(), &membrane),
            scalar(neuron.threshold(), &membrane),
            scalar(config.epsilon_for(membrane.dtype), &membrane),
            scan.neurons,
            scan.steps,
            config.lif_denominator,
            at_output,
            current_steps < scan.steps,
            dtype_to_storage_type(membrane.dtype),
        );
    }
    to_currents
}

/// See [`LfpOps::lfp_lif_gradient`](crate::LfpOps::lfp_lif_gradient).
pub(super) fn gradient(
    grad: CubeTensor,
    membrane: CubeTensor,
    current_steps: usize,
    neuron: LifNeuron,
) -> CubeTensor {
    let to_currents = empty_like(&membrane, current_steps);
    let Some(scan) = Scan::of(&membrane) else {
        return to_currents;
    };
    let Surrogate::FastSigmoid { slope } = neuron.surrogate() else {
        let device = membrane.device.clone();
        return CubeBackend::float_zeros(to_currents.shape(), &device, membrane.dtype.into());
    };
    let largest = match neuron.gradient_normalization() {
        Normalization::MaxAbs => Some(CubeBackend::float_max_abs(grad.clone())),
        Normalization::None => None,
    };
    let address_type = address_type([&grad, &membrane]);
    // SAFETY: as in `forward`.
    unsafe {
        gradient_kernel::launch_unchecked(
            &to_currents.client,
            scan.cube_count,
            scan.cube_dim,
            address_type,
            grad.into_linear_view(),
            membrane.clone().into_linear_view(),
            largest.map(CubeTensor::into_buffer_arg).into(),
            to_currents.clone().into_linear_view(),
            scalar(neuron.beta(), &membrane),
            scalar(neuron.threshold(), &membrane),
            scalar(slope, &membrane),
            scan.neurons,
            scan.steps,
            current_steps < scan.steps,
            dtype_to_storage_type(membrane.dtype),
        );
    }
    to_currents
}

#[cube(launch_unchecked, address_type = "dynamic")]
fn forward_kernel<E: Float>(
    currents: LinearView<'_, E>,
    mut spikes: LinearViewMut<'_, E>,
    mut membrane: LinearViewMut<'_, E>,
    beta: InputScalar,
    threshold: InputScalar,
    neurons: usize,
    steps: usize,
    #[comptime] is_constant: bool,
    #[define(E)] _dtype: ElemType,
) {
    let neuron = ABSOLUTE_POS;
    if neuron >= neurons {
        terminate!();
    }
    let (beta, threshold) = (beta.get::<E>(), threshold.get::<E>());
    let mut potential = E::new(0.0_f32);
    for t in 0..steps {
        let at = t * neurons + neuron;
        let current = currents.read(if is_constant { neuron } else { at });
        let reset = fires::<E>(potential, threshold) * threshold;
        potential = beta * potential + current - reset;
        membrane.write(at, potential);
        spikes.write(at, fires::<E>(potential, threshold));
    }
}

#[cube(launch_unchecked, address_type = "dynamic")]
fn rewards_kernel<E: Float>(
    quotient: LinearView<'_, E>,
    membrane: LinearView<'_, E>,
    largest: ComptimeOption<&[E]>,
    mut to_currents: LinearViewMut<'_, E>,
    beta: InputScalar,
    threshold: InputScalar,
    epsilon: InputScalar,
    neurons: usize,
    steps: usize,
    #[comptime] denominator: LifDenominator,
    #[comptime] at_output: bool,
    #[comptime] is_constant: bool,
    #[define(E)] _dtype: ElemType,
) {
    let neuron = ABSOLUTE_POS;
    if neuron >= neurons {
        terminate!();
    }
    let (beta, threshold) = (beta.get::<E>(), threshold.get::<E>());
    let epsilon = epsilon.get::<E>();
    let unit = unit::<E>(largest);
    let mut passed_back = E::new(0.0_f32);
    let mut sum = E::new(0.0_f32);
    let mut now = membrane.read((steps - 1) * neurons + neuron);
    for later in 0..steps {
        let t = steps - 1 - later;
        let at = t * neurons + neuron;
        let mut before = E::new(0.0_f32);
        if t > 0 {
            before = membrane.read(at - neurons);
        }
        let spike = fires::<E>(now, threshold);
        let arriving = if at_output {
            quotient.read(at) * (spike + epsilon)
        } else {
            quotient.read(at) * spike / unit
        };
        let potential = now + fires::<E>(before, threshold) * threshold;
        let divisor = divisor::<E>(potential, before, epsilon, denominator);
        let share = (arriving + passed_back) / divisor;
        passed_back = beta * before * share;
        if is_constant {
            sum += share;
        } else {
            to_currents.write(at, share);
        }
        now = before;
    }
    if is_constant {
        to_currents.write(neuron, sum);
    }
}

#[cube(launch_unchecked, address_type = "dynamic")]
fn gradient_kernel<E: Float>(
    grad: LinearView<'_, E>,
    membrane: LinearView<'_, E>,
    largest: ComptimeOption<&[E]>,
    mut to_currents: LinearViewMut<'_, E>,
    beta: InputScalar,
    threshold: InputScalar,
    slope: InputScalar,
    neurons: usize,
    steps: usize,
    #[comptime] is_constant: bool,
    #[define(E)] _dtype: ElemType,
) {
    let neuron = ABSOLUTE_POS;
    if neuron >= neurons {
        terminate!();
    }
    let (beta, threshold) = (beta.get::<E>(), threshold.get::<E>());
    let slope = slope.get::<E>();
    let unit = unit::<E>(largest);
    let one = E::new(1.0_f32);
    let mut passed_back = E::new(0.0_f32);
    let mut sum = E::new(0.0_f32);
    for later in 0..steps {
        let at = (steps - 1 - later) * neurons + neuron;
        let root = one + slope * (membrane.read(at) - threshold).abs();
        let value = grad.read(at) / unit / (root * root) + passed_back;
        passed_back = beta * value;
        if is_constant {
            sum += value;
        } else {
            to_currents.write(at, value);
        }
    }
    if is_constant {
        to_currents.write(neuron, sum);
    }
}

#[cube(launch_unchecked, address_type = "dynamic")]
fn largest_kernel<E: Float>(
    quotient: LinearView<'_, E>,
    membrane: LinearView<'_, E>,
    mut of_neurons: LinearViewMut<'_, E>,
    threshold: InputScalar,
    neurons: usize,
    steps: usize,
    #[define(E)] _dtype: ElemType,
) {
    let neuron = ABSOLUTE_POS;
    if neuron >= neurons {
        terminate!();
    }
    let threshold = threshold.get::<E>();
    let mut largest = E::new(0.0_f32);
    for t in 0..steps {
        let at = t * neurons + neuron;
        let spike = fires::<E>(membrane.read(at), threshold);
        largest = max(largest, quotient.read(at).abs() * spike);
    }
    of_neurons.write(neuron, largest);
}

/// 1 if a neuron with this membrane potential fires, else 0.
#[cube]
fn fires<E: Float>(potential: E, threshold: E) -> E {
    select(potential > threshold, E::new(1.0_f32), E::new(0.0_f32))
}

/// What arrives is divided by this: the largest magnitude; if nothing arrives, 1 keeps the zeros.
#[cube]
fn unit<E: Float>(largest: ComptimeOption<&[E]>) -> E {
    let one = E::new(1.0_f32);
    let largest: ComptimeOption<E> = largest.map(|largest| largest[0]);
    let largest = largest.unwrap_or(one);
    select(largest == E::new(0.0_f32), one, largest)
}

/// The divisor of a reward, of the `potential` before its reset and the previous one.
#[cube]
fn divisor<E: Float>(
    potential: E,
    before: E,
    epsilon: E,
    #[comptime] denominator: LifDenominator,
) -> E {
    match denominator {
        LifDenominator::SumOfMagnitudes => before.abs() + (potential - before).abs() + epsilon,
        LifDenominator::MagnitudeOfSum => potential.abs() + epsilon,
        LifDenominator::SignedSum => select(
            potential < E::new(0.0_f32),
            potential - epsilon,
            potential + epsilon,
        ),
    }
}

/// The threads of a scan over `[steps, neurons]`.
struct Scan {
    steps: usize,
    neurons: usize,
    cube_dim: CubeDim,
    cube_count: CubeCount,
}

impl Scan {
    /// `None` if the tensor is empty.
    fn of(tensor: &CubeTensor) -> Option<Self> {
        let shape = tensor.shape();
        let neurons = shape.num_elements().checked_div(shape[0]).unwrap_or(0);
        if neurons == 0 {
            return None;
        }
        let cube_dim = CubeDim::new(&tensor.client, neurons);
        Some(Self {
            steps: shape[0],
            neurons,
            cube_count: calculate_cube_count_elemwise(&tensor.client, neurons, cube_dim),
            cube_dim,
        })
    }

    /// The largest magnitude of a reward over all steps and neurons, `[1]`.
    fn largest_reward(
        &self,
        quotient: &CubeTensor,
        membrane: &CubeTensor,
        neuron: LifNeuron,
    ) -> CubeTensor {
        let of_neurons = empty(membrane, Shape::new([self.neurons]));
        // SAFETY: as in `forward`.
        unsafe {
            largest_kernel::launch_unchecked(
                &membrane.client,
                self.cube_count.clone(),
                self.cube_dim,
                address_type([quotient, membrane]),
                quotient.clone().into_linear_view(),
                membrane.clone().into_linear_view(),
                of_neurons.clone().into_linear_view(),
                scalar(neuron.threshold(), membrane),
                self.neurons,
                self.steps,
                dtype_to_storage_type(membrane.dtype),
            );
        }
        CubeBackend::float_max(of_neurons)
    }
}

fn empty_like(tensor: &CubeTensor, steps: usize) -> CubeTensor {
    let mut shape = tensor.shape();
    shape[0] = steps;
    empty(tensor, shape)
}

/// An uninitialised tensor of the same device and element type.
fn empty(like: &CubeTensor, shape: Shape) -> CubeTensor {
    empty_device_dtype(like.client.clone(), like.device.clone(), shape, like.dtype)
}

fn scalar(value: f64, tensor: &CubeTensor) -> InputScalar {
    InputScalar::new(value, dtype_to_storage_type(tensor.dtype))
}

/// The index type that reaches every element of the tensors.
fn address_type(tensors: [&CubeTensor; 2]) -> AddressType {
    let of_each = tensors.map(CubeTensor::required_address_type);
    of_each.into_iter().max().unwrap_or_default()
}

// Needs a GPU, or a Vulkan driver that computes on the CPU.
#[cfg(all(test, feature = "wgpu"))]
mod tests {
    use burn_core::backend::DType;
    use burn_cubecl::CubeDevice;

    use super::*;
    use crate::backends::agreement::lif;

    #[test]
    fn kernels_and_default_bodies_agree() {
        lif::<CubeBackend>(&CubeDevice::default(), DType::F32, 2e-5);
    }
}

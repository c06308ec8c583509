//! Leaky integrate-and-fire neurons: one scan over time per block of neurons, whose state stays in the cache; blocks run in
//! parallel.

use burn_core::backend::{DType, Element};
use burn_flex::{Flex, FlexTensor};
use num_traits::Float;
use rayon::prelude::*;

use super::{stabilized, tensor};
use crate::{LfpConfig, LifDenominator, LifNeuron, Normalization, Surrogate, rules};

/// Neurons per block.
const BLOCK: usize = 1024;

/// A row of a block for each step.
type Rows<'a, E> = Vec<&'a mut [E]>;

/// An element type: single or double precision.
trait Real: Element + Float + bytemuck::Pod {
    fn of(value: f64) -> Self {
        Self::from(value).expect("f64 converts to any float")
    }
}

impl Real for f32 {}
impl Real for f64 {}

pub(super) fn forward(
    currents: FlexTensor,
    steps: usize,
    neuron: LifNeuron,
) -> (FlexTensor, FlexTensor) {
    match currents.dtype() {
        DType::F32 => forward_of::<f32>(currents, steps, neuron),
        DType::F64 => forward_of::<f64>(currents, steps, neuron),
        _ => rules::lif::forward::<Flex>(currents, steps, neuron),
    }
}

pub(super) fn rewards(
    quotient: FlexTensor,
    membrane: FlexTensor,
    current_steps: usize,
    neuron: LifNeuron,
    config: LfpConfig,
    at_output: bool,
) -> FlexTensor {
    match membrane.dtype() {
        DType::F32 => {
            rewards_of::<f32>(quotient, membrane, current_steps, neuron, config, at_output)
        }
        DType::F64 => {
            rewards_of::<f64>(quotient, membrane, current_steps, neuron, config, at_output)
        }
        _ => rules::lif::rewards::<Flex>(
            quotient,
            membrane,
            current_steps,
            neuron,
            config,
            at_output,
        ),
    }
}

pub(super) fn gradient(
    grad: FlexTensor,
    membrane: FlexTensor,
    current_steps: usize,
    neuron: LifNeuron,
) -> FlexTensor {
    match membrane.dtype() {
        DType::F32 => gradient_of::<f32>(grad, membrane, current_steps, neuron),
        DType::F64 => gradient_of::<f64>(grad, membrane, current_steps, neuron),
        _ => rules::lif::gradient::<Flex>(grad, membrane, current_steps, neuron),
    }
}

fn forward_of<E: Real>(
    currents: FlexTensor,
    steps: usize,
    neuron: LifNeuron,
) -> (FlexTensor, FlexTensor) {
    let mut shape = currents.layout().shape().clone();
    let (current_steps, elements) = (shape[0], shape.num_elements() / shape[0] * steps);
    shape[0] = steps;
    let scan = |(mut membrane, mut spikes): (Rows<E>, Rows<E>), current: Option<&[E]>| {
        for (t, spikes) in spikes.iter_mut().enumerate() {
            let (before, now) = membrane.split_at_mut(t);
            let before = before.last().map(|row| &**row);
            step(now[0], current, before, spikes, neuron);
        }
    };
    let mut spikes = vec![E::zero(); elements];
    let spike_blocks = blocks(&mut spikes, steps).into_par_iter();
    let currents = row_major::<E>(currents);
    let membrane = if current_steps == steps {
        // The potentials overwrite the currents, which are not needed afterwards.
        let mut membrane = currents;
        blocks(membrane.storage_mut::<E>(), steps)
            .into_par_iter()
            .zip(spike_blocks)
            .for_each(|rows| scan(rows, None));
        membrane
    } else {
        let mut membrane = vec![E::zero(); elements];
        blocks(&mut membrane, steps)
            .into_par_iter()
            .zip(spike_blocks)
            .zip(currents.storage::<E>().par_chunks(BLOCK))
            .for_each(|(rows, current)| scan(rows, Some(current)));
        tensor(membrane, shape.clone())
    };
    (tensor(spikes, shape), membrane)
}

/// One step of a block. `membrane` holds the currents unless they are given.
#[multiversion::multiversion(targets("x86_64+avx512f+avx512vl+avx512bw+avx512dq", "x86_64+avx2"))]
fn step<E: Real>(
    membrane: &mut [E],
    current: Option<&[E]>,
    before: Option<&[E]>,
    spikes: &mut [E],
    neuron: LifNeuron,
) {
    if let Some(current) = current {
        membrane.copy_from_slice(current);
    }
    let (beta, threshold) = (E::of(neuron.beta()), E::of(neuron.threshold()));
    if let Some(before) = before {
        for (potential, &before) in membrane.iter_mut().zip(before) {
            let reset = fires(before, threshold) * threshold;
            *potential = beta * before + *potential - reset;
        }
    }
    for (spike, &potential) in spikes.iter_mut().zip(&*membrane) {
        *spike = fires(potential, threshold);
    }
}

fn rewards_of<E: Real>(
    quotient: FlexTensor,
    membrane: FlexTensor,
    current_steps: usize,
    neuron: LifNeuron,
    config: LfpConfig,
    at_output: bool,
) -> FlexTensor {
    let quotient = row_major::<E>(quotient);
    let membrane = row_major::<E>(membrane);
    let epsilon = E::of(config.epsilon_for(E::dtype()));
    // From a quotient to its reward, at a silent step and at a spike.
    let factors = match (at_output, config.reward_normalization) {
        (true, _) => [epsilon, E::one() + epsilon],
        (false, Normalization::None) => [E::zero(), E::one()],
        (false, Normalization::MaxAbs) => {
            let threshold = E::of(neuron.threshold());
            let reward = |quotient: E, membrane| fires(membrane, threshold) * quotient.abs();
            let at_spike = normalizer(quotient.storage(), membrane.storage(), reward);
            [E::zero(), at_spike]
        }
    };
    match config.lif_denominator {
        LifDenominator::SumOfMagnitudes => {
            let divisor = |sum: E, before: E| before.abs() + (sum - before).abs() + epsilon;
            let divide = dividing(neuron, factors, divisor);
            backwards(quotient, &membrane, current_steps, divide)
        }
        LifDenominator::MagnitudeOfSum => {
            let divide = dividing(neuron, factors, |sum: E, _| sum.abs() + epsilon);
            backwards(quotient, &membrane, current_steps, divide)
        }
        LifDenominator::SignedSum => {
            let epsilon = config.epsilon_for(E::dtype());
            let divide = dividing(neuron, factors, |sum, _| stabilized(sum, epsilon));
            backwards(quotient, &membrane, current_steps, divide)
        }
    }
}

/// How a neuron divides its reward. `factors` lead from a quotient to its reward, at a silent step and at a spike; `divisor`
/// takes the potential before its reset, and the previous potential.
fn dividing<E: Real>(
    neuron: LifNeuron,
    [at_silence, at_spike]: [E; 2],
    divisor: impl Fn(E, E) -> E + Sync,
) -> impl Fn(E, E, E) -> Divided<E> + Sync {
    let threshold = E::of(neuron.threshold());
    let beta = E::of(neuron.beta());
    move |arriving, now, before| {
        let factor = if now > threshold {
            at_spike
        } else {
            at_silence
        };
        let sum = now + fires(before, threshold) * threshold;
        Divided {
            arriving: factor * arriving,
            divisor: divisor(sum, before),
            kept: beta * before,
        }
    }
}

fn gradient_of<E: Real>(
    grad: FlexTensor,
    membrane: FlexTensor,
    current_steps: usize,
    neuron: LifNeuron,
) -> FlexTensor {
    let membrane = row_major::<E>(membrane);
    let grad = row_major::<E>(grad);
    let threshold = E::of(neuron.threshold());
    let beta = E::of(neuron.beta());
    let scale = match neuron.gradient_normalization() {
        Normalization::None => E::one(),
        Normalization::MaxAbs => {
            normalizer(grad.storage(), membrane.storage(), |grad: E, _| grad.abs())
        }
    };
    let (slope, scale) = match neuron.surrogate() {
        Surrogate::FastSigmoid { slope } => (E::of(slope), scale),
        Surrogate::None => (E::zero(), E::zero()),
    };
    backwards(grad, &membrane, current_steps, |arriving, now: E, _| {
        let root = E::one() + slope * (now - threshold).abs();
        Divided {
            arriving: scale * arriving / (root * root),
            divisor: E::one(),
            kept: beta,
        }
    })
}

/// How one step passes rewards or gradients on.
struct Divided<E> {
    /// The value that arrives at the spike.
    arriving: E,
    /// The divisor of the sum of `arriving` and the value passed back by the next step.
    divisor: E,
    /// The factor from the value at the current to the value passed back to the previous step.
    kept: E,
}

/// One step of a block, backwards: `values` holds what arrives at the spikes, then what goes to the currents.
#[multiversion::multiversion(targets("x86_64+avx512f+avx512vl+avx512bw+avx512dq", "x86_64+avx2"))]
fn step_back<E: Real, F: Fn(E, E, E) -> Divided<E>>(
    values: &mut [E],
    passed_back: &mut [E],
    now: &[E],
    before: Option<&[E]>,
    divide: &F,
) {
    let state = values.iter_mut().zip(passed_back);
    match before {
        Some(before) => {
            for ((value, passed_back), (&now, &before)) in state.zip(now.iter().zip(before)) {
                let Divided {
                    arriving,
                    divisor,
                    kept,
                } = divide(*value, now, before);
                *value = (arriving + *passed_back) / divisor;
                *passed_back = kept * *value;
            }
        }
        None => {
            for ((value, passed_back), &now) in state.zip(now) {
                let Divided {
                    arriving, divisor, ..
                } = divide(*value, now, E::zero());
                *value = (arriving + *passed_back) / divisor;
            }
        }
    }
}

/// Scans time backwards, in place of `arriving` if its storage is not shared.
fn backwards<E: Real>(
    mut arriving: FlexTensor,
    membrane: &FlexTensor,
    current_steps: usize,
    divide: impl Fn(E, E, E) -> Divided<E> + Sync,
) -> FlexTensor {
    let mut shape = membrane.layout().shape().clone();
    let steps = shape[0];
    let neurons = shape.num_elements() / steps;
    let potentials: &[E] = membrane.storage();
    let scan = |rows: &mut [&mut [E]], start: usize| {
        let mut passed_back = [E::zero(); BLOCK];
        for t in (0..steps).rev() {
            let width = rows[t].len();
            let row = |t: usize| &potentials[t * neurons + start..][..width];
            let passed_back = &mut passed_back[..width];
            let before = t.checked_sub(1).map(row);
            step_back(rows[t], passed_back, row(t), before, &divide);
        }
    };
    let rows = blocks(arriving.storage_mut::<E>(), steps).into_par_iter();
    let rows = rows.enumerate().map(|(block, rows)| (block * BLOCK, rows));
    if current_steps == steps {
        rows.for_each(|(start, mut rows)| scan(&mut rows, start));
        return arriving;
    }
    let mut sums = vec![E::zero(); neurons];
    rows.zip(sums.par_chunks_mut(BLOCK))
        .for_each(|((start, mut rows), sums)| {
            scan(&mut rows, start);
            for row in rows {
                for (sum, &value) in sums.iter_mut().zip(&*row) {
                    *sum = *sum + value;
                }
            }
        });
    shape[0] = current_steps;
    tensor(sums, shape)
}

/// The factor that brings the largest `magnitude` of a value and its membrane potential to 1; if all are zero, the factor is
/// finite.
fn normalizer<E: Real>(
    values: &[E],
    membrane: &[E],
    magnitude: impl Fn(E, E) -> E + Sync + Copy,
) -> E {
    const TASK: usize = 16 * BLOCK;
    let tasks = values.par_chunks(TASK).zip(membrane.par_chunks(TASK));
    let largest = tasks
        .map(|(values, membrane)| largest_of_task(values, membrane, magnitude))
        .reduce(E::zero, E::max);
    largest.max(E::min_positive_value()).recip()
}

#[multiversion::multiversion(targets("x86_64+avx512f+avx512vl+avx512bw+avx512dq", "x86_64+avx2"))]
fn largest_of_task<E: Real, F: Fn(E, E) -> E>(values: &[E], membrane: &[E], magnitude: F) -> E {
    /// Independent maxima: a single one would serialise on its own latency.
    const LANES: usize = 32;
    let mut largest = [E::zero(); LANES];
    for (values, membrane) in values.chunks(LANES).zip(membrane.chunks(LANES)) {
        let pairs = values.iter().zip(membrane);
        for (largest, (&value, &membrane)) in largest.iter_mut().zip(pairs) {
            let found = magnitude(value, membrane);
            if found > *largest {
                *largest = found;
            }
        }
    }
    largest.into_iter().fold(E::zero(), E::max)
}

#[inline(always)]
fn fires<E: Real>(membrane: E, threshold: E) -> E {
    if membrane > threshold {
        E::one()
    } else {
        E::zero()
    }
}

/// Splits `[steps, neurons]` into blocks of neurons, each with a row per step.
fn blocks<E>(values: &mut [E], steps: usize) -> Vec<Rows<'_, E>> {
    let neurons = values.len() / steps;
    let mut blocks: Vec<_> = (0..neurons.div_ceil(BLOCK))
        .map(|_| Vec::with_capacity(steps))
        .collect();
    for row in values.chunks_mut(neurons.max(1)) {
        for (block, part) in blocks.iter_mut().zip(row.chunks_mut(BLOCK)) {
            block.push(part);
        }
    }
    blocks
}

/// The tensor in row-major order without a view: itself if it is so already, else a copy.
fn row_major<E: Real>(tensor: FlexTensor) -> FlexTensor {
    let shape = tensor.layout().shape().clone();
    match tensor.as_slice::<E>() {
        Some(values) if size_of_val(values) == tensor.bytes().len() => tensor,
        Some(values) => super::tensor(values.to_vec(), shape),
        None => tensor.to_contiguous(),
    }
}

#[cfg(test)]
mod tests {
    use burn_flex::FlexDevice;

    use super::*;
    use crate::backends::agreement::lif;

    #[test]
    fn fused_and_composed_agree() {
        lif::<Flex>(&FlexDevice, DType::F32, 2e-5);
        lif::<Flex>(&FlexDevice, DType::F64, 1e-13);
    }

    #[test]
    fn an_input_that_is_still_needed_is_not_overwritten() {
        let neuron = LifNeuron::new(0.8, 0.6, Surrogate::default()).unwrap();
        let values: Vec<f32> = (0..64).map(|index| (index as f32).sin()).collect();
        let currents = tensor(values.clone(), [4, 2, 8]);
        let _ = forward(currents.clone(), 4, neuron);
        assert_eq!(currents.storage::<f32>(), values);
    }
}

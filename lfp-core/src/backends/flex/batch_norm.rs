//! Batch normalisation by the statistics of the batch: one task per channel, whose planes stay in the cache between the
//! passes over them.

use burn_core::backend::Shape;
use burn_flex::FlexTensor;
use rayon::prelude::*;

use super::{
    planes::{BLOCK, LANES, Planes, sum, total},
    shared::Shared,
    tensor,
};
use crate::BatchNormRule;

/// Output, mean and biased variance. `None` if a tensor is not f32, or planes are small.
pub(super) fn forward(
    x: &FlexTensor,
    gamma: &FlexTensor,
    beta: &FlexTensor,
    epsilon: f64,
) -> Option<(FlexTensor, FlexTensor, FlexTensor)> {
    let planes = Planes::of(x, &[gamma, beta])?;
    let (x, gamma, beta) = (
        x.to_contiguous(),
        gamma.to_contiguous(),
        beta.to_contiguous(),
    );
    let input: &[f32] = x.storage();
    let (gammas, betas): (&[f32], &[f32]) = (gamma.storage(), beta.storage());
    let mut values = vec![0.0; input.len()];
    let output = Shared::new(&mut values);
    let (means, variances): (Vec<f32>, Vec<f32>) = planes
        .for_each_channel(|channel| {
            let count = planes.per_channel() as f64;
            let sum_of =
                |term: &dyn Fn(&[f32]) -> f64| planes.blocks(input, channel).map(term).sum::<f64>();
            let mean = (sum_of(&sum) / count) as f32;
            let variance = (sum_of(&|plane| sum_of_squares(plane, mean)) / count) as f32;
            let scale = gammas[channel] * inverse_deviation(variance, epsilon);
            for start in planes.starts(channel) {
                let plane = planes.output(output, start);
                let input = &input[start..start + planes.pixels];
                normalize(input, mean, scale, betas[channel], plane);
            }
            (mean, variance)
        })
        .unzip();
    let output = tensor(values, x.layout().shape().clone());
    let channels = Shape::new([planes.channels]);
    Some((
        output,
        tensor(means, channels.clone()),
        tensor(variances, channels),
    ))
}

/// What arrives at input, gamma and beta; `statistics` are gamma, mean and variance. Returns `grad` if a tensor is not f32,
/// or planes are small.
pub(super) fn backward(
    x: &FlexTensor,
    statistics: [&FlexTensor; 3],
    grad: FlexTensor,
    epsilon: f64,
    rule: BatchNormRule,
) -> Result<(FlexTensor, FlexTensor, FlexTensor), FlexTensor> {
    let tensors = [statistics[0], statistics[1], statistics[2], &grad];
    let Some(planes) = Planes::of(x, &tensors) else {
        return Err(grad);
    };
    let x = x.to_contiguous();
    let statistics = statistics.map(FlexTensor::to_contiguous);
    let channels = Channels {
        planes,
        input: x.storage(),
        statistics: statistics.each_ref().map(|tensor| tensor.storage()),
        epsilon,
        rule,
    };
    let shape = x.layout().shape().clone();
    let mut grad = grad.to_contiguous();
    let (of_x, sums) = match grad.try_storage_mut::<f32>() {
        Some(values) => {
            let sums = channels.backward(None, Shared::new(values));
            (grad, sums)
        }
        None => {
            let mut values = vec![0.0; x.storage::<f32>().len()];
            let sums = channels.backward(Some(grad.storage()), Shared::new(&mut values));
            (tensor(values, shape), sums)
        }
    };
    let (of_gamma, of_beta) = sums.into_iter().unzip();
    let channels = Shape::new([planes.channels]);
    Ok((
        of_x,
        tensor(of_gamma, channels.clone()),
        tensor(of_beta, channels),
    ))
}

/// A backward pass.
struct Channels<'a> {
    planes: Planes,
    input: &'a [f32],
    /// Gamma, mean, variance.
    statistics: [&'a [f32]; 3],
    epsilon: f64,
    rule: BatchNormRule,
}

impl Channels<'_> {
    /// Writes what arrives at the input; returns what arrives at gamma and beta. Without `grad`, what arrives at the output
    /// stands in `output`.
    fn backward(&self, grad: Option<&[f32]>, output: Shared<'_>) -> Vec<(f32, f32)> {
        let channels = self.planes.for_each_channel(|channel| {
            let [gamma, mean, variance] = self.statistics.map(|values| values[channel]);
            let inverse = inverse_deviation(variance, self.epsilon);
            let (mut sum_of_grad, mut sum_of_products) = (0.0, 0.0);
            for start in self.planes.starts(channel) {
                let grad = match grad {
                    Some(grad) => &grad[start..start + self.planes.pixels],
                    None => self.planes.output(output, start),
                };
                let blocks = self.input_plane(start).chunks(BLOCK);
                for (input, grad) in blocks.zip(grad.chunks(BLOCK)) {
                    let (grads, products) = sums(input, mean, grad);
                    sum_of_grad += grads;
                    sum_of_products += products;
                }
            }
            let count = self.planes.per_channel() as f64;
            // (g - mean g - a~ mean(a~ g)) gamma / sigma, where a~ = (a - mu) / sigma
            let [mean_of_grad, slope] = match self.rule {
                BatchNormRule::ConstantStatistics => [0.0; 2],
                BatchNormRule::ThroughStatistics => {
                    let slope = sum_of_products / count * f64::from(inverse) * f64::from(inverse);
                    [sum_of_grad / count, slope].map(|value| value as f32)
                }
            };
            for start in self.planes.starts(channel) {
                let plane = self.planes.output(output, start);
                if let Some(grad) = grad {
                    plane.copy_from_slice(&grad[start..start + self.planes.pixels]);
                }
                let input = self.input_plane(start);
                project(input, mean, gamma * inverse, [mean_of_grad, slope], plane);
            }
            let of_gamma = (sum_of_products * f64::from(inverse)) as f32;
            (of_gamma, sum_of_grad as f32)
        });
        channels.collect()
    }

    fn input_plane(&self, start: usize) -> &[f32] {
        &self.input[start..start + self.planes.pixels]
    }
}

fn inverse_deviation(variance: f32, epsilon: f64) -> f32 {
    (f64::from(variance) + epsilon).sqrt().recip() as f32
}

/// The sum of `(x - mean)^2`.
#[multiversion::multiversion(targets("x86_64+avx512f+avx512vl+avx512bw+avx512dq", "x86_64+avx2"))]
fn sum_of_squares(plane: &[f32], mean: f32) -> f64 {
    let (chunks, rest) = plane.as_chunks::<LANES>();
    let mut sums = [0.0; LANES];
    for chunk in chunks {
        for (sum, &value) in sums.iter_mut().zip(chunk) {
            *sum += (value - mean) * (value - mean);
        }
    }
    let rest = rest.iter().map(|&value| f64::from(value - mean).powi(2));
    total(&sums) + rest.sum::<f64>()
}

/// `(x - mean) scale + shift`
#[multiversion::multiversion(targets("x86_64+avx512f+avx512vl+avx512bw+avx512dq", "x86_64+avx2"))]
fn normalize(plane: &[f32], mean: f32, scale: f32, shift: f32, output: &mut [f32]) {
    for (output, &value) in output.iter_mut().zip(plane) {
        *output = (value - mean) * scale + shift;
    }
}

/// The sums of `g` and of `g (x - mean)`.
#[multiversion::multiversion(targets("x86_64+avx512f+avx512vl+avx512bw+avx512dq", "x86_64+avx2"))]
fn sums(plane: &[f32], mean: f32, grad: &[f32]) -> (f64, f64) {
    let (chunks, rest) = plane.as_chunks::<LANES>();
    let (grads, rest_of_grad) = grad.as_chunks::<LANES>();
    let (mut sums, mut products) = ([0.0; LANES], [0.0; LANES]);
    for (chunk, grads) in chunks.iter().zip(grads) {
        for lane in 0..LANES {
            sums[lane] += grads[lane];
            products[lane] += grads[lane] * (chunk[lane] - mean);
        }
    }
    let rest = rest.iter().zip(rest_of_grad);
    let rest = rest.map(|(&value, &grad)| f64::from(grad) * f64::from(value - mean));
    (
        total(&sums) + total(rest_of_grad),
        total(&products) + rest.sum::<f64>(),
    )
}

/// `scale (g - a - (x - mean) b)`, in place of `g`.
#[multiversion::multiversion(targets("x86_64+avx512f+avx512vl+avx512bw+avx512dq", "x86_64+avx2"))]
fn project(plane: &[f32], mean: f32, scale: f32, [a, b]: [f32; 2], grad: &mut [f32]) {
    for (grad, &value) in grad.iter_mut().zip(plane) {
        *grad = scale * (*grad - a - (value - mean) * b);
    }
}

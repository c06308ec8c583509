//! Convolutions in two dimensions, faster than Flex's own: forward pass and gradients of input, weights and bias, for
//! gradients and quotients alike.
//!
//! | kernel | stride, dilation, groups | channels | by |
//! |---|---|---|---|
//! | any, input of spikes (not the gradient of the input) | 1 | any | [`gather`] |
//! | 3x3 | 1 | [`CHANNELS`] or more | [`winograd`] |
//! | any | any (input gradient: stride 1) | few | [`direct`] |
//! | other | any | any | [`lowered`] (im2col) |
//! | depthwise, or not f32 | any | any | Burn |
//!
//! The bias gradient does not depend on the kernel: it is a sum over planes.
//!
//! Sums have an order that depends on shapes and, of spikes, on their places: results do not depend on the number of threads.
//!
//! `LFP_CONVOLUTION=burn` in the environment switches to Burn's convolutions; `winograd` gathers no spikes, neither here nor in
//! linear maps, `direct` avoids Winograd's algorithm, too, and `lowered` all three.

mod direct;
mod gather;
mod geometry;
mod lowered;
mod product;
#[cfg(test)]
mod tests;
mod winograd;

use std::sync::LazyLock;

use burn_core::backend::{DType, ops::ConvOptions};
use burn_flex::FlexTensor;
use rayon::prelude::*;

use super::{
    planes::{Planes, sum},
    spikes::{MOST, are_spikes},
    tensor,
};
use direct::Orientation;
use gather::Gather;
use geometry::Geometry;
use winograd::{Correlation, Images, TAPS, WeightGradient, Weights};

/// Channels on both sides from which Winograd's algorithm is faster: with few, the transforms take longer than the products.
const CHANNELS: usize = 12;

/// Channels that a sum of the direct algorithm runs over, at most. It was measured up to 12, in LeNet's spiking form; with
/// many, the blocking of matrix products gains more than patches cost.
const FEW: usize = 16;

/// An element of a patch costs as much as this many products: written in the forward pass and in the weight gradient, added
/// up in the input gradient. Estimated from steps of LeNet and its spiking form.
const PATCH: [usize; 2] = [48, 24];

/// How convolutions are computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Algorithm {
    Gather,
    Winograd,
    Direct,
    Lowered,
}

/// A pass of a convolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pass {
    Forward,
    InputGradient,
    WeightGradient,
}

/// The environment variable `LFP_CONVOLUTION` names no algorithm.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("LFP_CONVOLUTION: expected gather, winograd, direct, lowered or burn, found {0:?}")]
pub struct UnknownConvolution(String);

/// What `LFP_CONVOLUTION` allows; everything if it is not set.
static ALLOWED: LazyLock<Result<Option<Algorithm>, UnknownConvolution>> = LazyLock::new(|| {
    let name = std::env::var_os("LFP_CONVOLUTION").unwrap_or_default();
    match name.to_string_lossy().as_ref() {
        "" | "gather" => Ok(Some(Algorithm::Gather)),
        "winograd" => Ok(Some(Algorithm::Winograd)),
        "direct" => Ok(Some(Algorithm::Direct)),
        "lowered" => Ok(Some(Algorithm::Lowered)),
        "burn" => Ok(None),
        other => Err(UnknownConvolution(other.to_owned())),
    }
});

/// Reads `LFP_CONVOLUTION`, which selects the algorithm of convolutions on Flex. A program may call this at its start; without
/// it, the first convolution, or linear map of spikes, panics if the variable names no algorithm.
///
/// # Errors
///
/// If the variable names no algorithm.
pub fn check_convolution() -> Result<(), UnknownConvolution> {
    ALLOWED.clone().map(|_| ())
}

/// The output, `[samples, to, out_height, out_width]`. `None`, as for the gradients, where Burn's own kernels apply.
pub(super) fn forward(
    x: &FlexTensor,
    weight: &FlexTensor,
    bias: Option<&FlexTensor>,
    options: &ConvOptions<2>,
) -> Option<FlexTensor> {
    let (x, weight) = (x.to_contiguous(), weight.to_contiguous());
    let shapes = [&x, &weight].map(|tensor| tensor.layout().shape().dims());
    let (geometry, algorithm) = choose(
        Pass::Forward,
        shapes,
        options,
        Some(&x),
        &[Some(&weight), bias],
    )?;
    let bias = bias.map(FlexTensor::to_contiguous);
    let bias = bias.as_ref().map(FlexTensor::storage);
    let mut output = vec![0.0; geometry.output_shape().iter().product()];
    match algorithm {
        Algorithm::Gather => Gather {
            geometry,
            spikes: x.storage(),
        }
        .forward(weight.storage(), bias, &mut output),
        Algorithm::Winograd => Correlation {
            input: Images::new(x.storage(), geometry.from, geometry.size),
            weights: Weights::new(weight.storage(), [geometry.to, geometry.from]),
            bias,
            samples: geometry.samples,
            to: geometry.to,
            out_size: geometry.out_size,
            padding: geometry.padding,
        }
        .compute(&mut output),
        Algorithm::Direct => direct::Correlation {
            geometry,
            input: x.storage(),
            weights: weight.storage(),
            orientation: Orientation::Forward,
            bias,
        }
        .compute(&mut output),
        Algorithm::Lowered => {
            lowered::forward(&geometry, x.storage(), weight.storage(), bias, &mut output);
        }
    }
    Some(tensor(output, geometry.output_shape()))
}

/// The gradient of the input, of shape `input`.
pub(super) fn input_gradient(
    input: [usize; 4],
    weight: &FlexTensor,
    grad: &FlexTensor,
    options: &ConvOptions<2>,
) -> Option<FlexTensor> {
    let shapes = [input, weight.layout().shape().dims()];
    let (geometry, algorithm) = choose(
        Pass::InputGradient,
        shapes,
        options,
        None,
        &[Some(weight), Some(grad)],
    )?;
    let (weight, grad) = (weight.to_contiguous(), grad.to_contiguous());
    let mut output = vec![0.0; geometry.input_shape().iter().product()];
    match algorithm {
        Algorithm::Winograd => Correlation {
            input: Images::new(grad.storage(), geometry.to, geometry.out_size),
            weights: Weights::new(weight.storage(), [geometry.to, geometry.from]).flipped(),
            bias: None,
            samples: geometry.samples,
            to: geometry.from,
            out_size: geometry.size,
            padding: geometry.padding.map(|padding| TAPS - 1 - padding),
        }
        .compute(&mut output),
        Algorithm::Direct => direct::Correlation {
            geometry: geometry.backward(),
            input: grad.storage(),
            weights: weight.storage(),
            orientation: Orientation::Backward,
            bias: None,
        }
        .compute(&mut output),
        // Gradients are no spikes.
        Algorithm::Gather | Algorithm::Lowered => {
            lowered::input_gradient(&geometry, grad.storage(), weight.storage(), &mut output);
        }
    }
    Some(tensor(output, geometry.input_shape()))
}

/// The quotients of the input, from those of the output. If `x` holds spikes, those of its zeros are left zero: the reward there
/// is zero with any quotient.
pub(super) fn input_rewards(
    x: &FlexTensor,
    weight: &FlexTensor,
    quotient: &FlexTensor,
    options: &ConvOptions<2>,
) -> Option<FlexTensor> {
    let x = x.to_contiguous();
    let shapes = [&x, weight].map(|tensor| tensor.layout().shape().dims());
    let (geometry, algorithm) = choose(
        Pass::InputGradient,
        shapes,
        options,
        Some(&x),
        &[Some(weight), Some(quotient)],
    )?;
    if algorithm != Algorithm::Gather {
        return input_gradient(shapes[0], weight, quotient, options);
    }
    let (weight, quotient) = (weight.to_contiguous(), quotient.to_contiguous());
    let mut output = vec![0.0; geometry.input_shape().iter().product()];
    let gather = Gather {
        geometry,
        spikes: x.storage(),
    };
    gather.input_rewards(weight.storage(), quotient.storage(), &mut output);
    Some(tensor(output, geometry.input_shape()))
}

/// The gradient of the weights, `[to, from / groups, kernel_height, kernel_width]`.
pub(super) fn weight_gradient(
    x: &FlexTensor,
    weight: [usize; 4],
    grad: &FlexTensor,
    options: &ConvOptions<2>,
) -> Option<FlexTensor> {
    let (x, grad) = (x.to_contiguous(), grad.to_contiguous());
    let shapes = [x.layout().shape().dims(), weight];
    let pass = Pass::WeightGradient;
    let (geometry, algorithm) = choose(pass, shapes, options, Some(&x), &[Some(&grad)])?;
    let mut output = vec![0.0; weight.iter().product()];
    match algorithm {
        Algorithm::Gather => Gather {
            geometry,
            spikes: x.storage(),
        }
        .weight_gradient(grad.storage(), &mut output),
        Algorithm::Winograd => WeightGradient {
            input: Images::new(x.storage(), geometry.from, geometry.size),
            gradient: Images::new(grad.storage(), geometry.to, geometry.out_size),
            samples: geometry.samples,
            padding: geometry.padding,
        }
        .compute(&mut output),
        Algorithm::Direct => direct::WeightGradient {
            geometry,
            input: x.storage(),
            gradient: grad.storage(),
        }
        .compute(&mut output),
        Algorithm::Lowered => {
            lowered::weight_gradient(&geometry, x.storage(), grad.storage(), &mut output);
        }
    }
    Some(tensor(output, weight))
}

/// The gradient of the bias, `[to]`. Burn's own writes a transposed copy of what arrives first.
pub(super) fn bias_gradient(grad: &FlexTensor) -> Option<FlexTensor> {
    allowed()?;
    let planes = Planes::of(grad, &[])?;
    let grad = grad.to_contiguous();
    let sums = planes.for_each_channel(|channel| {
        let blocks = planes.blocks(grad.storage(), channel);
        blocks.map(sum).sum::<f64>() as f32
    });
    Some(tensor(sums.collect::<Vec<f32>>(), [planes.channels]))
}

/// The most that is allowed; `None` for Burn's own.
fn allowed() -> Option<Algorithm> {
    #[cfg(test)]
    if let Some(algorithm) = tests::allowed() {
        return Some(algorithm);
    }
    *ALLOWED.as_ref().unwrap_or_else(|error| panic!("{error}"))
}

/// Whether spikes may be gathered.
pub(super) fn gathers() -> bool {
    allowed() == Some(Algorithm::Gather)
}

/// Sizes and algorithm; `None` for Burn's own. `spikes` may hold spikes, and is contiguous.
fn choose(
    pass: Pass,
    [input, weight]: [[usize; 4]; 2],
    options: &ConvOptions<2>,
    spikes: Option<&FlexTensor>,
    others: &[Option<&FlexTensor>],
) -> Option<(Geometry, Algorithm)> {
    let allowed = allowed()?;
    let mut tensors = others.iter().flatten().copied().chain(spikes);
    let geometry = Geometry::new(input, weight, options)?;
    let is_depthwise = geometry.groups > 1 && geometry.from == geometry.groups;
    let shapes = [geometry.input_shape(), geometry.weight_shape()];
    let is_empty = shapes.concat().contains(&0);
    if is_empty || is_depthwise || !tensors.all(|tensor| tensor.dtype() == DType::F32) {
        return None;
    }
    let ones = [geometry.stride, geometry.dilation, [geometry.groups; 2]];
    let is_winograds = geometry.kernel == [TAPS; 2]
        && ones.iter().flatten().all(|&value| value == 1)
        && geometry.padding.iter().all(|&padding| padding < TAPS)
        && geometry.from.min(geometry.to) >= CHANNELS;
    let are_spikes = || spikes.is_some_and(|spikes| are_spikes(spikes.storage(), MOST));
    let algorithm = match allowed {
        Algorithm::Gather if gather::applies(&geometry) && are_spikes() => Algorithm::Gather,
        Algorithm::Gather | Algorithm::Winograd if is_winograds => Algorithm::Winograd,
        Algorithm::Lowered => Algorithm::Lowered,
        _ if is_directs(pass, &geometry) => Algorithm::Direct,
        _ => Algorithm::Lowered,
    };
    Some((geometry, algorithm))
}

/// Whether the direct algorithm can compute a pass, and is faster than patches.
///
/// It also multiplies for positions between the lines, and in the input gradient with the zeros around the incoming gradient.
/// A patch costs [`PATCH`] products per element, and serves all output channels.
fn is_directs(pass: Pass, geometry: &Geometry) -> bool {
    let (correlation, patch) = match pass {
        Pass::InputGradient if !geometry.has_backward() => return false,
        Pass::InputGradient => (geometry.backward(), PATCH[1]),
        Pass::Forward | Pass::WeightGradient => (*geometry, PATCH[0]),
    };
    let positions = correlation.out_size[0] * direct::columns(&correlation);
    let to = geometry.to / geometry.groups;
    correlation.from / geometry.groups <= FEW
        && geometry.taps() > 1
        && positions * to <= geometry.out_pixels() * (to + patch)
}

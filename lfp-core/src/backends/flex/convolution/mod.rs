//! Convolutions in two dimensions, faster than Flex's own: forward pass, input gradient and weight gradient, for gradients
//! and quotients alike.
//!
//! | kernel | stride, dilation, groups | channels | by |
//! |---|---|---|---|
//! | 3x3 | 1 | [`CHANNELS`] or more | [`winograd`] |
//! | any | any (input gradient: stride 1) | few | [`direct`] |
//! | other | any | any | [`lowered`] (im2col) |
//! | depthwise, or not f32 | any | any | Burn |
//!
//! Sums have an order that depends on shapes alone: results do not depend on the number of threads.
//!
//! `LFP_CONVOLUTION=burn` in the environment switches to Burn's convolutions; `direct` avoids Winograd's algorithm, `lowered`
//! both.

mod buffer;
mod direct;
mod geometry;
mod lowered;
mod product;
mod shared;
#[cfg(test)]
mod tests;
mod vectors;
mod winograd;

use std::sync::LazyLock;

use burn_core::backend::{Bytes, DType, Shape, ops::ConvOptions};
use burn_flex::{FlexTensor, Layout};

use direct::Orientation;
use geometry::Geometry;
use winograd::{Correlation, Images, TAPS, WeightGradient, Weights};

/// Channels on both sides from which Winograd's algorithm is faster: with few, the transforms take longer than the products.
const CHANNELS: usize = 12;

/// How many products take as long as writing an element of a patch, and as adding it up in the input gradient, about. Seen in
/// steps of LeNet and its spiking form.
const PATCH: [usize; 2] = [48, 24];

/// How convolutions are computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Algorithm {
    Winograd,
    Direct,
    Lowered,
}

/// Which of the three.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pass {
    Forward,
    InputGradient,
    WeightGradient,
}

/// What `LFP_CONVOLUTION` allows; everything if it is not set.
static ALLOWED: LazyLock<Option<Algorithm>> =
    LazyLock::new(|| match std::env::var("LFP_CONVOLUTION").as_deref() {
        Err(_) | Ok("" | "winograd") => Some(Algorithm::Winograd),
        Ok("direct") => Some(Algorithm::Direct),
        Ok("lowered") => Some(Algorithm::Lowered),
        Ok("burn") => None,
        Ok(other) => {
            panic!("LFP_CONVOLUTION: expected winograd, direct, lowered or burn, found {other:?}")
        }
    });

/// The output, `[samples, to, out_height, out_width]`. `None`, as for the gradients, where Burn's own kernels apply.
pub(super) fn forward(
    x: &FlexTensor,
    weight: &FlexTensor,
    bias: Option<&FlexTensor>,
    options: &ConvOptions<2>,
) -> Option<FlexTensor> {
    let shapes = [x, weight].map(|tensor| tensor.layout().shape().dims());
    let (geometry, algorithm) = choose(
        Pass::Forward,
        shapes,
        options,
        &[Some(x), Some(weight), bias],
    )?;
    let (x, weight) = (x.to_contiguous(), weight.to_contiguous());
    let bias = bias.map(FlexTensor::to_contiguous);
    let bias = bias.as_ref().map(FlexTensor::storage);
    let mut output = vec![0.0; geometry.output_shape().iter().product()];
    match algorithm {
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
        Algorithm::Lowered => {
            lowered::input_gradient(&geometry, grad.storage(), weight.storage(), &mut output);
        }
    }
    Some(tensor(output, geometry.input_shape()))
}

/// The gradient of the weights, `[to, from / groups, kernel_height, kernel_width]`.
pub(super) fn weight_gradient(
    x: &FlexTensor,
    weight: [usize; 4],
    grad: &FlexTensor,
    options: &ConvOptions<2>,
) -> Option<FlexTensor> {
    let shapes = [x.layout().shape().dims(), weight];
    let (geometry, algorithm) = choose(
        Pass::WeightGradient,
        shapes,
        options,
        &[Some(x), Some(grad)],
    )?;
    let (x, grad) = (x.to_contiguous(), grad.to_contiguous());
    let mut output = vec![0.0; weight.iter().product()];
    match algorithm {
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

fn allowed() -> Option<Algorithm> {
    #[cfg(test)]
    if let Some(algorithm) = tests::allowed() {
        return Some(algorithm);
    }
    *ALLOWED
}

/// Sizes and algorithm; `None` for Burn's own.
fn choose(
    pass: Pass,
    [input, weight]: [[usize; 4]; 2],
    options: &ConvOptions<2>,
    tensors: &[Option<&FlexTensor>],
) -> Option<(Geometry, Algorithm)> {
    let allowed = allowed()?;
    let mut tensors = tensors.iter().flatten();
    let geometry = Geometry::new(input, weight, options)?;
    let is_depthwise = geometry.groups > 1 && geometry.from == geometry.groups;
    let is_empty = geometry.weight_shape().contains(&0) || geometry.samples == 0;
    if is_empty || is_depthwise || !tensors.all(|tensor| tensor.dtype() == DType::F32) {
        return None;
    }
    let ones = [geometry.stride, geometry.dilation, [geometry.groups; 2]];
    let is_winograds = geometry.kernel == [TAPS; 2]
        && ones.iter().flatten().all(|&value| value == 1)
        && geometry.padding.iter().all(|&padding| padding < TAPS)
        && geometry.from.min(geometry.to) >= CHANNELS;
    let algorithm = match allowed {
        Algorithm::Winograd if is_winograds => Algorithm::Winograd,
        Algorithm::Winograd | Algorithm::Direct if is_directs(pass, &geometry) => Algorithm::Direct,
        _ => Algorithm::Lowered,
    };
    Some((geometry, algorithm))
}

/// Whether the direct algorithm computes a pass, and faster than by patches.
///
/// It multiplies for positions between the lines, too, and in the input gradient with the zeros around the incoming gradient.
/// An element of a patch takes as long as [`PATCH`] products, and serves all output channels.
fn is_directs(pass: Pass, geometry: &Geometry) -> bool {
    let columns = |geometry: &Geometry| {
        let reach = (geometry.kernel[1] - 1) * geometry.dilation[1] / geometry.stride[1];
        geometry.out_size[0] * (geometry.out_size[1] + reach)
    };
    let (positions, patch) = match pass {
        Pass::InputGradient if !geometry.has_backward() => return false,
        Pass::InputGradient => (columns(&geometry.backward()), PATCH[1]),
        Pass::Forward | Pass::WeightGradient => (columns(geometry), PATCH[0]),
    };
    let channels = geometry.to / geometry.groups;
    geometry.taps() > 1 && positions * channels <= geometry.out_pixels() * (channels + patch)
}

fn tensor(values: Vec<f32>, shape: [usize; 4]) -> FlexTensor {
    let layout = Layout::contiguous(Shape::new(shape));
    FlexTensor::new(Bytes::from_elems(values), layout, DType::F32)
}

//! Layer, RMS, group and instance normalisation: one rule, [`functions::normalize`], followed by scale and shift.

use burn::{
    module::{Content, DisplaySettings, ModuleDisplay, Param},
    nn::{GroupNorm, InstanceNorm, LayerNorm, RmsNorm},
    tensor::Tensor,
};
use lfp_core::{Centering, functions::normalize};

use super::{Hookable, InputError};

impl<const D: usize> Hookable<D> for LayerNorm {
    fn forward_raw(&self, input: Tensor<D>) -> Tensor<D> {
        if !input.is_autodiff() {
            return self.forward(input);
        }
        let [width] = self.gamma.shape().dims();
        check_axis("layer normalisation", input.dims(), D - 1, width);
        let normalized = normalize(input, Centering::Mean, epsilon_of(self));
        scale_and_shift(normalized, Some(&self.gamma), self.beta.as_ref(), D - 1)
    }
}

impl<const D: usize> Hookable<D> for RmsNorm {
    fn forward_raw(&self, input: Tensor<D>) -> Tensor<D> {
        if !input.is_autodiff() {
            return self.forward(input);
        }
        let [width] = self.gamma.shape().dims();
        check_axis("RMS normalisation", input.dims(), D - 1, width);
        let normalized = normalize(input, Centering::None, self.epsilon);
        scale_and_shift(normalized, Some(&self.gamma), None, D - 1)
    }
}

impl<const D: usize> Hookable<D> for GroupNorm {
    fn forward_raw(&self, input: Tensor<D>) -> Tensor<D> {
        if !input.is_autodiff() {
            return self.forward(input);
        }
        check_axis("group normalisation", input.dims(), 1, self.num_channels);
        let normalized = normalize_groups(input, self.num_groups, self.epsilon);
        scale_and_shift(normalized, self.gamma.as_ref(), self.beta.as_ref(), 1)
    }
}

/// Group normalisation with a group for each channel.
impl<const D: usize> Hookable<D> for InstanceNorm {
    fn forward_raw(&self, input: Tensor<D>) -> Tensor<D> {
        if !input.is_autodiff() {
            return self.forward(input);
        }
        check_axis("instance normalisation", input.dims(), 1, self.num_channels);
        let normalized = normalize_groups(input, self.num_channels, self.epsilon);
        scale_and_shift(normalized, self.gamma.as_ref(), self.beta.as_ref(), 1)
    }
}

/// `epsilon` of a layer that keeps it private: Burn prints it, in digits that read back to the same number.
///
/// # Panics
///
/// If Burn prints the layer in another way than version 0.22 does.
fn epsilon_of(layer: &LayerNorm) -> f64 {
    let content = layer.custom_content(Content::new(DisplaySettings::new()));
    let attributes = content
        .map(|content| content.attributes)
        .unwrap_or_default();
    let printed = attributes
        .iter()
        .find(|attribute| attribute.name == "epsilon");
    printed
        .and_then(|attribute| attribute.value.parse().ok())
        .unwrap_or_else(|| panic!("Burn's LayerNorm prints no epsilon: {attributes:?}"))
}

fn normalize_groups<const D: usize>(input: Tensor<D>, groups: usize, epsilon: f64) -> Tensor<D> {
    let shape = input.shape();
    let batch = shape[0];
    let width = shape.num_elements() / (batch * groups).max(1);
    normalize(
        input.reshape([batch, groups, width]),
        Centering::Mean,
        epsilon,
    )
    .reshape(shape)
}

/// `gamma n + beta`, each a vector along `axis`.
fn scale_and_shift<const D: usize>(
    normalized: Tensor<D>,
    gamma: Option<&Param<Tensor<1>>>,
    beta: Option<&Param<Tensor<1>>>,
    axis: usize,
) -> Tensor<D> {
    let mut shape = [1; D];
    shape[axis] = normalized.dims()[axis];
    let scaled = match gamma {
        Some(gamma) => normalized * gamma.val().reshape(shape),
        None => normalized,
    };
    match beta {
        Some(beta) => scaled + beta.val().reshape(shape),
        None => scaled,
    }
}

/// Panics like Burn where the layer has another width.
fn check_axis<const D: usize>(layer: &'static str, found: [usize; D], axis: usize, width: usize) {
    let mut expected = [None; D];
    expected[axis] = Some(width);
    if let Err(error) = InputError::check_shape(layer, &expected, &found) {
        panic!("{error}");
    }
}

//! The hooks of Burn's layers. To add one: implement [`Hookable`] here.

use burn::{
    nn::{
        BatchNorm, Dropout, Linear, PaddingConfig2d,
        conv::{Conv1d, Conv2d, Conv3d, ConvTranspose1d, ConvTranspose2d, ConvTranspose3d},
        pool::{AdaptiveAvgPool1d, AdaptiveAvgPool2d, AvgPool1d, AvgPool2d, MaxPool2d},
    },
    tensor::{Tensor, ops::ConvOptions},
};
use lfp_core::{PoolWindows, functions};

use super::Hookable;

impl<const D: usize> Hookable<D> for Linear {
    fn forward_raw(&self, input: Tensor<D>) -> Tensor<D> {
        self.forward(input)
    }
}

/// By [`functions::conv2d`], whose weight gradient has a faster kernel on some backends.
impl Hookable<4> for Conv2d {
    fn forward_raw(&self, input: Tensor<4>) -> Tensor<4> {
        let padding = match self.padding {
            PaddingConfig2d::Valid => [(0, 0); 2],
            PaddingConfig2d::Explicit(top, left, bottom, right) => [(top, bottom), (left, right)],
            // Burn computes the amount privately.
            PaddingConfig2d::Same => return self.forward(input),
        };
        let options =
            ConvOptions::new_with_padding(self.stride, padding, self.dilation, self.groups);
        let bias = self.bias.as_ref().map(|bias| bias.val());
        functions::conv2d(input, self.weight.val(), bias, options)
    }
}

/// Batch normalisation (Eqs. 9 and 10). Like Burn's own it normalises by the batch on an autodiff device unless frozen, and
/// by its running statistics otherwise.
impl<const D: usize> Hookable<D> for BatchNorm {
    fn forward_raw(&self, input: Tensor<D>) -> Tensor<D> {
        match input.is_autodiff() && self.training.is_enabled() {
            true => batch_norm_train(self, input),
            false => self.forward(input),
        }
    }
}

/// Burn's training pass, with the rule of [`functions::batch_norm_train`].
fn batch_norm_train<const D: usize>(layer: &BatchNorm, input: Tensor<D>) -> Tensor<D> {
    let [num_features] = layer.gamma.shape().dims();
    assert!(
        D >= 2 && input.dims()[1] == num_features,
        "batch normalisation: expected [batch, {num_features}, ...], found {:?}",
        input.dims()
    );
    let device = input.device();
    let (output, mean, variance) =
        functions::batch_norm_train(input, layer.gamma.val(), layer.beta.val(), layer.epsilon);
    let blend = |running: Tensor<1>, batch: Tensor<1>| {
        let kept = running.to_device(&device).mul_scalar(1.0 - layer.momentum);
        kept.add(batch.detach().mul_scalar(layer.momentum)).detach()
    };
    let running_mean = blend(layer.running_mean.value_sync(), mean);
    let running_var = blend(layer.running_var.value_sync(), variance);
    layer.running_mean.update(running_mean);
    layer.running_var.update(running_var);
    output
}

/// Drops under the same conditions as Burn's dropout, which conserves rewards, too. With the hook,
/// [`DropoutRule::Scale`](crate::DropoutRule::Scale) is obeyed, and [`functions::dropout`] draws the random numbers.
impl<const D: usize> Hookable<D> for Dropout {
    const WEIGHTED_SUM: bool = false;

    fn forward_raw(&self, input: Tensor<D>) -> Tensor<D> {
        let drops = self.prob > 0.0 && input.is_autodiff() && self.training.is_enabled();
        match drops {
            true => functions::dropout(input, self.prob),
            false => input,
        }
    }
}

/// Needs no hook for its rewards. With one, it is computed by [`functions::max_pool2d`], if that can.
impl Hookable<4> for MaxPool2d {
    const WEIGHTED_SUM: bool = false;

    fn forward_raw(&self, input: Tensor<4>) -> Tensor<4> {
        let [_, _, height, width] = input.dims();
        let padding = match self.padding {
            PaddingConfig2d::Valid => Some([0; 2]),
            PaddingConfig2d::Explicit(top, left, bottom, right) => {
                (top == bottom && left == right).then_some([top, left])
            }
            PaddingConfig2d::Same => None,
        };
        let windows = padding.map(|padding| PoolWindows {
            size: self.kernel_size,
            stride: self.stride,
            padding,
        });
        let is_simple = self.dilation == [1; 2] && !self.ceil_mode;
        match windows {
            Some(windows)
                if is_simple && windows.is_valid() && height * width <= functions::MOST_PIXELS =>
            {
                functions::max_pool2d(input, windows)
            }
            _ => self.forward(input),
        }
    }
}

/// Layers whose plain forward pass is a weighted sum, with their rank.
macro_rules! weighted_sum {
    ($($layer:ty: $rank:literal),* $(,)?) => {$(
        impl Hookable<$rank> for $layer {
            fn forward_raw(&self, input: Tensor<$rank>) -> Tensor<$rank> {
                self.forward(input)
            }
        }
    )*};
}

weighted_sum! {
    Conv1d: 3,
    Conv3d: 5,
    ConvTranspose1d: 3,
    ConvTranspose2d: 4,
    ConvTranspose3d: 5,
    AvgPool1d: 3,
    AvgPool2d: 4,
    AdaptiveAvgPool1d: 3,
    AdaptiveAvgPool2d: 4,
}

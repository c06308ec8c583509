//! Which of Burn's layers have a hook, and their forward passes.

use burn::{
    nn::{
        BatchNorm, Dropout, Linear, PaddingConfig2d,
        conv::{Conv1d, Conv2d, Conv3d, ConvTranspose1d, ConvTranspose2d, ConvTranspose3d},
        pool::{AdaptiveAvgPool1d, AdaptiveAvgPool2d, AvgPool1d, AvgPool2d},
    },
    tensor::{Tensor, ops::ConvOptions},
};
use lfp_core::functions;

use super::{Hook, Hooked, LinearMap};

impl Hook for Linear {}
impl LinearMap for Linear {}

impl Hooked<Linear> {
    /// The linear map, and the activation if there is one.
    ///
    /// # Shapes
    ///
    /// - input: `[..., d_input]`
    /// - output: `[..., d_output]`
    pub fn forward<const D: usize>(&self, input: Tensor<D>) -> Tensor<D> {
        self.finish(self.layer.forward(input))
    }
}

impl Hook for Conv2d {}
impl LinearMap for Conv2d {}

impl Hooked<Conv2d> {
    /// The convolution, and the activation if there is one.
    ///
    /// # Shapes
    ///
    /// - input: `[batch, channels_in, h_in, w_in]`
    /// - output: `[batch, channels_out, h_out, w_out]`
    pub fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        let layer = &self.layer;
        let padding = match layer.padding {
            PaddingConfig2d::Valid => [(0, 0); 2],
            PaddingConfig2d::Explicit(top, left, bottom, right) => [(top, bottom), (left, right)],
            // How much that is, Burn keeps to itself.
            PaddingConfig2d::Same => return self.finish(layer.forward(input)),
        };
        let options =
            ConvOptions::new_with_padding(layer.stride, padding, layer.dilation, layer.groups);
        let bias = layer.bias.as_ref().map(|bias| bias.val());
        self.finish(functions::conv2d(input, layer.weight.val(), bias, options))
    }
}

impl Hook for BatchNorm {}
impl LinearMap for BatchNorm {}

impl Hooked<BatchNorm> {
    /// Batch normalisation (Eqs. 9 and 10), and the activation if there is one.
    ///
    /// Like Burn's own: training behaviour on an autodiff device unless frozen.
    ///
    /// # Shapes
    ///
    /// - input and output: `[batch_size, num_features, ...]`
    ///
    /// # Panics
    ///
    /// If the input has rank < 2 or its second axis is not `num_features`.
    pub fn forward<const D: usize>(&self, input: Tensor<D>) -> Tensor<D> {
        let by_the_batch = input.is_autodiff() && self.layer.training.is_enabled();
        let output = match by_the_batch {
            true => self.forward_train(input),
            false => self.layer.forward(input),
        };
        self.finish(output)
    }

    fn forward_train<const D: usize>(&self, input: Tensor<D>) -> Tensor<D> {
        let layer = &self.layer;
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
}

impl Hook for Dropout {}

impl Hooked<Dropout> {
    /// Burn's dropout, which conserves rewards, with the other variant at hand
    /// ([`DropoutRule`](crate::DropoutRule)).
    ///
    /// # Shapes
    ///
    /// - input and output: `[..., any]`
    pub fn forward<const D: usize>(&self, input: Tensor<D>) -> Tensor<D> {
        let active =
            self.layer.prob > 0.0 && input.is_autodiff() && self.layer.training.is_enabled();
        let output = self.layer.forward(input);
        match active {
            true => functions::dropout(output, self.layer.prob),
            false => output,
        }
    }
}

macro_rules! linear_map {
    ($layer:ty, $rank:literal, $input:literal, $output:literal) => {
        impl Hook for $layer {}
        impl LinearMap for $layer {}

        impl Hooked<$layer> {
            /// The layer, and the activation if there is one.
            ///
            /// # Shapes
            ///
            #[doc = concat!("- input: `", $input, "`")]
            #[doc = concat!("- output: `", $output, "`")]
            pub fn forward(&self, input: Tensor<$rank>) -> Tensor<$rank> {
                self.finish(self.layer.forward(input))
            }
        }
    };
}

linear_map!(
    Conv1d,
    3,
    "[batch, channels_in, length_in]",
    "[batch, channels_out, length_out]"
);
linear_map!(
    Conv3d,
    5,
    "[batch, channels_in, d_in, h_in, w_in]",
    "[batch, channels_out, d_out, h_out, w_out]"
);
linear_map!(
    ConvTranspose1d,
    3,
    "[batch, channels_in, length_in]",
    "[batch, channels_out, length_out]"
);
linear_map!(
    ConvTranspose2d,
    4,
    "[batch, channels_in, h_in, w_in]",
    "[batch, channels_out, h_out, w_out]"
);
linear_map!(
    ConvTranspose3d,
    5,
    "[batch, channels_in, d_in, h_in, w_in]",
    "[batch, channels_out, d_out, h_out, w_out]"
);
linear_map!(
    AvgPool1d,
    3,
    "[batch, channels, length_in]",
    "[batch, channels, length_out]"
);
linear_map!(
    AvgPool2d,
    4,
    "[batch, channels, h_in, w_in]",
    "[batch, channels, h_out, w_out]"
);
linear_map!(
    AdaptiveAvgPool1d,
    3,
    "[batch, channels, length_in]",
    "[batch, channels, length_out]"
);
linear_map!(
    AdaptiveAvgPool2d,
    4,
    "[batch, channels, h_in, w_in]",
    "[batch, channels, h_out, w_out]"
);

//! A convolution with its batch normalisation.

use burn::{
    module::Module,
    nn::{BatchNorm, conv::Conv2d},
    tensor::Tensor,
};
use lfp_burn::nn::{Hooked, MergeError};

/// A convolution with optional batch normalisation. Whichever comes last carries the activation.
#[derive(Module, Debug)]
pub(super) struct Convolution {
    pub(super) conv: Hooked<Conv2d>,
    /// `None` if the network has no batch normalisation, or once it is merged into `conv`.
    pub(super) norm: Option<Hooked<BatchNorm>>,
}

impl Convolution {
    pub(super) fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let x = self.conv.forward(x);
        match &self.norm {
            Some(norm) => norm.forward(x),
            None => x,
        }
    }

    /// Merges the batch normalisation into the convolution. Errors name the layer by its `path`.
    pub(super) fn merge_batch_norm(&mut self, path: &str) -> Result<(), MergeError> {
        if let Some(norm) = self.norm.take() {
            self.conv = self
                .conv
                .clone()
                .merge_batch_norm(&norm, &format!("{path}.conv"))?;
        }
        Ok(())
    }
}

//! A convolution and its batch normalisation.

use burn::{
    module::Module,
    nn::{BatchNorm, conv::Conv2d},
    tensor::Tensor,
};
use lfp_burn::nn::{Hooked, MergeError};

/// A convolution, and what normalises its outputs where there is such a thing, or until it has become part of the
/// convolution. The activation belongs to what comes last.
#[derive(Module, Debug)]
pub(crate) struct Convolution {
    pub(crate) conv: Hooked<Conv2d>,
    pub(crate) norm: Option<Hooked<BatchNorm>>,
}

impl Convolution {
    pub(crate) fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let x = self.conv.forward(x);
        match &self.norm {
            Some(norm) => norm.forward(x),
            None => x,
        }
    }

    /// Makes one of both; `path` is its own, for the error.
    pub(crate) fn fold(&mut self, path: &str) -> Result<(), MergeError> {
        if let Some(norm) = self.norm.take() {
            self.conv = self
                .conv
                .clone()
                .merge_batch_norm(&norm, &format!("{path}.conv"))?;
        }
        Ok(())
    }
}

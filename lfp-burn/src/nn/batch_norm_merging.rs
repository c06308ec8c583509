//! Canonisation: batch normalisation becomes part of the linear map before it.

use burn::{
    module::{Module, Param},
    nn::{
        BatchNorm, Linear,
        conv::{Conv1d, Conv2d, Conv3d},
    },
    tensor::Tensor,
};

use super::Hooked;
use crate::off_tape::off_tape;

/// Why batch normalisation cannot be merged into the layer before it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MergeError {
    /// An activation lies between the two.
    #[error(
        "cannot merge batch normalisation into {layer}: the activation {activation} lies between them"
    )]
    Activated {
        /// The layer.
        layer: String,
        /// The activation.
        activation: String,
    },
    /// The layer has another number of outputs.
    #[error(
        "cannot merge batch normalisation of {features} features into {layer}, which has {outputs} outputs"
    )]
    Features {
        /// The layer.
        layer: String,
        /// Features of the normalisation.
        features: usize,
        /// Outputs of the layer.
        outputs: usize,
    },
}

/// A linear map that can absorb batch normalisation: its outputs are an axis of its weights.
pub trait AbsorbBatchNorm: Module {
    /// Number of outputs or channels.
    fn outputs(&self) -> usize;

    /// Multiplies the weights of each output by `scale`, and replaces the bias (zeros if there is none) by `bias` of it.
    /// Both are `[outputs]`, off the tape.
    #[must_use]
    fn rescaled(self, scale: Tensor<1>, bias: impl FnOnce(Tensor<1>) -> Tensor<1>) -> Self;
}

macro_rules! absorb_batch_norm {
    ($layer:ty, $rank:literal, $axis:literal) => {
        impl AbsorbBatchNorm for $layer {
            fn outputs(&self) -> usize {
                self.weight.shape()[$axis]
            }

            fn rescaled(
                mut self,
                scale: Tensor<1>,
                bias: impl FnOnce(Tensor<1>) -> Tensor<1>,
            ) -> Self {
                let mut shape = [1; $rank];
                shape[$axis] = self.outputs();
                let weight_scale = scale.clone().reshape::<$rank, _>(shape);
                self.weight = self
                    .weight
                    .map(|weight| off_tape(weight, |w| w * weight_scale));
                self.bias = Some(match self.bias.take() {
                    Some(param) => param.map(|old| off_tape(old, bias)),
                    None => {
                        let bias = bias(scale.zeros_like());
                        // On the tape if the weights are.
                        Param::from_tensor(match self.weight.val().is_autodiff() {
                            true => Tensor::from_inner(bias),
                            false => bias,
                        })
                    }
                });
                self
            }
        }
    };
}

absorb_batch_norm!(Linear, 2, 1);
absorb_batch_norm!(Conv1d, 3, 0);
absorb_batch_norm!(Conv2d, 4, 0);
absorb_batch_norm!(Conv3d, 5, 0);

impl<M: AbsorbBatchNorm> Hooked<M> {
    /// Merges the batch normalisation that follows this linear map into it, and takes over its activation. In inference
    /// mode the result is the same function; a connection's weight then describes all of its effect, as relevances and
    /// pruning assume. `name` is the layer's, for the error.
    ///
    /// With the running statistics as constants (Eq. 8), `gamma (W a + b - mean) / sigma + beta` has the weights
    /// `gamma / sigma W` and the bias `gamma / sigma (b - mean) + beta`.
    ///
    /// # Errors
    ///
    /// If the layer has an activation of its own, or another number of outputs.
    pub fn merge_batch_norm(
        self,
        norm: &Hooked<BatchNorm>,
        name: &str,
    ) -> Result<Self, MergeError> {
        if let Some(activation) = self.activation {
            return Err(MergeError::Activated {
                layer: name.to_owned(),
                activation: activation.to_string(),
            });
        }
        let BatchNorm {
            gamma,
            beta,
            running_mean,
            running_var,
            epsilon,
            ..
        } = &norm.layer;
        let (features, outputs) = (gamma.shape()[0], self.layer.outputs());
        if features != outputs {
            return Err(MergeError::Features {
                layer: name.to_owned(),
                features,
                outputs,
            });
        }
        let gamma = gamma.val().inner();
        let device = gamma.device();
        let statistic = |value: Tensor<1>| value.to_device(&device).inner();
        let variance = statistic(running_var.value_sync());
        let scale = gamma / variance.add_scalar(*epsilon).sqrt();
        let mean = statistic(running_mean.value_sync());
        let shift = beta.val().inner();
        let bias = {
            let scale = scale.clone();
            move |bias: Tensor<1>| (bias - mean) * scale + shift
        };
        Ok(Self {
            layer: self.layer.rescaled(scale, bias),
            activation: norm.activation,
        })
    }
}

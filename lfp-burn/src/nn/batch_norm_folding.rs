//! Canonisation: batch normalisation becomes part of the linear map before it.

use burn::{
    module::{Module, Param},
    nn::{
        BatchNorm, Linear,
        conv::{Conv1d, Conv2d, Conv3d},
    },
    tensor::Tensor,
};

use super::{Hooked, LinearMap};
use crate::off_tape::off_tape;

/// Why batch normalisation cannot be folded into what comes before it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FoldError {
    /// There is an activation in between.
    #[error(
        "cannot fold batch normalisation into {layer}: its activation, {activation}, comes in between"
    )]
    Activated {
        /// The layer.
        layer: String,
        /// What comes in between.
        activation: &'static str,
    },
    /// They do not fit.
    #[error(
        "cannot fold batch normalisation of {features} features into {layer}, which has {outputs} outputs"
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

/// A linear map that batch normalisation can be folded into: its outputs are an axis of its weights.
pub trait FoldBatchNorm: LinearMap {
    /// Number of outputs or channels.
    fn outputs(&self) -> usize;

    /// Multiplies the weights of each output by `scale`, and makes `bias` of the bias, or of zeros if there is
    /// none. Both are `[outputs]` and off the tape.
    #[must_use]
    fn rescaled(self, scale: Tensor<1>, bias: impl FnOnce(Tensor<1>) -> Tensor<1>) -> Self;
}

macro_rules! fold_batch_norm {
    ($layer:ty, $rank:literal, $axis:literal) => {
        impl FoldBatchNorm for $layer {
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
                        // As the weights are: on the tape or not.
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

fold_batch_norm!(Linear, 2, 1);
fold_batch_norm!(Conv1d, 3, 0);
fold_batch_norm!(Conv2d, 4, 0);
fold_batch_norm!(Conv3d, 5, 0);

impl<M: FoldBatchNorm> Hooked<M> {
    /// This linear map and the batch normalisation after it as one linear map, with the activation of the
    /// latter: in inference mode the same function. `name` is the layer's, for the error.
    ///
    /// With the running statistics as constants (Eq. 9), `gamma (W a + b - mean) / sigma + beta` has the weights
    /// `gamma / sigma W` and the bias `gamma / sigma (b - mean) + beta`.
    ///
    /// # Errors
    ///
    /// If the layer has an activation of its own, or another number of outputs.
    pub fn fold(self, norm: &Hooked<BatchNorm>, name: &str) -> Result<Self, FoldError> {
        if let Some(activation) = self.activation {
            return Err(FoldError::Activated {
                layer: name.to_owned(),
                activation: activation.name(),
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
            return Err(FoldError::Features {
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

/// A model whose batch normalisations can be folded into the linear maps before them (canonisation), as relevances and
/// pruning want it: a connection's weight is then all there is to it.
pub trait Canonize: Module {
    /// The model without batch normalisation: in inference mode the same function.
    ///
    /// # Errors
    ///
    /// If one cannot be folded, by the name of the layer before it.
    fn canonized(self) -> Result<Self, FoldError>;
}

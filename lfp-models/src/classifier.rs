//! What every network of this crate can do.

use burn::{module::Module, store::SafetensorsStoreError, tensor::Tensor};
use lfp_burn::{
    nn::FoldError as MergeError,
    spiking::{Activity, spike_counts},
};

use crate::{Applied, StateDict, StateDictError, state_dict};

/// A network that classifies images.
///
/// Every network of this crate implements it, and so does [`Network`](crate::Network), which holds any of
/// them. Implement it for a network of your own to read and write its weights in PyTorch's format.
///
/// # Example
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use lfp_models::{Classifier, LeNetConfig};
///
/// let device = Device::default();
/// let model = LeNetConfig::new().init(&device);
/// let outputs = model.outputs(Tensor::ones([2, 1, 28, 28], &device));
/// assert_eq!(outputs.scores().dims(), [2, 10]);
/// assert!(model.pytorch_names().contains(&("conv2".into(), "features.3".into())));
/// ```
pub trait Classifier: Module {
    /// Runs the forward pass.
    ///
    /// # Shapes
    ///
    /// - images: `[batch_size, channels, height, width]`
    fn outputs(&self, images: Tensor<4>) -> Outputs;

    /// Spikes and membrane potentials of every spiking layer, from input to output, for images of shape
    /// `[batch_size, channels, height, width]`. Empty if the network does not spike.
    fn observe(&self, images: Tensor<4>) -> Vec<Activity> {
        let _ = images;
        Vec::new()
    }

    /// Merges each batch normalisation into the convolution or linear layer before it, with the running
    /// statistics as constants. In inference mode the result computes the same function, and a weight alone
    /// determines what its connection contributes, as relevance and pruning require.
    ///
    /// The default returns the network unchanged: correct if it has no batch normalisation.
    ///
    /// # Errors
    ///
    /// If a batch normalisation cannot be merged; the error names the layer before it.
    fn merge_batch_norm(self) -> Result<Self, MergeError> {
        Ok(self)
    }

    /// Pairs of a layer's path in this model and its path in PyTorch. A layer without a pair has the same
    /// path in both.
    ///
    /// The paths of VGG and ResNet are those of torchvision, all others those of the authors' package
    /// (`lfprop`).
    fn pytorch_names(&self) -> Vec<(String, String)>;

    /// Path in this model of the layer that outputs the classes.
    fn last_layer(&self) -> String;

    /// Loads weights from a file of PyTorch; the same as [`StateDict::apply_to`].
    ///
    /// # Errors
    ///
    /// If the file cannot be read or does not fit the model; the error lists every difference.
    fn load_state_dict(self, file: &StateDict) -> Result<(Self, Applied), StateDictError> {
        file.apply_to(self)
    }

    /// The weights as a safetensors file with PyTorch's names and layouts, for
    /// `model.load_state_dict(safetensors.torch.load_file(path))`.
    ///
    /// # Errors
    ///
    /// If a tensor cannot be read from the device.
    fn to_safetensors(&self) -> Result<Vec<u8>, SafetensorsStoreError> {
        state_dict::to_safetensors(self)
    }
}

/// Outputs of a [`Classifier`].
#[derive(Clone, Debug)]
pub enum Outputs {
    /// Logits, `[batch_size, classes]`.
    Logits(Tensor<2>),
    /// Output spikes, 0 or 1, `[steps, batch_size, classes]`.
    Spikes(Tensor<3>),
}

/// A spiking network was given where logits are required.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("relevance propagation needs logits, but this network emits spikes")]
pub struct LogitsRequired;

impl Outputs {
    /// One score per class, `[batch_size, classes]`: the logits, or the number of spikes. The largest score
    /// names the predicted class. Detached from the autodiff graph.
    pub fn scores(&self) -> Tensor<2> {
        match self {
            Self::Logits(logits) => logits.clone().inner(),
            Self::Spikes(spikes) => spike_counts(spikes.clone().inner()),
        }
    }

    /// The logits, `[batch_size, classes]`.
    ///
    /// # Errors
    ///
    /// [`LogitsRequired`] if the network emits spikes.
    pub fn logits(self) -> Result<Tensor<2>, LogitsRequired> {
        match self {
            Self::Logits(logits) => Ok(logits),
            Self::Spikes(_) => Err(LogitsRequired),
        }
    }
}

//! What every network of this crate can do.

use burn::{module::Module, store::SafetensorsStoreError, tensor::Tensor};
use lfp_burn::{
    LifNeuron,
    nn::{InputError, MergeError},
    spiking::{Activity, spike_counts},
};

use crate::{Applied, Stack, StateDict, StateDictError, state_dict};

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

    /// The neurons of every spiking layer, from input to output. Empty if the network does not spike.
    fn neurons(&self) -> Vec<LifNeuron> {
        Vec::new()
    }

    /// How much attention the class token pays to each pixel, by rollout (Abnar and Zuidema 2020): the product over the
    /// layers of the attention weights, averaged over the heads and mixed in equal parts with the identity for the residual
    /// path. A pixel has the share of its patch, `[batch_size, height, width]`. `None` for networks without attention.
    ///
    /// # Errors
    ///
    /// If the images have another shape than the network needs.
    fn attention_rollout(&self, images: Tensor<4>) -> Result<Option<Tensor<3>>, InputError> {
        let _ = images;
        Ok(None)
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

    /// Pairs of a layer's or parameter's path in this model and its path in PyTorch. A layer without a pair
    /// has the same path in both.
    ///
    /// The paths of VGG, ResNet and Vision Transformers are those of torchvision, all others those of the
    /// authors' package (`lfprop`).
    fn pytorch_names(&self) -> Vec<(String, String)>;

    /// Tensors that PyTorch keeps in one. Default: none.
    fn pytorch_stacks(&self) -> Vec<Stack> {
        Vec::new()
    }

    /// Pairs of a layer's or tensor's name in files of other origin and its name in PyTorch: such files are
    /// read, too. Default: none.
    fn other_names(&self) -> Vec<(String, String)> {
        Vec::new()
    }

    /// Path in this model of the layer that outputs the classes.
    fn last_layer(&self) -> String;

    /// Loads weights from a file of PyTorch; the same as [`StateDict::apply_to`].
    ///
    /// # Errors
    ///
    /// If the file cannot be read or does not fit the model; the error holds every difference.
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

#[cfg(test)]
mod tests {
    use burn::{
        nn::{Linear, LinearConfig},
        tensor::{Device, Distribution},
    };
    use lfp_burn::nn::{Hook, Hooked};

    use super::*;
    use crate::{MlpConfig, Network};

    fn images() -> Tensor<4> {
        Tensor::random(
            [5, 2, 1, 1],
            Distribution::Normal(0.0, 1.0),
            &Device::default(),
        )
    }

    /// The logits of `model` once its weights are loaded into `other` from a file.
    fn saved_and_loaded<M: Classifier>(model: &M, other: M) -> (Tensor<2>, Tensor<2>) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("weights.safetensors");
        std::fs::write(&path, model.to_safetensors().unwrap()).unwrap();
        let file = StateDict::open(path).same_classes();
        let (loaded, _) = other.load_state_dict(&file).unwrap();
        let images = images();
        let logits = |model: &M| model.outputs(images.clone()).logits().unwrap();
        (logits(model), logits(&loaded))
    }

    #[test]
    fn the_score_of_a_class_is_its_logit_or_its_number_of_spikes() {
        let device = Device::default();
        let logits = Tensor::<2>::from_floats([[0.5, -1.0]], &device);
        let scores = Outputs::Logits(logits.clone()).scores();
        assert_eq!(scores.into_data(), logits.into_data());
        let spikes = Tensor::<3>::from_floats([[[1.0, 0.0]], [[1.0, 1.0]]], &device);
        let counts = Outputs::Spikes(spikes).scores().into_data();
        assert_eq!(counts.try_to_vec::<f32>().unwrap(), [2.0, 1.0]);
    }

    #[test]
    fn spikes_are_no_logits() {
        let spikes = Outputs::Spikes(Tensor::zeros([3, 1, 2], &Device::default()));
        let error = spikes.logits().unwrap_err();
        let text = error.to_string();
        assert!(
            text.contains("needs logits") && text.contains("emits spikes"),
            "{text}"
        );
    }

    #[test]
    fn a_wrapped_network_writes_the_same_file_and_reads_it() {
        let mlp = || MlpConfig::new([2, 8, 3].into()).init(&Device::default());
        let plain = mlp();
        let network = Network::from(plain.clone());
        assert_eq!(
            network.to_safetensors().unwrap(),
            plain.to_safetensors().unwrap()
        );
        let (saved, loaded) = saved_and_loaded(&network, mlp().into());
        assert_eq!(saved.into_data(), loaded.into_data());
    }

    /// A network of a user whose layers have each other's names in PyTorch.
    #[derive(Module, Debug)]
    struct Swapped {
        first: Hooked<Linear>,
        second: Hooked<Linear>,
    }

    impl Swapped {
        fn new() -> Self {
            let linear = |from, to| LinearConfig::new(from, to).init(&Device::default());
            Self {
                first: linear(2, 4).hooked(),
                second: linear(4, 3).hooked(),
            }
        }
    }

    impl Classifier for Swapped {
        fn outputs(&self, images: Tensor<4>) -> Outputs {
            let hidden = self.first.forward(images.flatten::<2>(1, 3));
            Outputs::Logits(self.second.forward(hidden))
        }

        fn pytorch_names(&self) -> Vec<(String, String)> {
            let names = [("first", "second"), ("second", "first")];
            names
                .map(|(ours, theirs)| (ours.into(), theirs.into()))
                .into()
        }

        fn last_layer(&self) -> String {
            "second".to_owned()
        }
    }

    #[test]
    fn a_name_may_be_that_of_another_layer_in_pytorch() {
        let (saved, loaded) = saved_and_loaded(&Swapped::new(), Swapped::new());
        assert_eq!(saved.into_data(), loaded.into_data());
    }
}

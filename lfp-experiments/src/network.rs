//! The networks that the program knows by name.

use std::fmt;

use burn::{
    module::{Module, ModuleVisitor, Param},
    store::{BurnToPyTorchAdapter, ModuleSnapshot, SafetensorsStore, SafetensorsStoreError},
    tensor::{Device, Tensor},
};
use clap::ValueEnum;
use lfp_burn::Activation;
use lfp_models::{LeNet, LeNetConfig, Mlp, MlpConfig, PyTorchNames, VggLike, VggLikeConfig};
use serde::{Deserialize, Serialize};

/// A network by the name that `--model` takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Model {
    /// Dense: 512, 256 and 128 hidden neurons, dropout.
    Mlp,
    /// Two 5x5 convolutions of 16 channels, 120 and 84 neurons, dropout.
    #[value(name = "lenet")]
    #[serde(rename = "lenet")]
    LeNet,
    /// Six 3x3 convolutions of 32 to 256 channels, 1024 and 512 neurons, dropout.
    VggLike,
}

impl fmt::Display for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = self.to_possible_value().expect("every model has a name");
        f.pad(value.get_name())
    }
}

impl Model {
    /// Draws the weights of a network for images `[channels, height, width]`.
    pub fn init(
        self,
        [channels, height, width]: [usize; 3],
        num_classes: usize,
        activation: Activation,
        device: &Device,
    ) -> Network {
        match self {
            Self::Mlp => {
                let widths = vec![channels * height * width, 512, 256, 128, num_classes];
                let config = MlpConfig::new(widths)
                    .with_activation(activation)
                    .with_dropout(0.5);
                Network::Mlp(config.init(device))
            }
            Self::LeNet => {
                let config = LeNetConfig::new()
                    .with_channels(channels)
                    .with_image_size([height, width])
                    .with_num_classes(num_classes)
                    .with_activation(activation);
                Network::LeNet(config.init(device))
            }
            Self::VggLike => {
                let config = VggLikeConfig::new()
                    .with_channels(channels)
                    .with_image_size([height, width])
                    .with_num_classes(num_classes)
                    .with_activation(activation);
                Network::VggLike(config.init(device))
            }
        }
    }
}

/// Draws the weights of a model now. Burn draws a parameter when it is first used, which may be after
/// other numbers have been drawn, and once for each clone.
pub fn drawn<M: Module>(model: M) -> M {
    model.visit(&mut Draw);
    model
}

struct Draw;

impl ModuleVisitor for Draw {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        param.val();
    }
}

/// A network with its weights.
#[derive(Module, Debug)]
#[allow(
    clippy::large_enum_variant,
    reason = "few exist at a time, and a box is no module"
)]
pub enum Network {
    /// See [`Model::Mlp`]; the toy data have other widths.
    Mlp(Mlp),
    /// See [`Model::LeNet`].
    LeNet(LeNet),
    /// See [`Model::VggLike`].
    VggLike(VggLike),
}

impl Network {
    /// The logits, `[batch_size, classes]`, of `[batch_size, channels, height, width]`.
    pub fn forward(&self, inputs: Tensor<4>) -> Tensor<2> {
        match self {
            Self::Mlp(model) => model.forward(inputs.flatten(1, 3)),
            Self::LeNet(model) => model.forward(inputs),
            Self::VggLike(model) => model.forward(inputs),
        }
    }

    /// The weights as a safetensors file under the names and in the layouts of PyTorch.
    ///
    /// # Errors
    ///
    /// If a tensor cannot be read from the device.
    pub fn to_pytorch(&self) -> Result<Vec<u8>, SafetensorsStoreError> {
        match self {
            Self::Mlp(model) => to_pytorch(model),
            Self::LeNet(model) => to_pytorch(model),
            Self::VggLike(model) => to_pytorch(model),
        }
    }
}

fn to_pytorch<M: Module + PyTorchNames>(model: &M) -> Result<Vec<u8>, SafetensorsStoreError> {
    // One key alone: several would be written in another order every time.
    let mut store = SafetensorsStore::from_bytes(None)
        .with_to_adapter(BurnToPyTorchAdapter)
        .clear_metadata()
        .metadata("format", "pt");
    for (ours, theirs) in model.pytorch_names() {
        let pattern = format!("^{}\\.", ours.replace('.', "\\."));
        store = store.with_key_remapping(pattern, format!("{theirs}."));
    }
    model.save_into(&mut store)?;
    store.get_bytes()
}

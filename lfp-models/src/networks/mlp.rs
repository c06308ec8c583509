//! Dense networks.

use burn::{
    config::Config,
    module::Module,
    nn::{Dropout, DropoutConfig, Linear, LinearConfig},
    tensor::{Device, Tensor},
};
use lfp_burn::{
    ActivationFn,
    nn::{Hook, Hooked},
};

use crate::{
    Classifier, Model, NetworkConfig, Outputs,
    registry::{ModelOptions, ModelSpec},
};

/// Configures a dense network, [`Mlp`].
///
/// # Example
///
/// The network of Figure 3, for two classes:
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use lfp_models::MlpConfig;
///
/// let device = Device::default();
/// let model = MlpConfig::new([2, 32, 16, 2].into()).init(&device);
/// assert_eq!(model.forward(Tensor::ones([5, 2], &device)).dims(), [5, 2]);
/// ```
#[derive(Config, Debug)]
pub struct MlpConfig {
    /// Number of inputs, of neurons in each hidden layer, and of outputs.
    pub widths: Vec<usize>,
    /// Hidden activation. Default: ReLU.
    #[config(default = "ActivationFn::Relu")]
    pub activation: ActivationFn,
    /// Whether the activation also follows the last layer, as in Figure A.1. Default: no.
    #[config(default = "false")]
    pub output_activation: bool,
    /// Dropout probability after each hidden layer, from 0 to 1. Default: 0.
    #[config(default = 0.0)]
    pub dropout: f64,
}

/// A dense network: linear layers with an activation and dropout after each hidden layer, and an activation after the last
/// layer if the configuration says so.
#[derive(Module, Debug)]
pub struct Mlp {
    layers: Vec<Hooked<Linear>>,
    dropout: Hooked<Dropout>,
}

impl Model {
    /// [`Mlp`] on images: 512, 256 and 128 hidden neurons; dropout 0.5.
    pub const MLP: Self = Self::new(&ModelSpec {
        name: "mlp",
        summary: "Dense: 512, 256 and 128 hidden neurons, dropout",
        image_shape: [1, 28, 28],
        batch: 128,
        smallest_image: 1,
        takes: ModelOptions {
            output_activation: true,
            ..ModelOptions::ANALOG
        },
        build: |config, device| {
            let dropout = config.dropout.unwrap_or(0.5);
            let model = dense(config, &[512, 256, 128]).with_dropout(dropout);
            Ok(model.init(device).into())
        },
    });

    /// The [`Mlp`] of Figure 3: 32 and 16 hidden neurons.
    pub const MLP_TOY: Self = Self::new(&ModelSpec {
        name: "mlp-toy",
        summary: "Dense, for the toy data of Figure 3: 32 and 16 hidden neurons",
        image_shape: [2, 1, 1],
        batch: 128,
        smallest_image: 1,
        takes: ModelOptions {
            output_activation: true,
            dropout: false,
            dropout_by_default: false,
            ..ModelOptions::ANALOG
        },
        build: |config, device| Ok(dense(config, &[32, 16]).init(device).into()),
    });
}

/// A dense network on flattened images.
fn dense(config: &NetworkConfig, hidden: &[usize]) -> MlpConfig {
    let inputs: usize = config.image_shape.iter().product();
    let widths = [&[inputs], hidden, &[config.num_classes]].concat();
    MlpConfig::new(widths)
        .with_activation(config.activation)
        .with_output_activation(config.output_activation)
}

impl MlpConfig {
    /// Builds the network with random weights.
    ///
    /// # Panics
    ///
    /// If there are fewer than two widths, or `dropout` is not from 0 to 1.
    pub fn init(&self, device: &Device) -> Mlp {
        let depth = self.widths.len().saturating_sub(1);
        assert!(
            depth > 0,
            "expected at least the number of inputs and outputs, got widths {:?}",
            self.widths
        );
        let layers = self
            .widths
            .windows(2)
            .enumerate()
            .map(|(index, widths)| {
                let layer = LinearConfig::new(widths[0], widths[1])
                    .init(device)
                    .hooked();
                match index + 1 < depth || self.output_activation {
                    true => layer.with_activation(self.activation),
                    false => layer,
                }
            })
            .collect();
        Mlp {
            layers,
            dropout: DropoutConfig::new(self.dropout).init().hooked(),
        }
    }
}

impl Mlp {
    /// Computes the logits, or their activations if the configuration says so.
    ///
    /// # Shapes
    ///
    /// - input: `[batch_size, first width]`
    /// - output: `[batch_size, last width]`
    pub fn forward(&self, input: Tensor<2>) -> Tensor<2> {
        let (last, hidden) = self
            .layers
            .split_last()
            .expect("`init` makes at least one layer");
        let features = hidden
            .iter()
            .fold(input, |x, layer| self.dropout.forward(layer.forward(x)));
        last.forward(features)
    }
}

impl Classifier for Mlp {
    /// Flattens the images to `[batch_size, channels * height * width]`.
    fn outputs(&self, images: Tensor<4>) -> Outputs {
        Outputs::Logits(self.forward(images.flatten(1, 3)))
    }

    fn pytorch_names(&self) -> Vec<(String, String)> {
        // PyTorch's `Sequential` also numbers activations and dropout, here whatever its probability: names do not depend on
        // settings. Files that number no dropout load, too, because layers are then found by their order.
        (0..self.layers.len())
            .map(|index| {
                let theirs = format!("classifier.{}", 3 * index);
                (format!("layers.{index}"), theirs)
            })
            .collect()
    }

    fn last_layer(&self) -> String {
        format!("layers.{}", self.layers.len() - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_pytorch_do_not_depend_on_dropout() {
        let device = Device::default();
        let config = MlpConfig::new(vec![2, 4, 3]);
        let last = |model: Mlp| model.pytorch_names().pop().unwrap();
        let expected = ("layers.1".to_owned(), "classifier.3".to_owned());
        assert_eq!(last(config.init(&device)), expected);
        let with_dropout = config.with_dropout(0.5);
        assert_eq!(last(with_dropout.init(&device)), expected);
    }

    #[test]
    fn an_activation_after_the_last_layer_acts_on_the_logits() {
        let device = Device::default();
        let config = MlpConfig::new(vec![2, 8, 3]).with_activation(ActivationFn::Sigmoid);
        let model = crate::initialized(config.init(&device));
        let activated = config.with_output_activation(true).init(&device);
        let activated = activated.load_record(model.clone().into_record());
        let input = Tensor::ones([4, 2], &device);
        let expected = burn::tensor::activation::sigmoid(model.forward(input.clone()));
        let difference = (activated.forward(input) - expected).abs().max();
        assert!(difference.into_scalar::<f32>() < 1e-6);
    }

    #[test]
    fn the_network_of_figure_3_takes_images_of_any_shape() {
        let device = Device::default();
        for [channels, height, width] in [[2, 1, 1], [3, 5, 4]] {
            let config = NetworkConfig::new([channels, height, width], 7);
            let network = Model::MLP_TOY.init(&config, &device).unwrap();
            let images = Tensor::ones([1, channels, height, width], &device);
            assert_eq!(network.outputs(images).scores().dims(), [1, 7]);
        }
    }
}

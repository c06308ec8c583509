//! The dense network.

use burn::{
    config::Config,
    module::Module,
    nn::{Dropout, DropoutConfig, Linear, LinearConfig},
    tensor::{Device, Tensor},
};
use lfp_burn::{
    ActivationFn,
    nn::{Hook, Hooked, MergeError},
};

use crate::{Canonize, PyTorchNames};

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
    /// The widths of input, hidden layers and output.
    pub widths: Vec<usize>,
    /// What follows every layer but the last. Default: ReLU.
    #[config(default = "ActivationFn::Relu")]
    pub activation: ActivationFn,
    /// The probability of dropout after every layer but the last. Default: 0.
    #[config(default = 0.0)]
    pub dropout: f64,
}

/// Dense layers, with activation and dropout after each but the last.
#[derive(Module, Debug)]
pub struct Mlp {
    layers: Vec<Hooked<Linear>>,
    dropout: Hooked<Dropout>,
}

impl MlpConfig {
    /// Draws the weights.
    ///
    /// # Panics
    ///
    /// If there are fewer than two widths, or `dropout` is no probability.
    pub fn init(&self, device: &Device) -> Mlp {
        let depth = self.widths.len().saturating_sub(1);
        assert!(
            depth > 0,
            "expected the widths of at least input and output, found {:?}",
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
                match index + 1 < depth {
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
    /// The logits.
    ///
    /// # Shapes
    ///
    /// - input: `[batch_size, first width]`
    /// - output: `[batch_size, last width]`
    pub fn forward(&self, input: Tensor<2>) -> Tensor<2> {
        let (last, hidden) = self
            .layers
            .split_last()
            .expect("has a layer, by its config");
        let features = hidden
            .iter()
            .fold(input, |x, layer| self.dropout.forward(layer.forward(x)));
        last.forward(features)
    }
}

impl Canonize for Mlp {
    fn canonized(self) -> Result<Self, MergeError> {
        Ok(self)
    }
}

impl PyTorchNames for Mlp {
    fn pytorch_names(&self) -> Vec<(String, String)> {
        // Each dense layer is followed by its activation, and by dropout where there is any.
        let stride = if self.dropout.inner().prob > 0.0 {
            3
        } else {
            2
        };
        (0..self.layers.len())
            .map(|index| {
                let theirs = format!("classifier.{}", stride * index);
                (format!("layers.{index}"), theirs)
            })
            .collect()
    }

    fn last_layer(&self) -> String {
        format!("layers.{}", self.layers.len() - 1)
    }
}

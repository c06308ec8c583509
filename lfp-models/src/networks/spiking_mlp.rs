//! Spiking dense networks.

use burn::{
    config::Config,
    module::Module,
    nn::{Linear, LinearConfig},
    tensor::{Device, Tensor},
};
use lfp_burn::{
    LifError, LifNeuron, Normalization,
    spiking::{Activity, LifConfig, Spike, Spiking},
};

use crate::{
    Classifier, Model, Outputs,
    registry::{ModelOptions, ModelSpec},
};

/// Configures a spiking dense network, [`SpikingMlp`]. Defaults: the paper's for MNIST.
///
/// # Example
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use lfp_models::SpikingMlpConfig;
///
/// let device = Device::default();
/// let model = SpikingMlpConfig::new().with_widths([4, 8, 3].into()).with_steps(5).init(&device)?;
/// let spikes = model.forward(Tensor::ones([2, 4], &device));
/// assert_eq!(spikes.dims(), [5, 2, 3]);
/// # Ok::<(), lfp_burn::LifError>(())
/// ```
#[derive(Config, Debug)]
pub struct SpikingMlpConfig {
    /// Number of inputs, of neurons in each hidden layer, and of outputs. Default: 784-1000-1000-10.
    #[config(default = "vec![784, 1000, 1000, 10]")]
    pub widths: Vec<usize>,
    /// Number of time steps for which [`SpikingMlp::forward`] presents an input, at least 1. Default: 15.
    #[config(default = 15)]
    pub steps: usize,
    /// Leaky integrate-and-fire neurons. Default: beta 0.9, threshold 1. The output layer does not normalise its gradient.
    #[config(default = "LifConfig::new()")]
    pub lif: LifConfig,
}

/// Linear layers with leaky integrate-and-fire neurons after each, the output included.
#[derive(Module, Debug)]
pub struct SpikingMlp {
    layers: Vec<Spiking<Linear>>,
    steps: usize,
}

impl Model {
    /// [`SpikingMlp`] on images: two hidden layers of 1000 neurons.
    pub const SNN_MLP: Self = Self::new(&ModelSpec {
        name: "snn-mlp",
        summary: "Spiking, dense: two hidden layers of 1000 neurons",
        image_shape: [1, 28, 28],
        batch: 128,
        smallest_image: 1,
        takes: ModelOptions::SPIKING,
        build: |config, device| {
            let inputs = config.image_shape.iter().product();
            let model = SpikingMlpConfig::new()
                .with_widths(vec![inputs, 1000, 1000, config.num_classes])
                .with_steps(config.spiking.steps)
                .with_lif(config.spiking.lif);
            Ok(model.init(device)?.into())
        },
    });
}

impl SpikingMlpConfig {
    /// Builds the network with random weights.
    ///
    /// # Errors
    ///
    /// [`LifError`] if the settings of the neurons are out of range.
    ///
    /// # Panics
    ///
    /// If there are fewer than two widths, or `steps` is 0.
    pub fn init(&self, device: &Device) -> Result<SpikingMlp, LifError> {
        assert!(
            self.widths.len() > 1 && self.steps > 0,
            "expected at least the number of inputs and outputs, and at least 1 step, got widths {:?} and {} steps",
            self.widths,
            self.steps
        );
        let hidden = self.lif.init()?;
        let output = self.lif.with_gradient_normalization(Normalization::None);
        let output = output.init()?;
        let last = self.widths.len() - 2;
        let layer = |(index, widths): (usize, &[usize])| {
            let lif = if index == last { &output } else { &hidden };
            LinearConfig::new(widths[0], widths[1])
                .init(device)
                .spiking(lif.clone())
        };
        Ok(SpikingMlp {
            layers: self.widths.windows(2).enumerate().map(layer).collect(),
            steps: self.steps,
        })
    }
}

impl SpikingMlp {
    /// Computes the output spikes for inputs that are presented at every step.
    ///
    /// # Shapes
    ///
    /// - input: `[batch_size, first width]`
    /// - output: `[steps, batch_size, last width]`
    pub fn forward(&self, input: Tensor<2>) -> Tensor<3> {
        let (first, others) = self.split();
        let start = first.forward_constant(input, self.steps);
        others.iter().fold(start, |x, layer| layer.forward(x))
    }

    /// Computes the output spikes for inputs that change from step to step.
    ///
    /// # Shapes
    ///
    /// - input: `[steps, batch_size, first width]`, with any number of steps
    /// - output: `[steps, batch_size, last width]`
    pub fn forward_sequence(&self, input: Tensor<3>) -> Tensor<3> {
        self.layers.iter().fold(input, |x, layer| layer.forward(x))
    }

    fn split(&self) -> (&Spiking<Linear>, &[Spiking<Linear>]) {
        self.layers
            .split_first()
            .expect("`init` makes at least one layer")
    }
}

impl Classifier for SpikingMlp {
    /// Flattens the images to `[batch_size, channels * height * width]`.
    fn outputs(&self, images: Tensor<4>) -> Outputs {
        Outputs::Spikes(self.forward(images.flatten(1, 3)))
    }

    fn observe(&self, images: Tensor<4>) -> Vec<Activity> {
        let (first, others) = self.split();
        let (mut spikes, membrane) = first.observe_constant(images.flatten(1, 3), self.steps);
        let mut activities = vec![Activity::new("layer 1", spikes.clone(), membrane)];
        for (index, layer) in others.iter().enumerate() {
            let (next, membrane) = layer.observe(spikes);
            let name = format!("layer {}", index + 2);
            activities.push(Activity::new(&name, next.clone(), membrane));
            spikes = next;
        }
        activities
    }

    fn neurons(&self) -> Vec<LifNeuron> {
        let layers = self.layers.iter();
        layers.map(|layer| layer.lif().neuron()).collect()
    }

    fn pytorch_names(&self) -> Vec<(String, String)> {
        // PyTorch's `Sequential` also numbers the neurons after each linear layer.
        let name = |index| {
            (
                format!("layers.{index}"),
                format!("classifier.{}", 2 * index),
            )
        };
        (0..self.layers.len()).map(name).collect()
    }

    fn last_layer(&self) -> String {
        format!("layers.{}", self.layers.len() - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_network_has_the_three_dense_layers_of_the_paper() {
        // Appendix A.6.4: three dense layers, each followed by spiking neurons, 1000 neurons in the hidden ones.
        let model = SpikingMlpConfig::new().init(&Device::default()).unwrap();
        let expected = (784 * 1000 + 1000) + (1000 * 1000 + 1000) + (1000 * 10 + 10);
        assert_eq!(model.num_params(), expected);
    }
}

//! The spiking LeNet.

use burn::{
    config::Config,
    module::Module,
    nn::{
        Linear, LinearConfig,
        conv::{Conv2d, Conv2dConfig},
    },
    tensor::{Device, Tensor},
};
use lfp_burn::{
    LifError, LifNeuron, Normalization,
    spiking::{Activity, LifConfig, Spike, Spiking},
};

use super::pairs;
use crate::{
    Classifier, Model, Outputs,
    registry::{ModelOptions, ModelSpec},
};

const KERNEL: usize = 5;
const CHANNELS: [usize; 2] = [12, 64];
/// Neurons of the optional hidden dense layer.
const HIDDEN: usize = 1024;
/// Smallest height and width of an image: two convolutions and poolings then leave one pixel.
const SMALLEST_IMAGE: usize = 16;

/// Configures a [`SpikingLeNet`]. Defaults: the paper's for MNIST.
#[derive(Config, Debug)]
pub struct SpikingLeNetConfig {
    /// Image channels. Default: 1.
    #[config(default = 1)]
    pub channels: usize,
    /// Image height and width, each at least 16. Default: 28.
    #[config(default = "[28, 28]")]
    pub image_size: [usize; 2],
    /// Number of classes. Default: 10.
    #[config(default = 10)]
    pub num_classes: usize,
    /// Number of time steps for which an image is presented, at least 1. Default: 15.
    #[config(default = 15)]
    pub steps: usize,
    /// Leaky integrate-and-fire neurons. Default: beta 0.9, threshold 1. The output layer does not normalise its gradient.
    #[config(default = "LifConfig::new()")]
    pub lif: LifConfig,
    /// Whether a dense layer of 1024 neurons precedes the output layer. Appendix A.6.4 can be read with it ("a dense layer
    /// with 1,024 LIF neurons, followed by another LIF non-linearity") or without: a 28x28 image leaves 1024 inputs to the
    /// output layer. Default: without, as in the authors' package.
    #[config(default = false)]
    pub hidden_layer: bool,
}

/// Two 5x5 convolutions of 12 and 64 channels with 2x2 max pooling of the input currents, a dense layer of 1024 neurons
/// on request, and a dense output layer. Every layer, the output included, has leaky integrate-and-fire neurons.
///
/// # Example
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use lfp_models::SpikingLeNetConfig;
///
/// let device = Device::default();
/// let model = SpikingLeNetConfig::new().with_steps(5).init(&device)?;
/// let spikes = model.forward(Tensor::<4>::ones([2, 1, 28, 28], &device));
/// assert_eq!(spikes.dims(), [5, 2, 10]);
/// # Ok::<(), lfp_burn::LifError>(())
/// ```
#[derive(Module, Debug)]
pub struct SpikingLeNet {
    conv1: Spiking<Conv2d>,
    conv2: Spiking<Conv2d>,
    hidden: Option<Spiking<Linear>>,
    fc: Spiking<Linear>,
    steps: usize,
}

impl Model {
    /// [`SpikingLeNet`].
    pub const SNN_LENET: Self = Self::new(&ModelSpec {
        name: "snn-lenet",
        summary: "Spiking: two 5x5 convolutions of 12 and 64 channels, and a dense layer",
        image_shape: [1, 28, 28],
        batch: 128,
        smallest_image: SMALLEST_IMAGE,
        takes: ModelOptions {
            hidden_layer: true,
            ..ModelOptions::SPIKING
        },
        build: |config, device| {
            let [channels, height, width] = config.image_shape;
            let model = SpikingLeNetConfig::new()
                .with_channels(channels)
                .with_image_size([height, width])
                .with_num_classes(config.num_classes)
                .with_steps(config.spiking.steps)
                .with_lif(config.spiking.lif)
                .with_hidden_layer(config.spiking.hidden_layer);
            Ok(model.init(device)?.into())
        },
    });
}

impl SpikingLeNetConfig {
    /// Builds the network with random weights.
    ///
    /// # Errors
    ///
    /// [`LifError`] if the settings of the neurons are out of range.
    ///
    /// # Panics
    ///
    /// If the image is smaller than 16x16 pixels, or `steps` is 0.
    pub fn init(&self, device: &Device) -> Result<SpikingLeNet, LifError> {
        assert!(
            self.image_size.iter().all(|&size| size >= SMALLEST_IMAGE) && self.steps > 0,
            "expected an image of at least 16x16 pixels and at least 1 step, got {:?} and {} steps",
            self.image_size,
            self.steps
        );
        let hidden = self.lif.init()?;
        let output = self.lif.with_gradient_normalization(Normalization::None);
        let [height, width] = self.image_size.map(|size| ((size - 4) / 2 - 4) / 2);
        let conv = |from, to| {
            Conv2dConfig::new([from, to], [KERNEL, KERNEL])
                .init(device)
                .spiking(hidden.clone())
                .with_max_pool([2, 2])
        };
        let dense = |from, to, lif| LinearConfig::new(from, to).init(device).spiking(lif);
        let features = CHANNELS[1] * height * width;
        let (hidden_layer, features) = match self.hidden_layer {
            true => (Some(dense(features, HIDDEN, hidden.clone())), HIDDEN),
            false => (None, features),
        };
        Ok(SpikingLeNet {
            conv1: conv(self.channels, CHANNELS[0]),
            conv2: conv(CHANNELS[0], CHANNELS[1]),
            hidden: hidden_layer,
            fc: dense(features, self.num_classes, output.init()?),
            steps: self.steps,
        })
    }
}

impl SpikingLeNet {
    /// Computes the output spikes for images that are presented at every step.
    ///
    /// # Shapes
    ///
    /// - images: `[batch_size, channels, height, width]`
    /// - output: `[steps, batch_size, num_classes]`
    pub fn forward(&self, images: Tensor<4>) -> Tensor<3> {
        let x = self.conv1.forward_constant(images, self.steps);
        let x = self.conv2.forward(x).flatten::<3>(2, 4);
        self.fc.forward(match &self.hidden {
            Some(hidden) => hidden.forward(x),
            None => x,
        })
    }
}

impl Classifier for SpikingLeNet {
    fn outputs(&self, images: Tensor<4>) -> Outputs {
        Outputs::Spikes(self.forward(images))
    }

    fn observe(&self, images: Tensor<4>) -> Vec<Activity> {
        let (first, first_membrane) = self.conv1.observe_constant(images, self.steps);
        let (second, second_membrane) = self.conv2.observe(first.clone());
        let mut spikes = second.clone().flatten::<3>(2, 4);
        let mut activities = vec![
            Activity::new("conv1", first, first_membrane),
            Activity::new("conv2", second, second_membrane),
        ];
        let dense = self.hidden.iter().map(|layer| ("hidden", layer));
        for (name, layer) in dense.chain([("fc", &self.fc)]) {
            let (next, membrane) = layer.observe(spikes);
            activities.push(Activity::new(name, next.clone(), membrane));
            spikes = next;
        }
        activities
    }

    fn neurons(&self) -> Vec<LifNeuron> {
        let convolutions = [self.conv1.lif(), self.conv2.lif()];
        let hidden = self.hidden.iter().map(|layer| layer.lif());
        let neurons = convolutions.into_iter().chain(hidden);
        let neurons = neurons.chain([self.fc.lif()]);
        neurons.map(|lif| lif.neuron()).collect()
    }

    fn pytorch_names(&self) -> Vec<(String, String)> {
        let mut names = pairs([("conv1", "classifier.0"), ("conv2", "classifier.3")]);
        names.extend(match self.hidden {
            // PyTorch's `Sequential` also numbers the neurons after the hidden layer.
            Some(_) => pairs([("hidden", "classifier.7"), ("fc", "classifier.9")]),
            None => pairs([("fc", "classifier.7")]),
        });
        names
    }

    fn last_layer(&self) -> String {
        "fc".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The sizes of all weights and biases.
    fn parameters(config: &SpikingLeNetConfig) -> usize {
        config.init(&Device::default()).unwrap().num_params()
    }

    #[test]
    fn the_convolutions_are_those_of_the_paper_and_the_hidden_layer_comes_on_request() {
        // Appendix A.6.4: 5x5 kernels, 12 and 64 channels, no padding, pooling by 2. 28 -> 24 -> 12 -> 8 -> 4, so the
        // dense part starts at 64 * 4 * 4 = 1024 values.
        let convolutions = (12 * 25 + 12) + (64 * 12 * 25 + 64);
        let without = SpikingLeNetConfig::new();
        assert_eq!(parameters(&without), convolutions + 10 * 1024 + 10);
        let with = SpikingLeNetConfig::new().with_hidden_layer(true);
        let hidden = 1024 * 1024 + 1024;
        assert_eq!(parameters(&with), convolutions + hidden + 10 * 1024 + 10);
    }

    #[test]
    fn the_hidden_layer_spikes_between_the_convolutions_and_the_output() {
        let device = Device::default();
        let config = SpikingLeNetConfig::new()
            .with_steps(3)
            .with_hidden_layer(true);
        let model = config.init(&device).unwrap();
        let images = Tensor::<4>::ones([2, 1, 28, 28], &device) * 4.0;
        let activities = model.observe(images.clone());
        let names: Vec<_> = activities
            .iter()
            .map(|activity| activity.layer.as_str())
            .collect();
        assert_eq!(names, ["conv1", "conv2", "hidden", "fc"]);
        let observed = activities[3].spikes.clone();
        assert_eq!(observed.dims(), [3, 2, 10]);
        let spikes = model.forward(images).into_data();
        spikes.assert_eq(&observed.into_data(), true);
        let names = model.pytorch_names();
        assert_eq!(names[2], ("hidden".into(), "classifier.7".into()));
        assert_eq!(names[3], ("fc".into(), "classifier.9".into()));
    }
}

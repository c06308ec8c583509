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
    LifError,
    spiking::{Activity, LifConfig, Spike, Spiking},
};

use crate::{PyTorchNames, names::pairs};

const KERNEL: usize = 5;
const CHANNELS: [usize; 2] = [12, 64];

/// Configures a [`SpikingLeNet`]. Defaults: those of the paper on MNIST.
#[derive(Config, Debug)]
pub struct SpikingLeNetConfig {
    /// Channels of an image. Default: 1.
    #[config(default = 1)]
    pub channels: usize,
    /// Height and width of an image, at least 16. Default: 28.
    #[config(default = "[28, 28]")]
    pub image_size: [usize; 2],
    /// Number of classes. Default: 10.
    #[config(default = 10)]
    pub num_classes: usize,
    /// The number of steps that an image is shown for. Default: 15.
    #[config(default = 15)]
    pub steps: usize,
    /// The neurons. Default: beta 0.9, threshold 1.
    #[config(default = "LifConfig::new()")]
    pub lif: LifConfig,
}

/// Two 5x5 convolutions of 12 and 64 channels, whose currents are max pooled, and a dense layer, each with leaky
/// integrate-and-fire neurons.
#[derive(Module, Debug)]
pub struct SpikingLeNet {
    conv1: Spiking<Conv2d>,
    conv2: Spiking<Conv2d>,
    fc: Spiking<Linear>,
    steps: usize,
}

impl SpikingLeNetConfig {
    /// Draws the weights.
    ///
    /// # Errors
    ///
    /// If the neurons cannot be.
    ///
    /// # Panics
    ///
    /// If the image is smaller than 16 pixels, or there are no steps.
    pub fn init(&self, device: &Device) -> Result<SpikingLeNet, LifError> {
        assert!(
            self.image_size.iter().all(|&size| size >= 16) && self.steps > 0,
            "expected an image of at least [16, 16] and a step, found {:?} and {} steps",
            self.image_size,
            self.steps
        );
        let lif = self.lif.init()?;
        let [height, width] = self.image_size.map(|size| ((size - 4) / 2 - 4) / 2);
        let conv = |from, to| {
            Conv2dConfig::new([from, to], [KERNEL, KERNEL])
                .init(device)
                .spiking(lif.clone())
                .with_max_pool([2, 2])
        };
        let features = CHANNELS[1] * height * width;
        Ok(SpikingLeNet {
            conv1: conv(self.channels, CHANNELS[0]),
            conv2: conv(CHANNELS[0], CHANNELS[1]),
            fc: LinearConfig::new(features, self.num_classes)
                .init(device)
                .spiking(lif.clone()),
            steps: self.steps,
        })
    }
}

impl SpikingLeNet {
    /// The output spikes for images that are shown at every step.
    ///
    /// # Shapes
    ///
    /// - images: `[batch_size, channels, height, width]`
    /// - output: `[steps, batch_size, num_classes]`
    pub fn forward(&self, images: Tensor<4>) -> Tensor<3> {
        let x = self.conv1.forward_constant(images, self.steps);
        let x = self.conv2.forward(x);
        self.fc.forward(x.flatten::<3>(2, 4))
    }

    /// What every layer's neurons do, the outputs last.
    ///
    /// # Shapes
    ///
    /// - images: `[batch_size, channels, height, width]`
    pub fn observe(&self, images: Tensor<4>) -> Vec<Activity> {
        let (first, first_membrane) = self.conv1.observe_constant(images, self.steps);
        let (second, second_membrane) = self.conv2.observe(first.clone());
        let (last, last_membrane) = self.fc.observe(second.clone().flatten::<3>(2, 4));
        vec![
            Activity::new("conv1", first, first_membrane),
            Activity::new("conv2", second, second_membrane),
            Activity::new("fc", last, last_membrane),
        ]
    }
}

impl PyTorchNames for SpikingLeNet {
    fn pytorch_names(&self) -> Vec<(String, String)> {
        pairs([
            ("conv1", "classifier.0"),
            ("conv2", "classifier.3"),
            ("fc", "classifier.7"),
        ])
    }

    fn last_layer(&self) -> String {
        "fc".to_owned()
    }
}

//! LeNet.

use burn::{
    config::Config,
    module::Module,
    nn::{
        Dropout, DropoutConfig, Linear, LinearConfig,
        conv::{Conv2d, Conv2dConfig},
        pool::{MaxPool2d, MaxPool2dConfig},
    },
    tensor::{Device, Tensor},
};
use lfp_burn::{
    ActivationFn,
    nn::{Hook, Hooked},
};

use super::pairs;
use crate::{
    Classifier, Model, Outputs,
    registry::{ModelOptions, ModelSpec},
};

const KERNEL: usize = 5;
const CHANNELS: usize = 16;
/// Smallest height and width of an image: two convolutions and poolings then leave one pixel.
const SMALLEST_IMAGE: usize = 16;

/// Configures a [`LeNet`]. Defaults: for MNIST.
#[derive(Config, Debug)]
pub struct LeNetConfig {
    /// Image channels. Default: 1.
    #[config(default = 1)]
    pub channels: usize,
    /// Image height and width, each at least 16. Default: 28.
    #[config(default = "[28, 28]")]
    pub image_size: [usize; 2],
    /// Number of classes. Default: 10.
    #[config(default = 10)]
    pub num_classes: usize,
    /// Hidden activation. Default: ReLU.
    #[config(default = "ActivationFn::Relu")]
    pub activation: ActivationFn,
    /// Dropout probability after the hidden dense layers, from 0 to 1. Default: 0.5.
    #[config(default = 0.5)]
    pub dropout: f64,
}

/// Two 5x5 convolutions of 16 channels, each followed by 2x2 max pooling, and dense layers of 120 and 84
/// neurons.
///
/// # Example
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use lfp_models::LeNetConfig;
///
/// let device = Device::default();
/// let model = LeNetConfig::new().init(&device);
/// let logits = model.forward(Tensor::<4>::ones([2, 1, 28, 28], &device));
/// assert_eq!(logits.dims(), [2, 10]);
/// ```
#[derive(Module, Debug)]
pub struct LeNet {
    conv1: Hooked<Conv2d>,
    conv2: Hooked<Conv2d>,
    fc1: Hooked<Linear>,
    fc2: Hooked<Linear>,
    fc3: Hooked<Linear>,
    pool: Hooked<MaxPool2d>,
    dropout: Hooked<Dropout>,
}

impl Model {
    /// [`LeNet`].
    pub const LENET: Self = Self::new(&ModelSpec {
        name: "lenet",
        summary: "Two 5x5 convolutions of 16 channels, 120 and 84 neurons, dropout",
        image_shape: [1, 28, 28],
        batch: 128,
        smallest_image: SMALLEST_IMAGE,
        takes: ModelOptions::ANALOG,
        build: |config, device| {
            let [channels, height, width] = config.image_shape;
            let model = LeNetConfig::new()
                .with_channels(channels)
                .with_image_size([height, width])
                .with_num_classes(config.num_classes)
                .with_activation(config.activation);
            let dropout = config.dropout.unwrap_or(model.dropout);
            Ok(model.with_dropout(dropout).init(device).into())
        },
    });
}

impl LeNetConfig {
    /// Builds the network with random weights.
    ///
    /// # Panics
    ///
    /// If the image is smaller than 16x16 pixels, or `dropout` is not from 0 to 1.
    pub fn init(&self, device: &Device) -> LeNet {
        let Self {
            channels,
            image_size,
            num_classes,
            activation,
            dropout,
        } = *self;
        assert!(
            image_size.iter().all(|&size| size >= SMALLEST_IMAGE),
            "expected an image of at least 16x16 pixels, got {image_size:?}"
        );
        let [height, width] = image_size.map(|size| ((size - 4) / 2 - 4) / 2);
        let conv = |from| {
            Conv2dConfig::new([from, CHANNELS], [KERNEL, KERNEL])
                .init(device)
                .hooked()
                .with_activation(activation)
        };
        let dense = |from, to| LinearConfig::new(from, to).init(device).hooked();
        LeNet {
            conv1: conv(channels),
            conv2: conv(CHANNELS),
            fc1: dense(CHANNELS * height * width, 120).with_activation(activation),
            fc2: dense(120, 84).with_activation(activation),
            fc3: dense(84, num_classes),
            pool: MaxPool2dConfig::new([2, 2]).init().hooked(),
            dropout: DropoutConfig::new(dropout).init().hooked(),
        }
    }
}

impl LeNet {
    /// Computes the logits.
    ///
    /// # Shapes
    ///
    /// - images: `[batch_size, channels, height, width]`
    /// - output: `[batch_size, num_classes]`
    pub fn forward(&self, images: Tensor<4>) -> Tensor<2> {
        let x = self.pool.forward(self.conv1.forward(images));
        let x = self.pool.forward(self.conv2.forward(x));
        let x = self.fc1.forward(x.flatten::<2>(1, 3));
        let x = self.fc2.forward(self.dropout.forward(x));
        self.fc3.forward(self.dropout.forward(x))
    }
}

impl Classifier for LeNet {
    fn outputs(&self, images: Tensor<4>) -> Outputs {
        Outputs::Logits(self.forward(images))
    }

    fn pytorch_names(&self) -> Vec<(String, String)> {
        pairs([
            ("conv1", "features.0"),
            ("conv2", "features.3"),
            ("fc1", "classifier.0"),
            ("fc2", "classifier.3"),
            ("fc3", "classifier.6"),
        ])
    }

    fn last_layer(&self) -> String {
        "fc3".to_owned()
    }
}

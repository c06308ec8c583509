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
    nn::{Hook, Hooked, MergeError},
};

use crate::{Canonize, PyTorchNames, names::pairs};

const KERNEL: usize = 5;
const CHANNELS: usize = 16;

/// Configures a [`LeNet`] as the paper's authors have it. Defaults: those of MNIST.
#[derive(Config, Debug)]
pub struct LeNetConfig {
    /// Channels of an image. Default: 1.
    #[config(default = 1)]
    pub channels: usize,
    /// Height and width of an image, at least 16. Default: 28.
    #[config(default = "[28, 28]")]
    pub image_size: [usize; 2],
    /// Number of classes. Default: 10.
    #[config(default = 10)]
    pub num_classes: usize,
    /// What follows every layer but the last. Default: ReLU.
    #[config(default = "ActivationFn::Relu")]
    pub activation: ActivationFn,
    /// The probability of dropout after the hidden dense layers. Default: 0.5.
    #[config(default = 0.5)]
    pub dropout: f64,
}

/// Two 5x5 convolutions of 16 channels, each followed by max pooling, and three dense layers.
#[derive(Module, Debug)]
pub struct LeNet {
    conv1: Hooked<Conv2d>,
    conv2: Hooked<Conv2d>,
    fc1: Hooked<Linear>,
    fc2: Hooked<Linear>,
    fc3: Hooked<Linear>,
    pool: MaxPool2d,
    dropout: Hooked<Dropout>,
}

impl LeNetConfig {
    /// Draws the weights.
    ///
    /// # Panics
    ///
    /// If the image is smaller than 16 pixels, or `dropout` is no probability.
    pub fn init(&self, device: &Device) -> LeNet {
        let Self {
            channels,
            image_size,
            num_classes,
            activation,
            dropout,
        } = *self;
        assert!(
            image_size.iter().all(|&size| size >= 16),
            "expected an image of at least [16, 16], found {image_size:?}"
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
            pool: MaxPool2dConfig::new([2, 2]).with_strides([2, 2]).init(),
            dropout: DropoutConfig::new(dropout).init().hooked(),
        }
    }
}

impl LeNet {
    /// The logits.
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

impl Canonize for LeNet {
    fn canonized(self) -> Result<Self, MergeError> {
        Ok(self)
    }
}

impl PyTorchNames for LeNet {
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

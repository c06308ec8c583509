//! The VGG-like network of Appendix A.6.2.

use burn::{
    config::Config,
    module::Module,
    nn::{
        Dropout, DropoutConfig, Linear, LinearConfig, PaddingConfig2d,
        conv::{Conv2d, Conv2dConfig},
        pool::{MaxPool2d, MaxPool2dConfig},
    },
    tensor::{Device, Tensor},
};
use lfp_burn::{
    Activation,
    nn::{Hook, Hooked},
};

use crate::{PyTorchNames, names::pairs};

/// Configures a [`VggLike`]. Defaults: those of CIFAR-10.
#[derive(Config, Debug)]
pub struct VggLikeConfig {
    /// Channels of an image. Default: 3.
    #[config(default = 3)]
    pub channels: usize,
    /// Height and width of an image, at least 8. Default: 32.
    #[config(default = "[32, 32]")]
    pub image_size: [usize; 2],
    /// Number of classes. Default: 10.
    #[config(default = 10)]
    pub num_classes: usize,
    /// What follows every layer but the last. Default: ReLU.
    #[config(default = "Activation::Relu")]
    pub activation: Activation,
    /// The probability of dropout after the hidden dense layers. Default: 0.5.
    #[config(default = 0.5)]
    pub dropout: f64,
}

/// Six 3x3 convolutions in three blocks (of 32 and 64, 128, and 256 channels), max pooling after
/// each block, and three dense layers.
#[derive(Module, Debug)]
pub struct VggLike {
    convs: Vec<Hooked<Conv2d>>,
    fc1: Hooked<Linear>,
    fc2: Hooked<Linear>,
    fc3: Hooked<Linear>,
    pool: MaxPool2d,
    dropout: Hooked<Dropout>,
}

/// Channels of the convolutions; pooling follows every second.
const WIDTHS: [usize; 6] = [32, 64, 128, 128, 256, 256];

impl VggLikeConfig {
    /// Draws the weights.
    ///
    /// # Panics
    ///
    /// If the image is smaller than 8 pixels, or `dropout` is no probability.
    pub fn init(&self, device: &Device) -> VggLike {
        let Self {
            channels,
            image_size,
            num_classes,
            activation,
            dropout,
        } = *self;
        assert!(
            image_size.iter().all(|&size| size >= 8),
            "expected an image of at least [8, 8], found {image_size:?}"
        );
        let [height, width] = image_size.map(|size| size / 8);
        let conv = |from, to| {
            Conv2dConfig::new([from, to], [3, 3])
                .with_padding(PaddingConfig2d::Explicit(1, 1, 1, 1))
                .init(device)
                .hooked()
                .with_activation(activation)
        };
        let dense = |from, to| LinearConfig::new(from, to).init(device).hooked();
        let inputs = core::iter::once(channels).chain(WIDTHS);
        VggLike {
            convs: inputs
                .zip(WIDTHS)
                .map(|(from, to)| conv(from, to))
                .collect(),
            fc1: dense(WIDTHS[5] * height * width, 1024).with_activation(activation),
            fc2: dense(1024, 512).with_activation(activation),
            fc3: dense(512, num_classes),
            pool: MaxPool2dConfig::new([2, 2]).with_strides([2, 2]).init(),
            dropout: DropoutConfig::new(dropout).init().hooked(),
        }
    }
}

impl VggLike {
    /// The logits.
    ///
    /// # Shapes
    ///
    /// - images: `[batch_size, channels, height, width]`
    /// - output: `[batch_size, num_classes]`
    pub fn forward(&self, images: Tensor<4>) -> Tensor<2> {
        let x = self.convs.chunks(2).fold(images, |x, block| {
            let x = block.iter().fold(x, |x, conv| conv.forward(x));
            self.pool.forward(x)
        });
        let x = self.fc1.forward(x.flatten::<2>(1, 3));
        let x = self.fc2.forward(self.dropout.forward(x));
        self.fc3.forward(self.dropout.forward(x))
    }
}

impl PyTorchNames for VggLike {
    fn pytorch_names(&self) -> Vec<(String, String)> {
        pairs([
            ("convs.0", "features.0"),
            ("convs.1", "features.2"),
            ("convs.2", "features.5"),
            ("convs.3", "features.7"),
            ("convs.4", "features.10"),
            ("convs.5", "features.12"),
            ("fc1", "classifier.0"),
            ("fc2", "classifier.3"),
            ("fc3", "classifier.6"),
        ])
    }
}

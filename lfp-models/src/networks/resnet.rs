//! Residual networks: ResNet-18 and ResNet-34, and ResNet-32 for CIFAR.

use burn::{
    config::Config,
    module::Module,
    nn::{
        BatchNormConfig, Dropout, DropoutConfig, Linear, LinearConfig, PaddingConfig2d,
        conv::Conv2dConfig,
        pool::{AdaptiveAvgPool2d, AdaptiveAvgPool2dConfig, MaxPool2d, MaxPool2dConfig},
    },
    tensor::{Device, Tensor},
};
use lfp_burn::{
    ActivationFn, Stabilizer, hooks,
    nn::{Hook, Hooked, MergeError},
};

use super::{convolution::Convolution, pairs};
use crate::{
    Classifier, Model, Network, NetworkConfig, Outputs,
    registry::{ModelOptions, ModelSpec},
};

/// Configures a [`ResNet`]: start from [`resnet18`](Self::resnet18), [`resnet34`](Self::resnet34) or
/// [`resnet32`](Self::resnet32).
#[derive(Config, Debug)]
pub struct ResNetConfig {
    /// Number of residual blocks in each stage. Every stage after the first halves height and width.
    pub blocks: Vec<usize>,
    /// Number of channels in each stage.
    pub widths: Vec<usize>,
    /// `true`: the first convolution is 7x7 with stride 2, followed by max pooling, as for ImageNet.
    /// `false`: it is 3x3 with stride 1, as for CIFAR. Default: `true`.
    #[config(default = true)]
    pub large_images: bool,
    /// Image channels. Default: 3.
    #[config(default = 3)]
    pub channels: usize,
    /// Number of classes. Default: 1,000.
    #[config(default = 1000)]
    pub num_classes: usize,
    /// Activation after the first convolution, after the first convolution of each block, and after each
    /// residual sum. Default: ReLU.
    #[config(default = "ActivationFn::Relu")]
    pub activation: ActivationFn,
    /// Dropout probability before the dense layer, from 0 to 1. Default: 0, as in torchvision.
    #[config(default = 0.0)]
    pub dropout: f64,
}

/// A residual network of basic blocks (He et al. 2016) in torchvision's layout.
///
/// # Example
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use lfp_models::ResNetConfig;
///
/// let device = Device::default();
/// let model = ResNetConfig::resnet18().with_num_classes(11).init(&device);
/// let logits = model.forward(Tensor::<4>::ones([1, 3, 64, 64], &device));
/// assert_eq!(logits.dims(), [1, 11]);
/// ```
#[derive(Module, Debug)]
pub struct ResNet {
    stem: Convolution,
    maxpool: Option<Hooked<MaxPool2d>>,
    layers: Vec<Vec<BasicBlock>>,
    avgpool: Hooked<AdaptiveAvgPool2d>,
    dropout: Hooked<Dropout>,
    fc: Hooked<Linear>,
}

/// Two 3x3 convolutions and a shortcut, which are added.
#[derive(Module, Debug)]
struct BasicBlock {
    conv1: Convolution,
    conv2: Convolution,
    /// 1x1 convolution of the shortcut; `None` where input and output have the same shape.
    downsample: Option<Convolution>,
    #[module(skip)]
    activation: ActivationFn,
}

const RESNET18: ModelSpec = ModelSpec {
    name: "resnet18",
    summary: "Residual, 18 layers; for images of 224x224 pixels",
    image_shape: [3, 224, 224],
    batch: 8,
    smallest_image: 1,
    takes: ModelOptions {
        dropout_by_default: false,
        ..ModelOptions::RESIDUAL
    },
    build: |config, device| Ok(ResNetConfig::resnet18().build(config, device)),
};

impl Model {
    /// [`ResNetConfig::resnet18`].
    pub const RESNET18: Self = Self::new(&RESNET18);

    /// [`ResNetConfig::resnet34`].
    pub const RESNET34: Self = Self::new(&ModelSpec {
        name: "resnet34",
        summary: "Residual, 34 layers; for images of 224x224 pixels",
        build: |config, device| Ok(ResNetConfig::resnet34().build(config, device)),
        ..RESNET18
    });

    /// [`ResNetConfig::resnet32`].
    pub const RESNET32: Self = Self::new(&ModelSpec {
        name: "resnet32",
        summary: "Residual, 32 layers; for the images of CIFAR",
        image_shape: [3, 32, 32],
        batch: 128,
        build: |config, device| Ok(ResNetConfig::resnet32().build(config, device)),
        ..RESNET18
    });
}

impl ResNetConfig {
    /// torchvision's `resnet18`: two blocks in each of four stages.
    pub fn resnet18() -> Self {
        Self::new(vec![2; 4], vec![64, 128, 256, 512])
    }

    /// torchvision's `resnet34`: 3, 4, 6 and 3 blocks in four stages.
    pub fn resnet34() -> Self {
        Self::new(vec![3, 4, 6, 3], vec![64, 128, 256, 512])
    }

    /// ResNet-32 for CIFAR-10: five blocks in each of three stages of 16, 32 and 64 channels, 10 classes. Where
    /// the shape changes, the shortcut is a 1x1 convolution.
    pub fn resnet32() -> Self {
        Self::new(vec![5; 3], vec![16, 32, 64])
            .with_large_images(false)
            .with_num_classes(10)
    }

    fn build(self, config: &NetworkConfig, device: &Device) -> Network {
        let dropout = config.dropout.unwrap_or(self.dropout);
        self.with_channels(config.image_shape[0])
            .with_num_classes(config.num_classes)
            .with_activation(config.activation)
            .with_dropout(dropout)
            .init(device)
            .into()
    }

    /// Builds the network with random weights. Each layer is initialised as PyTorch initialises a single
    /// layer, not by torchvision's scheme for ResNet.
    ///
    /// # Panics
    ///
    /// If `blocks` is empty or differs from `widths` in length, or `dropout` is not from 0 to 1.
    pub fn init(&self, device: &Device) -> ResNet {
        assert!(
            !self.blocks.is_empty() && self.blocks.len() == self.widths.len(),
            "expected one width per stage, got widths {:?} for blocks {:?}",
            self.widths,
            self.blocks
        );
        let (kernel, stride) = if self.large_images { (7, 2) } else { (3, 1) };
        let mut channels = self.widths[0];
        let stem = convolution([self.channels, channels], kernel, stride, device);
        let mut layers = Vec::new();
        for (stage, (&blocks, &width)) in self.blocks.iter().zip(&self.widths).enumerate() {
            let block = |index| {
                let first = index == 0;
                let from = if first { channels } else { width };
                let stride = if first && stage > 0 { 2 } else { 1 };
                BasicBlock::new([from, width], stride, self.activation, device)
            };
            layers.push((0..blocks).map(block).collect());
            channels = width;
        }
        let halve = || {
            MaxPool2dConfig::new([3, 3])
                .with_strides([2, 2])
                .with_padding(PaddingConfig2d::Explicit(1, 1, 1, 1))
                .init()
                .hooked()
        };
        ResNet {
            stem: activated(stem, self.activation),
            maxpool: self.large_images.then(halve),
            layers,
            avgpool: AdaptiveAvgPool2dConfig::new([1, 1]).init().hooked(),
            dropout: DropoutConfig::new(self.dropout).init().hooked(),
            fc: LinearConfig::new(channels, self.num_classes)
                .init(device)
                .hooked(),
        }
    }
}

/// A convolution with batch normalisation; the latter has the bias.
fn convolution(
    [from, to]: [usize; 2],
    kernel: usize,
    stride: usize,
    device: &Device,
) -> Convolution {
    let border = kernel / 2;
    let conv = Conv2dConfig::new([from, to], [kernel, kernel])
        .with_stride([stride, stride])
        .with_padding(PaddingConfig2d::Explicit(border, border, border, border))
        .with_bias(false);
    Convolution {
        conv: conv.init(device).hooked(),
        norm: Some(BatchNormConfig::new(to).init(device).hooked()),
    }
}

fn activated(convolution: Convolution, activation: ActivationFn) -> Convolution {
    let norm = convolution
        .norm
        .map(|norm| norm.with_activation(activation));
    Convolution {
        norm,
        ..convolution
    }
}

impl BasicBlock {
    fn new(
        [from, to]: [usize; 2],
        stride: usize,
        activation: ActivationFn,
        device: &Device,
    ) -> Self {
        let downsample = || convolution([from, to], 1, stride, device);
        Self {
            conv1: activated(convolution([from, to], 3, stride, device), activation),
            conv2: convolution([to, to], 3, 1, device),
            downsample: (stride != 1 || from != to).then(downsample),
            activation,
        }
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let shortcut = match &self.downsample {
            Some(downsample) => downsample.forward(x.clone()),
            None => x.clone(),
        };
        let x = self.conv2.forward(self.conv1.forward(x));
        // The sum is a linear map with weights of 1 (Eq. 11).
        hooks::activation_of(x + shortcut, self.activation, Stabilizer::Sum)
    }
}

impl ResNet {
    /// Computes the logits.
    ///
    /// # Shapes
    ///
    /// - images: `[batch_size, channels, height, width]`, of any size
    /// - output: `[batch_size, num_classes]`
    pub fn forward(&self, images: Tensor<4>) -> Tensor<2> {
        let x = self.stem.forward(images);
        let x = match &self.maxpool {
            Some(pool) => pool.forward(x),
            None => x,
        };
        let blocks = self.layers.iter().flatten();
        let x = blocks.fold(x, |x, block| block.forward(x));
        let x = self.avgpool.forward(x).flatten::<2>(1, 3);
        self.fc.forward(self.dropout.forward(x))
    }
}

impl Classifier for ResNet {
    fn outputs(&self, images: Tensor<4>) -> Outputs {
        Outputs::Logits(self.forward(images))
    }

    fn merge_batch_norm(mut self) -> Result<Self, MergeError> {
        self.stem.merge_batch_norm("stem")?;
        for (stage, blocks) in self.layers.iter_mut().enumerate() {
            for (index, block) in blocks.iter_mut().enumerate() {
                let path = |part: &str| format!("layers.{stage}.{index}.{part}");
                block.conv1.merge_batch_norm(&path("conv1"))?;
                block.conv2.merge_batch_norm(&path("conv2"))?;
                if let Some(downsample) = &mut block.downsample {
                    downsample.merge_batch_norm(&path("downsample"))?;
                }
            }
        }
        Ok(self)
    }

    fn pytorch_names(&self) -> Vec<(String, String)> {
        let mut names = pairs([("stem.conv", "conv1"), ("stem.norm", "bn1")]);
        for (stage, blocks) in self.layers.iter().enumerate() {
            for index in 0..blocks.len() {
                let ours = format!("layers.{stage}.{index}");
                let theirs = format!("layer{}.{index}", stage + 1);
                let parts = pairs([
                    ("conv1.conv", "conv1"),
                    ("conv1.norm", "bn1"),
                    ("conv2.conv", "conv2"),
                    ("conv2.norm", "bn2"),
                    ("downsample.conv", "downsample.0"),
                    ("downsample.norm", "downsample.1"),
                ]);
                let within = |(ours_in, theirs_in): (String, String)| {
                    (format!("{ours}.{ours_in}"), format!("{theirs}.{theirs_in}"))
                };
                names.extend(parts.into_iter().map(within));
            }
        }
        names
    }

    fn last_layer(&self) -> String {
        "fc".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn small() -> ResNetConfig {
        ResNetConfig::new(vec![1, 1], vec![4, 8])
            .with_large_images(false)
            .with_num_classes(3)
    }

    #[test]
    fn only_a_change_of_shape_puts_a_convolution_on_the_shortcut() {
        let model = small().init(&Device::default());
        let shortcuts: Vec<bool> = model
            .layers
            .iter()
            .flatten()
            .map(|block| block.downsample.is_some())
            .collect();
        assert_eq!(shortcuts, [false, true]);
    }

    #[test]
    fn merging_leaves_no_batch_normalisation() {
        let model = small().init(&Device::default());
        assert!(format!("{model:?}").contains("BatchNorm"));
        let merged = model.merge_batch_norm().unwrap();
        assert!(!format!("{merged:?}").contains("BatchNorm"));
    }
}

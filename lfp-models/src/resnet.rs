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
    ActivationFn, hooks,
    nn::{Hook, Hooked, MergeError},
};

use crate::{Canonize, PyTorchNames, convolution::Convolution, names::pairs};

/// Configures a [`ResNet`]: start from [`resnet18`](Self::resnet18), [`resnet34`](Self::resnet34) or
/// [`resnet32`](Self::resnet32).
#[derive(Config, Debug)]
pub struct ResNetConfig {
    /// Number of residual blocks in each stage; from the second on a stage halves height and width.
    pub blocks: Vec<usize>,
    /// Channels in each stage.
    pub widths: Vec<usize>,
    /// Whether images are large: the first convolution is then 7x7 with stride 2, and max pooling follows;
    /// otherwise it is 3x3. Default: large.
    #[config(default = true)]
    pub large_images: bool,
    /// Channels of an image. Default: 3.
    #[config(default = 3)]
    pub channels: usize,
    /// Number of classes. Default: 1,000.
    #[config(default = 1000)]
    pub num_classes: usize,
    /// What follows the first convolution, the first of a block, and each residual sum. Default: ReLU.
    #[config(default = "ActivationFn::Relu")]
    pub activation: ActivationFn,
    /// The probability of dropout before the dense layer. Default: 0, as in torchvision.
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
    maxpool: Option<MaxPool2d>,
    layers: Vec<Vec<BasicBlock>>,
    avgpool: Hooked<AdaptiveAvgPool2d>,
    dropout: Hooked<Dropout>,
    fc: Hooked<Linear>,
}

/// Two 3x3 convolutions, to whose output the input is added.
#[derive(Module, Debug)]
struct BasicBlock {
    conv1: Convolution,
    conv2: Convolution,
    /// Brings the input to the shape of the output.
    downsample: Option<Convolution>,
    #[module(skip)]
    activation: ActivationFn,
}

impl ResNetConfig {
    /// Torchvision's `resnet18`: two blocks in each of four stages.
    pub fn resnet18() -> Self {
        Self::new(vec![2; 4], vec![64, 128, 256, 512])
    }

    /// Torchvision's `resnet34`.
    pub fn resnet34() -> Self {
        Self::new(vec![3, 4, 6, 3], vec![64, 128, 256, 512])
    }

    /// ResNet-32 for the 32x32 images of CIFAR: five blocks in each of three stages of 16, 32 and 64 channels,
    /// ten classes. Where the shape changes, the shortcut is a 1x1 convolution.
    pub fn resnet32() -> Self {
        Self::new(vec![5; 3], vec![16, 32, 64])
            .with_large_images(false)
            .with_num_classes(10)
    }

    /// Draws the weights, each layer's as PyTorch draws a single layer's.
    ///
    /// # Panics
    ///
    /// If there are not as many widths as stages, there is no stage, or `dropout` is no probability.
    pub fn init(&self, device: &Device) -> ResNet {
        assert!(
            !self.blocks.is_empty() && self.blocks.len() == self.widths.len(),
            "expected a width for each stage, found {:?} for {:?}",
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

/// Without bias, which batch normalisation brings.
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
        // A linear map with weights of 1 (Eq. 11).
        hooks::linear_activation(x + shortcut, self.activation)
    }
}

impl ResNet {
    /// The logits.
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

impl Canonize for ResNet {
    fn canonized(mut self) -> Result<Self, MergeError> {
        self.stem.fold("stem")?;
        for (stage, blocks) in self.layers.iter_mut().enumerate() {
            for (index, block) in blocks.iter_mut().enumerate() {
                let path = |part: &str| format!("layers.{stage}.{index}.{part}");
                block.conv1.fold(&path("conv1"))?;
                block.conv2.fold(&path("conv2"))?;
                if let Some(downsample) = &mut block.downsample {
                    downsample.fold(&path("downsample"))?;
                }
            }
        }
        Ok(self)
    }
}

impl PyTorchNames for ResNet {
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

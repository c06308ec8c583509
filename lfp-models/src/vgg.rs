//! VGG: VGG-16 with and without batch normalisation, and the VGG-like network of Appendix A.6.2.

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
    ActivationFn,
    nn::{Hook, Hooked, MergeError},
};

use crate::{Canonize, PyTorchNames, convolution::Convolution};

/// Configures a [`Vgg`]: start from [`vgg16`](Self::vgg16), [`vgg16_bn`](Self::vgg16_bn) or
/// [`vgg_like`](Self::vgg_like).
#[derive(Config, Debug)]
pub struct VggConfig {
    /// Channels of the 3x3 convolutions, block by block; max pooling follows each block.
    pub blocks: Vec<Vec<usize>>,
    /// Widths of the hidden dense layers, each followed by dropout.
    pub hidden: Vec<usize>,
    /// Height and width that average pooling brings the features to before the dense layers, so that
    /// images may have any size. `None` leaves them as they are. Default: `None`.
    #[config(default = "None")]
    pub pooled: Option<[usize; 2]>,
    /// Channels of an image. Default: 3.
    #[config(default = 3)]
    pub channels: usize,
    /// Height and width of an image, at least 2 to the power of the number of blocks. Default: 32.
    #[config(default = "[32, 32]")]
    pub image_size: [usize; 2],
    /// Number of classes. Default: 10.
    #[config(default = 10)]
    pub num_classes: usize,
    /// Whether each convolution is followed by batch normalisation. Default: no.
    #[config(default = false)]
    pub batch_norm: bool,
    /// What follows every layer but the last. Default: ReLU.
    #[config(default = "ActivationFn::Relu")]
    pub activation: ActivationFn,
    /// The probability of dropout after the hidden dense layers. Default: 0.5.
    #[config(default = 0.5)]
    pub dropout: f64,
}

/// Blocks of 3x3 convolutions, each block followed by max pooling, and dense layers.
///
/// # Example
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use lfp_models::VggConfig;
///
/// let device = Device::default();
/// let model = VggConfig::vgg_like().with_num_classes(100).init(&device);
/// let logits = model.forward(Tensor::<4>::ones([2, 3, 32, 32], &device));
/// assert_eq!(logits.dims(), [2, 100]);
/// ```
#[derive(Module, Debug)]
pub struct Vgg {
    blocks: Vec<Vec<Convolution>>,
    dense: Vec<Hooked<Linear>>,
    pool: MaxPool2d,
    average: Option<Hooked<AdaptiveAvgPool2d>>,
    dropout: Hooked<Dropout>,
}

impl VggConfig {
    /// Six convolutions of 32 to 256 channels, and 1024 and 512 neurons (Appendix A.6.2), for CIFAR.
    pub fn vgg_like() -> Self {
        let blocks = [[32, 64], [128, 128], [256, 256]];
        Self::new(blocks.map(Vec::from).into(), vec![1024, 512])
    }

    /// [`vgg_like`](Self::vgg_like) with batch normalisation.
    pub fn vgg_like_bn() -> Self {
        Self::vgg_like().with_batch_norm(true)
    }

    /// Torchvision's `vgg16`: images of 224x224 pixels, 1,000 classes.
    pub fn vgg16() -> Self {
        let blocks = vec![
            vec![64; 2],
            vec![128; 2],
            vec![256; 3],
            vec![512; 3],
            vec![512; 3],
        ];
        Self::new(blocks, vec![4096, 4096])
            .with_pooled(Some([7, 7]))
            .with_image_size([224, 224])
            .with_num_classes(1000)
    }

    /// Torchvision's `vgg16_bn`.
    pub fn vgg16_bn() -> Self {
        Self::vgg16().with_batch_norm(true)
    }

    /// Draws the weights, each layer's as PyTorch draws a single layer's.
    ///
    /// # Panics
    ///
    /// If the image is too small for the blocks, a block has no convolution, or `dropout` is no
    /// probability.
    pub fn init(&self, device: &Device) -> Vgg {
        let smallest = 1 << self.blocks.len();
        assert!(
            self.image_size.iter().all(|&size| size >= smallest),
            "expected an image of at least [{smallest}, {smallest}], found {:?}",
            self.image_size
        );
        let mut channels = self.channels;
        let mut convolution = |&width: &usize| {
            let convolution = self.convolution(channels, width, device);
            channels = width;
            convolution
        };
        let blocks = self.blocks.iter();
        let blocks = blocks.map(|widths| widths.iter().map(&mut convolution).collect());
        let blocks = blocks.collect();
        let [height, width] = self
            .pooled
            .unwrap_or(self.image_size.map(|size| size / smallest));
        Vgg {
            blocks,
            dense: self.dense(channels * height * width, device),
            pool: MaxPool2dConfig::new([2, 2]).with_strides([2, 2]).init(),
            average: self
                .pooled
                .map(|size| AdaptiveAvgPool2dConfig::new(size).init().hooked()),
            dropout: DropoutConfig::new(self.dropout).init().hooked(),
        }
    }

    fn convolution(&self, from: usize, to: usize, device: &Device) -> Convolution {
        let conv = Conv2dConfig::new([from, to], [3, 3])
            .with_padding(PaddingConfig2d::Explicit(1, 1, 1, 1))
            .init(device)
            .hooked();
        if self.batch_norm {
            let norm = BatchNormConfig::new(to).init(device).hooked();
            let norm = Some(norm.with_activation(self.activation));
            Convolution { conv, norm }
        } else {
            let conv = conv.with_activation(self.activation);
            Convolution { conv, norm: None }
        }
    }

    fn dense(&self, features: usize, device: &Device) -> Vec<Hooked<Linear>> {
        let inputs = core::iter::once(&features).chain(&self.hidden);
        let outputs = self.hidden.iter().chain([&self.num_classes]);
        let widths = inputs.zip(outputs);
        widths
            .enumerate()
            .map(|(index, (&from, &to))| {
                let layer = LinearConfig::new(from, to).init(device).hooked();
                match index == self.hidden.len() {
                    true => layer,
                    false => layer.with_activation(self.activation),
                }
            })
            .collect()
    }
}

impl Vgg {
    /// The logits.
    ///
    /// # Shapes
    ///
    /// - images: `[batch_size, channels, height, width]`
    /// - output: `[batch_size, num_classes]`
    pub fn forward(&self, images: Tensor<4>) -> Tensor<2> {
        let features = self.blocks.iter().fold(images, |x, block| {
            let x = block.iter().fold(x, |x, layer| layer.forward(x));
            self.pool.forward(x)
        });
        let features = match &self.average {
            Some(average) => average.forward(features),
            None => features,
        };
        let (last, hidden) = self.dense.split_last().expect("has a last layer");
        let x = hidden.iter().fold(features.flatten::<2>(1, 3), |x, layer| {
            self.dropout.forward(layer.forward(x))
        });
        last.forward(x)
    }
}

impl Canonize for Vgg {
    fn canonized(mut self) -> Result<Self, MergeError> {
        for (block, layers) in self.blocks.iter_mut().enumerate() {
            for (layer, convolution) in layers.iter_mut().enumerate() {
                convolution.fold(&format!("blocks.{block}.{layer}"))?;
            }
        }
        Ok(self)
    }
}

impl PyTorchNames for Vgg {
    fn pytorch_names(&self) -> Vec<(String, String)> {
        let mut names = Vec::new();
        // In PyTorch activations, pooling and dropout are numbered, too.
        let mut index = 0;
        for (block, layers) in self.blocks.iter().enumerate() {
            for (layer, convolution) in layers.iter().enumerate() {
                let path = format!("blocks.{block}.{layer}");
                names.push((format!("{path}.conv"), format!("features.{index}")));
                if convolution.norm.is_some() {
                    index += 1;
                    names.push((format!("{path}.norm"), format!("features.{index}")));
                }
                index += 2;
            }
            index += 1;
        }
        let dense = 0..self.dense.len();
        names.extend(dense.map(|layer| {
            // A name of ours that is also one of theirs would be renamed twice.
            (
                format!("dense.{layer}"),
                format!("classifier.{}", 3 * layer),
            )
        }));
        names
    }

    fn last_layer(&self) -> String {
        format!("dense.{}", self.dense.len() - 1)
    }
}

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

use super::convolution::Convolution;
use crate::{
    Classifier, Model, Network, NetworkConfig, Outputs,
    registry::{ModelOptions, ModelSpec},
};

/// Configures a [`Vgg`]: start from [`vgg16`](Self::vgg16), [`vgg16_bn`](Self::vgg16_bn) or
/// [`vgg_like`](Self::vgg_like).
#[derive(Config, Debug)]
pub struct VggConfig {
    /// Output channels of the 3x3 convolutions in each block. 2x2 max pooling follows each block.
    pub blocks: Vec<Vec<usize>>,
    /// Number of neurons in each hidden dense layer. Dropout follows each.
    pub hidden: Vec<usize>,
    /// Height and width to which adaptive average pooling brings the features before the dense layers, so
    /// that the weights fit images of any size. Default: `None`, no average pooling.
    #[config(default = "None")]
    pub pooled: Option<[usize; 2]>,
    /// Image channels. Default: 3.
    #[config(default = 3)]
    pub channels: usize,
    /// Image height and width, each at least `2^blocks`. Default: 32.
    #[config(default = "[32, 32]")]
    pub image_size: [usize; 2],
    /// Number of classes. Default: 10.
    #[config(default = 10)]
    pub num_classes: usize,
    /// Whether batch normalisation follows each convolution. Default: no.
    #[config(default = false)]
    pub batch_norm: bool,
    /// Hidden activation. Default: ReLU.
    #[config(default = "ActivationFn::Relu")]
    pub activation: ActivationFn,
    /// Dropout probability after the hidden dense layers, from 0 to 1. Default: 0.5.
    #[config(default = 0.5)]
    pub dropout: f64,
}

/// Blocks of 3x3 convolutions, each followed by 2x2 max pooling, and dense layers.
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
    pool: Hooked<MaxPool2d>,
    average: Option<Hooked<AdaptiveAvgPool2d>>,
    dropout: Hooked<Dropout>,
}

const VGG_LIKE: ModelSpec = ModelSpec {
    name: "vgg-like",
    summary: "Six 3x3 convolutions of 32 to 256 channels, 1024 and 512 neurons, dropout",
    image_shape: [3, 32, 32],
    batch: 128,
    smallest_image: 8,
    takes: ModelOptions::ANALOG,
    build: |config, device| Ok(VggConfig::vgg_like().build(config, device)),
};

const VGG16: ModelSpec = ModelSpec {
    name: "vgg16",
    summary: "Thirteen 3x3 convolutions, twice 4096 neurons, dropout; for images of 224x224 pixels",
    image_shape: [3, 224, 224],
    batch: 8,
    smallest_image: 32,
    takes: ModelOptions::ANALOG,
    build: |config, device| Ok(VggConfig::vgg16().build(config, device)),
};

impl Model {
    /// [`VggConfig::vgg_like`].
    pub const VGG_LIKE: Self = Self::new(&VGG_LIKE);

    /// [`VggConfig::vgg_like_bn`].
    pub const VGG_LIKE_BN: Self = Self::new(&ModelSpec {
        name: "vgg-like-bn",
        summary: "vgg-like with batch normalisation",
        takes: ModelOptions::BATCH_NORM,
        build: |config, device| Ok(VggConfig::vgg_like_bn().build(config, device)),
        ..VGG_LIKE
    });

    /// [`VggConfig::vgg16`].
    pub const VGG16: Self = Self::new(&VGG16);

    /// [`VggConfig::vgg16_bn`].
    pub const VGG16_BN: Self = Self::new(&ModelSpec {
        name: "vgg16-bn",
        summary: "vgg16 with batch normalisation",
        takes: ModelOptions::BATCH_NORM,
        build: |config, device| Ok(VggConfig::vgg16_bn().build(config, device)),
        ..VGG16
    });
}

impl VggConfig {
    /// The VGG-like network for CIFAR (Appendix A.6.2): six convolutions of 32 to 256 channels, dense layers
    /// of 1024 and 512 neurons.
    pub fn vgg_like() -> Self {
        let blocks = [[32, 64], [128, 128], [256, 256]];
        Self::new(blocks.map(Vec::from).into(), vec![1024, 512])
    }

    /// [`vgg_like`](Self::vgg_like) with batch normalisation.
    pub fn vgg_like_bn() -> Self {
        Self::vgg_like().with_batch_norm(true)
    }

    /// torchvision's `vgg16`: images of 224x224 pixels, 1,000 classes.
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

    /// torchvision's `vgg16_bn`.
    pub fn vgg16_bn() -> Self {
        Self::vgg16().with_batch_norm(true)
    }

    fn build(self, config: &NetworkConfig, device: &Device) -> Network {
        let [channels, height, width] = config.image_shape;
        let dropout = config.dropout.unwrap_or(self.dropout);
        self.with_channels(channels)
            .with_image_size([height, width])
            .with_num_classes(config.num_classes)
            .with_activation(config.activation)
            .with_dropout(dropout)
            .init(device)
            .into()
    }

    /// Builds the network with random weights. Each layer is initialised as PyTorch initialises a single
    /// layer, not by torchvision's scheme for VGG.
    ///
    /// # Panics
    ///
    /// If the image is smaller than `2^blocks` pixels in height or width, or `dropout` is not from 0 to 1.
    pub fn init(&self, device: &Device) -> Vgg {
        let smallest = 1 << self.blocks.len();
        assert!(
            self.image_size.iter().all(|&size| size >= smallest),
            "expected an image of at least {smallest}x{smallest} pixels, got {:?}",
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
            pool: MaxPool2dConfig::new([2, 2]).init().hooked(),
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
    /// Computes the logits.
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
        let (last, hidden) = self
            .dense
            .split_last()
            .expect("`init` makes at least one layer");
        let x = hidden.iter().fold(features.flatten::<2>(1, 3), |x, layer| {
            self.dropout.forward(layer.forward(x))
        });
        last.forward(x)
    }
}

impl Classifier for Vgg {
    fn outputs(&self, images: Tensor<4>) -> Outputs {
        Outputs::Logits(self.forward(images))
    }

    fn merge_batch_norm(mut self) -> Result<Self, MergeError> {
        for (block, layers) in self.blocks.iter_mut().enumerate() {
            for (layer, convolution) in layers.iter_mut().enumerate() {
                convolution.merge_batch_norm(&format!("blocks.{block}.{layer}"))?;
            }
        }
        Ok(self)
    }

    fn pytorch_names(&self) -> Vec<(String, String)> {
        let mut names = Vec::new();
        // PyTorch's `Sequential` also numbers activations, pooling and dropout.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn average_pooling_makes_the_weights_fit_images_of_any_size() {
        let device = Device::default();
        let config = VggConfig::new(vec![vec![2], vec![3]], vec![4]).with_pooled(Some([2, 2]));
        let model = config.init(&device);
        for size in [8, 20] {
            let logits = model.forward(Tensor::ones([1, 3, size, size], &device));
            assert_eq!(logits.dims(), [1, 10]);
        }
    }

    #[test]
    fn batch_normalisation_takes_a_number_of_its_own_in_pytorchs_names() {
        let names = |config: VggConfig| config.init(&Device::default()).pytorch_names();
        let has = |config, ours: &str, theirs: &str| {
            names(config).contains(&(ours.to_owned(), theirs.to_owned()))
        };
        assert!(has(VggConfig::vgg16(), "blocks.4.2.conv", "features.28"));
        assert!(has(VggConfig::vgg16_bn(), "blocks.4.2.conv", "features.40"));
        assert!(has(VggConfig::vgg16_bn(), "blocks.4.2.norm", "features.41"));
        assert!(has(VggConfig::vgg16_bn(), "dense.2", "classifier.6"));
    }
}

//! Vision Transformers.

use burn::{
    config::Config,
    module::{Module, Param},
    nn::{
        Dropout, DropoutConfig, LayerNorm, Linear, LinearConfig,
        attention::MhaInput,
        conv::{Conv2d, Conv2dConfig},
        transformer::TransformerEncoder,
    },
    tensor::{Device, Tensor},
};
use lfp_burn::nn::{Hook, Hooked, InputError, add_positions, prepend_token};

use super::{
    encoder::{EncoderSizes, TransformerError, nonzero, small_numbers},
    pairs,
};
use crate::{
    Classifier, Model, Network, NetworkConfig, NetworkError, Outputs, Stack,
    registry::{ModelOptions, ModelSpec},
};

/// Configures a [`Vit`]: sizes of your own, or [`vit_b_16`](Self::vit_b_16), [`vit_b_32`](Self::vit_b_32) or
/// [`vit_tiny`](Self::vit_tiny).
#[derive(Config, Debug)]
pub struct VitConfig {
    /// Height and width of a patch, which must divide those of the image.
    pub patch: usize,
    /// Width of the tokens, a multiple of the number of heads.
    pub width: usize,
    /// Number of encoder layers.
    pub depth: usize,
    /// Number of attention heads.
    pub heads: usize,
    /// Number of hidden neurons in each feed-forward block.
    pub mlp_width: usize,
    /// Image channels. Default: 3.
    #[config(default = 3)]
    pub channels: usize,
    /// Image height and width. Default: 224.
    #[config(default = "[224, 224]")]
    pub image_size: [usize; 2],
    /// Number of classes. Default: 1,000.
    #[config(default = 1000)]
    pub num_classes: usize,
    /// Dropout probability after the position embedding, after each block and inside the feed-forward blocks, from 0 to 1.
    /// Default: 0.
    #[config(default = 0.0)]
    pub dropout: f64,
    /// Dropout probability of attention weights, from 0 to 1. Default: 0.
    #[config(default = 0.0)]
    pub attention_dropout: f64,
    /// The number that layer normalisation adds to the variance. Default: 1e-6, torchvision's. (Hugging Face's models have
    /// 1e-12.)
    #[config(default = 1e-6)]
    pub layer_norm_epsilon: f64,
}

/// A Vision Transformer (Dosovitskiy et al. 2021) in torchvision's layout: patches as tokens, a class token in front, a
/// learned position table, an encoder that normalises before each block, and a linear map of the class token.
///
/// # Example
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use lfp_models::VitConfig;
///
/// let device = Device::default();
/// let model = VitConfig::vit_tiny([1, 28, 28]).init(&device)?;
/// assert_eq!(model.forward(Tensor::ones([2, 1, 28, 28], &device)).dims(), [2, 10]);
/// # Ok::<(), lfp_models::TransformerError>(())
/// ```
#[derive(Module, Debug)]
pub struct Vit {
    embeddings: Embeddings,
    encoder: Hooked<TransformerEncoder>,
    norm: Hooked<LayerNorm>,
    head: Hooked<Linear>,
    /// `[channels, height, width]`.
    #[module(skip)]
    image_shape: [usize; 3],
}

/// From images to tokens.
#[derive(Module, Debug)]
struct Embeddings {
    patches: Hooked<Conv2d>,
    /// `[1, 1, width]`, as in torchvision.
    class_token: Param<Tensor<3>>,
    /// `[1, 1 + patches, width]`, as in torchvision.
    positions: Param<Tensor<3>>,
    dropout: Hooked<Dropout>,
}

const VIT: ModelOptions = ModelOptions {
    activation: false,
    dropout_by_default: false,
    sums: true,
    attention: true,
    ..ModelOptions::ANALOG
};

const VIT_B_16: ModelSpec = ModelSpec {
    name: "vit-b-16",
    summary: "Vision Transformer, base size, patches of 16x16; for images of 224x224 pixels",
    image_shape: [3, 224, 224],
    batch: 8,
    smallest_image: 16,
    takes: VIT,
    build: |config, device| VitConfig::vit_b_16().build(config, device),
};

impl Model {
    /// [`VitConfig::vit_tiny`].
    pub const VIT_TINY: Self = Self::new(&ModelSpec {
        name: "vit-tiny",
        summary: "Vision Transformer, 64 wide, 4 layers, 4 heads; for the images of MNIST and CIFAR",
        image_shape: [1, 28, 28],
        batch: 128,
        smallest_image: 1,
        build: |config, device| VitConfig::vit_tiny(config.image_shape).build(config, device),
        ..VIT_B_16
    });

    /// [`VitConfig::vit_b_16`].
    pub const VIT_B_16: Self = Self::new(&VIT_B_16);

    /// [`VitConfig::vit_b_32`].
    pub const VIT_B_32: Self = Self::new(&ModelSpec {
        name: "vit-b-32",
        summary: "Vision Transformer, base size, patches of 32x32; for images of 224x224 pixels",
        smallest_image: 32,
        build: |config, device| VitConfig::vit_b_32().build(config, device),
        ..VIT_B_16
    });
}

/// Largest patch of [`VitConfig::vit_tiny`].
const TINY_PATCH: usize = 7;

impl VitConfig {
    /// torchvision's `vit_b_16`: 12 layers of 768, 12 heads, patches of 16x16 pixels.
    pub fn vit_b_16() -> Self {
        Self::new(16, 768, 12, 12, 3072)
    }

    /// torchvision's `vit_b_32`: as [`vit_b_16`](Self::vit_b_16), with patches of 32x32 pixels.
    pub fn vit_b_32() -> Self {
        Self::new(32, 768, 12, 12, 3072)
    }

    /// A small network for 10 classes of images of shape `[channels, height, width]`: 4 layers of 64, 4 heads. The patches
    /// are the largest squares of at most 7x7 pixels that divide the image: 7x7 for MNIST, 4x4 for CIFAR.
    pub fn vit_tiny([channels, height, width]: [usize; 3]) -> Self {
        let divides = |patch: &usize| height.is_multiple_of(*patch) && width.is_multiple_of(*patch);
        // Patches of one pixel divide every image.
        let patch = (2..=TINY_PATCH).rev().find(divides).unwrap_or(1);
        Self::new(patch, 64, 4, 4, 256)
            .with_channels(channels)
            .with_image_size([height, width])
            .with_num_classes(10)
    }

    fn build(self, config: &NetworkConfig, device: &Device) -> Result<Network, NetworkError> {
        let [channels, height, width] = config.image_shape;
        let dropout = config.dropout.unwrap_or(self.dropout);
        let network = self
            .with_channels(channels)
            .with_image_size([height, width])
            .with_num_classes(config.num_classes)
            .with_dropout(dropout)
            .init(device)?;
        Ok(network.into())
    }

    /// Builds the network with random weights. Linear maps are initialised as PyTorch initialises a single one; what
    /// torchvision starts at zero (class token, biases, the last layer) starts at small random numbers, because a parameter
    /// of exactly 0 never moves by LFP.
    ///
    /// # Errors
    ///
    /// If the heads do not divide the width, the patches do not divide the image, a size is 0, or a dropout probability is
    /// not from 0 to 1.
    pub fn init(&self, device: &Device) -> Result<Vit, TransformerError> {
        let Self { patch, width, .. } = *self;
        let [height, image_width] = self.image_size;
        nonzero([
            ("patch size", patch),
            ("number of channels", self.channels),
            ("image height", height),
            ("image width", image_width),
            ("number of classes", self.num_classes),
        ])?;
        if !height.is_multiple_of(patch) || !image_width.is_multiple_of(patch) {
            return Err(TransformerError::Patches {
                patch,
                height,
                width: image_width,
            });
        }
        let sizes = EncoderSizes {
            width,
            depth: self.depth,
            heads: self.heads,
            mlp_width: self.mlp_width,
            dropout: self.dropout,
            attention_dropout: self.attention_dropout,
            epsilon: self.layer_norm_epsilon,
        };
        let encoder = sizes.init(device)?.hooked();
        let patches = Conv2dConfig::new([self.channels, width], [patch, patch])
            .with_stride([patch, patch])
            .init(device);
        let tokens = 1 + (height / patch) * (image_width / patch);
        Ok(Vit {
            embeddings: Embeddings {
                patches: patches.hooked(),
                class_token: small_numbers([1, 1, width], device),
                positions: small_numbers([1, tokens, width], device),
                dropout: DropoutConfig::new(self.dropout).init().hooked(),
            },
            encoder,
            norm: sizes.norm(device).hooked(),
            head: LinearConfig::new(width, self.num_classes)
                .init(device)
                .hooked(),
            image_shape: [self.channels, height, image_width],
        })
    }
}

impl Embeddings {
    /// `[batch, channels, height, width]` to `[batch, 1 + patches, width]`, row by row.
    fn forward(&self, images: Tensor<4>) -> Result<Tensor<3>, InputError> {
        let patches = self.patches.forward(images);
        let patches = patches.flatten::<3>(2, 3).swap_dims(1, 2);
        let tokens = prepend_token(patches, self.class_token.val());
        let tokens = add_positions(tokens, self.positions.val())?;
        Ok(self.dropout.forward(tokens))
    }
}

impl Vit {
    /// Computes the logits.
    ///
    /// # Shapes
    ///
    /// - images: `[batch_size, channels, height, width]`, of the configured size
    /// - output: `[batch_size, num_classes]`
    ///
    /// # Panics
    ///
    /// If [`try_forward`](Self::try_forward) fails, with its message.
    pub fn forward(&self, images: Tensor<4>) -> Tensor<2> {
        self.try_forward(images)
            .unwrap_or_else(|error| panic!("{error}"))
    }

    /// [`forward`](Self::forward), with an error in place of a panic.
    ///
    /// # Errors
    ///
    /// If the images have another shape than the network is configured for.
    pub fn try_forward(&self, images: Tensor<4>) -> Result<Tensor<2>, InputError> {
        self.check_shape(&images)?;
        let tokens = self.embeddings.forward(images)?;
        let tokens: Tensor<3> = self.encoder.try_forward(tokens)?;
        // Layer normalisation treats each token alone, so that of the class token is enough.
        let class_token = tokens.narrow(1, 0, 1).squeeze_dim::<2>(1);
        Ok(self.head.forward(self.norm.forward(class_token)))
    }

    fn check_shape(&self, images: &Tensor<4>) -> Result<(), InputError> {
        let [_, found @ ..] = images.dims();
        if found == self.image_shape {
            return Ok(());
        }
        let [channels, height, width] = self.image_shape;
        Err(InputError::Shape {
            input: "images",
            expected: format!("[_, {channels}, {height}, {width}]"),
            found: images.dims().into(),
        })
    }
}

impl Classifier for Vit {
    fn outputs(&self, images: Tensor<4>) -> Outputs {
        Outputs::Logits(self.forward(images))
    }

    fn attention_rollout(&self, images: Tensor<4>) -> Result<Option<Tensor<3>>, InputError> {
        self.check_shape(&images)?;
        self.valid().rollout(images.inner()).map(Some)
    }

    fn pytorch_names(&self) -> Vec<(String, String)> {
        let mut names = pairs([
            ("embeddings.patches", "conv_proj"),
            ("embeddings.class_token", "class_token"),
            ("embeddings.positions", "encoder.pos_embedding"),
            ("norm", "encoder.ln"),
            ("head", "heads.head"),
        ]);
        for index in self.layers() {
            let ours = format!("encoder.layers.{index}.");
            // Burn's layers are numbered by their place in the code, torchvision's by their place in the forward pass.
            names.extend(within(
                (&ours, &theirs(index)),
                [
                    ("norm_2", "ln_1"),
                    ("mha.query", "self_attention.query"),
                    ("mha.key", "self_attention.key"),
                    ("mha.value", "self_attention.value"),
                    ("mha.output", "self_attention.out_proj"),
                    ("norm_1", "ln_2"),
                    ("pwff.linear_inner", "mlp.0"),
                    ("pwff.linear_outer", "mlp.3"),
                ],
            ));
        }
        names
    }

    fn pytorch_stacks(&self) -> Vec<Stack> {
        let of_layer = |index| {
            ["weight", "bias"].map(|what| {
                let attention = format!("{}self_attention.", theirs(index));
                let part = |name| format!("{attention}{name}.{what}");
                Stack {
                    whole: format!("{attention}in_proj_{what}"),
                    parts: ["query", "key", "value"].map(part).into(),
                }
            })
        };
        self.layers().flat_map(of_layer).collect()
    }

    /// The names of torchvision's own files, which are older than its code, and of Hugging Face's `ViTModel` and
    /// `ViTForImageClassification`.
    fn other_names(&self) -> Vec<(String, String)> {
        let mut names = pairs([("classifier", "heads.head")]);
        for index in self.layers() {
            let mlp = format!("{}mlp.", theirs(index));
            names.extend(within((&mlp, &mlp), [("linear_1", "0"), ("linear_2", "3")]));
        }
        for prefix in ["vit.", ""] {
            names.extend(within(
                (prefix, ""),
                [
                    ("embeddings.patch_embeddings.projection", "conv_proj"),
                    ("embeddings.cls_token", "class_token"),
                    ("embeddings.position_embeddings", "encoder.pos_embedding"),
                    ("layernorm", "encoder.ln"),
                ],
            ));
            for index in self.layers() {
                let hugging_face = format!("{prefix}encoder.layer.{index}.");
                names.extend(within(
                    (&hugging_face, &theirs(index)),
                    [
                        ("layernorm_before", "ln_1"),
                        ("attention.attention.query", "self_attention.query"),
                        ("attention.attention.key", "self_attention.key"),
                        ("attention.attention.value", "self_attention.value"),
                        ("attention.output.dense", "self_attention.out_proj"),
                        ("layernorm_after", "ln_2"),
                        ("intermediate.dense", "mlp.0"),
                        ("output.dense", "mlp.3"),
                    ],
                ));
            }
        }
        names
    }

    fn last_layer(&self) -> String {
        "head".to_owned()
    }
}

impl Vit {
    /// See [`Classifier::attention_rollout`].
    fn rollout(&self, images: Tensor<4>) -> Result<Tensor<3>, InputError> {
        let [batch, _, height, width] = images.dims();
        let mut x = self.embeddings.forward(images)?;
        let [_, tokens, _] = x.dims();
        let identity = Tensor::<2>::eye(tokens, &x.device()).unsqueeze::<3>();
        let mut rollout = identity.clone().expand([batch, tokens, tokens]);
        for layer in &self.encoder.inner().layers {
            let normed = layer.norm_2.forward(x.clone());
            let weights = layer.mha.forward(MhaInput::self_attn(normed)).weights;
            let weights = weights.mean_dim(1).squeeze_dim::<3>(1);
            rollout = ((weights + identity.clone()) * 0.5).matmul(rollout);
            x = layer.forward(x, None, None);
        }
        let [patch, _] = self.embeddings.patches.inner().stride;
        let (rows, columns) = (height / patch, width / patch);
        let of_patches = rollout.narrow(1, 0, 1).narrow(2, 1, tokens - 1);
        Ok(of_patches
            .reshape([batch, rows, 1, columns, 1])
            .expand([batch, rows, patch, columns, patch])
            .reshape([batch, height, width]))
    }

    fn layers(&self) -> std::ops::Range<usize> {
        0..self.encoder.inner().layers.len()
    }
}

/// Prefix of the names of a layer in torchvision.
fn theirs(layer: usize) -> String {
    format!("encoder.layers.encoder_layer_{layer}.")
}

/// Pairs of layer paths that begin with a prefix each.
fn within<const N: usize>(
    (ours, theirs): (&str, &str),
    names: [(&str, &str); N],
) -> impl Iterator<Item = (String, String)> {
    names
        .map(|(our, their)| (format!("{ours}{our}"), format!("{theirs}{their}")))
        .into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn small() -> VitConfig {
        VitConfig::new(4, 12, 2, 3, 20).with_image_size([8, 12])
    }

    fn error(config: VitConfig) -> TransformerError {
        config.init(&Device::default()).unwrap_err()
    }

    #[test]
    fn the_small_network_has_patches_that_divide_its_images() {
        let patch = |height, width| VitConfig::vit_tiny([1, height, width]).patch;
        assert_eq!([patch(28, 28), patch(32, 32), patch(28, 12)], [7, 4, 4]);
        assert_eq!([patch(31, 31), patch(224, 224)], [1, 7]);
    }

    #[test]
    fn the_networks_of_torchvision_have_as_many_parameters_as_there() {
        // `torchvision.models.vit_b_16().parameters()` and `vit_b_32`.
        let count = |config: VitConfig| config.init(&Device::default()).unwrap().num_params();
        assert_eq!(count(VitConfig::vit_b_16()), 86_567_656);
        assert_eq!(count(VitConfig::vit_b_32()), 88_224_232);
    }

    #[test]
    fn sizes_that_do_not_fit_together_are_named() {
        let heads = error(VitConfig {
            heads: 5,
            ..small()
        });
        assert_eq!(
            heads,
            TransformerError::Heads {
                width: 12,
                heads: 5
            }
        );
        let patches = error(small().with_image_size([8, 13]));
        let expected = "patches of 4x4 pixels do not divide an image of 8x13";
        assert_eq!(patches.to_string(), expected);
        let none = error(VitConfig {
            heads: 0,
            ..small()
        });
        assert_eq!(none, TransformerError::Zero("number of heads"));
        assert!(
            error(small().with_num_classes(0))
                .to_string()
                .contains("classes")
        );
        let dropout = error(small().with_attention_dropout(1.5));
        assert_eq!(dropout, TransformerError::Dropout(1.5));
    }

    #[test]
    fn an_image_of_another_shape_is_named() {
        let device = Device::default();
        let model = small().init(&device).unwrap();
        for shape in [[2, 3, 8, 8], [2, 3, 12, 8], [2, 1, 8, 12], [2, 3, 16, 12]] {
            let error = model.try_forward(Tensor::ones(shape, &device)).unwrap_err();
            let text = error.to_string();
            assert!(
                text.contains("[_, 3, 8, 12]") && text.contains(&format!("{shape:?}")),
                "{text}"
            );
            let rollout = model.attention_rollout(Tensor::ones(shape, &device));
            assert_eq!(rollout.unwrap_err(), error);
        }
        assert_eq!(
            model.forward(Tensor::ones([2, 3, 8, 12], &device)).dims(),
            [2, 1000]
        );
    }

    #[test]
    fn rollout_shares_the_attention_of_the_class_token_among_patches() {
        let device = Device::default().autodiff();
        let model = small().init(&device).unwrap();
        let images = Tensor::random([2, 3, 8, 12], burn::tensor::Distribution::Default, &device);
        let rollout = model.attention_rollout(images.clone());
        let rollout = rollout.unwrap().expect("a network with attention");
        assert_eq!(rollout.dims(), [2, 8, 12]);
        let corner = rollout.clone().slice([0..2, 0..4, 4..8]).into_data();
        let corner: Vec<f32> = corner.iter().collect();
        assert!(
            corner[..16]
                .iter()
                .all(|&share| share == corner[0] && share > 0.0)
        );
        // Each patch has 16 pixels; the rest of the attention stays with the class token.
        let sum: f32 = rollout.narrow(0, 0, 1).sum().into_scalar();
        assert!(0.0 < sum / 16.0 && sum / 16.0 < 1.0 - 0.25, "{sum}");
        // Without layers all of it does.
        let model = VitConfig {
            depth: 0,
            ..small()
        }
        .init(&device)
        .unwrap();
        let none = model.attention_rollout(images).unwrap();
        let none: f32 = none.map_or(1.0, |none| none.sum().into_scalar());
        assert_eq!(none, 0.0);
    }

    #[test]
    fn no_parameter_starts_at_zero() {
        let model = crate::initialized(small().init(&Device::default()).unwrap());
        let file = model.to_safetensors().unwrap();
        let file = safetensors::SafeTensors::deserialize(&file).unwrap();
        for (name, view) in file.iter() {
            let zeros = view
                .data()
                .chunks(4)
                .filter(|bytes| **bytes == [0; 4])
                .count();
            assert_eq!(zeros, 0, "{name}");
        }
    }
}

//! The transformer encoder that several networks share.

use burn::{
    module::Param,
    nn::{
        DropoutConfig, Initializer, LayerNorm, LayerNormConfig,
        transformer::{TransformerEncoder, TransformerEncoderConfig},
    },
    tensor::{Device, Tensor},
};

/// Sizes of a transformer that do not fit together.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum TransformerError {
    /// The width of the tokens is no multiple of the number of heads.
    #[error("{heads} attention heads do not divide a width of {width}")]
    Heads {
        /// Width of the tokens.
        width: usize,
        /// Number of heads.
        heads: usize,
    },
    /// The image is not made of whole patches.
    #[error("patches of {patch}x{patch} pixels do not divide an image of {height}x{width}")]
    Patches {
        /// Height and width of a patch.
        patch: usize,
        /// Image height.
        height: usize,
        /// Image width.
        width: usize,
    },
    /// A size is 0.
    #[error("a transformer needs a {0} of at least 1")]
    Zero(&'static str),
    /// A dropout probability is not from 0 to 1.
    #[error("the dropout probability must be a number from 0 to 1, got {0}")]
    Dropout(f64),
}

/// Sizes of an encoder that normalises before each block, with GELU.
pub(super) struct EncoderSizes {
    pub(super) width: usize,
    pub(super) depth: usize,
    pub(super) heads: usize,
    pub(super) mlp_width: usize,
    /// After each block, and inside the feed-forward blocks.
    pub(super) dropout: f64,
    /// Of attention weights.
    pub(super) attention_dropout: f64,
    pub(super) epsilon: f64,
}

impl EncoderSizes {
    pub(super) fn init(&self, device: &Device) -> Result<TransformerEncoder, TransformerError> {
        self.check()?;
        let mut encoder =
            TransformerEncoderConfig::new(self.width, self.mlp_width, self.heads, self.depth)
                .with_dropout(self.dropout)
                .with_norm_first(true)
                .with_layer_norm_eps(self.epsilon)
                .init(device);
        for layer in &mut encoder.layers {
            // Burn gives attention weights the dropout of the blocks; torchvision has a probability for each.
            layer.mha.dropout = DropoutConfig::new(self.attention_dropout).init();
            layer.norm_1 = self.norm(device);
            layer.norm_2 = self.norm(device);
        }
        Ok(encoder)
    }

    fn check(&self) -> Result<(), TransformerError> {
        let Self { width, heads, .. } = *self;
        nonzero([
            ("width", width),
            ("number of heads", heads),
            ("width of the feed-forward blocks", self.mlp_width),
        ])?;
        for dropout in [self.dropout, self.attention_dropout] {
            if !(0.0..=1.0).contains(&dropout) {
                return Err(TransformerError::Dropout(dropout));
            }
        }
        match width.is_multiple_of(heads) {
            true => Ok(()),
            false => Err(TransformerError::Heads { width, heads }),
        }
    }

    /// A layer normalisation whose shift starts at small random numbers: at zero it would never move by LFP.
    pub(super) fn norm(&self, device: &Device) -> LayerNorm {
        let mut norm = LayerNormConfig::new(self.width)
            .with_epsilon(self.epsilon)
            .init(device);
        norm.beta = Some(small_numbers([self.width], device));
        norm
    }
}

/// Parameters from a normal distribution of deviation 0.02, for what other libraries start at zero.
pub(super) fn small_numbers<const D: usize>(
    shape: [usize; D],
    device: &Device,
) -> Param<Tensor<D>> {
    let normal = Initializer::Normal {
        mean: 0.0,
        std: 0.02,
    };
    normal.init(shape, device)
}

/// Refuses the first size that is 0.
pub(super) fn nonzero<const N: usize>(
    sizes: [(&'static str, usize); N],
) -> Result<(), TransformerError> {
    match sizes.iter().find(|(_, size)| *size == 0) {
        Some((name, _)) => Err(TransformerError::Zero(name)),
        None => Ok(()),
    }
}

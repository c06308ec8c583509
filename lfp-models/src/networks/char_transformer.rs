//! A decoder-only transformer that predicts the next character.

use burn::{
    config::Config,
    module::Module,
    nn::{
        Dropout, DropoutConfig, Embedding, EmbeddingConfig, LayerNorm, Linear, LinearConfig,
        attention::generate_autoregressive_mask, transformer::TransformerEncoder,
    },
    tensor::{Device, Int, Tensor, TensorData},
};
use lfp_burn::{
    LfpConfig, Propagate, PropagationError, mark,
    nn::{EncoderInput, Hook, Hooked, InputError, PositionEmbedding, check_tokens},
};

use super::encoder::{EncoderSizes, TransformerError, nonzero};

/// Configures a [`CharTransformer`].
#[derive(Config, Debug)]
pub struct CharTransformerConfig {
    /// Number of different tokens.
    pub vocabulary: usize,
    /// Length of the longest sequence.
    pub context: usize,
    /// Width of the tokens, a multiple of the number of heads. Default: 64.
    #[config(default = 64)]
    pub width: usize,
    /// Number of layers. Default: 2.
    #[config(default = 2)]
    pub depth: usize,
    /// Number of attention heads. Default: 4.
    #[config(default = 4)]
    pub heads: usize,
    /// Number of hidden neurons in each feed-forward block. Default: 256.
    #[config(default = 256)]
    pub mlp_width: usize,
    /// Dropout probability after the position embedding, after each block, inside the feed-forward blocks and of attention
    /// weights, from 0 to 1. Default: 0.
    #[config(default = 0.0)]
    pub dropout: f64,
}

/// A transformer whose tokens see only those before them, as GPT: embedding, learned position table, layers that normalise
/// before each block, and a linear map to the logits of the next token.
///
/// # Example
///
/// ```
/// use burn::tensor::{Device, Int, Tensor};
/// use lfp_models::CharTransformerConfig;
///
/// let device = Device::default();
/// let model = CharTransformerConfig::new(12, 8).init(&device)?;
/// let tokens = Tensor::<2, Int>::from_ints([[3, 10, 4, 11, 7]], &device);
/// assert_eq!(model.forward(tokens).dims(), [1, 5, 12]);
/// # Ok::<(), lfp_models::TransformerError>(())
/// ```
#[derive(Module, Debug)]
pub struct CharTransformer {
    tokens: Hooked<Embedding>,
    positions: PositionEmbedding,
    dropout: Hooked<Dropout>,
    encoder: Hooked<TransformerEncoder>,
    norm: Hooked<LayerNorm>,
    head: Hooked<Linear>,
}

/// A question for [`CharTransformer::relevance`] that has no answer.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum RelevanceError {
    /// The tokens do not fit the network.
    #[error(transparent)]
    Input(#[from] InputError),
    /// The propagation: the network is not on an autodiff device.
    #[error(transparent)]
    Propagation(#[from] PropagationError),
}

impl CharTransformerConfig {
    /// Builds the network with random weights.
    ///
    /// # Errors
    ///
    /// If the heads do not divide the width, a size is 0, or the dropout probability is not from 0 to 1.
    pub fn init(&self, device: &Device) -> Result<CharTransformer, TransformerError> {
        let Self {
            vocabulary,
            context,
            width,
            dropout,
            ..
        } = *self;
        nonzero([("vocabulary", vocabulary), ("context", context)])?;
        let sizes = EncoderSizes {
            width,
            depth: self.depth,
            heads: self.heads,
            mlp_width: self.mlp_width,
            dropout,
            attention_dropout: dropout,
            epsilon: 1e-5,
        };
        let encoder = sizes.init(device)?.hooked();
        Ok(CharTransformer {
            tokens: EmbeddingConfig::new(vocabulary, width)
                .init(device)
                .hooked(),
            positions: PositionEmbedding::new(context, width, device),
            dropout: DropoutConfig::new(dropout).init().hooked(),
            encoder,
            norm: sizes.norm(device).hooked(),
            head: LinearConfig::new(width, vocabulary).init(device).hooked(),
        })
    }
}

impl CharTransformer {
    /// Computes the logits of the token after each position.
    ///
    /// # Shapes
    ///
    /// - tokens: `[batch_size, length]`, ids from 0 to `vocabulary - 1`
    /// - output: `[batch_size, length, vocabulary]`
    ///
    /// # Panics
    ///
    /// If [`try_forward`](Self::try_forward) fails, with its message.
    pub fn forward(&self, tokens: Tensor<2, Int>) -> Tensor<3> {
        self.try_forward(tokens)
            .unwrap_or_else(|error| panic!("{error}"))
    }

    /// [`forward`](Self::forward), with an error in place of a panic.
    ///
    /// # Errors
    ///
    /// If a token is outside the vocabulary, or a sequence is longer than the position table.
    pub fn try_forward(&self, tokens: Tensor<2, Int>) -> Result<Tensor<3>, InputError> {
        self.logits_of(self.tokens.try_forward(tokens)?)
    }

    fn logits_of(&self, embeddings: Tensor<3>) -> Result<Tensor<3>, InputError> {
        let [batch, length, _] = embeddings.dims();
        let causal = generate_autoregressive_mask(batch, length, &embeddings.device());
        let x = self
            .dropout
            .forward(self.positions.try_forward(embeddings)?);
        let x = self
            .encoder
            .try_forward(EncoderInput::new(x).mask_attn(causal))?;
        Ok(self.head.forward(self.norm.forward(x)))
    }

    /// The relevance of each token for `next` as the token after the sequence: LRP-epsilon from 1 at its logit, summed over
    /// the width of the token's embedding.
    ///
    /// # Shapes
    ///
    /// - tokens: `[batch_size, length]`
    /// - next: `[batch_size]`
    /// - output: `[batch_size, length]`
    ///
    /// # Errors
    ///
    /// As [`try_forward`](Self::try_forward); also if `next` is outside the vocabulary, or not one for each sequence, or the
    /// network is not on an autodiff device.
    pub fn relevance(
        &self,
        tokens: Tensor<2, Int>,
        next: Tensor<1, Int>,
    ) -> Result<Tensor<2>, RelevanceError> {
        let [batch, length] = tokens.dims();
        if next.dims() != [batch] {
            return Err(RelevanceError::Input(InputError::Shape {
                input: "next tokens",
                expected: format!("[{batch}]"),
                found: next.dims().into(),
            }));
        }
        if length == 0 {
            return Err(RelevanceError::Input(InputError::Shape {
                input: "tokens",
                expected: "[_, 1 or more]".to_owned(),
                found: vec![batch, length],
            }));
        }
        let [vocabulary, _] = self.tokens.inner().weight.dims();
        check_tokens(&next, vocabulary)?;
        let (embeddings, marked) = mark(self.tokens.try_forward(tokens)?);
        let logits = self.logits_of(embeddings)?;
        // A reward of 1 at the logit of `next` after the last token.
        let mut reward = vec![0.0f32; batch * length * vocabulary];
        for (index, token) in next.into_data().iter::<i64>().enumerate() {
            let last = (index + 1) * length - 1;
            if let Some(at) = reward.get_mut(last * vocabulary + token as usize) {
                *at = 1.0;
            }
        }
        let reward = TensorData::new(reward, [batch, length, vocabulary]);
        let reward = Tensor::from_data(reward, &logits.device().inner());
        let feedback = logits.try_propagate(reward, &LfpConfig::new())?;
        let rewards = feedback
            .reward_at(&marked)
            .ok_or(PropagationError::Untracked)?;
        Ok(rewards.sum_dim(2).squeeze_dim(2))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn model(device: &Device) -> CharTransformer {
        let config = CharTransformerConfig::new(7, 6)
            .with_width(8)
            .with_mlp_width(16);
        config.init(device).unwrap()
    }

    fn tokens<const N: usize>(ids: [i64; N], device: &Device) -> Tensor<2, Int> {
        Tensor::<1, Int>::from_data(ids, device).unsqueeze()
    }

    #[test]
    fn no_logit_depends_on_a_later_token() {
        let device = Device::default();
        let model = model(&device);
        let logits = |ids| -> Tensor<3> { model.forward(tokens(ids, &device)).narrow(1, 0, 3) };
        let [first, second] = [[1, 2, 3, 4], [1, 2, 3, 6]].map(logits);
        assert_eq!(first.into_data(), second.into_data());
        let first = model.forward(tokens([1, 2, 3], &device)).into_data();
        let second = model.forward(tokens([5, 2, 3], &device)).into_data();
        assert_ne!(first, second);
    }

    #[test]
    fn tokens_outside_the_vocabulary_and_long_sequences_are_named() {
        let device = Device::default();
        let model = model(&device);
        let error = |ids: Tensor<2, Int>| model.try_forward(ids).unwrap_err();
        for outside in [7, -1] {
            let expected = InputError::Token {
                vocabulary: 7,
                found: outside,
            };
            assert_eq!(error(tokens([1, outside], &device)), expected);
        }
        let expected = InputError::Positions {
            positions: 6,
            found: 7,
        };
        assert_eq!(error(tokens([0; 7], &device)), expected);
    }

    #[test]
    fn heads_that_do_not_divide_the_width_and_sizes_of_zero_are_named() {
        let device = Device::default();
        let heads = CharTransformerConfig::new(7, 6).with_heads(5).init(&device);
        let expected = TransformerError::Heads {
            width: 64,
            heads: 5,
        };
        assert_eq!(heads.unwrap_err(), expected);
        let empty = CharTransformerConfig::new(0, 6).init(&device);
        assert_eq!(empty.unwrap_err(), TransformerError::Zero("vocabulary"));
    }

    #[test]
    fn what_cannot_be_explained_is_named() {
        let device = Device::default().autodiff();
        let next = |ids: &[i64]| Tensor::<1, Int>::from_data(ids, &device);
        let tracked = model(&device);
        let relevance = |ids: &[i64]| tracked.relevance(tokens([1, 2], &device), next(ids));
        assert_eq!(relevance(&[3]).unwrap().dims(), [1, 2]);
        let error = relevance(&[9]).unwrap_err().to_string();
        assert!(
            error.contains("token 9") && error.contains("0 to 6"),
            "{error}"
        );
        assert!(
            relevance(&[1, 2])
                .unwrap_err()
                .to_string()
                .contains("next tokens")
        );
        let plain = Device::default();
        let error = model(&plain).relevance(tokens([1, 2], &plain), Tensor::from_data([3], &plain));
        assert_eq!(
            error.unwrap_err(),
            RelevanceError::Propagation(PropagationError::Untracked)
        );
    }
}

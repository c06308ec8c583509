//! Layers of sequences of tokens, `[batch, tokens, width]`. In a network they pass as `[batch, tokens, width, 1]`.

use burn::{
    module::Module,
    nn::attention::{MultiHeadAttention, generate_autoregressive_mask},
    tensor::Tensor,
};
use lfp_burn::{
    Centering, NormalizationRule,
    hooks::normalize_by,
    nn::{AttentionInput, ClassToken, Hookable, Hooked, PositionEmbedding},
};

/// A layer that is no weighted sum of its inputs alone.
#[derive(Module, Debug)]
pub(super) enum TokenLayer {
    /// Maps `[batch, channels, height, width]` become tokens, row by row.
    FromMaps(FromMaps),
    Class(ClassToken),
    Positions(PositionEmbedding),
    Select(Select),
}

/// Turns maps into tokens.
#[derive(Module, Debug)]
pub(super) struct FromMaps;

/// Keeps one token of each sequence.
#[derive(Module, Debug)]
pub(super) struct Select {
    #[module(skip)]
    pub(super) index: usize,
}

impl TokenLayer {
    pub(super) fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        match self {
            Self::FromMaps(_) => {
                let tokens: Tensor<3> = input.flatten(2, 3);
                expanded(tokens.swap_dims(1, 2))
            }
            Self::Class(layer) => expanded(layer.forward(tokens(input))),
            Self::Positions(layer) => expanded(layer.forward(tokens(input))),
            // `[batch, 1, width, 1]` becomes a vector.
            Self::Select(layer) => input.narrow(1, layer.index, 1).swap_dims(1, 2),
        }
    }
}

/// Self-attention, causal or not.
#[derive(Module, Debug)]
pub(super) struct SelfAttention {
    pub(super) layer: Hooked<MultiHeadAttention>,
    #[module(skip)]
    pub(super) causal: bool,
}

impl SelfAttention {
    pub(super) fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        let tokens = tokens(input);
        let [batch, length, _] = tokens.dims();
        let device = tokens.device();
        let input = AttentionInput::self_attn(tokens);
        let input = match self.causal {
            true => input.mask_attn(generate_autoregressive_mask(batch, length, &device)),
            false => input,
        };
        expanded(self.layer.forward(input).context)
    }
}

/// The mean over all tokens, a weighted sum like average pooling.
#[derive(Module, Debug)]
pub(super) struct MeanTokens;

impl Hookable<3, 2> for MeanTokens {
    fn forward_raw(&self, tokens: Tensor<3>) -> Tensor<2> {
        tokens.mean_dim(1).squeeze_dim(1)
    }
}

/// Layer normalisation with a rule of its own. The propagation has one rule for all of them, and a case may mix rules.
#[derive(Module, Debug)]
pub(super) struct LayerNormBy {
    pub(super) layer: burn::nn::LayerNorm,
    #[module(skip)]
    pub(super) epsilon: f64,
    #[module(skip)]
    pub(super) rule: NormalizationRule,
}

impl<const D: usize> Hookable<D> for LayerNormBy {
    fn forward_raw(&self, input: Tensor<D>) -> Tensor<D> {
        let normalized = normalize_by(input, Centering::Mean, self.epsilon, Some(self.rule));
        let scaled = normalized * self.layer.gamma.val().unsqueeze();
        match &self.layer.beta {
            Some(beta) => scaled + beta.val().unsqueeze(),
            None => scaled,
        }
    }
}

/// `[batch, tokens, width]` of `[batch, tokens, width, 1]`.
pub(super) fn tokens(input: Tensor<4>) -> Tensor<3> {
    input.squeeze_dim(3)
}

/// The inverse of [`tokens`].
pub(super) fn expanded(tokens: Tensor<3>) -> Tensor<4> {
    tokens.unsqueeze_dim(3)
}

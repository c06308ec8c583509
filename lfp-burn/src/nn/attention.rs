//! Multi-head attention.
//!
//! Scores and attended values are products of two activations, of which each receives half of the reward. The softmax, the
//! mask and the division by a constant pass quotients by their vector-Jacobian product.

use burn::{
    nn::{
        Linear,
        attention::{MhaOutput, MultiHeadAttention},
    },
    tensor::{
        Bool, Tensor,
        activation::{quiet_softmax, softmax},
    },
};
use lfp_core::{ActivationFn, functions::matmul};

use super::{HookedForward, InputError, hooked::hook};

/// The input of [`Hooked`](super::Hooked)`<MultiHeadAttention>`, with the methods of Burn's `MhaInput`, whose fields are
/// private.
///
/// # Example
///
/// ```
/// use burn::nn::attention::{MultiHeadAttentionConfig, generate_autoregressive_mask};
/// use burn::tensor::{Device, Tensor};
/// use lfp_burn::nn::{AttentionInput, Hook};
///
/// let device = Device::default();
/// let attention = MultiHeadAttentionConfig::new(12, 3).init(&device).hooked();
/// let tokens = Tensor::ones([2, 5, 12], &device);
/// let causal = generate_autoregressive_mask(2, 5, &device);
/// let output = attention.forward(AttentionInput::self_attn(tokens).mask_attn(causal));
/// assert_eq!(output.context.dims(), [2, 5, 12]);
/// ```
#[derive(Clone, Debug)]
pub struct AttentionInput {
    query: Tensor<3>,
    key: Tensor<3>,
    value: Tensor<3>,
    mask_pad: Option<Tensor<2, Bool>>,
    mask_attn: Option<Tensor<3, Bool>>,
}

impl AttentionInput {
    /// Queries, keys and values from the same tokens, `[batch, tokens, width]`.
    pub fn self_attn(tokens: Tensor<3>) -> Self {
        Self::new(tokens.clone(), tokens.clone(), tokens)
    }

    /// Queries `[batch, tokens_1, width]`; keys and values `[batch, tokens_2, width]`.
    pub fn new(query: Tensor<3>, key: Tensor<3>, value: Tensor<3>) -> Self {
        Self {
            query,
            key,
            value,
            mask_pad: None,
            mask_attn: None,
        }
    }

    /// Hides keys for all queries where `mask` is true: `[batch, tokens_2]`.
    #[must_use]
    pub fn mask_pad(self, mask: Tensor<2, Bool>) -> Self {
        self.masked(Some(mask), None)
    }

    /// Hides keys for each query where `mask` is true: `[batch, tokens_1, tokens_2]`.
    #[must_use]
    pub fn mask_attn(self, mask: Tensor<3, Bool>) -> Self {
        self.masked(None, Some(mask))
    }

    /// Sets the masks that are given.
    #[must_use]
    pub(super) fn masked(
        self,
        mask_pad: Option<Tensor<2, Bool>>,
        mask_attn: Option<Tensor<3, Bool>>,
    ) -> Self {
        Self {
            mask_pad: mask_pad.or(self.mask_pad),
            mask_attn: mask_attn.or(self.mask_attn),
            ..self
        }
    }

    fn check(&self, attention: &MultiHeadAttention) -> Result<(), InputError> {
        let (width, heads) = (attention.d_model, attention.n_heads);
        if heads == 0 || !width.is_multiple_of(heads) {
            return Err(InputError::Heads { width, heads });
        }
        let [batch, queries, _] = self.query.dims();
        let [_, keys, _] = self.key.dims();
        let [batch, queries, keys, width] = [batch, queries, keys, width].map(Some);
        let shape = InputError::check_shape;
        shape(
            "attention queries",
            &[None, None, width],
            &self.query.dims(),
        )?;
        shape("attention keys", &[batch, None, width], &self.key.dims())?;
        shape(
            "attention values",
            &[batch, keys, width],
            &self.value.dims(),
        )?;
        if let Some(mask) = &self.mask_pad {
            shape("attention padding mask", &[batch, keys], &mask.dims())?;
        }
        if let Some(mask) = &self.mask_attn {
            shape("attention mask", &[batch, queries, keys], &mask.dims())?;
        }
        Ok(())
    }
}

impl HookedForward<AttentionInput, MhaOutput> for MultiHeadAttention {
    fn try_forward_hooked(
        &self,
        input: AttentionInput,
        activation: Option<ActivationFn>,
    ) -> Result<MhaOutput, InputError> {
        input.check(self)?;
        let [batch, queries, width] = input.query.dims();
        let query = heads(self, &self.query, input.query);
        let key = heads(self, &self.key, input.key);
        let value = heads(self, &self.value, input.value);
        let scores = matmul(query, key.transpose()).div_scalar((self.d_k as f32).sqrt());
        let scores = mask(self, scores, input.mask_pad, input.mask_attn);
        let weights = match self.quiet_softmax {
            true => quiet_softmax(scores, 3),
            false => softmax(scores, 3),
        };
        let weights: Tensor<4> = hook(&self.dropout, None, weights);
        let context = matmul(weights.clone(), value)
            .swap_dims(1, 2)
            .reshape([batch, queries, width]);
        let context = hook(&self.output, activation, context);
        Ok(MhaOutput { weights, context })
    }
}

/// `[batch, tokens, width]` to `[batch, heads, tokens, width / heads]`.
fn heads(attention: &MultiHeadAttention, linear: &Linear, tokens: Tensor<3>) -> Tensor<4> {
    let [batch, length, _] = tokens.dims();
    let mapped: Tensor<3> = hook(linear, None, tokens);
    mapped
        .reshape([batch, length, attention.n_heads, attention.d_k])
        .swap_dims(1, 2)
}

/// Burn's masks: a hidden score becomes `min_float`.
fn mask(
    attention: &MultiHeadAttention,
    scores: Tensor<4>,
    mask_pad: Option<Tensor<2, Bool>>,
    mask_attn: Option<Tensor<3, Bool>>,
) -> Tensor<4> {
    let hide = |scores: Tensor<4>, mask: Tensor<4, Bool>| {
        let shape = scores.shape();
        scores.mask_fill(mask.expand(shape), attention.min_float)
    };
    let scores = match mask_pad {
        Some(mask) => hide(scores, mask.unsqueeze_dims(&[1, 2])),
        None => scores,
    };
    match mask_attn {
        Some(mask) => hide(scores, mask.unsqueeze_dim(1)),
        None => scores,
    }
}

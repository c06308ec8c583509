//! Feed-forward blocks, encoders and decoders.

use burn::{
    nn::{
        Dropout, LayerNorm,
        transformer::{
            PositionWiseFeedForward, TransformerDecoder, TransformerDecoderLayer,
            TransformerEncoder, TransformerEncoderLayer,
        },
    },
    tensor::{Bool, Tensor},
};
use lfp_core::{ActivationFn, functions::sum};

use super::{
    AttentionInput, Hookable, HookedForward, InputError,
    activations::built_in_of,
    hooked::{activated, hook},
};

impl<const D: usize> Hookable<D> for PositionWiseFeedForward {
    fn forward_raw(&self, input: Tensor<D>) -> Tensor<D> {
        let hidden: Tensor<D> = match built_in_of(&self.activation) {
            // In one pass with the stabiliser.
            Some(function) => hook(&self.linear_inner, Some(function), input),
            None => self
                .activation
                .forward_raw(hook(&self.linear_inner, None, input)),
        };
        self.linear_outer
            .forward_raw(hook(&self.dropout, None, hidden))
    }
}

/// The input of [`Hooked`](super::Hooked)`<TransformerEncoder>` and of one of its layers, with the methods of Burn's
/// `TransformerEncoderInput`, whose fields are private. Without masks the tokens alone are an input, too.
#[derive(Clone, Debug)]
pub struct EncoderInput {
    tokens: Tensor<3>,
    mask_pad: Option<Tensor<2, Bool>>,
    mask_attn: Option<Tensor<3, Bool>>,
}

impl EncoderInput {
    /// Tokens, `[batch, tokens, width]`.
    pub fn new(tokens: Tensor<3>) -> Self {
        Self {
            tokens,
            mask_pad: None,
            mask_attn: None,
        }
    }

    /// Hides tokens from all others where `mask` is true: `[batch, tokens]`.
    #[must_use]
    pub fn mask_pad(self, mask: Tensor<2, Bool>) -> Self {
        Self {
            mask_pad: Some(mask),
            ..self
        }
    }

    /// Hides tokens (last dimension) from each token where `mask` is true: `[batch, tokens, tokens]`.
    #[must_use]
    pub fn mask_attn(self, mask: Tensor<3, Bool>) -> Self {
        Self {
            mask_attn: Some(mask),
            ..self
        }
    }

    fn attention(&self, query: Tensor<3>) -> AttentionInput {
        AttentionInput::self_attn(query).masked(self.mask_pad.clone(), self.mask_attn.clone())
    }

    fn with_tokens(&self, tokens: Tensor<3>) -> Self {
        Self {
            tokens,
            ..self.clone()
        }
    }
}

impl From<Tensor<3>> for EncoderInput {
    fn from(tokens: Tensor<3>) -> Self {
        Self::new(tokens)
    }
}

/// One residual block: `x + dropout(block(x))`. Normalised before the block (`norm_first`), or by the caller after it.
fn residual(
    x: Tensor<3>,
    norm_first: Option<&LayerNorm>,
    dropout: &Dropout,
    block: impl FnOnce(Tensor<3>) -> Result<Tensor<3>, InputError>,
) -> Result<Tensor<3>, InputError> {
    let path = match norm_first {
        Some(norm) => hook(norm, None, x.clone()),
        None => x.clone(),
    };
    let path: Tensor<3> = hook(dropout, None, block(path)?);
    Ok(sum(x, path))
}

/// Normalisation after a residual block, unless it came first.
fn norm_after(x: Tensor<3>, norm: &LayerNorm, norm_first: bool) -> Tensor<3> {
    match norm_first {
        true => x,
        false => hook(norm, None, x),
    }
}

impl HookedForward<EncoderInput, Tensor<3>> for TransformerEncoderLayer {
    fn try_forward_hooked(
        &self,
        input: EncoderInput,
        activation: Option<ActivationFn>,
    ) -> Result<Tensor<3>, InputError> {
        let first = self.norm_first;
        let x = residual(
            input.tokens.clone(),
            first.then_some(&self.norm_2),
            &self.dropout,
            |x| {
                Ok(self
                    .mha
                    .try_forward_hooked(input.attention(x), None)?
                    .context)
            },
        )?;
        let x = norm_after(x, &self.norm_1, first);
        let x = residual(x, first.then_some(&self.norm_1), &self.dropout, |x| {
            Ok(hook(&self.pwff, None, x))
        })?;
        Ok(activated(norm_after(x, &self.norm_2, first), activation))
    }
}

impl HookedForward<EncoderInput, Tensor<3>> for TransformerEncoder {
    fn try_forward_hooked(
        &self,
        input: EncoderInput,
        activation: Option<ActivationFn>,
    ) -> Result<Tensor<3>, InputError> {
        let tokens = self
            .layers
            .iter()
            .try_fold(input.tokens.clone(), |x, layer| {
                layer.try_forward_hooked(input.with_tokens(x), None)
            })?;
        Ok(activated(tokens, activation))
    }
}

/// Without masks.
macro_rules! tokens_alone {
    ($($layer:ty),*) => {$(
        impl HookedForward<Tensor<3>, Tensor<3>> for $layer {
            fn try_forward_hooked(
                &self,
                tokens: Tensor<3>,
                activation: Option<ActivationFn>,
            ) -> Result<Tensor<3>, InputError> {
                self.try_forward_hooked(EncoderInput::new(tokens), activation)
            }
        }
    )*};
}

tokens_alone!(TransformerEncoderLayer, TransformerEncoder);

/// The input of [`Hooked`](super::Hooked)`<TransformerDecoder>` and of one of its layers.
#[derive(Clone, Debug)]
pub struct DecoderInput {
    target: EncoderInput,
    memory: EncoderInput,
}

impl DecoderInput {
    /// What is decoded, and what the decoder attends to, each with its masks. The attention mask of the memory is `[batch,
    /// target tokens, memory tokens]`.
    pub fn new(target: impl Into<EncoderInput>, memory: impl Into<EncoderInput>) -> Self {
        Self {
            target: target.into(),
            memory: memory.into(),
        }
    }

    fn cross_attention(&self, query: Tensor<3>) -> AttentionInput {
        let EncoderInput {
            tokens,
            mask_pad,
            mask_attn,
        } = self.memory.clone();
        AttentionInput::new(query, tokens.clone(), tokens).masked(mask_pad, mask_attn)
    }
}

impl HookedForward<DecoderInput, Tensor<3>> for TransformerDecoderLayer {
    fn try_forward_hooked(
        &self,
        input: DecoderInput,
        activation: Option<ActivationFn>,
    ) -> Result<Tensor<3>, InputError> {
        let first = self.norm_first;
        let x = residual(
            input.target.tokens.clone(),
            first.then_some(&self.norm_3),
            &self.dropout,
            |x| {
                let attended = self
                    .self_attn
                    .try_forward_hooked(input.target.attention(x), None)?;
                Ok(attended.context)
            },
        )?;
        let x = norm_after(x, &self.norm_1, first);
        let x = residual(x, first.then_some(&self.norm_1), &self.dropout, |x| {
            let attended = self
                .cross_attn
                .try_forward_hooked(input.cross_attention(x), None)?;
            Ok(attended.context)
        })?;
        let x = norm_after(x, &self.norm_2, first);
        let x = residual(x, first.then_some(&self.norm_2), &self.dropout, |x| {
            Ok(hook(&self.pwff, None, x))
        })?;
        Ok(activated(norm_after(x, &self.norm_3, first), activation))
    }
}

impl HookedForward<DecoderInput, Tensor<3>> for TransformerDecoder {
    fn try_forward_hooked(
        &self,
        input: DecoderInput,
        activation: Option<ActivationFn>,
    ) -> Result<Tensor<3>, InputError> {
        let start = input.target.tokens.clone();
        let tokens = self.layers.iter().try_fold(start, |x, layer| {
            let input = DecoderInput {
                target: input.target.with_tokens(x),
                memory: input.memory.clone(),
            };
            layer.try_forward_hooked(input, None)
        })?;
        Ok(activated(tokens, activation))
    }
}

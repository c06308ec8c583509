//! From the descriptions of layers of format 2 to layers.

use burn::{
    module::Param,
    nn::{
        Embedding, EmbeddingConfig, LayerNormConfig, Linear, LinearConfig,
        attention::{MultiHeadAttention, MultiHeadAttentionConfig},
    },
};
use lfp_burn::{
    ActivationFn,
    nn::{ClassToken, InputError, PositionEmbedding},
};

use super::{
    builder::{Builder, Extent, Form, hooked},
    description::{Attention, Norm},
    error::Malformed,
    network::{Layer, Norms, Sum},
    tokens::{FromMaps, LayerNormBy, MeanTokens, Select, SelfAttention, TokenLayer},
};

impl Builder<'_> {
    pub(super) fn to_tokens(&self, extent: Extent) -> Result<(Layer, Extent), Malformed> {
        let [channels, height, width] = extent.shape;
        if extent.form != Form::Maps {
            return Err(Malformed::layer("to_tokens", "expected maps, found tokens"));
        }
        let tokens = Extent::tokens(height * width, channels);
        Ok((Layer::Tokens(TokenLayer::FromMaps(FromMaps)), tokens))
    }

    pub(super) fn class_token(
        &mut self,
        name: &str,
        extent: Extent,
    ) -> Result<(Layer, Extent), Malformed> {
        let [tokens, width] = extent.sequence(name)?;
        let weight = self.table(name, [1, width])?;
        let layer = TokenLayer::Class(ClassToken { weight });
        Ok((Layer::Tokens(layer), Extent::tokens(tokens + 1, width)))
    }

    pub(super) fn position_embedding(
        &mut self,
        name: &str,
        extent: Extent,
    ) -> Result<(Layer, Extent), Malformed> {
        let weight = self.table(name, extent.sequence(name)?)?;
        let layer = TokenLayer::Positions(PositionEmbedding { weight });
        Ok((Layer::Tokens(layer), extent))
    }

    pub(super) fn select_token(
        &self,
        index: i64,
        extent: Extent,
    ) -> Result<(Layer, Extent), Malformed> {
        let [tokens, width] = extent.sequence("select_token")?;
        let length = tokens as i64;
        let position = if index < 0 { index + length } else { index };
        match usize::try_from(position) {
            Ok(index) if index < tokens => {
                let layer = TokenLayer::Select(Select { index });
                Ok((Layer::Tokens(layer), Extent::vector(width)))
            }
            _ => {
                let reason = format!("there is no token {index} in a sequence of {tokens}");
                Err(Malformed::layer("select_token", reason))
            }
        }
    }

    pub(super) fn mean_tokens(
        &self,
        activation: Option<ActivationFn>,
        extent: Extent,
    ) -> Result<(Sum, Extent), Malformed> {
        let [_, width] = extent.sequence("mean_tokens")?;
        let sum = Sum::MeanTokens(hooked(MeanTokens, activation));
        Ok((sum, Extent::vector(width)))
    }

    /// The look-up of a network of token ids; `None` if its first layer is another one.
    pub(super) fn embedding(&mut self, name: &str) -> Result<(Embedding, usize), Malformed> {
        let key = format!("{name}.weight");
        let array = self.arrays.get(&format!("param/{key}"))?;
        let [vocabulary, width] = array.shape[..] else {
            return Err(Malformed::shape(&key, "[vocabulary, width]", &array.shape));
        };
        let mut layer = EmbeddingConfig::new(vocabulary, width).init(self.device);
        layer.weight = self.table(name, [vocabulary, width])?;
        Ok((layer, width))
    }

    pub(super) fn layer_norm(
        &mut self,
        norm: &Norm,
        activation: Option<ActivationFn>,
        extent: Extent,
    ) -> Result<Sum, Malformed> {
        let Norm { name, eps, .. } = norm;
        if !(eps.is_finite() && *eps >= 0.0) {
            let reason = format!("eps: expected 0 or a positive number, found {eps}");
            return Err(Malformed::layer(name, reason));
        }
        let width = extent.last();
        let config = LayerNormConfig::new(width).with_epsilon(*eps);
        let mut layer = config.init(self.device);
        layer.gamma = self.vector(format!("{name}.weight"), width)?;
        layer.beta = Some(self.vector(format!("{name}.bias"), width)?);
        let rule = norm.statistics.rule();
        let norms = match rule == self.norm_rule {
            true => Norms::Common(hooked(layer, activation)),
            false => {
                let layer = LayerNormBy {
                    layer,
                    epsilon: *eps,
                    rule,
                };
                Norms::Own(hooked(layer, activation))
            }
        };
        Ok(match extent.form {
            Form::Tokens => Sum::TokenNorm(norms),
            Form::Maps if extent.is_vector() => Sum::VectorNorm(norms),
            Form::Maps => Sum::MapNorm(norms),
        })
    }

    pub(super) fn attention(
        &mut self,
        attention: &Attention,
        activation: Option<ActivationFn>,
        extent: Extent,
    ) -> Result<Sum, Malformed> {
        let Attention {
            name,
            heads,
            causal,
            bias,
        } = attention;
        let [tokens, width] = extent.sequence(name)?;
        // Attention has a score for each pair of tokens.
        self.check_size(Extent::tokens(tokens * tokens, *heads))?;
        if *heads == 0 || !width.is_multiple_of(*heads) {
            let error = InputError::Heads {
                width,
                heads: *heads,
            };
            return Err(Malformed::layer(name, error.to_string()));
        }
        let config = MultiHeadAttentionConfig::new(width, *heads).with_dropout(0.0);
        let layer = MultiHeadAttention {
            query: self.projection(&format!("{name}.query"), width, *bias)?,
            key: self.projection(&format!("{name}.key"), width, *bias)?,
            value: self.projection(&format!("{name}.value"), width, *bias)?,
            output: self.projection(&format!("{name}.output"), width, *bias)?,
            ..config.init(self.device)
        };
        self.compare_with(&format!("{name}.key.bias"), &format!("{name}.query.bias"));
        Ok(Sum::Attention(SelfAttention {
            layer: hooked(layer, activation),
            causal: *causal,
        }))
    }

    /// A square linear map.
    fn projection(&mut self, name: &str, width: usize, bias: bool) -> Result<Linear, Malformed> {
        let key = format!("{name}.weight");
        let array = self.arrays.get(&format!("param/{key}"))?;
        if array.shape != [width, width] {
            let expected = format!("[{width}, {width}]");
            return Err(Malformed::shape(&key, expected, &array.shape));
        }
        let config = LinearConfig::new(width, width).with_bias(bias);
        let mut layer = config.init(self.device);
        let weight = array.tensor::<2>(self.device).transpose();
        layer.weight = self.parameter(key, weight, &array.shape)?;
        layer.bias = self.bias(name, bias, width)?;
        Ok(layer)
    }

    /// A table of parameters.
    fn table(
        &mut self,
        name: &str,
        shape: [usize; 2],
    ) -> Result<Param<burn::tensor::Tensor<2>>, Malformed> {
        let key = format!("{name}.weight");
        let array = self.arrays.get(&format!("param/{key}"))?;
        if array.shape != shape {
            return Err(Malformed::shape(&key, format!("{shape:?}"), &array.shape));
        }
        self.table_parameter(key, array.tensor(self.device), &shape)
    }
}

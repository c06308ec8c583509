//! Tables of parameters: embeddings of tokens, class tokens, position embeddings.
//!
//! A look-up is a linear map of a one-hot vector, so the rule of a linear map applies to the values that were looked up.

use burn::{
    module::{Module, Param},
    nn::{Embedding, Initializer},
    tensor::{Device, Int, Tensor},
};
use lfp_core::{
    ActivationFn, Stabilizer,
    functions::{activation_of, sum, table},
};

use super::{HookedForward, InputError};

impl HookedForward<Tensor<2, Int>, Tensor<3>> for Embedding {
    fn try_forward_hooked(
        &self,
        tokens: Tensor<2, Int>,
        activation: Option<ActivationFn>,
    ) -> Result<Tensor<3>, InputError> {
        let [vocabulary, _] = self.weight.shape().dims();
        check_tokens(&tokens, vocabulary)?;
        let rows = self.forward(tokens);
        Ok(match activation {
            Some(function) => activation_of(rows, function, Stabilizer::Table),
            None => table(rows),
        })
    }
}

/// Checks that every token id is at least 0 and below `vocabulary`. Reads the ids from the device; outside the range a
/// look-up is undefined on some of them.
///
/// # Errors
///
/// [`InputError::Token`] for the first id outside the range.
pub fn check_tokens<const D: usize>(
    tokens: &Tensor<D, Int>,
    vocabulary: usize,
) -> Result<(), InputError> {
    let known = 0..vocabulary as i64;
    let unknown = |token: &i64| !known.contains(token);
    match tokens.to_data().iter::<i64>().find(unknown) {
        Some(found) => Err(InputError::Token { vocabulary, found }),
        None => Ok(()),
    }
}

/// A learned token in front of a sequence.
///
/// # Example
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use lfp_burn::nn::{ClassToken, PositionEmbedding};
///
/// let device = Device::default();
/// let patches = Tensor::ones([2, 16, 8], &device);
/// let tokens = ClassToken::new(8, &device).forward(patches);
/// let tokens = PositionEmbedding::new(17, 8, &device).forward(tokens);
/// assert_eq!(tokens.dims(), [2, 17, 8]);
/// ```
#[derive(Module, Debug)]
pub struct ClassToken {
    /// The token, `[1, width]`.
    pub weight: Param<Tensor<2>>,
}

impl ClassToken {
    /// A random token from a normal distribution of deviation 0.02. (At zero it would never move by LFP.)
    pub fn new(width: usize, device: &Device) -> Self {
        Self {
            weight: small_numbers().init([1, width], device),
        }
    }

    /// Puts the token in front of each sequence.
    ///
    /// # Shapes
    ///
    /// - tokens: `[batch, tokens, width]`
    /// - output: `[batch, 1 + tokens, width]`
    ///
    /// # Panics
    ///
    /// If the widths differ.
    pub fn forward(&self, tokens: Tensor<3>) -> Tensor<3> {
        prepend_token(tokens, self.weight.val().unsqueeze())
    }
}

/// A learned vector for each position, added to the tokens.
#[derive(Module, Debug)]
pub struct PositionEmbedding {
    /// The table, `[positions, width]`.
    pub weight: Param<Tensor<2>>,
}

impl PositionEmbedding {
    /// A random table from a normal distribution of deviation 0.02.
    pub fn new(positions: usize, width: usize, device: &Device) -> Self {
        Self {
            weight: small_numbers().init([positions, width], device),
        }
    }

    /// Adds the vectors of the first positions.
    ///
    /// # Shapes
    ///
    /// - tokens and output: `[batch, tokens, width]`
    ///
    /// # Panics
    ///
    /// If [`try_forward`](Self::try_forward) fails, with its message.
    pub fn forward(&self, tokens: Tensor<3>) -> Tensor<3> {
        self.try_forward(tokens)
            .unwrap_or_else(|error| panic!("{error}"))
    }

    /// [`forward`](Self::forward), with an error in place of a panic.
    ///
    /// # Errors
    ///
    /// If a sequence is longer than the table, or has another width.
    pub fn try_forward(&self, tokens: Tensor<3>) -> Result<Tensor<3>, InputError> {
        add_positions(tokens, self.weight.val().unsqueeze())
    }
}

fn small_numbers() -> Initializer {
    Initializer::Normal {
        mean: 0.0,
        std: 0.02,
    }
}

/// Puts a token of parameters in front of each sequence.
///
/// # Shapes
///
/// - tokens: `[batch, tokens, width]`
/// - token: `[1, 1, width]`
/// - output: `[batch, 1 + tokens, width]`
///
/// # Panics
///
/// If the widths differ.
pub fn prepend_token(tokens: Tensor<3>, token: Tensor<3>) -> Tensor<3> {
    let [batch, _, width] = tokens.dims();
    let expected = [Some(1), Some(1), Some(width)];
    if let Err(error) = InputError::check_shape("class token", &expected, &token.dims()) {
        panic!("{error}");
    }
    Tensor::cat(vec![table(token).expand([batch, 1, width]), tokens], 1)
}

/// Adds the first vectors of a table of parameters, one for each position.
///
/// # Shapes
///
/// - tokens and output: `[batch, tokens, width]`
/// - positions: `[1, positions, width]`
///
/// # Errors
///
/// If a sequence is longer than the table, or has another width.
pub fn add_positions(tokens: Tensor<3>, positions: Tensor<3>) -> Result<Tensor<3>, InputError> {
    let [_, length, width] = tokens.dims();
    let expected = [Some(1), None, Some(width)];
    InputError::check_shape("position embedding", &expected, &positions.dims())?;
    let [_, rows, _] = positions.dims();
    if length > rows {
        return Err(InputError::Positions {
            positions: rows,
            found: length,
        });
    }
    Ok(sum(tokens, table(positions.narrow(1, 0, length))))
}

//! Inputs that do not fit a layer.

/// An input that does not fit a layer, or a layer whose parts do not fit together.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InputError {
    /// The width of the tokens is no multiple of the number of heads.
    #[error("attention: {heads} heads do not divide a width of {width}")]
    Heads {
        /// Width of the tokens.
        width: usize,
        /// Number of heads.
        heads: usize,
    },
    /// A tensor has another shape than the layer needs.
    #[error("{input}: expected shape {expected}, found {found:?}")]
    Shape {
        /// What the tensor is.
        input: &'static str,
        /// The expected shape.
        expected: String,
        /// The shape of the tensor.
        found: Vec<usize>,
    },
    /// A token id is outside the vocabulary.
    #[error("embedding: token {found} is outside the vocabulary of 0 to {last}", last = vocabulary.saturating_sub(1))]
    Token {
        /// Number of rows of the table.
        vocabulary: usize,
        /// The token.
        found: i64,
    },
    /// A sequence is longer than the table of positions.
    #[error(
        "position embedding: a sequence of {found} tokens is longer than the table of {positions} positions"
    )]
    Positions {
        /// Number of rows of the table.
        positions: usize,
        /// Length of the sequence.
        found: usize,
    },
}

impl InputError {
    /// Checks a shape; `None` accepts any size.
    pub(super) fn check_shape(
        input: &'static str,
        expected: &[Option<usize>],
        found: &[usize],
    ) -> Result<(), Self> {
        let fits =
            |(expected, found): (&Option<usize>, &usize)| expected.is_none_or(|e| e == *found);
        if expected.len() == found.len() && expected.iter().zip(found).all(fits) {
            return Ok(());
        }
        let sizes = expected
            .iter()
            .map(|size| size.map_or("_".to_owned(), |size| size.to_string()));
        Err(Self::Shape {
            input,
            expected: format!("[{}]", sizes.collect::<Vec<_>>().join(", ")),
            found: found.to_vec(),
        })
    }
}

//! Which stabiliser an operation's output has.

use burn_core::tensor::DType;

use crate::LfpConfig;

/// The kind of an operation that decomposes rewards among its operands. It selects the stabiliser, and by how much a
/// sum of the operands' contributions exceeds the output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stabilizer {
    /// A weighted sum with parameters (Eqs. 6 and 7), by [`LfpConfig::epsilon`].
    #[default]
    WeightedSum,
    /// A sum of activations such as a residual sum (Eq. 11), by [`LfpConfig::sum_epsilon`].
    Sum,
    /// A product of two activations, by [`LfpConfig::product_epsilon`]: each operand takes half of the reward.
    Product,
    /// Rows of a table of parameters, which are weights of one-hot inputs, by [`LfpConfig::embedding_epsilon`].
    Table,
}

impl Stabilizer {
    /// Number of operands among which the reward of an output is divided in full: `q = g z / (n z + sign(z) epsilon)`.
    pub(crate) fn shares(self) -> f64 {
        match self {
            Self::Product => 2.0,
            Self::WeightedSum | Self::Sum | Self::Table => 1.0,
        }
    }

    /// The stabiliser for tensors of an element type. Zero means none.
    pub(crate) fn epsilon(self, config: &LfpConfig, dtype: DType) -> f64 {
        let epsilon = match self {
            Self::WeightedSum => config.epsilon,
            Self::Sum => config.sum_epsilon.unwrap_or(config.epsilon),
            Self::Product => config.product_epsilon,
            Self::Table => config.embedding_epsilon.unwrap_or(config.epsilon),
        };
        match epsilon {
            0.0 => 0.0,
            epsilon => config.with_epsilon(epsilon).epsilon_for(dtype),
        }
    }
}

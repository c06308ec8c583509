//! Measures of sparsity. LFP concentrates the weights of a layer in few connections.
//!
//! [`gini`], [`quantiles`] and [`neutral_share`] measure the weights of a layer, which
//! [`layer_weights`](crate::layer_weights) collects from any module; [`updated_share`] measures a training step.

mod distribution;
mod gini;
mod updates;

pub use distribution::{neutral_share, quantiles};
pub use gini::gini;
pub use updates::updated_share;
#[cfg(feature = "metrics")]
pub use updates::{UpdatedShareInput, UpdatedShareMetric};

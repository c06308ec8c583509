//! How much of a network a few of its weights are: LFP concentrates them.
//!
//! [`gini`], [`quantiles`] and [`neutral_share`] are of the weights of a layer, which
//! [`layer_weights`](crate::layer_weights) takes from any module; [`updated_share`] is of a step.

mod distribution;
mod gini;
mod updates;

pub use distribution::{neutral_share, quantiles};
pub use gini::gini;
pub use updates::updated_share;
#[cfg(feature = "metrics")]
pub use updates::{UpdatedShareInput, UpdatedShareMetric};

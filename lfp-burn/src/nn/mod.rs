//! Burn's layers with a hook: the same parameters, records and forward pass, and the rule by which
//! rewards pass them.
//!
//! Every layer that computes a weighted sum gets a hook: [`Linear`], convolutions, average pooling,
//! [`BatchNorm`]. So does [`Dropout`], where the rule leaves a choice. Nothing else needs one: max
//! pooling, reshaping, slicing and concatenation hand rewards on by themselves, and a residual sum
//! is [`stabilize`](crate::hooks::stabilize)`(a + b)`.
//!
//! [`Linear`]: burn::nn::Linear
//! [`BatchNorm`]: burn::nn::BatchNorm
//! [`Dropout`]: burn::nn::Dropout

mod batch_norm_folding;
mod hooked;
mod layers;
pub(crate) mod transparent;

pub use batch_norm_folding::{Canonize, FoldBatchNorm, FoldError};
pub use hooked::{Hook, Hooked, LinearMap};

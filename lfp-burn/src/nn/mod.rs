//! Burn's layers with a hook: the same parameters, records and forward pass, and the rule by which rewards pass them.
//!
//! Every layer that computes a weighted sum needs a hook: [`Linear`], convolutions, average pooling, [`BatchNorm`]. So does an
//! activation layer, and [`Dropout`] if the other [`DropoutRule`](crate::DropoutRule) is wanted. Max pooling, reshaping,
//! slicing and concatenation need none: their vector-Jacobian product is the rule. A residual sum is
//! [`stabilize`](crate::hooks::stabilize)`(a + b)`.
//!
//! Your own layers join by implementing [`Hookable`].
//!
//! [`Linear`]: burn::nn::Linear
//! [`BatchNorm`]: burn::nn::BatchNorm
//! [`Dropout`]: burn::nn::Dropout

mod activations;
mod attention;
mod batch_norm_merging;
mod embedding;
mod gates;
mod hooked;
mod input_error;
mod layers;
mod normalization;
mod recurrent;
mod transformer;
pub(crate) mod transparent;

pub use activations::{UnsupportedActivation, activation_fn};
pub use attention::AttentionInput;
pub use batch_norm_merging::{AbsorbBatchNorm, MergeError};
pub use embedding::{ClassToken, PositionEmbedding, add_positions, check_tokens, prepend_token};
pub use hooked::{Hook, Hookable, Hooked, HookedForward};
pub use input_error::InputError;
pub use transformer::{DecoderInput, EncoderInput};

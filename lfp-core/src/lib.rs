//! The rules of layer-wise feedback propagation (LFP) as operations of the Burn framework.
//!
//! LFP (Weber et al., TMLR 2025) gives every neuron a *reward* and decomposes it, layer by layer, with the rules of
//! layer-wise relevance propagation. This crate carries the **quotient** of a neuron's reward and its output, `g = r / a`,
//! through Burn's own tape. In quotients almost every rule of the paper *is* the vector-Jacobian product that Burn already
//! has; the [hooks](crate::functions) of this crate record the difference. The book derives it (`docs/theory.md`).
//!
//! | item | what it is |
//! |---|---|
//! | [`LfpConfig`] | the settings of a propagation, with [`BatchNormRule`], [`DropoutRule`], [`LifDenominator`], [`Normalization`], [`NormalizationRule`], [`SignChangeRule`] |
//! | [`propagate`], [`PropagationError`] | a propagation on Burn's `Tensor` |
//! | [`functions`] | the hooks on Burn's `Tensor`, with [`ActivationFn`], [`Stabilizer`], [`Centering`], [`PoolWindows`], [`LifNeuron`], [`Surrogate`] |
//! | [`LfpOps`] | the backend extension: one operation per rule, with default bodies |
//!
//! | folder | contents |
//! |---|---|
//! | `rules` | one rule per file, composed of backend primitives |
//! | `backends` | the tape (`autodiff`), and fused kernels (`flex`, and `cube` on GPUs) |
//!
//! Users normally import `lfp-burn`, which wraps this crate.

#![cfg_attr(
    feature = "ndarray",
    allow(
        deprecated,
        reason = "Burn deprecates the backend; it stays a cross-check"
    )
)]

mod activation;
mod backends;
mod config;
pub mod functions;
mod lif;
pub mod ops;
mod pool_windows;
mod propagation;
mod rules;
mod stabilizer;

pub use activation::{ActivationFn, UnknownActivation};
#[cfg(feature = "flex")]
pub use backends::{UnknownConvolution, check_convolution};
pub use config::{
    ActsOn, BatchNormRule, ConfigError, ConfigOption, DropoutRule, LfpConfig, LifDenominator,
    Normalization, NormalizationRule, SignChangeRule,
};
pub use lif::{LifError, LifNeuron, Surrogate, UnknownSurrogate};
pub use ops::LfpOps;
pub use pool_windows::PoolWindows;
pub use propagation::{PropagationError, propagate};
pub use rules::normalization::Centering;
pub use stabilizer::Stabilizer;

//! The rules of layer-wise feedback propagation (LFP) as operations of the Burn framework.
//!
//! LFP (Weber et al., TMLR 2025) gives every neuron a *reward* and decomposes it, layer by layer,
//! with the rules of layer-wise relevance propagation. This crate carries the **quotient** of a
//! neuron's reward and its output, `g = r / a`, through Burn's own tape. In quotients almost every
//! rule of the paper *is* the vector-Jacobian product Burn already has; what differs is recorded by
//! the [hooks](crate::functions) of this crate. The book derives it (`docs/theory.md`).
//!
//! | folder | what lives there |
//! |---|---|
//! | [`rules`](crate::ops) | one rule per file, from backend primitives |
//! | `backends` | what a backend does better than the primitives, and the tape (`autodiff`) |
//! | [`functions`] | the same on Burn's `Tensor` |
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
pub mod functions;
mod lif;
pub mod ops;
mod propagation;
mod rule;
mod rules;

pub use activation::{Activation, UnknownActivation};
pub use lif::{LifError, LifNeuron, Surrogate};
pub use ops::LfpOps;
pub use propagation::{PropagationError, propagate};
pub use rule::{BatchNormRule, DropoutRule, LifReward, LifRule, Rule, RuleError};

//! Clipping, schedules and wrappers that training by LFP needs beside Burn's optimisers.
//!
//! | what | how |
//! |---|---|
//! | clip by the global norm, as PyTorch's `clip_grad_norm_` | [`GlobalNormClip`] around an optimiser, or [`clip_global_norm`] |
//! | clip each unit relative to its weights (Brock et al. 2021) | [`AdaptiveClip`] around an optimiser |
//! | OneCycle with momentum, as PyTorch's `OneCycleLR` | [`OneCycle`], and [`Momentum`] to drive an optimiser |
//! | LFP-0 on a model without hooks | [`LfpZero`] around an optimiser |

mod adaptive_clip;
mod global_norm;
mod lfp_zero;
mod momentum;
mod one_cycle;

pub use adaptive_clip::{AdaptiveClip, AdaptiveClipConfig};
pub use global_norm::{GlobalNormClip, clip_global_norm, global_norm, sum_devices};
pub use lfp_zero::LfpZero;
pub use momentum::{Driven, Momentum};
pub use one_cycle::{OneCycle, OneCycleConfig, OneCycleError};

/// A limit for clipping that is not positive and finite.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[error("clipping: expected {name} to be positive and finite, found {value}")]
pub struct ClipError {
    /// The setting.
    pub name: &'static str,
    /// Its value.
    pub value: f64,
}

fn positive(name: &'static str, value: f64) -> Result<f64, ClipError> {
    match value.is_finite() && value > 0.0 {
        true => Ok(value),
        false => Err(ClipError { name, value }),
    }
}

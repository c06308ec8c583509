//! What training by LFP needs beside Burn's optimisers.

mod adaptive_clip;
mod clip;
mod lfp_zero;
mod momentum;
mod one_cycle;

pub use adaptive_clip::clip_adaptive;
pub use clip::{clip_global_norm, global_norm};
pub use lfp_zero::LfpZero;
pub use momentum::{Driven, Momentum};
pub use one_cycle::{OneCycle, OneCycleConfig, OneCycleError};

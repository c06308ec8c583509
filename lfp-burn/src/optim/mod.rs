//! What training by LFP needs beside Burn's optimisers.

mod clip;
mod lfp_zero;
mod one_cycle;

pub use clip::{clip_global_norm, global_norm};
pub use lfp_zero::LfpZero;
pub use one_cycle::{OneCycle, OneCycleConfig, OneCycleError};

//! The names that a training loop needs: `use lfp_burn::prelude::*;`.

pub use crate::{
    ActivationFn, Feedback, LfpConfig, Propagate, hooks,
    nn::{Hook, Hookable, Hooked},
    optim::{OneCycleConfig, clip_global_norm},
    reward::{Reward, SoftmaxReward},
    spiking::{LifConfig, Spike, Spiking},
};

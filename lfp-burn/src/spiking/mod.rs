//! Spiking networks of leaky integrate-and-fire (LIF) neurons, trained without a surrogate derivative.
//!
//! Sequences are **time-major**, `[steps, batch, ...]`. A layer runs all its steps before the next layer starts: the linear
//! map of all steps at once (time is folded into the batch), then one scan over time. A constant input (constant encoding)
//! passes the first linear map once.
//!
//! # Example
//!
//! ```
//! use burn::{nn::LinearConfig, tensor::{Device, Int, Tensor}};
//! use lfp_burn::{Propagate, reward::{Reward, SpikeRateReward}, spiking::{LifConfig, Spike, spike_counts}};
//!
//! let device = Device::default().autodiff();
//! let lif = LifConfig::new().with_beta(0.9).init()?;
//! let hidden = LinearConfig::new(4, 16).init(&device).spiking(lif.clone());
//! let output = LinearConfig::new(16, 3).init(&device).spiking(lif);
//!
//! let images = Tensor::<2>::ones([8, 4], &device);
//! let targets = Tensor::<1, Int>::zeros([8], &device);
//! let spikes = output.forward(hidden.forward_constant(images, 15)); // [15, 8, 3]
//! let predictions = spike_counts(spikes.clone()).argmax(1);
//! let reward = SpikeRateReward::new().forward(spikes.clone(), targets);
//! let grads = spikes.propagate(reward).into_grads(&hidden);
//! # let _ = (predictions, grads);
//! # Ok::<(), lfp_burn::LifError>(())
//! ```

mod activity;
mod layer;
mod lif;
mod rate;

pub use activity::Activity;
pub use layer::{Spike, Spiking};
pub use lif::{Lif, LifConfig};
pub use rate::{rate_cross_entropy, spike_counts};

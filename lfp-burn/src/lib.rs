//! Train Burn models by layer-wise feedback propagation (LFP).
//!
//! A reward at the outputs is decomposed down to every neuron and weight, and each weight moves by
//! its own reward. In a training loop, `loss.backward()` becomes `logits.propagate(reward)`; the
//! optimiser, the data loader and the device stay:
//!
//! ```
//! use burn::module::Module;
//! use burn::nn::{Linear, LinearConfig};
//! use burn::optim::SgdConfig;
//! use burn::tensor::{Device, Int, Tensor};
//! use lfp_burn::{Activation, Propagate, nn::{Hook, Hooked}, reward::{Reward, SoftmaxReward}};
//!
//! #[derive(Module, Debug)]
//! struct Model {
//!     hidden: Hooked<Linear>,
//!     output: Hooked<Linear>,
//! }
//!
//! impl Model {
//!     fn forward(&self, x: Tensor<2>) -> Tensor<2> {
//!         self.output.forward(self.hidden.forward(x))
//!     }
//! }
//!
//! let device = Device::default().autodiff();
//! let model = Model {
//!     hidden: LinearConfig::new(2, 16).init(&device).hooked().with_activation(Activation::Relu),
//!     output: LinearConfig::new(16, 3).init(&device).hooked(),
//! };
//! let mut optim = SgdConfig::new().init();
//! let inputs = Tensor::<2>::from_floats([[0.5, -1.0], [2.0, 0.3]], &device);
//! let targets = Tensor::<1, Int>::from_ints([0, 2], &device);
//!
//! let logits = model.forward(inputs);
//! let reward = SoftmaxReward::new().forward(logits.clone(), targets);
//! let grads = logits.propagate(reward).into_grads(&model); // was: loss.backward()
//! let model = optim.step(0.01, model, grads);
//! # let _ = model;
//! ```
//!
//! | module | what is in it |
//! |---|---|
//! | [`nn`] | [`Hooked`](nn::Hooked) layers: Burn's own, which also know how rewards pass them |
//! | [`hooks`] | the same as functions on tensors, and the user's own activations |
//! | [`reward`] | initial rewards: Table 2 of the paper, and your own |
//! | [`Propagate`], [`Feedback`] | the propagation, and what it leaves: updates, relevances, rewards |
//! | [`spiking`] | leaky integrate-and-fire neurons and layers of them |
//! | [`sparsity`] | Gini coefficient, quantiles, the share of parameters that a step moves |
//! | [`prune`] | pruning by magnitude and by relevance |
//! | [`optim`] | global-norm and adaptive clipping, OneCycle, and LFP-0 as a mere wrapper of an optimiser |

mod feedback;
mod inference;
mod layers;
mod mark;
pub mod nn;
mod off_tape;
pub mod optim;
mod propagate;
pub mod prune;
pub mod reward;
pub mod sparsity;
pub mod spiking;

pub use feedback::Feedback;
pub use inference::inference_mode;
pub use layers::{LayerKind, LayerWeights, layer_weights};
pub use lfp_core::functions as hooks;
pub use lfp_core::{
    Activation, BatchNormRule, DropoutRule, LifError, LifNeuron, LifReward, LifRule,
    PropagationError, Rule, RuleError, Surrogate, UnknownActivation,
};
pub use mark::{Mark, mark};
pub use propagate::Propagate;

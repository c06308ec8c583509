//! Train Burn models by layer-wise feedback propagation (LFP).
//!
//! A reward at the outputs is decomposed down to every neuron and weight, and each weight moves by its own reward. In a
//! training loop, `loss.backward()` becomes `logits.propagate(reward)`; optimiser, data loader and device stay:
//!
//! ```
//! use burn::module::Module;
//! use burn::nn::{Linear, LinearConfig};
//! use burn::optim::SgdConfig;
//! use burn::tensor::{Device, Int, Tensor};
//! use lfp_burn::prelude::*;
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
//!     hidden: LinearConfig::new(2, 16).init(&device).hooked().with_activation(ActivationFn::Relu),
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
//! | item | what it is for |
//! |---|---|
//! | [`prelude`] | the names that a training loop needs |
//! | [`nn`] | [`Hooked`](nn::Hooked) layers: Burn's own and yours ([`Hookable`](nn::Hookable)); [merging batch normalisation](nn::Hooked::merge_batch_norm) |
//! | [`hooks`] | the same as functions on tensors, and activations of your own |
//! | [`ActivationFn`] | the built-in activations; [`nn::activation_fn`] converts Burn's configuration |
//! | [`reward`] | initial rewards: Table 2 of the paper, any rating of outcomes, any differentiable loss, your own |
//! | [`Propagate`], [`LfpConfig`] | the propagation and its settings ([`BatchNormRule`], [`NormalizationRule`], [`DropoutRule`], [`SignChangeRule`], [`LifDenominator`], [`Normalization`]) |
//! | [`Feedback`] | its result: updates, relevances of connections, rewards of tensors; [`mark`](mark()) selects tensors inside a model |
//! | [`optim`] | clipping by global norm and by unit, OneCycle with momentum, LFP-0 as a wrapper of any optimiser |
//! | [`spiking`] | leaky integrate-and-fire neurons ([`LifNeuron`], [`Surrogate`]) and layers of them |
//! | `rl` | policies and learners of `burn-rl`, with the feature `rl` |
//! | [`sparsity`], [`prune`] | Gini coefficient and quantiles; pruning by magnitude and by relevance |
//! | [`quantize`] | training with weights of 1 to 8 bits |
//! | [`audit`](audit()) | the layers of a model that lack a hook |
//! | [`layer_weights`], [`inference_mode`], [`freeze`](freeze()) | the weights of any module by layer; a model without training-only behaviour; fine-tuning of a part |

mod audit;
mod feedback;
mod freeze;
mod inference;
mod layers;
mod mark;
pub mod nn;
mod off_tape;
pub mod optim;
pub mod prelude;
mod propagate;
pub mod prune;
pub mod quantize;
pub mod reward;
#[cfg(feature = "rl")]
pub mod rl;
pub mod sparsity;
pub mod spiking;

pub use audit::{Unhooked, audit};
pub use feedback::Feedback;
pub use freeze::{FreezeError, check_freeze, freeze};
pub use inference::inference_mode;
pub use layers::{LayerKind, LayerWeights, layer_weights};
pub use lfp_core::functions as hooks;
pub use lfp_core::{
    ActivationFn, ActsOn, BatchNormRule, Centering, ConfigError, ConfigOption, DropoutRule,
    LfpConfig, LifDenominator, LifError, LifNeuron, Normalization, NormalizationRule, PoolWindows,
    PropagationError, SignChangeRule, Stabilizer, Surrogate, UnknownActivation, UnknownSurrogate,
};
#[cfg(feature = "flex")]
pub use lfp_core::{UnknownConvolution, check_convolution};
pub use mark::{Mark, mark};
pub use propagate::Propagate;

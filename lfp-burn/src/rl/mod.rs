//! Reinforcement learning: a policy and a learner for `burn-rl`, Burn's own crate.
//!
//! An environment implements `burn_rl::Environment` with [`Observation`] as its state and [`Action`] as its action. A network
//! implements [`PolicyNetwork`], one function. [`CategoricalPolicy`] draws actions from its softmax, and [`PolicyGradient`]
//! trains it by LFP (or by the gradient, to compare): the two fit Burn's traits `Policy` and `PolicyLearner`.
//!
//! Actions and what an environment returns stay on the host, where environments run: a time step of any number of environments
//! costs one upload of observations and one read of probabilities.
//!
//! # Example
//!
//! ```
//! use burn::{module::Module, nn::{Linear, LinearConfig}, optim::AdamConfig, tensor::{Device, Tensor}};
//! use burn_rl::{Policy, PolicyLearner, TransitionBatch};
//! use lfp_burn::{nn::{Hook, Hooked}, rl::{Observation, Observations, PolicyGradientConfig, PolicyNetwork}};
//!
//! #[derive(Module, Debug)]
//! struct Network {
//!     layer: Hooked<Linear>,
//! }
//!
//! impl PolicyNetwork for Network {
//!     fn logits(&self, observations: Tensor<2>) -> Tensor<2> {
//!         self.layer.forward(observations)
//!     }
//! }
//!
//! let device = Device::default();
//! let network = Network { layer: LinearConfig::new(1, 2).init(&device).hooked() };
//! let mut learner = PolicyGradientConfig::new().init(network, AdamConfig::new().init());
//! let mut policy = learner.policy();
//! // Two episodes of one step each. Action 1 is rewarded.
//! let rows = [Observation(vec![1.0]), Observation(vec![1.0])];
//! let before = policy.forward(Observations::of(&rows, &device)).0;
//! for _ in 0..10 {
//!     let states = Observations::of(&rows, &device);
//!     let (actions, _) = policy.action(states.clone(), false);
//!     let rewards: Vec<f32> = actions.iter().map(|action| action as f32).collect();
//!     let rewards = Tensor::<1>::from_floats(rewards.as_slice(), &device).unsqueeze_dim(1);
//!     let output = learner.train(TransitionBatch {
//!         next_states: states.clone(),
//!         states,
//!         actions,
//!         rewards,
//!         dones: Tensor::ones([2, 1], &device),
//!     });
//!     policy.update(output.policy);
//! }
//! assert_eq!(before.dims(), [2, 2]);
//! ```

mod actions;
mod learner;
mod observations;
mod policy;
mod returns;

pub use actions::{Action, Actions};
pub use learner::{Credit, PolicyGradient, PolicyGradientConfig};
pub use observations::{Observation, Observations};
pub use policy::{CategoricalPolicy, Logits, NotFinite, PolicyNetwork, Weights};
pub use returns::{normalized, returns};

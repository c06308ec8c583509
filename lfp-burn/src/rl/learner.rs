//! A learner of policies by what came of their actions.

use burn::{
    config::Config,
    optim::{GradientsParams, ModuleOptimizer, OptimizerRecord},
    tensor::{Device, Tensor, activation::log_softmax},
};
use burn_rl::{LearnerTransitionBatch, PolicyLearner, RLTrainOutput};

use super::{CategoricalPolicy, PolicyNetwork, Weights, normalized, returns};
use crate::{
    LfpConfig, Propagate,
    reward::{Decisions, PolicyReward, Reduction, Reward},
};

/// How a network learns from advantages.
#[derive(Config, Debug, Copy, PartialEq)]
pub enum Credit {
    /// By LFP, with [`PolicyReward`].
    Feedback(LfpConfig),
    /// By the gradient of `A log p_a` (REINFORCE), to compare; spikes by their surrogate derivative.
    Gradient,
}

/// Configures [`PolicyGradient`].
#[derive(Config, Debug, Copy, PartialEq)]
pub struct PolicyGradientConfig {
    /// How the network learns. Default: LFP with its default settings.
    #[config(default = "Credit::Feedback(LfpConfig::new())")]
    pub credit: Credit,
    /// Default: 0.01.
    #[config(default = 0.01)]
    pub learning_rate: f64,
    /// What a reward of the next step is worth now, from 0 to 1. Default: 0.99.
    #[config(default = 0.99)]
    pub discount: f64,
    /// Of the draws of its policies: each that the learner hands out draws the same numbers from the start. A run that goes
    /// on from a record needs another seed, or it repeats its first draws. Default: 0.
    #[config(default = 0)]
    pub seed: u64,
}

/// A learner of whole episodes: the advantage of an action is the discounted return that followed it, normalised over the
/// batch.
///
/// A batch of [`train`](PolicyLearner::train) has the transitions of whole episodes **in order**, episode after episode, each
/// with 1 as the last of its `dones`, and all drawn by the present policy. (Burn's `OffPolicyStrategy` mixes transitions of
/// earlier policies in a replay buffer, which no method of this kind can learn from.)
#[derive(Clone)]
pub struct PolicyGradient<N> {
    network: N,
    optimizer: ModuleOptimizer,
    config: PolicyGradientConfig,
    device: Device,
}

impl PolicyGradientConfig {
    /// A learner of `network`, which moves to the autodiff device of its parameters.
    ///
    /// # Panics
    ///
    /// If the network has no parameters, or the discount is not from 0 to 1.
    pub fn init<N: PolicyNetwork>(
        &self,
        network: N,
        optimizer: ModuleOptimizer,
    ) -> PolicyGradient<N> {
        assert!(
            (0.0..=1.0).contains(&self.discount),
            "the discount of returns: expected a number from 0 to 1, found {}",
            self.discount
        );
        let device = network.devices().into_iter().next();
        let device = device
            .expect("a policy that learns has parameters")
            .autodiff();
        PolicyGradient {
            network: network.train(),
            optimizer,
            config: *self,
            device,
        }
    }
}

impl<N: PolicyNetwork> PolicyGradient<N> {
    /// The updates of all parameters, for an optimiser that minimises.
    fn updates(&self, observations: Tensor<2>, decisions: Decisions) -> GradientsParams {
        let logits = self.network.logits(observations);
        match &self.config.credit {
            Credit::Feedback(settings) => {
                let reward = PolicyReward::new().with_reduction(Reduction::Mean);
                let reward = reward.forward(logits.clone(), decisions);
                logits
                    .propagate_with(reward, settings)
                    .into_grads(&self.network)
            }
            Credit::Gradient => {
                let actions = decisions.actions.unsqueeze_dim(1);
                let advantages = decisions.advantages.cast(logits.dtype());
                let chosen = log_softmax(logits, 1).gather(1, actions);
                let loss = -(chosen * advantages.unsqueeze_dim(1)).mean();
                GradientsParams::from_grads(loss.backward(), &self.network)
            }
        }
    }

    /// The advantage of each action. Reads rewards and ends of episodes back, once.
    fn advantages(&self, rewards: Tensor<2>, dones: Tensor<2>) -> Vec<f64> {
        let mut rewards: Vec<f64> = Tensor::cat(vec![rewards, dones], 0)
            .into_data()
            .iter()
            .collect();
        let ends = rewards.split_off(rewards.len() / 2);
        let ends: Vec<bool> = ends.into_iter().map(|end| end > 0.5).collect();
        assert!(
            ends.last().is_none_or(|&end| end),
            "a batch of whole episodes: expected 1 as the last of its dones, found 0"
        );
        normalized(&returns(&rewards, &ends, self.config.discount))
    }
}

impl<N: PolicyNetwork> PolicyLearner for PolicyGradient<N> {
    type TrainContext = ();
    type InnerPolicy = CategoricalPolicy<N>;
    type Record = OptimizerRecord;

    /// # Panics
    ///
    /// If the last transition does not end an episode, or a reward is not finite.
    fn train(
        &mut self,
        batch: LearnerTransitionBatch<CategoricalPolicy<N>>,
    ) -> RLTrainOutput<(), Weights<N>> {
        let advantages = self.advantages(batch.rewards, batch.dones);
        let decisions = Decisions {
            actions: batch.actions.to_tensor(&self.device),
            advantages: Tensor::from_data(advantages.as_slice(), &self.device),
        };
        let updates = self.updates(batch.states.0.autodiff(), decisions);
        let network = self.network.clone();
        self.network = self
            .optimizer
            .step(self.config.learning_rate, network, updates);
        RLTrainOutput {
            policy: Weights(self.network.valid()),
            item: (),
        }
    }

    /// The present policy; its draws begin anew, by the [seed](PolicyGradientConfig::seed).
    fn policy(&self) -> CategoricalPolicy<N> {
        CategoricalPolicy::new(&self.network, self.config.seed)
    }

    fn update_policy(&mut self, policy: CategoricalPolicy<N>) {
        let Weights(network) = burn_rl::Policy::state(&policy);
        self.network = network.train();
    }

    fn record(&self) -> OptimizerRecord {
        self.optimizer.to_record()
    }

    fn load_record(self, record: OptimizerRecord) -> Self {
        Self {
            optimizer: self.optimizer.load_record(record),
            ..self
        }
    }

    fn device(&self) -> Device {
        self.device.clone()
    }
}

#[cfg(test)]
mod tests {
    use burn::{
        module::Module,
        nn::{Linear, LinearConfig},
        optim::AdamConfig,
        store::ModuleRecord,
    };
    use burn_rl::{
        AsyncPolicy, Batchable, Policy, PolicyState, SliceAccess, ToAction, ToObservation,
        TransitionBatch,
    };

    use super::*;
    use crate::{
        nn::{Hook, Hooked},
        rl::{Action, Actions, Observation, Observations},
    };

    #[derive(Module, Debug)]
    struct Network {
        layer: Hooked<Linear>,
    }

    impl PolicyNetwork for Network {
        fn logits(&self, observations: Tensor<2>) -> Tensor<2> {
            self.layer.forward(observations)
        }
    }

    fn learner(credit: Credit) -> PolicyGradient<Network> {
        let device = Device::default();
        let network = Network {
            layer: LinearConfig::new(2, 2).init(&device).hooked(),
        };
        let config = PolicyGradientConfig::new().with_credit(credit);
        config
            .with_learning_rate(0.05)
            .init(network, AdamConfig::new().init())
    }

    /// Two sights, seen by turns.
    fn sights(count: usize) -> Observations {
        let row = |index: usize| {
            Observation(if index.is_multiple_of(2) {
                vec![1.0, 0.2]
            } else {
                vec![0.2, 1.0]
            })
        };
        let rows: Vec<_> = (0..count).map(row).collect();
        Observations::of(&rows, &Device::default())
    }

    /// Episodes of one step; right is action 0 at the first sight and action 1 at the second.
    fn episodes(
        policy: &mut impl Policy<Observation = Observations, Action = Actions>,
    ) -> TransitionBatch<Observations, Actions> {
        let states = sights(32);
        let (actions, _) = policy.action(states.clone(), false);
        let rewards = actions
            .iter()
            .enumerate()
            .map(|(index, action)| f32::from(index % 2 == action));
        let rewards: Vec<f32> = rewards.collect();
        let device = Device::default();
        TransitionBatch {
            next_states: states.clone(),
            states,
            actions,
            rewards: Tensor::<1>::from_data(rewards.as_slice(), &device).unsqueeze_dim(1),
            dones: Tensor::ones([32, 1], &device),
        }
    }

    fn decides(
        policy: &mut impl Policy<Observation = Observations, Action = Actions>,
    ) -> Vec<usize> {
        policy.action(sights(2), true).0.iter().collect()
    }

    #[test]
    fn a_policy_learns_which_action_is_right_where() {
        for credit in [Credit::Feedback(LfpConfig::new()), Credit::Gradient] {
            let mut learner = learner(credit);
            let mut policy = learner.policy();
            for _ in 0..100 {
                let batch = episodes(&mut policy);
                policy.update(learner.train(batch).policy);
            }
            assert_eq!(decides(&mut policy), [0, 1], "{credit:?}");
        }
    }

    #[test]
    fn a_learner_goes_on_from_its_records() {
        let mut first = learner(Credit::Feedback(LfpConfig::new()));
        let mut policy = first.policy();
        let batches: Vec<_> = (0..4).map(|_| episodes(&mut policy)).collect();
        let copy = |batch: &TransitionBatch<Observations, Actions>| TransitionBatch {
            states: batch.states.clone(),
            next_states: batch.next_states.clone(),
            actions: batch.actions.clone(),
            rewards: batch.rewards.clone(),
            dones: batch.dones.clone(),
        };
        for batch in &batches[..2] {
            first.train(copy(batch));
        }
        let mut second = learner(Credit::Feedback(LfpConfig::new())).load_record(first.record());
        second.update_policy(first.policy());
        for batch in &batches[2..] {
            first.train(copy(batch));
            second.train(copy(batch));
        }
        let logits =
            |learner: &PolicyGradient<Network>| learner.policy().forward(sights(2)).0.into_data();
        assert_eq!(logits(&first), logits(&second));
    }

    #[test]
    fn the_server_of_policies_of_burn_serves_it() {
        let mut policy = learner(Credit::Gradient).policy();
        let mut served = AsyncPolicy::new(1, policy.clone());
        for sight in sights(2).unbatch() {
            let (expected, _) = policy.action(sight.clone(), true);
            assert_eq!(served.action(sight, true).0, expected);
        }
    }

    /// Compiles if Burn's runner takes the learner: its bounds, without those of traits that `burn-train` implements for
    /// `()` and for Burn's records.
    #[test]
    fn the_types_have_what_the_runner_of_burn_asks_for() {
        fn environment<S, A>()
        where
            S: ToObservation<Observations> + Clone + Send + 'static,
            A: From<Actions> + ToAction<Actions> + Clone + Send + 'static,
        {
        }
        fn agent<L>()
        where
            L: PolicyLearner<TrainContext = (), Record = OptimizerRecord> + Send + 'static,
            L::InnerPolicy: Policy<ActionContext = ()> + Send + 'static,
            <L::InnerPolicy as Policy>::Observation:
                Clone + Send + Batchable + SliceAccess + 'static,
            <L::InnerPolicy as Policy>::ActionDistribution: Clone + Send + Batchable,
            <L::InnerPolicy as Policy>::Action: Clone + Send + Batchable + SliceAccess,
            <L::InnerPolicy as Policy>::PolicyState:
                PolicyState<Record = ModuleRecord> + Clone + Send + 'static,
        {
        }
        environment::<Observation, Action>();
        agent::<PolicyGradient<Network>>();
    }

    #[test]
    fn equal_returns_teach_nothing() {
        let mut learner = learner(Credit::Feedback(LfpConfig::new()));
        let before = learner.policy().forward(sights(2)).0.into_data();
        let device = Device::default();
        learner.train(TransitionBatch {
            states: sights(2),
            next_states: sights(2),
            actions: Actions(vec![Action(0), Action(1)]),
            rewards: Tensor::ones([2, 1], &device),
            dones: Tensor::ones([2, 1], &device),
        });
        assert_eq!(learner.policy().forward(sights(2)).0.into_data(), before);
    }

    /// One transition, which ends its episode or not, and its reward.
    fn single(reward: f32, done: f32) -> TransitionBatch<Observations, Actions> {
        let device = Device::default();
        TransitionBatch {
            states: sights(1),
            next_states: sights(1),
            actions: Actions(vec![Action(0)]),
            rewards: Tensor::full([1, 1], reward, &device),
            dones: Tensor::full([1, 1], done, &device),
        }
    }

    #[test]
    #[should_panic(expected = "expected 1 as the last of its dones, found 0")]
    fn an_episode_without_an_end_is_refused() {
        learner(Credit::Gradient).train(single(1.0, 0.0));
    }

    #[test]
    #[should_panic(expected = "expected finite numbers, found inf")]
    fn a_reward_that_is_no_number_is_refused() {
        learner(Credit::Gradient).train(single(f32::INFINITY, 1.0));
    }

    /// Advantages come from the host, in double precision.
    #[test]
    fn a_policy_learns_in_double_precision() {
        use burn::{module::ModuleMapper, tensor::FloatDType};

        struct Double;
        impl ModuleMapper for Double {
            fn map_float<const D: usize>(
                &mut self,
                param: burn::module::Param<Tensor<D>>,
            ) -> burn::module::Param<Tensor<D>> {
                param.map(|tensor| tensor.cast(FloatDType::F64))
            }
        }
        for credit in [Credit::Feedback(LfpConfig::new()), Credit::Gradient] {
            let network = learner(credit).network.valid().map(&mut Double);
            let config = PolicyGradientConfig::new().with_credit(credit);
            let mut learner = config.init(network, AdamConfig::new().init());
            let double = |of: Observations| Observations(of.0.cast(FloatDType::F64));
            let before = learner.policy().forward(double(sights(2))).0.into_data();
            let batch = TransitionBatch {
                states: double(sights(2)),
                rewards: Tensor::from_floats([[1.0], [0.0]], &Device::default()),
                next_states: sights(2),
                actions: Actions(vec![Action(0), Action(1)]),
                dones: Tensor::ones([2, 1], &Device::default()),
            };
            learner.train(batch);
            let after = learner.policy().forward(double(sights(2))).0.into_data();
            assert_ne!(before, after, "{credit:?}");
        }
    }

    #[test]
    #[should_panic(expected = "from 0 to 1, found 1.5")]
    fn a_discount_above_1_is_refused() {
        let network = learner(Credit::Gradient).network;
        PolicyGradientConfig::new()
            .with_discount(1.5)
            .init(network, AdamConfig::new().init());
    }
}

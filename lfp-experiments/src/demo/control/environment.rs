//! What the demonstration needs of an environment, and episodes in several of them at once.

use std::{fmt::Debug, ops::Range};

use burn::tensor::{Device, Tensor};
use burn_rl::{Environment, StepResult, TransitionBatch};
use lfp_burn::rl::{
    Action, Actions, CategoricalPolicy, NotFinite, Observation, Observations, PolicyNetwork,
};
use rand::{RngExt, SeedableRng, rngs::StdRng};

/// What is controlled, in one of its states.
pub trait Mechanism: Copy + Debug {
    /// Its name in files.
    const NAME: &'static str;
    /// Its name in figures.
    const TITLE: &'static str;
    /// The length of an observation.
    const NUMBERS: usize;
    /// The number of actions.
    const ACTIONS: usize;
    /// The returns that an episode can have, from the worst to the best.
    const RETURNS: Range<f64>;
    /// The four numbers of the first state are drawn from either side of 0, up to this one.
    const START: f64;

    /// The state with these numbers.
    fn from_numbers(numbers: [f64; 4]) -> Self;

    /// The state after a step with an action.
    fn after(self, action: usize) -> Self;

    /// Whether the episode ends here.
    fn has_ended(self) -> bool;

    /// What the step into this state is worth.
    fn reward(self) -> f64;

    /// What the network sees.
    fn observed(self) -> Vec<f64>;
}

/// Steps of an episode, at most.
const MOST_STEPS: usize = 500;

/// A mechanism in episodes that are cut after 500 steps.
#[derive(Debug)]
pub(super) struct Simulation<M> {
    pub(super) mechanism: M,
    steps: usize,
    random: StdRng,
}

impl<M: Mechanism> Simulation<M> {
    /// At the start of an episode. All episodes depend on the seed.
    pub(super) fn new(seed: u64) -> Self {
        let mut random = StdRng::seed_from_u64(seed);
        Self {
            mechanism: drawn(&mut random),
            steps: 0,
            random,
        }
    }
}

fn drawn<M: Mechanism>(random: &mut StdRng) -> M {
    M::from_numbers(std::array::from_fn(|_| {
        random.random_range(-M::START..M::START)
    }))
}

impl<M: Mechanism> Environment for Simulation<M> {
    type State = Observation;
    type Action = Action;

    const MAX_STEPS: usize = MOST_STEPS;

    fn state(&self) -> Observation {
        let numbers = self.mechanism.observed().into_iter();
        Observation(numbers.map(|number| number as f32).collect())
    }

    fn step(&mut self, Action(action): Action) -> StepResult<Observation> {
        self.mechanism = self.mechanism.after(action);
        self.steps += 1;
        StepResult {
            next_state: self.state(),
            reward: self.mechanism.reward(),
            done: self.mechanism.has_ended(),
            truncated: self.steps >= Self::MAX_STEPS,
        }
    }

    fn reset(&mut self) {
        self.mechanism = drawn(&mut self.random);
        self.steps = 0;
    }
}

/// What happened in one episode, step by step.
#[derive(Clone, Debug, Default)]
pub(super) struct Episode {
    states: Vec<Observation>,
    next_states: Vec<Observation>,
    actions: Vec<Action>,
    rewards: Vec<f64>,
}

impl Episode {
    /// The sum of its rewards.
    pub(super) fn total(&self) -> f64 {
        self.rewards.iter().sum()
    }
}

/// Lets a policy act for one episode in each environment: all that still run see it together, one forward pass per step.
///
/// # Errors
///
/// If the policy decides for nothing, because its weights are no numbers any more.
pub(super) fn play<M: Mechanism, N: PolicyNetwork>(
    environments: &mut [Simulation<M>],
    policy: &mut CategoricalPolicy<N>,
    device: &Device,
) -> Result<Vec<Episode>, NotFinite> {
    let mut episodes = vec![Episode::default(); environments.len()];
    let mut running: Vec<usize> = (0..environments.len()).collect();
    environments.iter_mut().for_each(Environment::reset);
    while !running.is_empty() {
        let states: Vec<_> = running
            .iter()
            .map(|&index| environments[index].state())
            .collect();
        let actions = policy.decide(Observations::of(&states, device), false)?;
        let mut decided = states.into_iter().zip(actions.0);
        running.retain(|&index| {
            let Some((state, action)) = decided.next() else {
                return false;
            };
            let result = environments[index].step(action);
            let episode = &mut episodes[index];
            episode.states.push(state);
            episode.next_states.push(result.next_state);
            episode.actions.push(action);
            episode.rewards.push(result.reward);
            !(result.done || result.truncated)
        });
    }
    Ok(episodes)
}

/// The transitions of whole episodes, one after another, as a learner takes them.
pub(super) fn transitions(
    episodes: Vec<Episode>,
    device: &Device,
) -> TransitionBatch<Observations, Actions> {
    let (mut states, mut next_states, mut actions) = (Vec::new(), Vec::new(), Vec::new());
    let (mut rewards, mut dones): (Vec<f32>, Vec<f32>) = (Vec::new(), Vec::new());
    for episode in episodes {
        let steps = episode.rewards.len();
        dones.extend((1..=steps).map(|step| f32::from(step == steps)));
        rewards.extend(episode.rewards.iter().map(|&reward| reward as f32));
        states.extend(episode.states);
        next_states.extend(episode.next_states);
        actions.extend(episode.actions);
    }
    let column =
        |numbers: Vec<f32>| Tensor::<1>::from_data(numbers.as_slice(), device).unsqueeze_dim(1);
    TransitionBatch {
        states: Observations::of(&states, device),
        next_states: Observations::of(&next_states, device),
        actions: Actions(actions),
        rewards: column(rewards),
        dones: column(dones),
    }
}

//! What the demonstration needs of an environment, and episodes in several of them at once.

use burn::tensor::{Device, Tensor};
use burn_rl::{Environment, Policy, TransitionBatch};
use lfp_burn::rl::{Action, Actions, Observation, Observations};

/// An environment to learn in.
pub trait Task: Environment<State = Observation, Action = Action> + Sized {
    /// Its name in files.
    const NAME: &'static str;
    /// Its name in figures.
    const TITLE: &'static str;
    /// The length of an observation.
    const NUMBERS: usize;
    /// The number of actions.
    const ACTIONS: usize;
    /// The returns that an episode can have, from the worst to the best.
    const RETURNS: std::ops::Range<f64>;

    /// An environment at the start of an episode. All its episodes depend on the seed.
    fn new(seed: u64) -> Self;
}

/// What happened in one episode, step by step.
#[derive(Clone, Debug, Default)]
pub struct Episode {
    states: Vec<Observation>,
    next_states: Vec<Observation>,
    actions: Vec<Action>,
    rewards: Vec<f64>,
}

impl Episode {
    /// The sum of its rewards.
    pub fn total(&self) -> f64 {
        self.rewards.iter().sum()
    }
}

/// Lets a policy act for one episode in each environment: all that still run see it together, one forward pass per step.
pub fn play<T: Task, P>(environments: &mut [T], policy: &mut P, device: &Device) -> Vec<Episode>
where
    P: Policy<Observation = Observations, Action = Actions>,
{
    let mut episodes = vec![Episode::default(); environments.len()];
    let mut running: Vec<usize> = (0..environments.len()).collect();
    environments.iter_mut().for_each(Environment::reset);
    while !running.is_empty() {
        let states: Vec<_> = running
            .iter()
            .map(|&index| environments[index].state())
            .collect();
        let (actions, _) = policy.action(Observations::of(&states, device), false);
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
    episodes
}

/// The transitions of whole episodes, one after another, as a learner takes them.
pub fn transitions(
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

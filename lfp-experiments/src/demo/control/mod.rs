//! `demo cartpole` and `demo acrobot`: policies that learn by LFP from what their actions lead to, beside the policy gradient.

mod acrobot;
mod cartpole;
mod environment;
mod network;
mod report;

use anyhow::{Context, Result};
use burn::{module::Module, optim::AdamConfig, tensor::Device};
use burn_rl::{Policy, PolicyLearner};
use clap::ValueEnum;
use lfp_burn::{
    LfpConfig,
    rl::{Credit, PolicyGradient, PolicyGradientConfig},
};
use rayon::prelude::*;
use serde::Serialize;

pub use acrobot::Acrobot;
pub use cartpole::CartPole;
pub use environment::Mechanism;
use environment::{Episode, Simulation, play, transitions};
use network::{Network, SpikingPolicy};
pub use report::{draw, table};

use super::Compared;
use crate::{output, seed};

/// What to train.
#[derive(Clone, Debug, Serialize)]
pub struct Request {
    /// Updates of each run.
    pub updates: usize,
    /// Episodes before each update.
    pub episodes: usize,
    /// Hidden neurons.
    pub hidden: usize,
    /// Time steps of the spiking networks for each observation.
    pub steps: usize,
    /// Of Adam.
    pub learning_rate: f64,
    /// Discount of the returns.
    pub discount: f64,
    /// What is compared.
    pub ways: Vec<Way>,
    /// Runs of each way.
    pub seeds: usize,
}

/// A way to train.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Way {
    /// A network with ReLU, by LFP
    Lfp,
    /// The same by the gradient
    Gradient,
    /// A spiking network by LFP
    SpikingLfp,
    /// The same by the surrogate gradient
    SpikingSurrogate,
}

/// The runs of a way.
#[derive(Clone, Debug, Serialize)]
pub struct Curves {
    /// The way.
    pub way: Way,
    /// For each seed the mean return of the episodes before each update.
    pub returns: Vec<Vec<f64>>,
    /// For each seed the mean return of the last [`LAST`] episodes.
    pub last: Vec<f64>,
}

/// Episodes at the end of a run that are averaged.
pub const LAST: usize = 20;

impl Way {
    /// Whether its network computes in time steps.
    pub fn is_spiking(self) -> bool {
        matches!(self, Self::SpikingLfp | Self::SpikingSurrogate)
    }

    fn credit(self) -> Credit {
        match self {
            Self::Lfp | Self::SpikingLfp => Credit::Feedback(LfpConfig::new()),
            Self::Gradient | Self::SpikingSurrogate => Credit::Gradient,
        }
    }
}

impl Request {
    /// Trains every way with every seed, and prints a line after each run.
    ///
    /// # Errors
    ///
    /// If a network cannot be built, or one diverges.
    pub fn run<M: Mechanism>(&self, device: &Device) -> Result<Vec<Curves>> {
        let seeds = 0..self.seeds as u64;
        let runs: Vec<_> = self
            .ways
            .iter()
            .flat_map(|&way| seeds.clone().map(move |seed| (way, seed)))
            .collect();
        // Each run draws its own random numbers, so threads change nothing.
        let totals: Result<Vec<Vec<f64>>> = runs
            .par_iter()
            .map(|&(way, seed)| {
                let totals = self.train::<M>(way, seed, device)?;
                let last = mean(last(&totals));
                output::line(format_args!("{}, seed {seed}: {last:.1}", way.title()))?;
                Ok(totals)
            })
            .collect();
        let totals = totals?;
        let of_way = |(&way, totals): (&Way, &[Vec<f64>])| Curves {
            way,
            returns: totals
                .iter()
                .map(|totals| means(totals, self.episodes))
                .collect(),
            last: totals.iter().map(|totals| mean(last(totals))).collect(),
        };
        Ok(self
            .ways
            .iter()
            .zip(totals.chunks(self.seeds))
            .map(of_way)
            .collect())
    }

    /// The returns of all episodes, in order.
    fn train<M: Mechanism>(&self, way: Way, run: u64, device: &Device) -> Result<Vec<f64>> {
        let mut learner = self.learner::<M>(way, run, device)?;
        let mut policy = learner.policy();
        let environments = 0..self.episodes as u64;
        let mut environments: Vec<Simulation<M>> = environments
            .map(|index| Simulation::new(seed::mix(run, 2 + index)))
            .collect();
        let mut totals = Vec::new();
        for _ in 0..self.updates {
            let episodes = play(&mut environments, &mut policy, device);
            let episodes = episodes.with_context(|| self.diverged(way, run))?;
            totals.extend(episodes.iter().map(Episode::total));
            let output = learner.train(transitions(episodes, device));
            policy.update(output.policy);
        }
        Ok(totals)
    }

    fn diverged(&self, way: Way, run: u64) -> String {
        format!(
            "{}, seed {run}, diverged with --lr {:?}; try a smaller one",
            way.title(),
            self.learning_rate
        )
    }

    fn learner<M: Mechanism>(
        &self,
        way: Way,
        run: u64,
        device: &Device,
    ) -> Result<PolicyGradient<Network>> {
        let tracked = device.clone().autodiff();
        let widths = [M::NUMBERS, self.hidden, M::ACTIONS];
        let network = seed::draw(&tracked, seed::mix(run, 0), || {
            let network = match way {
                Way::Lfp | Way::Gradient => Network::dense(widths, &tracked),
                Way::SpikingLfp | Way::SpikingSurrogate => {
                    Network::Spiking(SpikingPolicy::new(widths, self.steps, &tracked)?)
                }
            };
            // Burn draws parameters when they are first used.
            anyhow::Ok(network.clone().load_record(network.into_record()))
        })?;
        let config = PolicyGradientConfig::new()
            .with_credit(way.credit())
            .with_learning_rate(self.learning_rate)
            .with_discount(self.discount)
            .with_seed(seed::mix(run, 1));
        Ok(config.init(network, AdamConfig::new().init()))
    }
}

/// The returns of the last episodes.
fn last(totals: &[f64]) -> &[f64] {
    &totals[totals.len().saturating_sub(LAST)..]
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

fn means(values: &[f64], of: usize) -> Vec<f64> {
    values.chunks(of).map(mean).collect()
}

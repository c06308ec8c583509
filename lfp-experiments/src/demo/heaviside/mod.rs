//! `demo heaviside`: what helps networks of step functions to learn by LFP.
//!
//! A step has no slope, so the gradient trains the last layer alone. Rewards pass a step, but those of inputs close to zero are
//! divided by almost nothing, and a neuron that never fires gets none. Three remedies are compared, with an epsilon that limits
//! the division and without: momentum, biases with which each neuron fires for some of the images at first, and homeostasis,
//! which keeps it like that.

mod draw;
mod network;

use std::path::Path;

use anyhow::Result;
use burn::{
    module::Module,
    nn::loss::CrossEntropyLossConfig,
    optim::{GradientsParams, ModuleOptimizer, SgdConfig, momentum::MomentumConfig},
    tensor::{Device, Int, Tensor},
};
use clap::ValueEnum;
use lfp_burn::{
    LfpConfig, Propagate,
    optim::clip_global_norm,
    reward::{Reward, SoftmaxReward},
};
use rand::{SeedableRng, rngs::StdRng, seq::SliceRandom};
use rayon::prelude::*;
use serde::Serialize;

use self::network::StepNetwork;
use super::{Compared, digits::Digits};
use crate::{
    data::{DataSet, Reading},
    output, seed,
};

const CLASSES: usize = 10;
const BATCH: usize = 64;
/// Images that are tested.
const TESTED: usize = 2000;
/// Of [`Way::Momentum`].
const MOMENTUM: f64 = 0.9;
/// Limit of the global norm of the updates, that of `train`.
const CLIP: f64 = 3.0;
/// Images by which biases are set at first.
const CALIBRATION: usize = 500;
/// Of [`Way::Homeostasis`], per step: half a percent of a unit for a tenth of the images too few.
const SPEED: f64 = 0.05;

/// What to train.
#[derive(Clone, Debug, Serialize)]
pub struct Request {
    /// Training samples.
    pub samples: usize,
    /// Passes over them.
    pub epochs: usize,
    /// Epsilons of the propagation.
    pub epsilons: Vec<f64>,
    /// Learning rates, in ascending order.
    pub rates: Vec<f64>,
    /// Share of the images for which biases and homeostasis let a neuron fire.
    pub firing_rate: f64,
    /// What is compared.
    pub ways: Vec<Way>,
    /// Runs of each way.
    pub seeds: usize,
}

/// A way to train.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Way {
    /// The gradient of the cross-entropy, which trains the last layer alone
    Gradient,
    /// LFP with reward #3 of Table 2
    Lfp,
    /// The same with momentum
    Momentum,
    /// The same with biases by which each neuron fires for a share of the images at first
    Biases,
    /// The same with biases that move towards that share, after each step
    Homeostasis,
    /// All three
    All,
}

impl Way {
    /// Whether rewards are propagated.
    pub fn propagates(self) -> bool {
        self != Self::Gradient
    }

    fn has_momentum(self) -> bool {
        matches!(self, Self::Momentum | Self::All)
    }

    fn sets_biases(self) -> bool {
        matches!(self, Self::Biases | Self::All)
    }

    fn keeps_firing_rate(self) -> bool {
        matches!(self, Self::Homeostasis | Self::All)
    }

    /// Whether the firing rate of [`Request`] acts.
    pub fn has_firing_rate(self) -> bool {
        self.sets_biases() || self.keeps_firing_rate()
    }

    fn optimizer(self) -> ModuleOptimizer {
        let momentum = MomentumConfig::new()
            .with_momentum(MOMENTUM)
            .with_dampening(0.0);
        SgdConfig::new()
            .with_momentum(self.has_momentum().then_some(momentum))
            .init()
    }
}

/// A run.
#[derive(Clone, Copy, Debug)]
struct Run {
    way: Way,
    /// `None` for the gradient.
    epsilon: Option<f64>,
    rate: f64,
    seed: u64,
}

/// The test after the last epoch.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Tested {
    /// In `[0, 1]`.
    pub accuracy: f64,
    /// Share of the hidden neurons that fire for no image.
    pub silent: f64,
    /// Share of those that fire for all images.
    pub constant: f64,
}

/// The runs of a way.
#[derive(Clone, Debug, Serialize)]
pub struct Curve {
    /// The way.
    pub way: Way,
    /// Of the propagation; `None` for the gradient.
    pub epsilon: Option<f64>,
    /// Tests of each seed, learning rate by learning rate.
    pub seeds: Vec<Vec<Tested>>,
}

impl Request {
    /// Trains every way with every epsilon, learning rate and seed, and prints a line after each run.
    ///
    /// # Errors
    ///
    /// If MNIST cannot be read.
    pub fn run(&self, data_dir: Option<&Path>, device: &Device) -> Result<Vec<Curve>> {
        let split = DataSet::MNIST.load(data_dir, Reading::default())?;
        let train = Digits::read(split.train.as_ref(), self.samples)?;
        let test = Digits::read(split.test.as_ref(), TESTED)?;
        let curves = self.curves();
        let runs = curves.iter().flat_map(|&(way, epsilon)| {
            (0..self.seeds as u64).flat_map(move |seed| {
                let rates = self.rates.iter();
                rates.map(move |&rate| Run {
                    way,
                    epsilon,
                    rate,
                    seed,
                })
            })
        });
        let runs: Vec<Run> = runs.collect();
        // Each run draws its own random numbers, so threads change nothing.
        let tested: Result<Vec<Tested>> = runs
            .par_iter()
            .map(|run| {
                let tested = self.train(run, [&train, &test], device)?;
                run.say(&tested)?;
                Ok(tested)
            })
            .collect();
        let tested = tested?;
        let mut of_seeds = tested.chunks(self.rates.len()).map(<[Tested]>::to_vec);
        let of_curve = |(way, epsilon)| Curve {
            way,
            epsilon,
            seeds: of_seeds.by_ref().take(self.seeds).collect(),
        };
        Ok(curves.into_iter().map(of_curve).collect())
    }

    /// The ways with their epsilons.
    fn curves(&self) -> Vec<(Way, Option<f64>)> {
        let of_way = |&way: &Way| match way.propagates() {
            true => self
                .epsilons
                .iter()
                .map(|&epsilon| (way, Some(epsilon)))
                .collect(),
            false => vec![(way, None)],
        };
        self.ways.iter().flat_map(of_way).collect()
    }

    fn train(&self, run: &Run, [train, test]: [&Digits; 2], device: &Device) -> Result<Tested> {
        let tracked = device.clone().autodiff();
        let inputs = train.shape.iter().product();
        let mut network = seed::draw(&tracked, seed::mix(run.seed, 0), || {
            StepNetwork::new(inputs, CLASSES, &tracked)
        });
        let mut order: Vec<usize> = (0..train.len()).collect();
        let mut random = StdRng::seed_from_u64(seed::mix(run.seed, 1));
        if run.way.sets_biases() {
            let some = &order[..order.len().min(CALIBRATION)];
            let images = train.pictures(some, &device.clone().inner()).flatten(1, 3);
            network = network.with_firing_shares(self.firing_rate, images);
        }
        let mut optimizer = run.way.optimizer();
        for _ in 0..self.epochs {
            order.shuffle(&mut random);
            for indices in order.chunks(BATCH) {
                let activity = network.forward(train.pictures(indices, &tracked).flatten(1, 3));
                let updates =
                    run.updates(&network, activity.logits, train.classes(indices, &tracked));
                let updates = clip_global_norm(updates, &network, CLIP);
                network = optimizer.step(run.rate, network, updates);
                if run.way.keeps_firing_rate() {
                    network = network.toward_firing_rate(self.firing_rate, SPEED, activity.fired);
                }
            }
        }
        Ok(score(&network.valid(), test, &device.clone().inner()))
    }
}

impl Run {
    fn updates(
        &self,
        network: &StepNetwork,
        logits: Tensor<2>,
        classes: Tensor<1, Int>,
    ) -> GradientsParams {
        match self.epsilon {
            Some(epsilon) => {
                let reward = SoftmaxReward::new().forward(logits.clone(), classes);
                let config = LfpConfig::new().with_epsilon(epsilon);
                logits.propagate_with(reward, &config).into_grads(network)
            }
            None => {
                let loss = CrossEntropyLossConfig::new().init(&logits.device());
                let loss = loss.forward(logits, classes);
                GradientsParams::from_grads(loss.backward(), network)
            }
        }
    }

    fn say(&self, tested: &Tested) -> Result<()> {
        let Self {
            way, rate, seed, ..
        } = self;
        let epsilon = self.epsilon.map(|epsilon| format!(", epsilon {epsilon:?}"));
        let accuracy = 100.0 * tested.accuracy;
        output::line(format_args!(
            "{}{}, rate {rate:?}, seed {seed}: {accuracy:.1} %",
            way.title(),
            epsilon.unwrap_or_default()
        ))?;
        Ok(())
    }
}

fn score(network: &StepNetwork, test: &Digits, device: &Device) -> Tested {
    let all: Vec<usize> = (0..test.len()).collect();
    let activity = network.forward(test.pictures(&all, device).flatten(1, 3));
    let decided = activity.logits.argmax(1).into_data();
    let decided = decided.iter::<i64>().zip(&all);
    let right = decided.filter(|&(decided, &index)| decided == test.label(index) as i64);
    // How many images each neuron fires for.
    let counts = activity.fired.into_iter();
    let counts = counts.map(|fired| fired.sum_dim(0).into_data());
    let counts: Vec<f64> = counts
        .flat_map(|counts| counts.iter().collect::<Vec<_>>())
        .collect();
    let share_with = |wanted: usize| {
        let found = counts.iter().filter(|&&count| count == wanted as f64);
        found.count() as f64 / counts.len() as f64
    };
    Tested {
        accuracy: right.count() as f64 / all.len() as f64,
        silent: share_with(0),
        constant: share_with(all.len()),
    }
}

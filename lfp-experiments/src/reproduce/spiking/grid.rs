//! All runs of a figure.

use std::path::Path;

use burn::tensor::Device;
use lfp_burn::{Surrogate, spiking::LifConfig};
use lfp_models::{Model, SpikingConfig};

use super::Data;
use crate::{
    data::DataSet,
    device::DeviceNames,
    objective::Method,
    reproduce::curves::{Spread, mean_and_deviation},
    sweep::{self, Job, Record, SweepError},
    train::Settings,
};

/// Classes of MNIST.
const DIGITS: usize = 10;
/// Of adaptive clipping, as in the paper.
const LARGEST_UPDATE: f64 = 0.06;

/// A network and how long it is shown an image.
#[derive(Clone, Copy, Debug)]
pub(super) struct Condition {
    pub(super) model: Model,
    pub(super) steps: usize,
    pub(super) beta: f64,
}

/// How a spiking network learns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Learner {
    Lfp,
    Surrogate,
    Gradient,
}

/// What is trained for a figure: every learner at every rate from every seed, in every condition.
pub(super) struct Grid {
    pub(super) conditions: Vec<Condition>,
    pub(super) learners: Vec<Learner>,
    pub(super) rates: Vec<f64>,
    pub(super) seeds: Vec<u64>,
    pub(super) device: DeviceNames,
}

/// A learner in a condition, over the learning rates.
pub(super) struct Curve {
    pub(super) learner: Learner,
    pub(super) points: Vec<Point>,
}

/// A learning rate, and the test accuracy at the end, over the seeds.
pub(super) struct Point {
    pub(super) lr: f64,
    pub(super) accuracy: Spread,
}

impl Condition {
    pub(super) fn new(model: Model, steps: usize, beta: f64) -> Self {
        Self { model, steps, beta }
    }

    pub(super) fn title(&self) -> String {
        let network = match self.model == Model::SNN_LENET {
            true => "spiking LeNet",
            false => "spiking dense",
        };
        format!("{network}, T = {}, \u{3b2} = {}", self.steps, self.beta)
    }

    pub(super) fn name(&self) -> String {
        format!("{}-steps{}-beta{}", self.model, self.steps, self.beta)
    }
}

impl Learner {
    pub(super) const ALL: [Self; 3] = [Self::Lfp, Self::Surrogate, Self::Gradient];

    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Lfp => "LFP",
            Self::Surrogate => "surrogate gradient",
            Self::Gradient => "gradient",
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Lfp => "lfp",
            Self::Surrogate => "surrogate",
            Self::Gradient => "gradient",
        }
    }

    fn method(self) -> Method {
        match self {
            Self::Lfp => Method::Lfp,
            Self::Surrogate | Self::Gradient => Method::Gradient,
        }
    }

    fn surrogate(self) -> Surrogate {
        match self {
            Self::Lfp | Self::Surrogate => Surrogate::default(),
            Self::Gradient => Surrogate::None,
        }
    }
}

impl Curve {
    /// The point with the highest accuracy.
    pub(super) fn best(&self) -> &Point {
        let better = |a: &&Point, b: &&Point| a.accuracy.0.total_cmp(&b.accuracy.0);
        let best = self.points.iter().max_by(better);
        best.expect("a grid has a learning rate")
    }
}

impl Grid {
    /// Trains what is not trained yet. Returns the curves of every condition.
    pub(super) fn run(
        &self,
        folder: &Path,
        data: &Data,
        device: &Device,
    ) -> Result<Vec<Vec<Curve>>, SweepError> {
        let mut jobs = Vec::new();
        for &condition in &self.conditions {
            for &learner in &self.learners {
                for &lr in &self.rates {
                    let of_seed = |&seed| {
                        let training = Training {
                            condition,
                            learner,
                            lr,
                            seed,
                            epochs: data.epochs,
                        };
                        Job {
                            name: training.name(),
                            settings: training.settings(&self.device),
                        }
                    };
                    jobs.extend(self.seeds.iter().map(of_seed));
                }
            }
        }
        let records = sweep::run(folder, &jobs, &data.split, device)?;
        let mut points = records.chunks(self.seeds.len());
        let classes = data.split.test.num_classes();
        let mut point = |lr| {
            let runs = points.next().expect("a record for every job");
            let accuracies = runs.iter().map(|run: &Record| run.accuracy(classes));
            Point {
                lr,
                accuracy: mean_and_deviation(accuracies),
            }
        };
        let mut curve = |&learner: &Learner| Curve {
            learner,
            points: self.rates.iter().map(|&lr| point(lr)).collect(),
        };
        let conditions = self.conditions.iter();
        Ok(conditions
            .map(|_| self.learners.iter().map(&mut curve).collect())
            .collect())
    }
}

/// One of the runs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Training {
    pub(super) condition: Condition,
    pub(super) learner: Learner,
    pub(super) lr: f64,
    pub(super) seed: u64,
    pub(super) epochs: usize,
}

impl Training {
    fn name(&self) -> String {
        let Self {
            condition,
            learner,
            lr,
            seed,
            ..
        } = self;
        format!("{}-{}-lr{lr}-seed{seed}", condition.name(), learner.name())
    }

    /// The settings of the paper's experiments on spiking networks.
    pub(super) fn settings(&self, device: &DeviceNames) -> Settings {
        let (model, method) = (self.condition.model, self.learner.method());
        Settings {
            epochs: self.epochs,
            lr: self.lr,
            clip: 0.0,
            adaptive_clip: LARGEST_UPDATE,
            seed: self.seed,
            device: device.clone(),
            spiking: Some(SpikingConfig {
                steps: self.condition.steps,
                lif: LifConfig::new()
                    .with_beta(self.condition.beta)
                    .with_surrogate(self.learner.surrogate()),
            }),
            ..Settings::new(model, DataSet::MNIST, method, DIGITS)
        }
    }
}

//! What a training run is asked to do.

use std::fmt;

use burn::{
    lr_scheduler::LrScheduler,
    optim::{
        AdaGradConfig, AdamConfig, AdamWConfig, ModuleOptimizer, RmsPropConfig, SgdConfig,
        decay::WeightDecayConfig, momentum::MomentumConfig,
    },
};
use clap::ValueEnum;
use lfp_burn::{
    UnknownActivation,
    optim::{OneCycleConfig, OneCycleError},
};
use serde::{Deserialize, Serialize};

use crate::{
    network::{Architecture, Model, SpikingSettings},
    objective::{Method, Objective},
};

/// A data set by the name that `--dataset` takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DataSet {
    /// Handwritten digits.
    Mnist,
}

/// How the learning rate changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Schedule {
    /// Up to `--lr` and down again, over the whole run.
    #[value(name = "onecycle")]
    OneCycle,
    /// Not at all.
    Constant,
}

/// One of Burn's optimisers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Optimizer {
    /// With momentum, without dampening.
    Sgd,
    /// `--momentum` is its first beta.
    Adam,
    /// `--momentum` is its first beta; `--weight-decay` is decoupled.
    #[value(name = "adamw")]
    AdamW,
    /// With momentum.
    #[value(name = "rmsprop")]
    RmsProp,
    /// Has no momentum.
    #[value(name = "adagrad")]
    AdaGrad,
}

/// Everything that a run's result depends on, but for the data and the machine.
///
/// A run folder remembers them; only a run with the same ones may go on in it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// The network.
    pub model: Model,
    /// The data.
    pub dataset: DataSet,
    /// How it learns.
    pub method: Method,
    /// The activation function, by name.
    pub activation: String,
    /// Passes over the data.
    pub epochs: usize,
    /// The learning rate; with OneCycle the largest.
    pub lr: f64,
    /// How it changes.
    pub schedule: Schedule,
    /// Burn's optimiser.
    pub optimizer: Optimizer,
    /// Momentum of the optimiser.
    pub momentum: f64,
    /// Largest global norm of the updates; 0 to leave them as they are.
    pub clip: f64,
    /// Largest update of a unit relative to the unit; 0 to leave them as they are.
    pub adaptive_clip: f64,
    /// L2 penalty.
    pub weight_decay: f64,
    /// Samples per step.
    pub batch: usize,
    /// Decides weights, order and dropout.
    pub seed: u64,
    /// Where it is computed: another device rounds otherwise.
    pub device: String,
    /// Of a spiking network.
    #[serde(flatten)]
    pub spiking: Option<SpikingSettings>,
}

impl Settings {
    /// The network that is trained.
    ///
    /// # Errors
    ///
    /// If there is no such activation.
    pub fn architecture(&self) -> Result<Architecture, UnknownActivation> {
        Ok(Architecture {
            model: self.model,
            activation: self.activation.parse()?,
            spiking: self.spiking.unwrap_or_default(),
        })
    }

    /// What it is trained for.
    pub fn objective(&self) -> Objective {
        let rule = self.spiking.unwrap_or_default().rule();
        self.method.objective().with_rule(rule)
    }

    /// The optimiser, before its first step.
    pub fn optimizer(&self) -> ModuleOptimizer {
        let momentum = self.momentum as f32;
        let decay =
            (self.weight_decay > 0.0).then(|| WeightDecayConfig::new(self.weight_decay as f32));
        match self.optimizer {
            Optimizer::Sgd => {
                let momentum = (self.momentum > 0.0).then(|| {
                    MomentumConfig::new()
                        .with_momentum(self.momentum)
                        .with_dampening(0.0)
                });
                SgdConfig::new()
                    .with_momentum(momentum)
                    .with_weight_decay(decay)
                    .init()
            }
            Optimizer::Adam => AdamConfig::new()
                .with_beta_1(momentum)
                .with_weight_decay(decay)
                .init(),
            Optimizer::AdamW => AdamWConfig::new()
                .with_beta_1(momentum)
                .with_weight_decay(self.weight_decay as f32)
                .init(),
            Optimizer::RmsProp => RmsPropConfig::new()
                .with_momentum(momentum)
                .with_weight_decay(decay)
                .init(),
            Optimizer::AdaGrad => AdaGradConfig::new().with_weight_decay(decay).init(),
        }
    }

    /// The schedule of the learning rate, before its first step.
    ///
    /// # Errors
    ///
    /// If the learning rate or the number of steps makes no cycle.
    pub fn schedule(&self, steps_per_epoch: usize) -> Result<Box<dyn LrScheduler>, OneCycleError> {
        Ok(match self.schedule {
            Schedule::Constant => Box::new(self.lr),
            Schedule::OneCycle => {
                Box::new(OneCycleConfig::new(self.lr, self.epochs * steps_per_epoch).init()?)
            }
        })
    }

    /// The first setting that differs from `other`: its name, our value, and theirs.
    pub fn difference(&self, other: &Self) -> Option<SettingDifference> {
        let ours = serde_json::to_value(self).expect("settings are plain values");
        let theirs = serde_json::to_value(other).expect("settings are plain values");
        let (ours, theirs) = (ours.as_object()?, theirs.as_object()?);
        // Other models have other settings, so which model comes first.
        let model = "model".to_owned();
        let mut names = std::iter::once(&model).chain(ours.keys());
        let name = names.find(|name| theirs.get(*name) != ours.get(*name))?;
        let value = |settings: &serde_json::Map<String, serde_json::Value>| {
            let value = settings.get(name);
            value.map_or("unset".to_owned(), ToString::to_string)
        };
        Some(SettingDifference {
            name: name.replace('_', "-"),
            ours: value(ours),
            theirs: value(theirs),
        })
    }
}

/// A setting that two runs do not share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingDifference {
    name: String,
    ours: String,
    theirs: String,
}

impl fmt::Display for SettingDifference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, ours, theirs } = self;
        write!(f, "--{name} {theirs}, now --{name} {ours}")
    }
}

//! What a training run is asked to do.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use burn::{
    optim::{
        AdaGradConfig, AdamConfig, AdamWConfig, ModuleOptimizer, RmsPropConfig, SgdConfig,
        decay::WeightDecayConfig, momentum::MomentumConfig,
    },
    tensor::Device,
};
use clap::ValueEnum;
use lfp_burn::{
    BatchNormRule, DropoutRule, LifReward, LifRule, Rule, UnknownActivation,
    optim::{Momentum, OneCycleConfig, OneCycleError},
};
use lfp_models::{Model, NetworkConfig, SpikingConfig};
use serde::{Deserialize, Serialize};

use super::pace::Pace;
use crate::{
    data::{DataSet, Reading, Samples, class_weights},
    files::{self, FileError},
    objective::{Method, Objective},
};

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
    /// Number of classes, of the data and of the network.
    pub classes: usize,
    /// Height and width that photographs are brought to.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub image_size: Option<u32>,
    /// How it learns.
    pub method: Method,
    /// The activation function, by name.
    pub activation: String,
    /// The probability of dropout, if not the network's own.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub dropout: Option<f64>,
    /// The weights that it starts from, if it does not draw its own.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub pretrained: Option<Pretrained>,
    /// How rewards pass batch normalisation.
    #[serde(skip_serializing_if = "is_default", default)]
    pub batch_norm_rule: BatchNormRuleName,
    /// How rewards pass dropout.
    #[serde(skip_serializing_if = "is_default", default)]
    pub dropout_rule: DropoutRuleName,
    /// Whether samples of rare classes count for more, so that all classes count the same.
    #[serde(skip_serializing_if = "is_default", default)]
    pub class_weights: bool,
    /// Passes over the data.
    pub epochs: usize,
    /// The learning rate; with OneCycle the largest.
    pub lr: f64,
    /// How it changes.
    pub schedule: Schedule,
    /// Burn's optimiser.
    pub optimizer: Optimizer,
    /// Momentum of the optimiser, if it stays the same.
    pub momentum: f64,
    /// With OneCycle: the momentum at the top of the learning rate and at both ends, if it changes.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub cycle_momentum: Option<[f64; 2]>,
    /// Largest global norm of the updates; 0 to leave them as they are.
    pub clip: f64,
    /// Largest update of a unit relative to the unit; 0 to leave them as they are.
    pub adaptive_clip: f64,
    /// L2 penalty.
    pub weight_decay: f64,
    /// Samples per step.
    pub batch: usize,
    /// Passes that a device's part of a step is shared out over.
    #[serde(skip_serializing_if = "is_one", default = "one")]
    pub accumulate: usize,
    /// Whether activations are computed again in the backward pass, instead of kept.
    #[serde(skip_serializing_if = "is_default", default)]
    pub checkpointing: bool,
    /// Decides weights, order and dropout.
    pub seed: u64,
    /// Where it is computed, of several separated by commas: another device rounds otherwise.
    pub device: String,
    /// Divisor of the reward of a spiking neuron.
    #[serde(skip_serializing_if = "is_default", default)]
    pub lif_rule: LifRuleName,
    /// Normalisation of rewards between spiking layers.
    #[serde(skip_serializing_if = "is_default", default)]
    pub lif_reward: LifRewardName,
    /// Neurons and time steps; `None` for a network that does not spike.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub spiking: Option<SpikingConfig>,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

fn one() -> usize {
    1
}

fn is_one(value: &usize) -> bool {
    *value == 1
}

/// A file of weights.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pretrained {
    /// The file.
    pub file: PathBuf,
    /// Its SHA-256: a run goes on with what it began with.
    pub sha256: String,
}

impl Pretrained {
    /// The file as it is now.
    ///
    /// # Errors
    ///
    /// If it cannot be read.
    pub fn read(file: &Path) -> Result<Self, FileError> {
        Ok(Self {
            file: file.to_owned(),
            sha256: files::sha256(&files::read(file)?),
        })
    }
}

/// How rewards pass batch normalisation in training mode, by the name that `--batch-norm-rule` takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BatchNormRuleName {
    /// Batch statistics are constants, as in the paper.
    #[default]
    Constant,
    /// Through the batch statistics, as in the authors' package.
    Through,
}

/// How rewards pass dropout, by the name that `--dropout-rule` takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DropoutRuleName {
    /// Dropout conserves them.
    #[default]
    Conserve,
    /// They are multiplied like the values, as in the authors' package.
    Scale,
}

/// Divisor of the reward of a spiking neuron, by the name that `--lif-rule` takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LifRuleName {
    /// Sum of the magnitudes of the previous potential and of its change.
    #[default]
    SumOfMagnitudes,
    /// Magnitude of the potential before its reset.
    MagnitudeOfSum,
}

/// Normalisation of rewards between spiking layers, by the name that `--lif-reward` takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LifRewardName {
    /// None.
    AsItArrives,
    /// Division by the largest magnitude.
    #[default]
    OfLargest,
}

impl From<LifRuleName> for LifRule {
    fn from(name: LifRuleName) -> Self {
        match name {
            LifRuleName::SumOfMagnitudes => Self::SumOfMagnitudes,
            LifRuleName::MagnitudeOfSum => Self::MagnitudeOfSum,
        }
    }
}

impl From<LifRewardName> for LifReward {
    fn from(name: LifRewardName) -> Self {
        match name {
            LifRewardName::AsItArrives => Self::AsItArrives,
            LifRewardName::OfLargest => Self::OfLargest,
        }
    }
}

impl Settings {
    /// A run of three epochs on digits or photographs, with the step sizes that reach the accuracies in the
    /// book; `classes` is the number of classes of the data.
    pub fn new(model: Model, dataset: DataSet, method: Method, classes: usize) -> Self {
        let photographs = model.spec().image_shape[0] == 3;
        let (lr, clip, adaptive_clip) = match (model.spikes(), method) {
            (false, _) if photographs => (0.1, 3.0, 0.0),
            (false, _) => (0.05, 3.0, 0.0),
            (true, Method::Lfp) => (0.07, 0.0, 0.06),
            (true, Method::Gradient) => (0.5, 3.0, 0.0),
        };
        Self {
            model,
            dataset,
            classes,
            image_size: dataset.is_of_files().then_some(Reading::default().size),
            method,
            activation: "relu".to_owned(),
            dropout: None,
            pretrained: None,
            batch_norm_rule: BatchNormRuleName::default(),
            dropout_rule: DropoutRuleName::default(),
            class_weights: false,
            epochs: 3,
            lr,
            schedule: Schedule::OneCycle,
            optimizer: Optimizer::Sgd,
            momentum: 0.9,
            // PyTorch's; the networks for digits in the book were trained with a constant one.
            cycle_momentum: photographs.then_some([0.85, 0.95]),
            clip,
            adaptive_clip,
            weight_decay: 0.0,
            batch: 128,
            accumulate: 1,
            checkpointing: false,
            seed: 7240,
            device: "auto".to_owned(),
            lif_rule: LifRuleName::default(),
            lif_reward: LifRewardName::default(),
            spiking: model.spikes().then(SpikingConfig::new),
        }
    }

    /// Configuration of the network for [`Self::model`].
    ///
    /// # Errors
    ///
    /// If no activation has that name.
    pub fn network(
        &self,
        image_shape: [usize; 3],
        classes: usize,
    ) -> Result<NetworkConfig, UnknownActivation> {
        Ok(NetworkConfig::new(image_shape, classes)
            .with_activation(self.activation.parse()?)
            .with_dropout(self.dropout)
            .with_spiking(self.spiking.unwrap_or_default()))
    }

    /// The device that records what is computed on it.
    pub(super) fn autodiff(&self, device: &Device) -> Device {
        let device = device.clone().autodiff();
        match self.checkpointing {
            true => device.gradient_checkpointing(),
            false => device,
        }
    }

    /// What it is trained for, on `data`.
    pub fn objective(&self, data: &dyn Samples) -> Objective {
        let batch_norm = match self.batch_norm_rule {
            BatchNormRuleName::Constant => BatchNormRule::ConstantStatistics,
            BatchNormRuleName::Through => BatchNormRule::ThroughStatistics,
        };
        let dropout = match self.dropout_rule {
            DropoutRuleName::Conserve => DropoutRule::Conserve,
            DropoutRuleName::Scale => DropoutRule::Scale,
        };
        let rule = Rule::default()
            .with_batch_norm(batch_norm)
            .with_dropout(dropout)
            .with_lif(self.lif_rule.into())
            .with_lif_reward(self.lif_reward.into());
        let objective = match self.class_weights {
            true => self.method.weighted_objective(class_weights(data)),
            false => self.method.objective(),
        };
        objective.with_rule(rule)
    }

    /// The optimiser, before its first step, and its momentum, for what changes it.
    pub fn optimizer(&self) -> (ModuleOptimizer, Momentum) {
        let momentum = Momentum::new(self.momentum);
        let decay =
            (self.weight_decay > 0.0).then(|| WeightDecayConfig::new(self.weight_decay as f32));
        let decoupled = self.weight_decay as f32;
        let optimizer = match self.optimizer {
            Optimizer::Sgd => momentum
                .drive(move |momentum| {
                    let momentum = (momentum > 0.0).then(|| {
                        MomentumConfig::new()
                            .with_momentum(momentum)
                            .with_dampening(0.0)
                    });
                    SgdConfig::new()
                        .with_momentum(momentum)
                        .with_weight_decay(decay.clone())
                        .build()
                })
                .into(),
            Optimizer::Adam => momentum
                .drive(move |beta| {
                    AdamConfig::new()
                        .with_beta_1(beta as f32)
                        .with_weight_decay(decay.clone())
                        .build()
                })
                .into(),
            Optimizer::AdamW => momentum
                .drive(move |beta| {
                    AdamWConfig::new()
                        .with_beta_1(beta as f32)
                        .with_weight_decay(decoupled)
                        .build()
                })
                .into(),
            Optimizer::RmsProp => momentum
                .drive(move |momentum| {
                    RmsPropConfig::new()
                        .with_momentum(momentum as f32)
                        .with_weight_decay(decay.clone())
                        .build()
                })
                .into(),
            Optimizer::AdaGrad => AdaGradConfig::new().with_weight_decay(decay).init(),
        };
        (optimizer, momentum)
    }

    /// The pace of the run, before its first step.
    ///
    /// # Errors
    ///
    /// If the learning rate, the momentum or the number of steps makes no cycle.
    pub(super) fn pace(
        &self,
        steps_per_epoch: usize,
        momentum: Momentum,
    ) -> Result<Pace, OneCycleError> {
        let steps = self.epochs * steps_per_epoch;
        Ok(match self.schedule {
            Schedule::Constant => Pace::Constant(self.lr),
            Schedule::OneCycle => {
                let mut config = OneCycleConfig::new(self.lr, steps);
                if let Some([base, max]) = self.cycle_momentum {
                    config = config.with_base_momentum(base).with_max_momentum(max);
                }
                let momentum = self.cycle_momentum.map(|_| momentum);
                Pace::OneCycle(config.init()?, momentum)
            }
        })
    }

    /// The settings by option: members of `spiking` and of its `lif` count as options of their own.
    fn options(&self) -> serde_json::Map<String, serde_json::Value> {
        let mut options = match serde_json::to_value(self) {
            Ok(serde_json::Value::Object(options)) => options,
            other => unreachable!("settings serialise as an object, got {other:?}"),
        };
        for group in ["spiking", "lif"] {
            if let Some(serde_json::Value::Object(members)) = options.remove(group) {
                options.extend(members);
            }
        }
        options
    }

    /// The first setting that differs from `other`: its name, our value, and theirs.
    pub fn difference(&self, other: &Self) -> Option<SettingDifference> {
        let (ours, theirs) = (self.options(), other.options());
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
            ours: value(&ours),
            theirs: value(&theirs),
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

//! The settings of a training run: one type from the command line to run folder, journal and code.

use std::{
    collections::BTreeSet,
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
    ActivationFn, FreezeError, LfpConfig, freeze,
    optim::{AdaptiveClipConfig, ClipError, Momentum},
    reward::SpikeRateForm,
};
use lfp_models::{Difference, Model, Network, NetworkConfig, SpikingConfig, StateDict};
use serde::{Deserialize, Serialize};

use super::{
    Schedule,
    earlier::{over_defaults, over_defaults_if_any},
};
use crate::{
    data::{DataSet, Reading, Samples, class_weights},
    device::DeviceNames,
    files::{self, FileError},
    limits::{
        self, BATCH, BELOW_ONE, CLASSES, EPOCHS, FROM_ZERO_TO_ONE, IMAGE_SIZE, NOT_NEGATIVE,
        POSITIVE, TIME_STEPS,
    },
    objective::{Method, Objective, RewardKind},
};

/// The optimiser.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Optimizer {
    /// SGD with momentum.
    Sgd,
    /// Adam; `--momentum` is its first beta.
    Adam,
    /// AdamW; `--momentum` is its first beta, `--weight-decay` is decoupled.
    #[value(name = "adamw")]
    AdamW,
    /// RMSprop with momentum.
    #[value(name = "rmsprop")]
    RmsProp,
    /// AdaGrad, which has no momentum.
    #[value(name = "adagrad")]
    AdaGrad,
}

impl Optimizer {
    /// Whether the optimiser has a momentum.
    pub fn has_momentum(self) -> bool {
        self != Self::AdaGrad
    }

    /// The default for a network: transformers hardly learn by SGD.
    pub fn of(model: Model) -> Self {
        match model.takes().attention {
            true => Self::AdamW,
            false => Self::Sgd,
        }
    }

    /// The default learning rate. For SGD and for AdamW on transformers the best that was measured (see the book), else
    /// PyTorch's.
    pub fn default_lr(self, model: Model, method: Method) -> f64 {
        let [channels, height, _] = model.spec().image_shape;
        match (self, method) {
            (Self::Sgd, Method::Lfp) if model.spikes() => 0.07,
            (Self::Sgd, Method::Gradient) if model.spikes() => 0.5,
            (Self::Sgd, _) if channels == 3 => 0.1,
            (Self::Sgd, _) => 0.05,
            // Networks of this size are fine-tuned.
            (Self::Adam | Self::AdamW, _) if model.takes().attention && height == 224 => 1e-4,
            (Self::Adam | Self::AdamW, Method::Lfp) if model.takes().attention => 5e-3,
            (Self::Adam | Self::AdamW, Method::Gradient) if model.takes().attention => 2e-3,
            (Self::Adam | Self::AdamW, _) => 1e-3,
            (Self::RmsProp | Self::AdaGrad, _) => 1e-2,
        }
    }

    /// The default momenta of OneCycle: for SGD on photographs those of PyTorch's `OneCycleLR`; networks for digits use a
    /// constant momentum in the book.
    fn default_cycle(self, model: Model) -> Option<[f64; 2]> {
        let [channels, ..] = model.spec().image_shape;
        (self == Self::Sgd && channels == 3).then_some([0.85, 0.95])
    }
}

/// Everything that the result of a run depends on, except the data and the machine.
///
/// `settings.json` in a run folder holds them; a run resumes only with equal settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The network.
    pub model: Model,
    /// The data set.
    pub dataset: DataSet,
    /// Number of classes, of the data and of the network.
    pub classes: usize,
    /// Height and width to which photographs are resized.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub image_size: Option<u32>,
    /// The training method.
    pub method: Method,
    /// The initial reward of logits.
    #[serde(skip_serializing_if = "is_default", default)]
    pub reward: RewardKind,
    /// The initial reward of spikes; `None` where none is propagated.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub spike_reward: Option<SpikeRateForm>,
    /// The settings of the propagation.
    #[serde(default, deserialize_with = "over_defaults")]
    pub lfp: LfpConfig,
    /// The hidden activation.
    pub activation: ActivationFn,
    /// Whether the activation also follows the last layer.
    #[serde(skip_serializing_if = "is_default", default)]
    pub output_activation: bool,
    /// The dropout probability; `None` for the network's own.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub dropout: Option<f64>,
    /// The weights to start from; `None` to draw them.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub pretrained: Option<Pretrained>,
    /// The parts of the network that do not learn: a regular expression for [paths](freeze()).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub freeze: Option<String>,
    /// Whether samples are weighted by the inverse frequency of their class.
    #[serde(skip_serializing_if = "is_default", default)]
    pub class_weights: bool,
    /// Number of epochs.
    pub epochs: usize,
    /// The learning rate; for OneCycle and the cosine schedule the largest.
    pub lr: f64,
    /// The learning-rate schedule.
    pub schedule: Schedule,
    /// The share of the steps in which the learning rate of the cosine schedule rises.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub warmup: Option<f64>,
    /// The optimiser.
    pub optimizer: Optimizer,
    /// The momentum, unless it cycles.
    pub momentum: f64,
    /// The momenta of OneCycle at the largest and at the lowest learning rate; `None` for a constant momentum.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub cycle_momentum: Option<[f64; 2]>,
    /// Whether the velocity of SGD is the average `momentum v + (1 - momentum) d` of Eq. 5; if not, it is the sum
    /// `momentum v + d`, as in PyTorch.
    #[serde(skip_serializing_if = "is_default", default)]
    pub dampening: bool,
    /// The limit of the global norm of the updates; 0 for no limit.
    pub clip: f64,
    /// The limit of each unit's update relative to its weights; 0 for no limit.
    pub adaptive_clip: f64,
    /// The L2 penalty.
    pub weight_decay: f64,
    /// Samples per step.
    pub batch: usize,
    /// Micro-batches per step and device, whose updates are accumulated.
    #[serde(skip_serializing_if = "is_one", default = "one")]
    pub accumulate: usize,
    /// Whether the backward pass recomputes activations that are cheap, instead of keeping them.
    #[serde(skip_serializing_if = "is_default", default)]
    pub checkpointing: bool,
    /// The seed of generated data, initial weights, order of the samples, augmentation and dropout.
    pub seed: u64,
    /// The devices: other devices round differently.
    pub device: DeviceNames,
    /// The settings of a spiking network.
    #[serde(
        skip_serializing_if = "Option::is_none",
        default,
        deserialize_with = "over_defaults_if_any"
    )]
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
#[serde(deny_unknown_fields)]
pub struct Pretrained {
    /// The absolute path.
    pub file: PathBuf,
    /// The SHA-256 of the content: a run resumes only with the same weights.
    pub sha256: String,
    /// Differences from the network that are allowed.
    #[serde(skip_serializing_if = "BTreeSet::is_empty", default)]
    pub allow: BTreeSet<Difference>,
    /// The part of the file to load; `None` for the one that fits.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub part: Option<String>,
}

impl Pretrained {
    /// The file with its present content.
    ///
    /// # Errors
    ///
    /// If it cannot be read.
    pub fn read(file: &Path) -> Result<Self, FileError> {
        Ok(Self {
            file: files::from_root(file),
            sha256: files::sha256(&files::read(file)?),
            allow: BTreeSet::new(),
            part: None,
        })
    }

    /// The weights as they are loaded.
    pub fn state_dict(&self) -> StateDict {
        let file = StateDict::open(&self.file).allow(self.allow.iter().copied());
        match &self.part {
            Some(part) => file.part(part),
            None => file,
        }
    }

    /// Whether the same weights are loaded, wherever their file lies.
    fn loads_as(&self, other: &Self) -> bool {
        (&self.sha256, &self.allow, &self.part) == (&other.sha256, &other.allow, &other.part)
    }

    /// Checks that the file still has the content that the run began with.
    ///
    /// # Errors
    ///
    /// If it has not, or cannot be read.
    pub fn check(&self) -> Result<(), PretrainedError> {
        match Self::read(&self.file)?.sha256 == self.sha256 {
            true => Ok(()),
            false => Err(PretrainedError::Changed(self.file.clone())),
        }
    }
}

/// Weights that a run cannot start from.
#[derive(Debug, thiserror::Error)]
pub enum PretrainedError {
    /// The file cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// The file has another content.
    #[error("{}: other weights than the run began with; restore the file", .0.display())]
    Changed(PathBuf),
}

impl Settings {
    /// The default settings for a network, data and method: three epochs, with the step sizes of the book. `classes` is the
    /// number of classes of the data.
    pub fn new(model: Model, dataset: DataSet, method: Method, classes: usize) -> Self {
        let optimizer = Optimizer::of(model);
        let (clip, adaptive_clip) = match (model.spikes(), method) {
            (true, Method::Lfp) => (0.0, 0.06),
            _ => (3.0, 0.0),
        };
        Self {
            model,
            dataset,
            classes,
            image_size: dataset.has_image_files().then_some(Reading::default().size),
            method,
            reward: RewardKind::default(),
            spike_reward: (model.spikes() && method == Method::Lfp).then(SpikeRateForm::default),
            lfp: LfpConfig::new(),
            activation: ActivationFn::Relu,
            output_activation: false,
            dropout: None,
            pretrained: None,
            freeze: None,
            class_weights: false,
            epochs: 3,
            lr: optimizer.default_lr(model, method),
            schedule: Schedule::OneCycle,
            warmup: None,
            optimizer,
            momentum: 0.9,
            cycle_momentum: optimizer.default_cycle(model),
            dampening: false,
            clip,
            adaptive_clip,
            weight_decay: 0.0,
            batch: 128,
            accumulate: 1,
            checkpointing: false,
            seed: 7240,
            device: DeviceNames::default(),
            spiking: model.spikes().then(SpikingConfig::new),
        }
    }

    /// The settings with another optimiser, and its default learning rate and momenta.
    #[must_use]
    pub fn with_optimizer(self, optimizer: Optimizer) -> Self {
        Self {
            lr: optimizer.default_lr(self.model, self.method),
            cycle_momentum: optimizer.default_cycle(self.model),
            optimizer,
            ..self
        }
    }

    /// The configuration of the network [`model`](Self::model).
    pub fn network(&self, image_shape: [usize; 3], classes: usize) -> NetworkConfig {
        NetworkConfig::new(image_shape, classes)
            .with_activation(self.activation)
            .with_output_activation(self.output_activation)
            .with_dropout(self.dropout)
            .with_spiking(self.spiking.unwrap_or_default())
    }

    /// How the data of the run are read, without a cache.
    pub fn reading(&self) -> Reading {
        let default = Reading::default();
        Reading {
            size: self.image_size.unwrap_or(default.size),
            seed: self.seed,
            ..default
        }
    }

    /// Checks every setting, as the command line does: a file may be damaged, or changed by hand.
    ///
    /// # Errors
    ///
    /// The first that is out of range, or that has no effect and is not the default.
    pub(super) fn check(&self) -> Result<(), String> {
        let spiking = self.spiking.unwrap_or_default();
        let size = self
            .image_size
            .map_or(*IMAGE_SIZE.start(), |size| size as usize);
        for (name, number, range) in [
            ("classes", self.classes, CLASSES),
            ("image_size", size, IMAGE_SIZE),
            ("epochs", self.epochs, EPOCHS),
            ("batch", self.batch, BATCH),
            ("accumulate", self.accumulate, BATCH),
            ("steps", spiking.steps, TIME_STEPS),
        ] {
            let checked = limits::whole(&range, number);
            checked.map_err(|expected| format!("{name} is {number}, {expected}"))?;
        }
        let [base, max] = self.cycle_momentum.unwrap_or_default();
        let numbers = [
            ("lr", self.lr, POSITIVE),
            ("dropout", self.dropout.unwrap_or_default(), BELOW_ONE),
            ("momentum", self.momentum, BELOW_ONE),
            ("cycle_momentum", base, BELOW_ONE),
            ("cycle_momentum", max, BELOW_ONE),
            ("clip", self.clip, NOT_NEGATIVE),
            ("adaptive_clip", self.adaptive_clip, NOT_NEGATIVE),
            ("weight_decay", self.weight_decay, NOT_NEGATIVE),
            ("warmup", self.warmup.unwrap_or_default(), BELOW_ONE),
            ("beta", spiking.lif.beta, FROM_ZERO_TO_ONE),
            ("threshold", spiking.lif.threshold, POSITIVE),
        ];
        let options = self.options();
        let of_lfp = LfpConfig::OPTIONS.iter().filter_map(|option| {
            let range = if option.zero { NOT_NEGATIVE } else { POSITIVE };
            let value = options.get(&format!("lfp_{}", option.field))?;
            Some((option.field, value.as_f64()?, range))
        });
        for (name, number, range) in numbers.into_iter().chain(of_lfp) {
            let checked = range.check(number);
            checked.map_err(|expected| format!("{name} is {number}, {expected}"))?;
        }
        let (model, dataset) = (self.model, self.dataset);
        let unfit = [
            (
                self.spiking.is_some(),
                model.spikes(),
                "spiking",
                model.name(),
            ),
            (
                self.image_size.is_some(),
                dataset.has_image_files(),
                "image_size",
                dataset.name(),
            ),
        ];
        match unfit.into_iter().find(|(has, takes, ..)| has != takes) {
            Some((true, _, name, of)) => Err(format!("{name} has no effect on {of}")),
            Some((false, _, name, of)) => Err(format!("{name} is missing, which {of} needs")),
            None => {
                let chosen = self.chosen();
                let checked = self.check_effects(|option| chosen.contains(option));
                checked.map_err(|error| error.to_string())
            }
        }
    }

    /// The network with its [frozen](Self::freeze) parts.
    ///
    /// # Errors
    ///
    /// If the pattern is no regular expression, or matches nothing or everything.
    pub fn frozen(&self, network: Network) -> Result<Network, FreezeError> {
        match &self.freeze {
            Some(pattern) => freeze(network, pattern),
            None => Ok(network),
        }
    }

    /// The autodiff device of the run.
    pub(super) fn autodiff(&self, device: &Device) -> Device {
        let device = device.clone().autodiff();
        match self.checkpointing {
            true => device.gradient_checkpointing(),
            false => device,
        }
    }

    /// The objective on `data`.
    pub fn objective(&self, data: &dyn Samples) -> Objective {
        let weights = self.class_weights.then(|| class_weights(data));
        let spike_reward = self.spike_reward.unwrap_or_default();
        Objective::new(self.method, self.reward, spike_reward, weights, self.lfp)
    }

    /// The optimiser with adaptive clipping, before its first step, and the momentum that it reads.
    ///
    /// # Errors
    ///
    /// If the limit of adaptive clipping is not finite.
    pub fn optimizer(&self) -> Result<(ModuleOptimizer, Momentum), ClipError> {
        let momentum = Momentum::new(self.momentum);
        let decay =
            (self.weight_decay > 0.0).then(|| WeightDecayConfig::new(self.weight_decay as f32));
        let decoupled = self.weight_decay as f32;
        let dampened = self.dampening;
        let optimizer = match self.optimizer {
            Optimizer::Sgd => self.clipped(momentum.drive(move |momentum| {
                let momentum = (momentum > 0.0).then(|| {
                    MomentumConfig::new()
                        .with_momentum(momentum)
                        .with_dampening(if dampened { momentum } else { 0.0 })
                });
                SgdConfig::new()
                    .with_momentum(momentum)
                    .with_weight_decay(decay.clone())
                    .build()
            })),
            Optimizer::Adam => self.clipped(momentum.drive(move |beta| {
                AdamConfig::new()
                    .with_beta_1(beta as f32)
                    .with_weight_decay(decay.clone())
                    .build()
            })),
            Optimizer::AdamW => self.clipped(momentum.drive(move |beta| {
                AdamWConfig::new()
                    .with_beta_1(beta as f32)
                    .with_weight_decay(decoupled)
                    .build()
            })),
            Optimizer::RmsProp => self.clipped(momentum.drive(move |momentum| {
                RmsPropConfig::new()
                    .with_momentum(momentum as f32)
                    .with_weight_decay(decay.clone())
                    .build()
            })),
            Optimizer::AdaGrad => {
                self.clipped(AdaGradConfig::new().with_weight_decay(decay).build())
            }
        };
        Ok((optimizer?, momentum))
    }

    fn clipped<O: burn::optim::Optimizer>(
        &self,
        optimizer: O,
    ) -> Result<ModuleOptimizer, ClipError> {
        match self.adaptive_clip > 0.0 {
            true => Ok(AdaptiveClipConfig::new(self.adaptive_clip)
                .init(optimizer)?
                .into()),
            false => Ok(optimizer.into()),
        }
    }

    /// The settings by command-line option: the members of `spiking`, of its `lif`, and of `lfp` (as `lfp_...`).
    pub(super) fn options(&self) -> serde_json::Map<String, serde_json::Value> {
        let mut options = match serde_json::to_value(self) {
            Ok(serde_json::Value::Object(options)) => options,
            other => unreachable!("settings serialise as an object, got {other:?}"),
        };
        for group in ["spiking", "lif"] {
            if let Some(serde_json::Value::Object(members)) = options.remove(group) {
                options.extend(members);
            }
        }
        if let Some(serde_json::Value::Object(members)) = options.remove("lfp") {
            let members = members.into_iter();
            options.extend(members.map(|(name, value)| (format!("lfp_{name}"), value)));
        }
        options
    }

    /// The first setting that differs from `other`: its name, our value, and theirs.
    pub fn difference(&self, other: &Self) -> Option<SettingDifference> {
        self.differences(other).into_iter().next()
    }

    /// All settings that differ from `other`. Weights to start from are equal if their content is, wherever the file lies.
    pub fn differences(&self, other: &Self) -> Vec<SettingDifference> {
        let (ours, theirs) = (self.options(), other.options());
        let same_weights = match (&self.pretrained, &other.pretrained) {
            (Some(ours), Some(theirs)) => ours.loads_as(theirs),
            (ours, theirs) => ours.is_none() && theirs.is_none(),
        };
        let all = || ours.keys().chain(theirs.keys());
        let mut names: Vec<&String> = all().collect();
        names.sort_unstable();
        names.dedup();
        // Other models have other settings, so the model is compared first.
        names.sort_by_key(|name| *name != "model");
        let differs = |name: &&String| {
            let is_same_file = *name == "pretrained" && same_weights;
            theirs.get(*name) != ours.get(*name) && !is_same_file
        };
        let difference = |name: &String| SettingDifference {
            name: name.replace('_', "-"),
            ours: shown(ours.get(name)),
            theirs: shown(theirs.get(name)),
        };
        names.into_iter().filter(differs).map(difference).collect()
    }
}

/// The value of a setting as on the command line.
fn shown(value: Option<&serde_json::Value>) -> String {
    match value {
        Some(serde_json::Value::String(text)) => text.clone(),
        // Weights to start from: the file, and how it is read.
        Some(serde_json::Value::Object(members)) => {
            let members = members.iter().filter(|(name, _)| *name != "sha256");
            let shown = members.map(|(_, value)| shown(Some(value)));
            shown.collect::<Vec<_>>().join(" ")
        }
        Some(value) => value.to_string(),
        None => "unset".to_owned(),
    }
}

/// A setting in which two runs differ.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_seed_of_a_run_draws_its_points_too() {
        let mut settings = Settings::new(Model::MLP_TOY, DataSet::BLOBS, Method::Lfp, 2);
        let mut point = |seed| {
            settings.seed = seed;
            let data = settings.dataset.load(None, settings.reading()).unwrap();
            data.test.read(0, 0).unwrap()
        };
        assert_eq!(point(1), point(1));
        assert_ne!(point(1), point(2));
    }

    #[test]
    fn the_momentum_cycles_by_sgd_on_photographs_whatever_the_default_optimizer() {
        for (model, optimizer, cycle) in [
            (Model::RESNET18, Optimizer::Sgd, Some([0.85, 0.95])),
            (Model::RESNET18, Optimizer::Adam, None),
            (Model::VIT_B_16, Optimizer::Sgd, Some([0.85, 0.95])),
            (Model::VIT_B_16, Optimizer::AdamW, None),
            (Model::LENET, Optimizer::Sgd, None),
        ] {
            let settings = Settings::new(model, DataSet::CIFAR10, Method::Lfp, 10);
            let settings = settings.with_optimizer(optimizer);
            assert_eq!(settings.cycle_momentum, cycle, "{model} by {optimizer:?}");
        }
    }

    #[test]
    fn weights_are_the_same_wherever_their_file_lies() {
        let settings = |file: &str, sha256: &str| {
            let of = Settings::new(Model::LENET, DataSet::MNIST, Method::Lfp, 10);
            Settings {
                pretrained: Some(Pretrained {
                    file: file.into(),
                    sha256: sha256.to_owned(),
                    allow: BTreeSet::new(),
                    part: None,
                }),
                ..of
            }
        };
        let ours = settings("a.pth", "01");
        assert_eq!(ours.difference(&settings("./b/a.pth", "01")), None);
        let difference = ours.difference(&settings("b.pth", "02")).unwrap();
        assert_eq!(
            difference.to_string(),
            "--pretrained b.pth, now --pretrained a.pth"
        );
    }

    #[test]
    fn all_differences_are_listed_the_model_first() {
        let ours = Settings::new(Model::LENET, DataSet::MNIST, Method::Lfp, 10);
        let mut theirs = Settings::new(Model::MLP, DataSet::MNIST, Method::Lfp, 10);
        theirs.batch = 7;
        theirs.dropout = Some(0.25);
        let differences = ours.differences(&theirs);
        let names: Vec<&str> = differences.iter().map(|of| of.name.as_str()).collect();
        assert_eq!(names, ["model", "batch", "dropout"]);
    }

    #[test]
    fn settings_of_a_file_are_checked_like_options() {
        let settings = Settings::new(Model::SNN_MLP, DataSet::MNIST, Method::Lfp, 10);
        assert_eq!(settings.check(), Ok(()));
        let refused = |change: fn(&mut Settings), words: &str| {
            let mut settings = settings.clone();
            change(&mut settings);
            let error = settings.check().unwrap_err();
            assert!(error.contains(words), "{error}");
        };
        refused(|of| of.epochs = 0, "epochs is 0");
        refused(|of| of.batch = usize::MAX, "batch is 18446744073709551615");
        refused(|of| of.lr = -0.1, "lr is -0.1, expected a positive number");
        refused(|of| of.momentum = 1.0, "momentum is 1");
        refused(|of| of.lfp.epsilon = 0.0, "epsilon is 0");
        refused(|of| of.spiking = None, "spiking is missing");
        refused(
            |of| of.image_size = Some(64),
            "image_size has no effect on mnist",
        );
        refused(
            |of| of.model = Model::LENET,
            "spiking has no effect on lenet",
        );
    }

    /// Until the form was a setting, spiking networks had the package's.
    #[test]
    fn a_spiking_run_without_the_form_of_its_reward_is_another_run() {
        let ours = Settings::new(Model::SNN_MLP, DataSet::MNIST, Method::Lfp, 10);
        let mut json = serde_json::to_value(&ours).unwrap();
        json.as_object_mut().unwrap().remove("spike_reward");
        let theirs = serde_json::from_value(json).unwrap();
        let difference = ours.difference(&theirs).unwrap().to_string();
        assert_eq!(
            difference,
            "--spike-reward unset, now --spike-reward every-step"
        );

        for (model, method) in [
            (Model::SNN_MLP, Method::Gradient),
            (Model::LENET, Method::Lfp),
        ] {
            let settings = Settings::new(model, DataSet::MNIST, method, 10);
            assert_eq!(settings.spike_reward, None);
        }
    }
}

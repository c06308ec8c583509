//! `train`.

use std::{collections::BTreeSet, path::PathBuf};

use anyhow::{Result, bail};
use clap::Args;
use lfp_burn::{
    ActivationFn, ActsOn, Normalization, Surrogate, reward::SpikeRateForm, spiking::LifConfig,
};
use lfp_models::{Difference, Model, SpikingConfig};
use strum::VariantNames;

use super::{lfp::LfpArgs, values};
use crate::{
    data::{DataError, DataSet, Reading, Split},
    device::{DeviceName, DeviceNames},
    objective::{Method, RewardKind},
    train::{self, Computing, Optimizer, Pretrained, Schedule, Settings},
};

#[derive(Debug, Args)]
#[command(allow_negative_numbers = true)]
pub(super) struct TrainArgs {
    #[command(flatten)]
    model: ModelArgs,
    #[command(flatten)]
    data: DataArgs,
    #[command(flatten)]
    optimisation: OptimisationArgs,
    #[command(flatten)]
    lfp: LfpArgs,
    #[command(flatten)]
    spiking: SpikingArgs,
    #[command(flatten)]
    run: RunArgs,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Model")]
struct ModelArgs {
    /// Network
    #[arg(long, default_value_t = Model::LENET, value_parser = values::model(), hide_possible_values = false)]
    model: Model,
    /// Hidden activation, such as relu, elu or leaky_relu:0.2 [default: relu]
    #[arg(long)]
    activation: Option<ActivationFn>,
    /// Apply the activation to the outputs, too (Figure A.1)
    #[arg(long)]
    output_activation: bool,
    /// Dropout probability [default: the network's own]
    #[arg(long, value_parser = values::below_one)]
    dropout: Option<f64>,
    /// Weights to start from: a file of torch.save or of safetensors
    ///
    /// If the file has another number of classes, the last layer is drawn.
    #[arg(long, value_name = "FILE")]
    pretrained: Option<PathBuf>,
    /// Differences between that file and the network to allow
    ///
    /// head: another last layer, the network's is drawn. unused: tensors that the network does not have. missing, shapes:
    /// tensors that the file does not have, or in another shape; they are drawn.
    #[arg(long, value_name = "DIFFERENCES", value_delimiter = ',', requires = "pretrained",
          value_parser = values::one_of::<Difference>(Difference::VARIANTS))]
    pretrained_allow: Vec<Difference>,
    /// Part of that file to load, if it holds several sets of weights: state_dict, ema, ...
    #[arg(long, value_name = "PART", requires = "pretrained")]
    pretrained_part: Option<String>,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Data")]
struct DataArgs {
    /// Data set
    #[arg(long, default_value_t = DataSet::MNIST, value_parser = values::data_set())]
    dataset: DataSet,
    /// Folder of the data set; without it MNIST is downloaded into a cache
    #[arg(long, value_name = "FOLDER")]
    data_dir: Option<PathBuf>,
    /// Expected number of classes; other data are refused
    #[arg(long, value_parser = values::at_least_one)]
    classes: Option<usize>,
    /// Height and width to which photographs are resized [default: 224]
    #[arg(long, value_parser = values::image_size)]
    image_size: Option<u32>,
    /// Keep decoded and resized photographs in memory
    #[arg(long)]
    cache: bool,
    /// Threads that read samples; the result does not depend on it [default: number of cores]
    #[arg(long, value_parser = values::at_least_one)]
    workers: Option<usize>,
    /// Weight samples by the inverse frequency of their class
    #[arg(long)]
    class_weights: bool,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Optimisation")]
struct OptimisationArgs {
    /// Training method
    #[arg(long, value_enum, default_value = "lfp")]
    method: Method,
    /// Initial reward of logits (Table 2) [default: softmax]
    #[arg(long, value_enum)]
    reward: Option<RewardKind>,
    /// Number of epochs
    #[arg(long, default_value_t = 3, value_parser = values::at_least_one)]
    epochs: usize,
    /// Samples per step
    #[arg(long, default_value_t = 128, value_parser = values::at_least_one)]
    batch: usize,
    /// Learning rate, the largest one of onecycle [default: 0.05; VGG and ResNet 0.1; spiking networks 0.07 by lfp, 0.5 by gradient]
    #[arg(long, value_parser = values::positive)]
    lr: Option<f64>,
    /// Learning-rate schedule
    #[arg(long, value_enum, default_value = "onecycle")]
    schedule: Schedule,
    /// Optimiser
    #[arg(long, value_enum, default_value = "sgd")]
    optimizer: Optimizer,
    /// Constant momentum [default: 0.9; VGG and ResNet cycle]
    #[arg(long, value_parser = values::below_one)]
    momentum: Option<f64>,
    /// Momentum of onecycle at the largest and the lowest learning rate [default for VGG and ResNet: 0.85 0.95]
    #[arg(long, num_args = 2, value_names = ["BASE", "MAX"], value_parser = values::below_one, conflicts_with = "momentum")]
    cycle_momentum: Option<Vec<f64>>,
    /// Average the updates in the velocity of SGD (Eq. 5) instead of summing them
    ///
    /// The velocity is momentum * v + (1 - momentum) * d instead of momentum * v + d. The same steps then need a learning
    /// rate that is 1 / (1 - momentum) times as large.
    #[arg(long)]
    dampening: bool,
    /// Largest global norm of an update, 0 for no limit [default: 3; spiking networks by lfp 0]
    #[arg(long, value_parser = values::not_negative)]
    clip: Option<f64>,
    /// Largest update of a unit relative to its weights, 0 for no limit [default: 0; spiking networks by lfp 0.06]
    #[arg(long, value_parser = values::not_negative)]
    adaptive_clip: Option<f64>,
    /// L2 penalty
    #[arg(long, default_value_t = 0.0, value_parser = values::not_negative)]
    weight_decay: f64,
    /// Micro-batches per step, for less memory; batch normalisation and spiking layers see one at a time
    #[arg(long, default_value_t = 1, value_parser = values::at_least_one)]
    accumulate: usize,
    /// Recompute cheap activations in the backward pass instead of keeping them
    #[arg(long)]
    checkpointing: bool,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Spiking")]
struct SpikingArgs {
    /// Time steps per image [default: 15]
    #[arg(long, value_parser = values::at_least_one)]
    steps: Option<usize>,
    /// Decay of the membrane potential per step [default: 0.9]
    #[arg(long, value_parser = values::from_zero_to_one)]
    beta: Option<f64>,
    /// Firing threshold [default: 1]
    #[arg(long, value_parser = values::positive)]
    threshold: Option<f64>,
    /// Surrogate derivative of a spike for --method gradient: fast-sigmoid[:SLOPE] or none [default: fast-sigmoid]
    #[arg(long)]
    surrogate: Option<Surrogate>,
    /// How the surrogate gradient is normalised between layers [default: none]
    #[arg(long, value_parser = values::one_of::<Normalization>(Normalization::VARIANTS))]
    gradient_normalization: Option<Normalization>,
    /// Steps at which classes other than the true one are punished [default: every-step, as Eq. A.4]
    #[arg(long, value_parser = values::one_of::<SpikeRateForm>(SpikeRateForm::VARIANTS))]
    spike_reward: Option<SpikeRateForm>,
    /// Put a dense layer of 1024 neurons before the output layer of snn-lenet
    #[arg(long)]
    hidden_layer: bool,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Run")]
struct RunArgs {
    /// Seed of generated data, initial weights, order of the samples, augmentation and dropout
    #[arg(long, default_value_t = 7240)]
    seed: u64,
    /// Device: auto, flex, ndarray, cuda, cuda:N, rocm, wgpu, vulkan, metal or webgpu
    #[arg(long, default_value = "auto")]
    device: DeviceName,
    /// Several devices that share every batch, separated by commas
    #[arg(long, value_delimiter = ',', conflicts_with = "device")]
    devices: Vec<DeviceName>,
    /// Folder of the run [default: runs/MODEL-DATASET-METHOD-SEED]
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
    /// Resume the run in that folder
    #[arg(long)]
    resume: bool,
}

impl TrainArgs {
    pub(super) fn run(self) -> Result<bool> {
        self.refuse_options_without_effect()?;
        // Settings are checked before the data are read.
        let mut settings = self.settings()?;
        let computing = Computing {
            devices: settings.device.open()?,
            workers: self.data.workers.unwrap_or(0),
        };
        let data = self.load(&mut settings)?;
        let Settings {
            model,
            dataset,
            method,
            seed,
            ..
        } = settings;
        let out = self.run.out;
        let out = out.unwrap_or_else(|| format!("runs/{model}-{dataset}-{method}-{seed}").into());
        let outcome = train::run(&settings, &data, &computing, &out, self.run.resume)?;
        let last = outcome.test_accuracy.last().copied().unwrap_or_default();
        println!(
            "test accuracy {:.2}% after {} epochs; see {}",
            100.0 * last,
            settings.epochs,
            out.display()
        );
        Ok(true)
    }

    /// Every option that is given acts on the run, or is refused by name.
    fn refuse_options_without_effect(&self) -> Result<()> {
        let (model, optimisation) = (self.model.model, &self.optimisation);
        let takes = model.takes();
        let spikes = model.spikes();
        let by_gradient = optimisation.method == Method::Gradient;
        let spiking = spiking_models();
        let mut checks = vec![
            (
                self.model.activation.is_some() && !takes.activation,
                "activation".to_owned(),
                format!("{model} has no hidden activation"),
            ),
            (
                self.model.output_activation && !takes.output_activation,
                "output-activation".to_owned(),
                format!("the outputs of {model} have no activation"),
            ),
            (
                self.model.dropout.is_some() && !takes.dropout,
                "dropout".to_owned(),
                format!("{model} has no dropout"),
            ),
            (
                self.spiking.hidden_layer && !takes.hidden_layer,
                "hidden-layer".to_owned(),
                format!("it acts on {}, not on {model}", Model::SNN_LENET),
            ),
            (
                self.data.class_weights && spikes,
                "class-weights".to_owned(),
                format!("the reward and the loss of spikes take no weights, and {model} spikes"),
            ),
            (
                self.data.cache && !self.data.dataset.has_image_files(),
                "cache".to_owned(),
                format!("{} is in memory already", self.data.dataset),
            ),
            (
                self.data.image_size.is_some() && !self.data.dataset.has_image_files(),
                "image-size".to_owned(),
                format!(
                    "only photographs (cub, isic, food11, folder) are resized, not {}",
                    self.data.dataset
                ),
            ),
            (
                optimisation.reward.is_some() && by_gradient,
                "reward".to_owned(),
                "--method gradient uses the cross-entropy".to_owned(),
            ),
            (
                optimisation.reward.is_some() && spikes,
                "reward".to_owned(),
                format!("{model} uses the rate-coded reward of spikes"),
            ),
            (
                optimisation.momentum.is_some() && !optimisation.optimizer.has_momentum(),
                "momentum".to_owned(),
                "adagrad has no momentum".to_owned(),
            ),
            (
                optimisation.cycle_momentum.is_some() && !optimisation.optimizer.has_momentum(),
                "cycle-momentum".to_owned(),
                "adagrad has no momentum".to_owned(),
            ),
            (
                optimisation.cycle_momentum.is_some()
                    && optimisation.schedule == Schedule::Constant,
                "cycle-momentum".to_owned(),
                "the momentum cycles only with --schedule onecycle".to_owned(),
            ),
            (
                optimisation.dampening && optimisation.optimizer != Optimizer::Sgd,
                "dampening".to_owned(),
                "it acts on the momentum of --optimizer sgd".to_owned(),
            ),
            (
                optimisation.dampening && optimisation.has_no_momentum(),
                "dampening".to_owned(),
                "the momentum is 0".to_owned(),
            ),
            (
                self.spiking.surrogate.is_some() && spikes && !by_gradient,
                "surrogate".to_owned(),
                "--method lfp takes no derivative of a spike".to_owned(),
            ),
            (
                self.spiking.gradient_normalization.is_some() && spikes && !by_gradient,
                "gradient-normalization".to_owned(),
                "--method lfp propagates rewards; see --lfp-reward-normalization".to_owned(),
            ),
            (
                self.spiking.gradient_normalization.is_some()
                    && self.spiking.surrogate == Some(Surrogate::None),
                "gradient-normalization".to_owned(),
                "without a surrogate every gradient is zero".to_owned(),
            ),
            (
                self.spiking.spike_reward.is_some() && by_gradient,
                "spike-reward".to_owned(),
                "--method gradient uses the cross-entropy".to_owned(),
            ),
        ];
        for (given, name) in self.spiking.given() {
            let reason = format!("it acts on spiking networks ({spiking}), and {model} is none");
            checks.push((given && !spikes, name.to_owned(), reason));
        }
        for (name, acts_on) in self.lfp.given() {
            let gradient = "it acts on --method lfp".to_owned();
            checks.push((by_gradient, name.clone(), gradient));
            let (acts, part) = match acts_on {
                ActsOn::Anything => (true, ""),
                ActsOn::BatchNorm => (takes.batch_norm, "batch normalisation"),
                ActsOn::Sums => (takes.sums, "residual sums"),
                ActsOn::LayerNorm => (takes.attention, "layer normalisation"),
                ActsOn::Products => (takes.attention, "attention"),
                ActsOn::Embeddings => (takes.attention, "class and position tokens"),
                ActsOn::Dropout => {
                    let drops = self
                        .model
                        .dropout
                        .map_or(takes.dropout_by_default, |p| p > 0.0);
                    (takes.dropout && drops, "dropout")
                }
                ActsOn::SignChanges => {
                    let activation = self.model.activation.unwrap_or(ActivationFn::Relu);
                    (
                        takes.activation && !activation.keeps_sign(),
                        "activations that change the sign (sigmoid, softplus)",
                    )
                }
                ActsOn::SpikingNeurons => (spikes, "spiking neurons"),
            };
            let reason = format!("it acts on {part}, and {model} has none here");
            checks.push((!acts, name, reason));
        }
        match checks.into_iter().find(|(refused, ..)| *refused) {
            Some((_, name, reason)) => bail!("--{name} has no effect: {reason}"),
            None => Ok(()),
        }
    }

    /// Reads the data, and completes the settings with their number of classes.
    fn load(&self, settings: &mut Settings) -> Result<Split> {
        let reading = Reading {
            cached: self.data.cache,
            ..settings.reading()
        };
        let data = self
            .data
            .dataset
            .load(self.data.data_dir.as_deref(), reading)?;
        let found = data.train.num_classes();
        match self.data.classes {
            Some(expected) if expected != found => Err(DataError::Classes {
                folder: self
                    .data
                    .data_dir
                    .clone()
                    .unwrap_or_else(|| self.data.dataset.to_string().into()),
                expected,
                found,
            })?,
            _ => settings.classes = found,
        }
        Ok(data)
    }

    fn settings(&self) -> Result<Settings> {
        let Self {
            model,
            data,
            optimisation,
            ..
        } = self;
        let default = Settings::new(model.model, data.dataset, optimisation.method, 0);
        let cycles = optimisation.momentum.is_none()
            && optimisation.schedule == Schedule::OneCycle
            && optimisation.optimizer.has_momentum();
        let cycle = optimisation.cycle_momentum.as_deref();
        let cycle = cycle.and_then(|of| of.first_chunk().copied());
        let pretrained = model.pretrained.as_deref().map(Pretrained::read);
        let pretrained = pretrained.transpose()?.map(|pretrained| Pretrained {
            allow: BTreeSet::from_iter(model.pretrained_allow.iter().copied()),
            part: model.pretrained_part.clone(),
            ..pretrained
        });
        let devices = match self.run.devices.as_slice() {
            [] => DeviceNames::new([self.run.device]),
            several => DeviceNames::new(several.iter().copied()),
        };
        Ok(Settings {
            image_size: data.image_size.or(default.image_size),
            reward: optimisation.reward.unwrap_or_default(),
            spike_reward: self.spiking.spike_reward.or(default.spike_reward),
            lfp: self.lfp.config()?,
            activation: model.activation.unwrap_or(default.activation),
            output_activation: model.output_activation,
            dropout: model.dropout,
            pretrained,
            class_weights: data.class_weights,
            epochs: optimisation.epochs,
            lr: optimisation.lr.unwrap_or(default.lr),
            schedule: optimisation.schedule,
            optimizer: optimisation.optimizer,
            momentum: optimisation.momentum.unwrap_or(default.momentum),
            cycle_momentum: cycle.or(default.cycle_momentum.filter(|_| cycles)),
            dampening: optimisation.dampening,
            clip: optimisation.clip.unwrap_or(default.clip),
            adaptive_clip: optimisation.adaptive_clip.unwrap_or(default.adaptive_clip),
            weight_decay: optimisation.weight_decay,
            batch: optimisation.batch,
            accumulate: optimisation.accumulate,
            checkpointing: optimisation.checkpointing,
            seed: self.run.seed,
            device: devices,
            spiking: default.spiking.map(|default| self.spiking.config(default)),
            ..default
        })
    }
}

impl OptimisationArgs {
    fn has_no_momentum(&self) -> bool {
        let cycle = self.cycle_momentum.iter().flatten();
        let mut given = self.momentum.iter().chain(cycle).peekable();
        given.peek().is_some() && given.all(|&momentum| momentum == 0.0)
    }
}

impl SpikingArgs {
    fn given(&self) -> [(bool, &'static str); 6] {
        [
            (self.steps.is_some(), "steps"),
            (self.beta.is_some(), "beta"),
            (self.threshold.is_some(), "threshold"),
            (self.surrogate.is_some(), "surrogate"),
            (
                self.gradient_normalization.is_some(),
                "gradient-normalization",
            ),
            (self.spike_reward.is_some(), "spike-reward"),
        ]
    }

    fn config(&self, default: SpikingConfig) -> SpikingConfig {
        let lif = default.lif;
        SpikingConfig {
            steps: self.steps.unwrap_or(default.steps),
            lif: LifConfig {
                beta: self.beta.unwrap_or(lif.beta),
                threshold: self.threshold.unwrap_or(lif.threshold),
                surrogate: self.surrogate.unwrap_or(lif.surrogate),
                gradient_normalization: self
                    .gradient_normalization
                    .unwrap_or(lif.gradient_normalization),
            },
            hidden_layer: self.hidden_layer,
        }
    }
}

/// The names of all spiking models.
pub(super) fn spiking_models() -> String {
    let names: Vec<&str> = Model::all()
        .filter(|model| model.spikes())
        .map(Model::name)
        .collect();
    names.join(", ")
}

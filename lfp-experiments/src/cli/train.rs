//! `train`.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use anyhow::Result;
use clap::Args;
use lfp_burn::{
    ActivationFn, Normalization, Surrogate, quantize::LatentRule, reward::SpikeRateForm,
    spiking::LifConfig,
};
use lfp_models::{Difference, Model, SpikingConfig};
use strum::VariantNames;

use super::{given::Given, lfp::LfpArgs, values};
use crate::{
    data::{DataError, DataSet, Reading, Split},
    device::{DeviceName, DeviceNames},
    limits,
    objective::{Method, RewardKind},
    output,
    train::{self, Computing, Optimizer, Origin, Place, Pretrained, RunFolder, Schedule, Settings},
};

#[derive(Debug, Args)]
#[command(allow_negative_numbers = true)]
pub(super) struct TrainArgs {
    #[command(flatten)]
    given: Given,
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
    /// Network [default: lenet]
    #[arg(long, value_parser = values::model())]
    model: Option<Model>,
    /// Hidden activation, such as relu, elu or leaky_relu:0.2 [default: relu]
    #[arg(long)]
    activation: Option<ActivationFn>,
    /// Apply the activation to the outputs, too (Figure A.1)
    #[arg(long)]
    output_activation: bool,
    /// Dropout probability [default: the network's own]
    #[arg(long, value_parser = values::below_one)]
    dropout: Option<f64>,
    /// Bits of each weight in the forward pass [default: not quantised]
    ///
    /// Training moves the latent weights behind the quantised ones, and the files of the run hold them.
    #[arg(long, value_name = "BITS", value_parser = values::whole(limits::WEIGHT_BITS))]
    weight_bits: Option<usize>,
    /// How rewards pass from a quantised weight to the latent one [default: conserve]
    #[arg(long, value_parser = values::one_of::<LatentRule>(LatentRule::VARIANTS))]
    latent_rule: Option<LatentRule>,
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
    /// Parts that do not learn: a regular expression for paths of parameters or modules
    ///
    /// It matches whole paths: 'encoder.layers.[0-5]' freezes six layers, not encoder.layers.10. Frozen parts have no
    /// dropout, and their batch normalisation uses its running statistics.
    #[arg(long, value_name = "PATTERN")]
    freeze: Option<String>,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Data")]
struct DataArgs {
    /// Data set [default: mnist]
    #[arg(long, value_parser = values::data_set())]
    dataset: Option<DataSet>,
    /// Folder of the data set; without it MNIST is downloaded into a cache
    #[arg(long, value_name = "FOLDER")]
    data_dir: Option<PathBuf>,
    /// Expected number of classes; other data are refused
    #[arg(long, value_parser = values::whole(limits::CLASSES))]
    classes: Option<usize>,
    /// Height and width to which photographs are resized [default: 224]
    #[arg(long, value_parser = values::whole(limits::IMAGE_SIZE))]
    image_size: Option<usize>,
    /// Keep decoded and resized photographs in memory
    #[arg(long)]
    cache: bool,
    /// Threads that read samples; the result does not depend on it [default: number of cores]
    #[arg(long, value_parser = values::whole(limits::WORKERS))]
    workers: Option<usize>,
    /// Weight samples by the inverse frequency of their class
    #[arg(long)]
    class_weights: bool,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Optimisation")]
struct OptimisationArgs {
    /// Training method [default: lfp]
    #[arg(long, value_enum)]
    method: Option<Method>,
    /// Initial reward of logits (Table 2) [default: softmax]
    #[arg(long, value_enum)]
    reward: Option<RewardKind>,
    /// Number of epochs [default: 3]
    #[arg(long, value_parser = values::whole(limits::EPOCHS))]
    epochs: Option<usize>,
    /// Samples per step; all data if there are fewer [default: 128]
    #[arg(long, value_parser = values::whole(limits::BATCH))]
    batch: Option<usize>,
    /// Learning rate, the largest one of onecycle and cosine [default: by network, method and optimiser]
    ///
    /// By SGD 0.05; VGG and ResNet 0.1; spiking networks 0.07 by lfp, 0.5 by gradient. By Adam and AdamW 0.001; vit-tiny 0.005
    /// by lfp, 0.002 by gradient; vit-b 0.0001. By RMSprop and AdaGrad 0.01.
    #[arg(long, value_parser = values::positive)]
    lr: Option<f64>,
    /// Learning-rate schedule [default: onecycle]
    #[arg(long, value_enum)]
    schedule: Option<Schedule>,
    /// Share of the steps in which the learning rate of --schedule cosine rises [default: 0.1]
    #[arg(long, value_parser = values::below_one)]
    warmup: Option<f64>,
    /// Optimiser [default: sgd; Vision Transformers adamw]
    #[arg(long, value_enum)]
    optimizer: Option<Optimizer>,
    /// Constant momentum [default: 0.9; VGG, ResNet and vit-b by sgd cycle]
    #[arg(long, value_parser = values::below_one)]
    momentum: Option<f64>,
    /// Momentum of onecycle at the largest and the lowest learning rate [default for VGG, ResNet and vit-b by sgd: 0.85 0.95]
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
    /// L2 penalty [default: 0]
    #[arg(long, value_parser = values::not_negative)]
    weight_decay: Option<f64>,
    /// Micro-batches per step, for less memory; batch normalisation and spiking layers see one at a time [default: 1]
    #[arg(long, value_parser = values::whole(limits::BATCH))]
    accumulate: Option<usize>,
    /// Recompute cheap activations in the backward pass instead of keeping them
    #[arg(long)]
    checkpointing: bool,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Spiking")]
struct SpikingArgs {
    /// Time steps per image [default: 15]
    #[arg(long, value_parser = values::whole(limits::TIME_STEPS))]
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
    /// Seed of generated data, initial weights, order of the samples, augmentation and dropout [default: 7240]
    #[arg(long)]
    seed: Option<u64>,
    /// Device: auto, flex, ndarray, cuda, cuda:N, rocm, wgpu, vulkan, metal or webgpu [default: auto]
    #[arg(long)]
    device: Option<DeviceName>,
    /// Several devices that share every batch, separated by commas
    #[arg(long, value_delimiter = ',', conflicts_with = "device")]
    devices: Vec<DeviceName>,
    /// Folder of the run [default: runs/MODEL-DATASET-METHOD-SEED]
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
    /// Resume the run in that folder. No other option is needed: those that are given must be those of the run
    #[arg(long)]
    resume: bool,
}

impl TrainArgs {
    pub(super) fn run(self) -> Result<bool> {
        let out = self.out();
        let place = match self.run.resume {
            true => Place::Folder(Box::new(RunFolder::resume(&out)?)),
            false => {
                RunFolder::check_new(&out)?;
                Place::New(out.clone())
            }
        };
        let recorded = match &place {
            Place::Folder(folder) => folder.recorded(),
            Place::New(_) => None,
        };
        let base = recorded.map_or_else(|| self.defaults(), |of| of.settings.clone());
        // Settings are checked before the data are read.
        let mut settings = self.settings(base)?;
        settings.check_effects(|option| self.given.contains(option))?;
        match (recorded, &place) {
            (Some(recorded), _) => recorded.check_settings(&settings, &out)?,
            // Nobody means the defaults by not giving any option.
            (None, Place::Folder(folder)) if self.says_nothing_of(&settings) => {
                return Err(folder.not_begun().into());
            }
            (None, _) => {}
        }
        let computing = Computing {
            devices: settings.device.open()?,
            workers: self.data.workers.unwrap_or(0),
        };
        let origin = recorded.and_then(|recorded| recorded.origin.as_ref());
        let data_dir = self.data.data_dir.as_deref();
        let data_dir = data_dir.or(origin.and_then(|origin| origin.data_dir.as_deref()));
        let cached = self.data.cache || origin.is_some_and(|origin| origin.cached);
        let data = self.load(&mut settings, data_dir, cached)?;
        let origin = Origin {
            cached,
            ..Origin::new(&data, data_dir)
        };
        let outcome = train::run(&settings, &data, &computing, origin, place)?;
        let last = outcome.test_accuracy.last().copied().unwrap_or_default();
        output::line(format_args!(
            "test accuracy {:.2}% after {} epochs; see {}",
            100.0 * last,
            settings.epochs,
            out.display()
        ))?;
        Ok(true)
    }

    /// The settings of a new run without any option but model, data set, method and optimiser.
    fn defaults(&self) -> Settings {
        let settings = Settings::new(
            self.model.model.unwrap_or(Model::LENET),
            self.data.dataset.unwrap_or(DataSet::MNIST),
            self.optimisation.method.unwrap_or(Method::Lfp),
            0,
        );
        match self.optimisation.optimizer {
            Some(optimizer) => settings.with_optimizer(optimizer),
            None => settings,
        }
    }

    /// Whether no option says what to train, so that `settings` are the default ones.
    fn says_nothing_of(&self, settings: &Settings) -> bool {
        let default = Settings::new(Model::LENET, DataSet::MNIST, Method::Lfp, 0);
        self.data.data_dir.is_none() && default == *settings
    }

    fn out(&self) -> PathBuf {
        if let Some(out) = &self.run.out {
            return out.clone();
        }
        let Settings {
            model,
            dataset,
            method,
            seed,
            ..
        } = self.defaults();
        let seed = self.run.seed.unwrap_or(seed);
        format!("runs/{model}-{dataset}-{method}-{seed}").into()
    }

    /// Reads the data, and completes the settings with their number of classes.
    fn load(
        &self,
        settings: &mut Settings,
        data_dir: Option<&Path>,
        cached: bool,
    ) -> Result<Split> {
        let reading = Reading {
            cached,
            ..settings.reading()
        };
        let data = settings.dataset.load(data_dir, reading)?;
        let found = data.train.num_classes();
        // That of a run that is resumed, or 0.
        let recorded = Some(settings.classes).filter(|&classes| classes > 0);
        match self.data.classes.or(recorded) {
            Some(expected) if expected != found => Err(DataError::Classes {
                folder: data_dir
                    .map_or_else(|| settings.dataset.to_string().into(), Path::to_owned),
                expected,
                found,
            })?,
            _ => settings.classes = found,
        }
        Ok(data)
    }

    /// The settings `base` with those that are given.
    fn settings(&self, base: Settings) -> Result<Settings> {
        let Self {
            model,
            data,
            optimisation,
            spiking,
            run,
            ..
        } = self;
        let schedule = optimisation.schedule.unwrap_or(base.schedule);
        let optimizer = optimisation.optimizer.unwrap_or(base.optimizer);
        let cycles = optimisation.momentum.is_none()
            && schedule == Schedule::OneCycle
            && optimizer.has_momentum();
        let cycle = optimisation.cycle_momentum.as_deref();
        let cycle = cycle.and_then(|of| of.first_chunk().copied());
        let pretrained = model.pretrained.as_deref().map(Pretrained::read);
        let pretrained = match pretrained.transpose()? {
            Some(given) => Some(model.allowing(given, base.pretrained.as_ref())),
            None => base.pretrained.clone(),
        };
        let devices = match (run.device, run.devices.as_slice()) {
            (None, []) => base.device.clone(),
            (Some(device), _) => device.into(),
            (None, several) => DeviceNames::new(several.iter().copied())?,
        };
        let image_size = data.image_size.and_then(|size| u32::try_from(size).ok());
        Ok(Settings {
            model: model.model.unwrap_or(base.model),
            dataset: data.dataset.unwrap_or(base.dataset),
            method: optimisation.method.unwrap_or(base.method),
            image_size: image_size.or(base.image_size),
            reward: optimisation.reward.unwrap_or(base.reward),
            spike_reward: spiking.spike_reward.or(base.spike_reward),
            lfp: self.lfp.applied_to(base.lfp)?,
            activation: model.activation.unwrap_or(base.activation),
            output_activation: model.output_activation || base.output_activation,
            dropout: model.dropout.or(base.dropout),
            weight_bits: model.weight_bits.or(base.weight_bits),
            latent_rule: model.latent_rule.unwrap_or(base.latent_rule),
            pretrained,
            freeze: model.freeze.clone().or(base.freeze),
            class_weights: data.class_weights || base.class_weights,
            epochs: optimisation.epochs.unwrap_or(base.epochs),
            lr: optimisation.lr.unwrap_or(base.lr),
            schedule,
            warmup: optimisation.warmup.or(base.warmup),
            optimizer,
            momentum: optimisation.momentum.unwrap_or(base.momentum),
            cycle_momentum: cycle.or(base.cycle_momentum.filter(|_| cycles)),
            dampening: optimisation.dampening || base.dampening,
            clip: optimisation.clip.unwrap_or(base.clip),
            adaptive_clip: optimisation.adaptive_clip.unwrap_or(base.adaptive_clip),
            weight_decay: optimisation.weight_decay.unwrap_or(base.weight_decay),
            batch: optimisation.batch.unwrap_or(base.batch),
            accumulate: optimisation.accumulate.unwrap_or(base.accumulate),
            checkpointing: optimisation.checkpointing || base.checkpointing,
            seed: run.seed.unwrap_or(base.seed),
            device: devices,
            spiking: base.spiking.map(|base| spiking.config(base)),
            classes: base.classes,
        })
    }
}

impl ModelArgs {
    /// The weights with the differences and the part that are given, or those of the run that is resumed.
    fn allowing(&self, given: Pretrained, recorded: Option<&Pretrained>) -> Pretrained {
        let allow = match self.pretrained_allow.as_slice() {
            [] => recorded.map(|of| of.allow.clone()).unwrap_or_default(),
            allow => BTreeSet::from_iter(allow.iter().copied()),
        };
        let part = self.pretrained_part.clone();
        Pretrained {
            allow,
            part: part.or(recorded.and_then(|of| of.part.clone())),
            ..given
        }
    }
}

impl SpikingArgs {
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
            hidden_layer: self.hidden_layer || default.hidden_layer,
        }
    }
}

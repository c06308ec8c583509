//! `train`: one network on real data, in a folder that survives anything.

mod checkpoint;
mod epoch;
mod evaluation;
mod finished;
mod run_folder;
mod settings;
mod sharing;

use std::{collections::BTreeMap, path::Path};

use burn::{
    lr_scheduler::LrScheduler,
    module::Module,
    optim::{GradientsParams, ModuleOptimizer},
    tensor::Device,
};
use indicatif::MultiProgress;
use lfp_burn::{
    optim::{ClipError, OneCycleError, clip_global_norm},
    spiking::Activity,
};
use lfp_models::{Classifier, Network, NetworkError, StateDict, StateDictError, initialized};
use serde::{Deserialize, Serialize};

pub use checkpoint::{Checkpoint, CheckpointError};
pub use epoch::{Divergence, EpochError, train_epoch};
pub use evaluation::Accuracy;
pub use finished::FinishedRun;
pub use run_folder::{RunFolder, RunFolderError};
pub use settings::{Optimizer, Pretrained, Schedule, SettingDifference, Settings};
pub use sharing::Sharing;

use crate::{
    data::{Batches, DataError, Order, Samples, Split},
    files::{self, FileError, to_json},
    objective::Objective,
    seed,
};
use epoch::Progress;
use run_folder::{BEST, METRICS, RESULT, WEIGHTS};

/// Why a run ended early.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// Its folder.
    #[error(transparent)]
    Folder(#[from] RunFolderError),
    /// A checkpoint.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// A file.
    #[error(transparent)]
    File(#[from] FileError),
    /// The schedule.
    #[error(transparent)]
    Schedule(#[from] OneCycleError),
    /// Clipping.
    #[error(transparent)]
    Clip(#[from] ClipError),
    /// The network.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// The data.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The weights to start from.
    #[error(transparent)]
    Pretrained(#[from] StateDictError),
    /// It diverged.
    #[error("epoch {epoch}: {source}")]
    Diverged {
        /// When.
        epoch: usize,
        /// How.
        source: Divergence,
    },
    /// The weights cannot be written.
    #[error("cannot write the weights: {0}")]
    Weights(#[from] burn::store::SafetensorsStoreError),
}

/// The metrics of an epoch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Epoch {
    /// The learning rate of its last step.
    pub lr: f64,
    /// The share of training samples that the network, still learning, named rightly.
    pub train_accuracy: f64,
    /// How well it named test samples afterwards.
    pub test: Accuracy,
    /// Seconds that training took.
    pub seconds: f64,
}

/// What a finished run leaves in `result.json`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Outcome {
    /// What it was asked to do.
    pub settings: Settings,
    /// The share of test samples named rightly after each epoch.
    pub test_accuracy: Vec<f64>,
    /// The share of test samples with the right class among the first five choices.
    pub test_top5: Vec<f64>,
    /// The share of test samples named rightly, averaged over the classes.
    pub test_class_mean: Vec<f64>,
    /// The first epoch after which most test samples were named rightly, counted from 1.
    pub best_epoch: usize,
    /// The share of training samples named rightly during each epoch.
    pub train_accuracy: Vec<f64>,
    /// Seconds of training, all epochs together.
    pub seconds: f64,
    /// Of a spiking network: the share of neurons and steps of each layer at which there was a spike, over the first
    /// test batch after training.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    pub firing_rates: BTreeMap<String, f64>,
    /// Of the program and of Burn.
    pub versions: Versions,
}

/// Versions of what computed a result.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Versions {
    /// This program.
    pub lfp: String,
    /// The framework.
    pub burn: String,
}

impl Default for Versions {
    fn default() -> Self {
        Self {
            lfp: env!("CARGO_PKG_VERSION").to_owned(),
            burn: "0.22.1".to_owned(),
        }
    }
}

/// Where a run is computed, and how its data are read.
#[derive(Clone, Debug)]
pub struct Computing {
    /// The devices, which share every batch.
    pub devices: Vec<Device>,
    /// Threads that read samples; 0 for as many as the machine has cores.
    pub workers: usize,
}

impl Computing {
    /// On one device.
    pub fn on(device: &Device) -> Self {
        Self {
            devices: vec![device.clone()],
            workers: 0,
        }
    }
}

/// Trains by `settings`, in the folder `out`, and returns the outcome.
///
/// # Errors
///
/// See [`TrainError`].
pub fn run(
    settings: &Settings,
    data: &Split,
    computing: &Computing,
    out: &Path,
    resume: bool,
) -> Result<Outcome, TrainError> {
    let mut run = Run::new(settings, data, computing)?;
    let folder = RunFolder::open(out, settings, resume)?;
    if let Some(checkpoint) = folder.latest_checkpoint()? {
        folder.check_metrics(&metrics(checkpoint.epochs()))?;
        run.resume(checkpoint)?;
        println!("resumed after epoch {}", run.epochs.len());
    } else {
        folder.check_metrics(b"")?;
    }
    let bars = MultiProgress::new();
    while run.epochs.len() < settings.epochs {
        run.epoch(&bars)?;
        println!("{}", run.line());
        if run.is_best() {
            files::write(&folder.file(BEST), &run.network.to_safetensors()?)?;
        }
        folder.save(run.epochs.len(), &run.checkpoint()?)?;
        files::write(&folder.file(METRICS), &metrics(&run.epochs))?;
    }
    let outcome = run.outcome()?;
    let weights = run.network.to_safetensors()?;
    files::write(&folder.file(METRICS), &metrics(&run.epochs))?;
    folder.finish(WEIGHTS, &weights)?;
    folder.finish(RESULT, &to_json(&outcome))?;
    Ok(outcome)
}

/// Trains by `settings` without a folder, and returns outcome and network. Progress bars are added to `bars`.
///
/// # Errors
///
/// See [`TrainError`].
pub fn run_in_memory(
    settings: &Settings,
    data: &Split,
    computing: &Computing,
    bars: &MultiProgress,
) -> Result<(Outcome, Network), TrainError> {
    let mut run = Run::new(settings, data, computing)?;
    while run.epochs.len() < settings.epochs {
        run.epoch(bars)?;
    }
    Ok((run.outcome()?, run.network))
}

/// The network that a run by `settings` starts with.
///
/// # Errors
///
/// If there is no such network.
pub fn initial_network(
    settings: &Settings,
    data: &dyn Samples,
    device: &Device,
) -> Result<Network, TrainError> {
    let device = settings.autodiff(device);
    let config = settings.network(data.shape(), data.num_classes());
    let network = seed::draw(&device, settings.seed, || {
        Ok::<_, NetworkError>(initialized(settings.model.init(&config, &device)?))
    })?;
    let Some(Pretrained { file, .. }) = &settings.pretrained else {
        return Ok(network);
    };
    let (network, applied) = network.load_state_dict(&StateDict::open(file))?;
    if applied.last_layer_kept {
        tracing::info!(
            "{}: of another number of classes; the last layer is drawn",
            file.display()
        );
    }
    Ok(network)
}

/// A run between two epochs.
struct Run<'a> {
    settings: &'a Settings,
    data: &'a Split,
    objective: Objective,
    sharing: Sharing,
    workers: usize,
    network: Network,
    optimizer: ModuleOptimizer,
    schedule: Box<dyn LrScheduler>,
    epochs: Vec<Epoch>,
}

impl<'a> Run<'a> {
    fn new(
        settings: &'a Settings,
        data: &'a Split,
        computing: &Computing,
    ) -> Result<Self, TrainError> {
        let devices = computing.devices.iter();
        let sharing = Sharing {
            devices: devices.map(|device| settings.autodiff(device)).collect(),
            passes: settings.accumulate,
        };
        let device = sharing.main_device();
        let (optimizer, momentum) = settings.optimizer()?;
        let steps_per_epoch = data.train.len().div_ceil(settings.batch);
        Ok(Self {
            settings,
            data,
            objective: settings.objective(data.train.as_ref()),
            network: initial_network(settings, data.train.as_ref(), device)?,
            workers: computing.workers,
            sharing,
            optimizer,
            schedule: settings.schedule(steps_per_epoch, &momentum)?,
            epochs: Vec::new(),
        })
    }

    fn resume(&mut self, checkpoint: Checkpoint) -> Result<(), TrainError> {
        self.epochs = checkpoint.restore(
            &mut self.network,
            &mut self.optimizer,
            self.schedule.as_mut(),
        )?;
        Ok(())
    }

    fn checkpoint(&self) -> Result<Checkpoint, CheckpointError> {
        Checkpoint::new(
            &self.network,
            &self.optimizer,
            self.schedule.as_ref(),
            &self.epochs,
        )
    }

    fn epoch(&mut self, bars: &MultiProgress) -> Result<(), TrainError> {
        let number = self.epochs.len() + 1;
        let (settings, data) = (self.settings, self.data);
        let seed = settings.epoch_seed(number);
        // Dropout draws from the device.
        seed::draw(self.sharing.main_device(), seed, || ());
        let progress = Progress::new(number, settings.epochs, data.train.len(), bars);
        let (optimizer, schedule) = (&mut self.optimizer, &mut self.schedule);
        let mut lr = 0.0;
        let batches = Batches {
            data: &data.train,
            size: settings.batch,
            order: Order::Shuffled(seed),
            workers: self.workers,
        };
        let trained = train_epoch(
            self.network.clone(),
            &self.objective,
            &self.sharing,
            batches.iter(self.sharing.main_device()),
            |network, grads| {
                let grads = clip(settings, grads, &network);
                lr = schedule.step();
                progress.step(settings.batch);
                optimizer.step(lr, network, grads)
            },
        );
        let (network, train_accuracy) = trained.map_err(|error| match error {
            EpochError::Data(error) => TrainError::Data(error),
            EpochError::Diverged(source) => TrainError::Diverged {
                epoch: number,
                source,
            },
        })?;
        let seconds = progress.finish();
        self.network = network;
        self.epochs.push(Epoch {
            lr,
            train_accuracy,
            test: self.test()?,
            seconds,
        });
        Ok(())
    }

    fn test(&self) -> Result<Accuracy, DataError> {
        let device = self.sharing.main_device().clone().inner();
        Accuracy::of(&self.network.valid(), &self.test_batches(), &device)
    }

    fn test_batches(&self) -> Batches<'_> {
        Batches {
            data: &self.data.test,
            size: self.settings.batch,
            order: Order::Given,
            workers: self.workers,
        }
    }

    /// Whether no epoch before the last did better on the test samples.
    fn is_best(&self) -> bool {
        best_epoch(&self.epochs) == self.epochs.len()
    }

    /// One line about the last epoch.
    fn line(&self) -> String {
        let (number, epochs) = (self.epochs.len(), self.settings.epochs);
        let epoch = &self.epochs[number - 1];
        format!(
            "epoch {number}/{epochs}: train {:6.2}%  test {:6.2}%  {:.1} s, {:.0} samples/s",
            100.0 * epoch.train_accuracy,
            100.0 * epoch.test.top1,
            epoch.seconds,
            self.data.train.len() as f64 / epoch.seconds
        )
    }

    fn outcome(&self) -> Result<Outcome, DataError> {
        let of = |value: fn(&Epoch) -> f64| self.epochs.iter().map(value).collect::<Vec<_>>();
        Ok(Outcome {
            settings: self.settings.clone(),
            test_accuracy: of(|epoch| epoch.test.top1),
            test_top5: of(|epoch| epoch.test.top5),
            test_class_mean: of(|epoch| epoch.test.class_mean),
            best_epoch: best_epoch(&self.epochs),
            train_accuracy: of(|epoch| epoch.train_accuracy),
            seconds: of(|epoch| epoch.seconds).iter().sum(),
            firing_rates: self.firing_rates()?,
            versions: Versions::default(),
        })
    }

    /// See [`Outcome::firing_rates`].
    fn firing_rates(&self) -> Result<BTreeMap<String, f64>, DataError> {
        if !self.settings.model.spikes() {
            return Ok(BTreeMap::new());
        }
        let device = self.sharing.main_device().clone().inner();
        let Some(batch) = self.test_batches().iter(&device).next() else {
            return Ok(BTreeMap::new());
        };
        let activities = self.network.valid().observe(batch?.inputs);
        let rate = |activity: &Activity| (activity.layer.clone(), activity.firing_rate());
        Ok(activities.iter().map(rate).collect())
    }
}

/// The first epoch with the highest test accuracy, counted from 1; 0 before any.
fn best_epoch(epochs: &[Epoch]) -> usize {
    let mut best = 0;
    for (index, epoch) in epochs.iter().enumerate() {
        if best == 0 || epoch.test.top1 > epochs[best - 1].test.top1 {
            best = index + 1;
        }
    }
    best
}

fn clip(settings: &Settings, mut grads: GradientsParams, network: &Network) -> GradientsParams {
    if settings.clip > 0.0 {
        grads = clip_global_norm(grads, network, settings.clip);
    }
    grads
}

/// The content of `metrics.csv`.
fn metrics(epochs: &[Epoch]) -> Vec<u8> {
    let header = [
        "epoch",
        "lr",
        "train_accuracy",
        "test_accuracy",
        "test_top5",
        "test_class_mean",
        "seconds",
    ];
    let row = |(number, epoch): (usize, &Epoch)| {
        let Epoch {
            lr,
            train_accuracy,
            test,
            seconds,
        } = epoch;
        let Accuracy {
            top1,
            top5,
            class_mean,
        } = test;
        [
            number.to_string(),
            format!("{lr:e}"),
            train_accuracy.to_string(),
            top1.to_string(),
            top5.to_string(),
            class_mean.to_string(),
            format!("{seconds:.3}"),
        ]
    };
    files::to_csv(header, (1..).zip(epochs).map(row))
}

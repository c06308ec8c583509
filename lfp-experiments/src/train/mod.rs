//! `train`: trains one network, in a run folder that can be resumed after a crash.

mod analysis;
mod checkpoint;
mod earlier;
mod epoch;
mod evaluation;
mod finished;
mod layers;
mod page;
mod run_folder;
mod settings;
mod sharing;
mod speed;

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
use lfp_models::{
    Classifier, Difference, Mismatch, Network, NetworkError, StateDictError, initialized,
};
use serde::{Deserialize, Serialize};

pub use analysis::{Analysis, Exhibit};
pub use checkpoint::{Checkpoint, CheckpointError};
pub use epoch::{Divergence, EpochError, StepAccuracy, train_epoch};
pub use evaluation::{Accuracy, Evaluation, Mistake};
pub use finished::FinishedRun;
pub use layers::LayerSummary;
pub(crate) use layers::{Bins, MagnitudeBin, PERCENTILES};
pub use run_folder::{RunFolder, RunFolderError};
pub use settings::{Optimizer, Pretrained, Schedule, SettingDifference, Settings};
pub use sharing::Sharing;
pub use speed::{Speed, measure};

use crate::{
    data::{Batches, DataError, Order, Samples, Split},
    files::{self, FileError, to_json},
    objective::Objective,
    seed,
};
use epoch::Progress;
use run_folder::{BEST, METRICS, RESULT, WEIGHTS};

/// Errors of a training run.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// The run folder.
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
    /// The pretrained weights.
    #[error("{}{}", .0, what_to_allow(.0))]
    Pretrained(StateDictError),
    /// The weights of a finished run.
    #[error(transparent)]
    Trained(StateDictError),
    /// Outputs or weights became non-finite.
    #[error("epoch {epoch}: {source}")]
    Diverged {
        /// Epoch, counted from 1.
        epoch: usize,
        /// What is non-finite.
        source: Divergence,
    },
    /// The weights cannot be written.
    #[error("cannot write the weights: {0}")]
    Weights(#[from] burn::store::SafetensorsStoreError),
}

/// The metrics of an epoch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Epoch {
    /// Learning rate of the last step.
    pub lr: f64,
    /// Training accuracy, from the outputs before each update; in `[0, 1]`.
    pub train_accuracy: f64,
    /// Test accuracy after the epoch.
    pub test: Accuracy,
    /// Training time in seconds.
    pub seconds: f64,
}

/// Result of a finished run, as in `result.json`. Accuracies lie in `[0, 1]`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Outcome {
    /// Settings of the run.
    pub settings: Settings,
    /// Test accuracy after each epoch.
    pub test_accuracy: Vec<f64>,
    /// Top-5 test accuracy after each epoch.
    pub test_top5: Vec<f64>,
    /// Class-balanced test accuracy after each epoch.
    pub test_class_mean: Vec<f64>,
    /// First epoch with the highest test accuracy, counted from 1.
    pub best_epoch: usize,
    /// Training accuracy during each epoch.
    pub train_accuracy: Vec<f64>,
    /// Training time of all epochs in seconds.
    pub seconds: f64,
    /// Firing rate of each spiking layer: the mean of its spikes over neurons and time steps of the first test batch,
    /// after training. Empty for networks without spikes.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    pub firing_rates: BTreeMap<String, f64>,
    /// Versions of the program and of Burn.
    pub versions: Versions,
}

/// Versions of the software that computed a result.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Versions {
    /// This program.
    pub lfp: String,
    /// Burn.
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

/// Devices and data-loading threads of a run. They change its speed, not its result.
#[derive(Clone, Debug)]
pub struct Computing {
    /// The devices, which share every batch.
    pub devices: Vec<Device>,
    /// Threads that read samples; 0 for one per core.
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

/// Trains in the run folder `out`, and writes the page of the run.
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
    // The run is complete without its page.
    if let Err(error) = write_page(out, data, computing) {
        tracing::warn!(
            "the run is finished, but its page is not written: {error}; `report --run {}` writes it",
            out.display()
        );
    }
    Ok(outcome)
}

fn write_page(folder: &Path, data: &Split, computing: &Computing) -> Result<(), TrainError> {
    let run = FinishedRun::open(folder)?;
    if !run.is_evaluated() {
        run.evaluate(data, computing)?;
    }
    run.write_page()?;
    Ok(())
}

/// A run without a run folder.
pub struct Trained {
    /// The result.
    pub outcome: Outcome,
    /// The trained network.
    pub network: Network,
    /// Training accuracy of every step, on its batch and before its update; in `[0, 1]`.
    pub step_accuracy: Vec<f64>,
}

/// Trains without a run folder. The progress bars are added to `bars`.
///
/// # Errors
///
/// See [`TrainError`].
pub fn run_in_memory(
    settings: &Settings,
    data: &Split,
    computing: &Computing,
    bars: &MultiProgress,
) -> Result<Trained, TrainError> {
    let mut run = Run::new(settings, data, computing)?;
    let mut step_accuracy = Vec::new();
    while run.epochs.len() < settings.epochs {
        step_accuracy.extend(run.epoch(bars)?.shares());
    }
    Ok(Trained {
        outcome: run.outcome()?,
        network: run.network,
        step_accuracy,
    })
}

/// The network at the start of a run: initialised from the seed, then loaded with the pretrained weights, if any.
///
/// # Errors
///
/// If the settings of the network are invalid, or the pretrained weights do not fit.
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
    let Some(pretrained) = &settings.pretrained else {
        return Ok(network);
    };
    let loaded = network.load_state_dict(&pretrained.state_dict());
    let (network, applied) = loaded.map_err(TrainError::Pretrained)?;
    let file = pretrained.file.display();
    if !applied.part.is_empty() {
        tracing::info!("{file}: the weights of {} are loaded", applied.part);
    }
    if applied.last_layer_kept {
        tracing::info!(
            "{file}: the number of classes differs, or the last layer; it keeps its random initial weights"
        );
    }
    if applied.mismatch != Mismatch::default() {
        tracing::info!("{file}: allowed differences: {}", applied.mismatch);
    }
    Ok(network)
}

/// The options that make a file of weights load, to complete the error that it does not.
fn what_to_allow(error: &StateDictError) -> String {
    match error {
        StateDictError::Mismatch { allow, .. } if !allow.is_empty() => {
            let allow: Vec<String> = allow.iter().map(Difference::to_string).collect();
            format!(" (--pretrained-allow {} loads the rest)", allow.join(","))
        }
        StateDictError::Ambiguous { .. } => " (--pretrained-part PART)".to_owned(),
        _ => String::new(),
    }
}

/// State of a run between two epochs.
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

    fn epoch(&mut self, bars: &MultiProgress) -> Result<StepAccuracy, TrainError> {
        let number = self.epochs.len() + 1;
        let (settings, data) = (self.settings, self.data);
        let seed = settings.epoch_seed(number);
        // Dropout uses the random numbers of the device.
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
        let (network, step_accuracy) = trained.map_err(|error| match error {
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
            train_accuracy: step_accuracy.overall(),
            test: self.test()?,
            seconds,
        });
        Ok(step_accuracy)
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

    /// Whether the last epoch is the first with the highest test accuracy.
    fn is_best(&self) -> bool {
        best_epoch(&self.epochs) == self.epochs.len()
    }

    /// Summary of the last epoch, one line.
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

/// Content of `metrics.csv`.
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

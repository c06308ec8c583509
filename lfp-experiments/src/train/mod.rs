//! `train`: trains one network, in a run folder that can be resumed after a crash.

mod analysis;
mod checkpoint;
mod earlier;
mod epoch;
mod evaluation;
mod finished;
mod health;
mod identity;
mod layers;
mod page;
mod run_folder;
mod schedule;
mod settings;
mod sharing;
mod speed;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use burn::{
    lr_scheduler::LrScheduler,
    module::Module,
    optim::{GradientsParams, ModuleOptimizer},
    tensor::Device,
};
use indicatif::MultiProgress;
use lfp_burn::{
    FreezeError,
    optim::{ClipError, clip_global_norm},
    spiking::Activity,
};
use lfp_models::{
    Classifier, Difference, Mismatch, Network, NetworkError, StateDictError, initialized,
};
use serde::{Deserialize, Serialize};

pub use analysis::{Analysis, Exhibit};
pub use checkpoint::{Checkpoint, CheckpointError, Reached};
pub use epoch::{Divergence, EpochError, StepAccuracy, TrainedEpoch, train_epoch};
pub use evaluation::{Accuracy, Evaluation, Mistake};
pub use finished::FinishedRun;
pub use health::NothingToLearn;
pub use identity::{DataIdentity, Identity, Origin};
pub use layers::LayerSummary;
pub(crate) use layers::{Bins, MagnitudeBin, PERCENTILES};
pub use run_folder::{Recorded, RunFolder, RunFolderError, refuse_run_folder};
pub use schedule::{Schedule, ScheduleError};
pub use settings::{Optimizer, Pretrained, PretrainedError, SettingDifference, Settings};
pub use sharing::Sharing;
pub use speed::{Speed, measure};

use crate::{
    data::{Batches, DataError, Order, Samples, Split},
    files::{self, FileError},
    interrupt::Resumable,
    objective::Objective,
    output::{self, OutputError},
    seed, text,
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
    Schedule(#[from] ScheduleError),
    /// Clipping.
    #[error(transparent)]
    Clip(#[from] ClipError),
    /// The network.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// The data.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The frozen parts.
    #[error(transparent)]
    Freeze(#[from] FreezeError),
    /// The pretrained weights.
    #[error("{}{}", .0, what_to_allow(.0))]
    Pretrained(StateDictError),
    /// The weights of a finished run.
    #[error(transparent)]
    Trained(StateDictError),
    /// The file of the pretrained weights.
    #[error(transparent)]
    PretrainedFile(#[from] PretrainedError),
    /// Outputs or weights became non-finite.
    #[error("epoch {epoch}: {source}")]
    Diverged {
        /// Epoch, counted from 1.
        epoch: usize,
        /// What is non-finite.
        source: Divergence,
    },
    /// Standard output.
    #[error(transparent)]
    Output(#[from] OutputError),
    /// A run that cannot learn anything.
    #[error(transparent)]
    NothingToLearn(#[from] NothingToLearn),
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
    /// What the log of the run warned of: signs that it did not train, or less than it seems.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub warnings: Vec<String>,
    /// Versions of the program and of Burn.
    pub versions: Versions,
}

impl Outcome {
    /// Whether another result is that of the same run. Times and versions may differ.
    fn is_of_the_same_run(&self, other: &Self) -> bool {
        self.settings.difference(&other.settings).is_none()
            && self.train_accuracy == other.train_accuracy
            && self.test_accuracy == other.test_accuracy
            && self.best_epoch == other.best_epoch
    }
}

/// Versions of the software that computed a result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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

impl std::fmt::Display for Versions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "version {} with Burn {}", self.lfp, self.burn)
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

/// Where a run begins or goes on.
#[derive(Debug)]
pub enum Place {
    /// In a new folder, which is created when the network is made.
    New(PathBuf),
    /// In a folder that is locked.
    Folder(Box<RunFolder>),
}

/// Trains in a run folder, and writes the page of the run.
///
/// # Errors
///
/// See [`TrainError`].
pub fn run(
    settings: &Settings,
    data: &Split,
    computing: &Computing,
    origin: Origin,
    place: Place,
) -> Result<Outcome, TrainError> {
    let (mut run, folder) = match place {
        Place::New(path) => {
            // What is wrong with the network leaves no folder behind.
            let mut run = Run::new(settings, data, computing)?;
            run.check_health()?;
            let mut folder = RunFolder::create(&path)?;
            folder.begin(settings, origin)?;
            (run, folder)
        }
        Place::Folder(folder) => resumed(settings, data, computing, origin, *folder)?,
    };
    let _resumable = Resumable::new(format!(
        "go on with: lfp-experiments train --resume --out {}",
        text::shell_quoted(&folder.path().to_string_lossy())
    ));
    let identity = folder.identity();
    let bars = MultiProgress::new();
    while run.epochs.len() < settings.epochs {
        run.log_warnings();
        if run.untested.is_none() {
            run.train_epoch(&bars)?;
            run.check_change()?;
        }
        if let Err(error) = run.test_epoch() {
            // The epoch is not lost: the resumed run begins with its test.
            folder.save(run.epochs.len() + 1, &run.checkpoint(&identity)?)?;
            return Err(error);
        }
        if run.is_best() {
            folder.write(BEST, &run.network.to_safetensors()?)?;
        }
        folder.save(run.epochs.len(), &run.checkpoint(&identity)?)?;
        folder.write(METRICS, &metrics(&run.epochs))?;
        // Standard output may be full, so what is to be kept comes first.
        output::line(run.line())?;
    }
    let outcome = run.outcome()?;
    run.log_warnings();
    folder.finish(&run.network.to_safetensors()?)?;
    folder.finish_with(&outcome)?;
    // The run is complete without its page.
    let path = folder.path();
    if let Err(error) = write_page(path, data, computing) {
        tracing::warn!(
            "the run is finished, but its page is not written: {error}; `report --run {}` writes it",
            path.display()
        );
    }
    Ok(outcome)
}

/// The run of a folder after its latest checkpoint.
fn resumed<'a>(
    settings: &'a Settings,
    data: &'a Split,
    computing: &Computing,
    origin: Origin,
    mut folder: RunFolder,
) -> Result<(Run<'a>, RunFolder), TrainError> {
    folder.check(settings, &origin.data)?;
    let Some(checkpoint) = folder.latest_checkpoint()? else {
        let mut run = Run::new(settings, data, computing)?;
        run.check_health()?;
        folder.begin(settings, origin)?;
        return Ok((run, folder));
    };
    // The weights to start from, which may be gone, are in the checkpoint.
    let drawn = Settings {
        pretrained: None,
        ..settings.clone()
    };
    let device = &computing.devices[0];
    let network = initial_network(&drawn, data.train.as_ref(), device)?;
    let mut run = Run::of(settings, data, computing, network)?;
    run.resume(checkpoint)?;
    // A crash between the checkpoint and the metrics loses a row.
    folder.write(METRICS, &metrics(&run.epochs))?;
    output::line(format_args!("resumed after epoch {}", run.epochs.len()))?;
    Ok((run, folder))
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
        step_accuracy.extend(run.train_epoch(bars)?.shares());
        run.test_epoch()?;
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
    pretrained.check()?;
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
    /// The epoch after them, between its training and its test.
    untested: Option<TrainedEpoch>,
    warnings: Vec<String>,
    /// Number of warnings that were logged.
    logged: usize,
    /// Whether the last trained epoch changed any parameter.
    has_changed: bool,
}

impl<'a> Run<'a> {
    fn new(
        settings: &'a Settings,
        data: &'a Split,
        computing: &Computing,
    ) -> Result<Self, TrainError> {
        let device = &computing.devices[0];
        let network = initial_network(settings, data.train.as_ref(), device)?;
        Self::of(settings, data, computing, network)
    }

    /// A run before its first step.
    fn of(
        settings: &'a Settings,
        data: &'a Split,
        computing: &Computing,
        network: Network,
    ) -> Result<Self, TrainError> {
        let devices = computing.devices.iter();
        let sharing = Sharing {
            devices: devices.map(|device| settings.autodiff(device)).collect(),
            passes: settings.accumulate,
        };
        let (optimizer, momentum) = settings.optimizer()?;
        let steps_per_epoch = data.train.len().div_ceil(settings.batch);
        Ok(Self {
            settings,
            data,
            objective: settings.objective(data.train.as_ref()),
            network: settings.frozen(network)?,
            workers: computing.workers,
            sharing,
            optimizer,
            schedule: settings.schedule(steps_per_epoch, &momentum)?,
            epochs: Vec::new(),
            untested: None,
            warnings: Vec::new(),
            logged: 0,
            has_changed: false,
        })
    }

    fn resume(&mut self, checkpoint: Checkpoint) -> Result<(), TrainError> {
        let Reached {
            epochs,
            untested,
            warnings,
        } = checkpoint.restore(
            &mut self.network,
            &mut self.optimizer,
            self.schedule.as_mut(),
        )?;
        self.network = self.settings.frozen(self.network.clone())?;
        self.epochs = epochs;
        self.untested = untested;
        self.logged = warnings.len();
        self.warnings = warnings;
        Ok(())
    }

    fn checkpoint(&self, identity: &Option<Identity>) -> Result<Checkpoint, CheckpointError> {
        Checkpoint::new(
            &self.network,
            &self.optimizer,
            self.schedule.as_ref(),
            Reached {
                epochs: self.epochs.clone(),
                untested: self.untested.clone(),
                warnings: self.warnings.clone(),
            },
            identity.clone(),
        )
    }

    /// Logs the warnings that are new.
    fn log_warnings(&mut self) {
        for warning in self.warnings.iter().skip(self.logged) {
            tracing::warn!("{warning}");
        }
        self.logged = self.warnings.len();
    }

    /// Looks at the network before its first step.
    fn check_health(&mut self) -> Result<(), NothingToLearn> {
        let (settings, samples) = (self.settings, self.data.train.len());
        let steps = settings
            .epochs
            .saturating_mul(samples.div_ceil(settings.batch));
        let smallest = self.sharing.smallest_part(samples, settings.batch);
        let warnings = health::at_start(settings, &self.network, steps, smallest)?;
        self.warnings.extend(warnings);
        Ok(())
    }

    /// Looks at the epoch that was trained last.
    fn check_change(&mut self) -> Result<(), TrainError> {
        let epoch = self.epochs.len() + 1;
        if self.has_changed {
            return Ok(());
        }
        if epoch > 1 {
            self.warnings
                .push(format!("epoch {epoch} changed no parameter"));
            return Ok(());
        }
        let reasons = health::of_firing_rates(&self.firing_rates()?);
        let reasons: String = reasons.iter().map(|reason| format!("; {reason}")).collect();
        Err(NothingToLearn::NoChange(reasons).into())
    }

    fn train_epoch(&mut self, bars: &MultiProgress) -> Result<StepAccuracy, TrainError> {
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
        let (seen, due) = (step_accuracy.samples(), data.train.len());
        if seen != due {
            return Err(DataError::Incomplete { read: seen, due }.into());
        }
        self.has_changed = health::has_changed(&self.network, &network);
        self.network = network;
        self.untested = Some(TrainedEpoch {
            lr,
            train_accuracy: step_accuracy.overall(),
            seconds,
        });
        Ok(step_accuracy)
    }

    /// Tests the epoch that was trained last. On an error it stays untested.
    fn test_epoch(&mut self) -> Result<(), TrainError> {
        let Some(trained) = self.untested.clone() else {
            return Ok(());
        };
        let (number, test) = (self.epochs.len() + 1, self.test()?);
        let samples = self.data.test.len();
        if test.undecided == samples {
            return Err(TrainError::Diverged {
                epoch: number,
                source: Divergence::Outputs,
            });
        }
        self.warnings
            .extend(health::of_test(number, &test, samples));
        self.untested = None;
        let TrainedEpoch {
            lr,
            train_accuracy,
            seconds,
        } = trained;
        self.epochs.push(Epoch {
            lr,
            train_accuracy,
            test,
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

    fn outcome(&mut self) -> Result<Outcome, DataError> {
        let firing_rates = self.firing_rates()?;
        let of_rates = health::of_firing_rates(&firing_rates);
        self.warnings.extend(of_rates);
        let of = |value: fn(&Epoch) -> f64| self.epochs.iter().map(value).collect::<Vec<_>>();
        Ok(Outcome {
            settings: self.settings.clone(),
            test_accuracy: of(|epoch| epoch.test.top1),
            test_top5: of(|epoch| epoch.test.top5),
            test_class_mean: of(|epoch| epoch.test.class_mean),
            best_epoch: best_epoch(&self.epochs),
            train_accuracy: of(|epoch| epoch.train_accuracy),
            seconds: of(|epoch| epoch.seconds).iter().sum(),
            firing_rates,
            warnings: self.warnings.clone(),
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
            undecided: _,
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

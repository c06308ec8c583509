//! `train`: one network on real data, in a folder that survives anything.

mod checkpoint;
mod epoch;
mod run_folder;
mod settings;

use std::{collections::BTreeMap, path::Path, sync::Arc};

use burn::{
    lr_scheduler::LrScheduler,
    module::Module,
    optim::{GradientsParams, ModuleOptimizer},
    tensor::Device,
};
use indicatif::MultiProgress;
use lfp_burn::{
    LifError, UnknownActivation,
    optim::{OneCycleError, clip_adaptive, clip_global_norm},
    reward::NonFiniteReward,
    spiking::Activity,
};
use serde::{Deserialize, Serialize};

pub use checkpoint::{Checkpoint, CheckpointError};
pub use epoch::{accuracy, train_epoch};
pub use run_folder::{RunFolder, RunFolderError};
pub use settings::{DataSet, Optimizer, Schedule, SettingDifference, Settings};

use crate::{
    data::Samples,
    files::{self, FileError, to_json},
    network::{Network, drawn},
    objective::Objective,
};
use epoch::Progress;
use run_folder::{METRICS, RESULT, WEIGHTS};

/// The norm below which adaptive clipping takes a unit for no smaller (Brock et al. 2021).
const SMALLEST_UNIT: f64 = 1e-3;

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
    /// The activation.
    #[error(transparent)]
    Activation(#[from] UnknownActivation),
    /// The spiking neurons.
    #[error(transparent)]
    Lif(#[from] LifError),
    /// It diverged.
    #[error("epoch {epoch}: {source}")]
    Diverged {
        /// When.
        epoch: usize,
        /// How.
        source: NonFiniteReward,
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
    /// The share of test samples that it named rightly afterwards.
    pub test_accuracy: f64,
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

/// Trains by `settings` on `device`, in the folder `out`, and returns the outcome.
///
/// # Errors
///
/// See [`TrainError`].
pub fn run<S: Samples>(
    settings: &Settings,
    train: &Arc<S>,
    test: &Arc<S>,
    device: &Device,
    out: &Path,
    resume: bool,
) -> Result<Outcome, TrainError> {
    let steps_per_epoch = train.len().div_ceil(settings.batch);
    let mut run = Run::new(settings, train.as_ref(), steps_per_epoch, device)?;
    let folder = RunFolder::open(out, settings, resume)?;
    if let Some(checkpoint) = folder.latest_checkpoint()? {
        folder.check_metrics(&metrics(checkpoint.epochs()))?;
        run.resume(checkpoint)?;
        println!("resumed after epoch {}", run.epochs.len());
    } else {
        folder.check_metrics("")?;
    }
    let bars = MultiProgress::new();
    while run.epochs.len() < settings.epochs {
        run.epoch(train, test, &bars)?;
        println!("{}", run.line(train.len()));
        folder.save(run.epochs.len(), &run.checkpoint()?)?;
        files::write(&folder.file(METRICS), metrics(&run.epochs).as_bytes())?;
    }
    let outcome = run.outcome(test);
    let weights = run.network.to_pytorch()?;
    files::write(&folder.file(METRICS), metrics(&run.epochs).as_bytes())?;
    folder.finish(WEIGHTS, &weights)?;
    folder.finish(RESULT, &to_json(&outcome))?;
    Ok(outcome)
}

/// Trains by `settings` on `device` without a folder, and returns outcome and network; the progress goes
/// below that of others in `bars`.
///
/// # Errors
///
/// See [`TrainError`].
pub fn run_in_memory<S: Samples>(
    settings: &Settings,
    train: &Arc<S>,
    test: &Arc<S>,
    device: &Device,
    bars: &MultiProgress,
) -> Result<(Outcome, Network), TrainError> {
    let steps_per_epoch = train.len().div_ceil(settings.batch);
    let mut run = Run::new(settings, train.as_ref(), steps_per_epoch, device)?;
    while run.epochs.len() < settings.epochs {
        run.epoch(train, test, bars)?;
    }
    Ok((run.outcome(test), run.network))
}

/// The network that a run by `settings` starts with.
///
/// # Errors
///
/// If there is no such network.
pub fn initial_network<S: Samples>(
    settings: &Settings,
    data: &S,
    device: &Device,
) -> Result<Network, TrainError> {
    let device = device.clone().autodiff();
    let architecture = settings.architecture()?;
    device.seed(settings.seed);
    let network = architecture.init(data.shape(), data.num_classes(), &device)?;
    Ok(drawn(network))
}

/// A run between two epochs.
struct Run<'a> {
    settings: &'a Settings,
    objective: Objective,
    device: Device,
    network: Network,
    optimizer: ModuleOptimizer,
    schedule: Box<dyn LrScheduler>,
    epochs: Vec<Epoch>,
}

impl<'a> Run<'a> {
    fn new<S: Samples>(
        settings: &'a Settings,
        data: &S,
        steps_per_epoch: usize,
        device: &Device,
    ) -> Result<Self, TrainError> {
        Ok(Self {
            settings,
            objective: settings.objective(),
            network: initial_network(settings, data, device)?,
            device: device.clone().autodiff(),
            optimizer: settings.optimizer(),
            schedule: settings.schedule(steps_per_epoch)?,
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

    fn epoch<S: Samples>(
        &mut self,
        train: &Arc<S>,
        test: &Arc<S>,
        bars: &MultiProgress,
    ) -> Result<(), TrainError> {
        let number = self.epochs.len() + 1;
        let seed = self.settings.epoch_seed(number);
        // Dropout draws from the device.
        self.device.seed(seed);
        let progress = Progress::new(number, self.settings.epochs, train.len(), bars);
        let settings = self.settings;
        let (optimizer, schedule) = (&mut self.optimizer, &mut self.schedule);
        let mut lr = 0.0;
        let batches = crate::data::loader(train, settings.batch, Some(seed), &self.device);
        let trained = train_epoch(
            self.network.clone(),
            &self.objective,
            batches.as_ref(),
            |network, grads| {
                let grads = clip(settings, grads, &network);
                lr = schedule.step();
                progress.step(settings.batch);
                optimizer.step(lr, network, grads)
            },
        );
        let (network, train_accuracy) = trained.map_err(|source| TrainError::Diverged {
            epoch: number,
            source,
        })?;
        let seconds = progress.finish();
        let inner = self.device.clone().inner();
        let batches = crate::data::loader(test, settings.batch, None, &inner);
        let test_accuracy = accuracy(&network.valid(), batches.as_ref());
        self.network = network;
        self.epochs.push(Epoch {
            lr,
            train_accuracy,
            test_accuracy,
            seconds,
        });
        Ok(())
    }

    /// One line about the last epoch.
    fn line(&self, samples: usize) -> String {
        let (number, epochs) = (self.epochs.len(), self.settings.epochs);
        let epoch = &self.epochs[number - 1];
        format!(
            "epoch {number}/{epochs}: train {:6.2}%  test {:6.2}%  {:.1} s, {:.0} samples/s",
            100.0 * epoch.train_accuracy,
            100.0 * epoch.test_accuracy,
            epoch.seconds,
            samples as f64 / epoch.seconds
        )
    }

    fn outcome<S: Samples>(&self, test: &Arc<S>) -> Outcome {
        let of = |value: fn(&Epoch) -> f64| self.epochs.iter().map(value).collect::<Vec<_>>();
        Outcome {
            settings: self.settings.clone(),
            test_accuracy: of(|epoch| epoch.test_accuracy),
            train_accuracy: of(|epoch| epoch.train_accuracy),
            seconds: of(|epoch| epoch.seconds).iter().sum(),
            firing_rates: self.firing_rates(test),
            versions: Versions::default(),
        }
    }

    /// See [`Outcome::firing_rates`].
    fn firing_rates<S: Samples>(&self, test: &Arc<S>) -> BTreeMap<String, f64> {
        let inner = self.device.clone().inner();
        let batches = crate::data::loader(test, self.settings.batch, None, &inner);
        let Some(Ok(batch)) = batches.iter().next() else {
            return BTreeMap::new();
        };
        let activities = self.network.valid().observe(batch.inputs);
        let rate = |activity: &Activity| (activity.layer.clone(), activity.firing_rate());
        activities.iter().map(rate).collect()
    }
}

fn clip(settings: &Settings, mut grads: GradientsParams, network: &Network) -> GradientsParams {
    if settings.adaptive_clip > 0.0 {
        grads = clip_adaptive(grads, network, settings.adaptive_clip, SMALLEST_UNIT);
    }
    if settings.clip > 0.0 {
        grads = clip_global_norm(grads, network, settings.clip);
    }
    grads
}

/// The content of `metrics.csv`.
fn metrics(epochs: &[Epoch]) -> String {
    let mut csv = "epoch,lr,train_accuracy,test_accuracy,seconds\n".to_owned();
    for (index, epoch) in epochs.iter().enumerate() {
        let Epoch {
            lr,
            train_accuracy,
            test_accuracy,
            seconds,
        } = epoch;
        csv += &format!(
            "{},{lr:e},{train_accuracy},{test_accuracy},{seconds:.3}\n",
            index + 1
        );
    }
    csv
}

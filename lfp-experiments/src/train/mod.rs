//! `train`: one network on real data, in a folder that survives anything.

mod checkpoint;
mod epoch;
mod run_folder;
mod settings;

use std::{path::Path, sync::Arc};

use burn::{
    lr_scheduler::LrScheduler,
    module::Module,
    optim::{GradientsParams, ModuleOptimizer},
    tensor::Device,
};
use lfp_burn::{
    LifError, UnknownActivation,
    optim::{OneCycleError, clip_adaptive, clip_global_norm},
    reward::NonFiniteReward,
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
    while run.epochs.len() < settings.epochs {
        run.epoch(train, test)?;
        folder.save(run.epochs.len(), &run.checkpoint()?)?;
        files::write(&folder.file(METRICS), metrics(&run.epochs).as_bytes())?;
    }
    let outcome = run.outcome();
    let weights = run.network.to_pytorch()?;
    files::write(&folder.file(METRICS), metrics(&run.epochs).as_bytes())?;
    folder.finish(WEIGHTS, &weights)?;
    folder.finish(RESULT, &to_json(&outcome))?;
    Ok(outcome)
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
        let device = device.clone().autodiff();
        let architecture = settings.architecture()?;
        device.seed(settings.seed);
        let network = architecture.init(data.shape(), data.num_classes(), &device)?;
        Ok(Self {
            settings,
            objective: settings.objective(),
            network: drawn(network),
            device,
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

    fn epoch<S: Samples>(&mut self, train: &Arc<S>, test: &Arc<S>) -> Result<(), TrainError> {
        let number = self.epochs.len() + 1;
        let seed = self.settings.epoch_seed(number);
        // Dropout draws from the device.
        self.device.seed(seed);
        let progress = Progress::new(number, self.settings.epochs, train.len());
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
        let epoch = Epoch {
            lr,
            train_accuracy,
            test_accuracy,
            seconds,
        };
        println!("{}", line(number, settings.epochs, &epoch, train.len()));
        self.epochs.push(epoch);
        Ok(())
    }

    fn outcome(&self) -> Outcome {
        let of = |value: fn(&Epoch) -> f64| self.epochs.iter().map(value).collect::<Vec<_>>();
        Outcome {
            settings: self.settings.clone(),
            test_accuracy: of(|epoch| epoch.test_accuracy),
            train_accuracy: of(|epoch| epoch.train_accuracy),
            seconds: of(|epoch| epoch.seconds).iter().sum(),
            versions: Versions::default(),
        }
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

/// One line about an epoch.
fn line(number: usize, epochs: usize, epoch: &Epoch, samples: usize) -> String {
    let Epoch {
        train_accuracy,
        test_accuracy,
        seconds,
        ..
    } = epoch;
    format!(
        "epoch {number}/{epochs}: train {:6.2}%  test {:6.2}%  {seconds:.1} s, {:.0} samples/s",
        100.0 * train_accuracy,
        100.0 * test_accuracy,
        samples as f64 / seconds
    )
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

//! `train`: trains one network, in a run folder that can be resumed after a crash.

mod analysis;
mod checkpoint;
mod earlier;
mod effect;
mod epoch;
mod error;
mod evaluation;
mod finished;
mod folder_error;
mod health;
mod identity;
mod layers;
mod outcome;
mod page;
mod recorded;
mod run;
mod run_folder;
mod schedule;
mod settings;
mod sharing;
mod speed;

use std::path::{Path, PathBuf};

use burn::tensor::Device;
use indicatif::MultiProgress;
use lfp_models::{Classifier, Mismatch, Network, NetworkError, initialized};

pub use analysis::{Analysis, Exhibit};
pub use checkpoint::{Checkpoint, CheckpointError, Reached};
pub(crate) use effect::spiking_models;
pub use effect::{Contradiction, check_frozen_effects};
pub use epoch::{Divergence, EpochError, StepAccuracy, TrainedEpoch, train_epoch};
pub use error::TrainError;
pub use evaluation::{Accuracy, Evaluation, Mistake};
pub use finished::FinishedRun;
pub use folder_error::RunFolderError;
pub use health::NothingToLearn;
pub use identity::{DataIdentity, Identity, Origin};
pub use layers::LayerSummary;
pub(crate) use layers::{Bins, MagnitudeBin, PERCENTILES};
pub use outcome::{Epoch, Outcome, Versions};
pub use recorded::Recorded;
pub use run_folder::{RunFolder, refuse_run_folder};
pub use schedule::{Schedule, ScheduleError};
pub use settings::{Optimizer, Pretrained, PretrainedError, SettingDifference, Settings};
pub use sharing::{Sharing, SharingError};
pub use speed::{Speed, measure};

use crate::{
    data::{DataError, Samples, Split},
    interrupt::{self, Resumable},
    output, seed, text,
};
use outcome::metrics;
use run::Run;
use run_folder::{BEST, METRICS, RESULT, WEIGHTS};

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
    let path = folder.path().to_owned();
    let out = text::shell_quoted(&path);
    let resumable = Resumable::new(format!(
        "go on with: lfp-experiments train --resume --out {out}"
    ));
    let outcome = train_to_the_end(&mut run, &folder)?;
    let page =
        format!("the run is complete; its page is written by: lfp-experiments report --run {out}");
    resumable.now(page.clone());
    // Who stopped it during its last steps was told to resume, which writes the page, too.
    interrupt::check().map_err(DataError::from)?;
    let written = write_page(&path, data, computing);
    interrupt::check().map_err(DataError::from)?;
    if let Err(error) = written {
        tracing::warn!("cannot write the page: {error}; {page}");
    }
    Ok(outcome)
}

/// Trains all epochs that are left, and writes what the run ends with.
fn train_to_the_end(run: &mut Run, folder: &RunFolder) -> Result<Outcome, TrainError> {
    let identity = folder.identity();
    let identity = identity.as_ref();
    let bars = MultiProgress::new();
    while run.reached.epochs.len() < run.settings.epochs {
        run.log_warnings();
        if run.reached.untested.is_none() {
            run.train_epoch(&bars)?;
            run.check_change()?;
        }
        if let Err(error) = run.test_epoch() {
            run.keep_untested(folder, identity, &error);
            return Err(error);
        }
        if run.is_best() {
            folder.write(BEST, &run.network.to_safetensors()?)?;
        }
        let epochs = &run.reached.epochs;
        folder.save(epochs.len(), &run.checkpoint(identity)?)?;
        folder.write(METRICS, &metrics(epochs))?;
        // Standard output may be full, so what is to be kept comes first.
        output::line(run.line())?;
    }
    let outcome = run.outcome()?;
    run.log_warnings();
    folder.finish(&run.network.to_safetensors()?)?;
    folder.finish_with(&outcome)?;
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
    folder.check(settings, &origin)?;
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
    let epochs = &run.reached.epochs;
    folder.write(METRICS, &metrics(epochs))?;
    output::line(format_args!("resumed after epoch {}", epochs.len()))?;
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

/// Trains without a run folder. The progress bars are added to `bars`. A network that does not change is a result here,
/// of which [`Outcome::warnings`] tell.
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
    run.check_health()?;
    let mut step_accuracy = Vec::new();
    while run.reached.epochs.len() < settings.epochs {
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
        return Ok(settings.quantized(network)?);
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
    Ok(settings.quantized(network)?)
}

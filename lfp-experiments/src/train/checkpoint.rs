//! Checkpoints: weights, state of the optimiser and of the schedule, and the metrics so far.
//!
//! A run resumed from a checkpoint ends with the same weights, bit for bit, as one that was not interrupted. The random
//! numbers need no state: each epoch seeds them from the run's seed and its number.

use std::path::{Path, PathBuf};

use burn::{
    lr_scheduler::{LrScheduler, LrSchedulerRecord},
    module::Module,
    optim::ModuleOptimizer,
    store::{ModuleRecord, RecordError},
    tensor::Bytes,
};

use serde::{Deserialize, Serialize};

use super::{Epoch, epoch::TrainedEpoch, identity::Identity};
use crate::files::{self, FileError, failed, to_json};

const MODEL: &str = "model.bpk";
const OPTIMIZER: &str = "optimizer.bpk";
const SCHEDULE: &str = "schedule.bpk";
const EPOCHS: &str = "epochs.json";
/// What checkpoints of earlier versions do not have.
const STATE: &str = "state.json";
/// In the format of `sha256sum`, which can check it.
const SUMS: &str = "SHA256SUMS";
const PREFIX: &str = "checkpoint-";

/// Errors of checkpoints.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// A file cannot be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// The content differs from what was written.
    #[error(
        "{file}: torn or changed ({reason}); move the folder {folder} away to resume from the checkpoint before it",
        file = folder.join(file).display(), folder = folder.display()
    )]
    Torn {
        /// The checkpoint.
        folder: PathBuf,
        /// Its file.
        file: String,
        /// The reason.
        reason: String,
    },
    /// Burn cannot read or write it.
    #[error("checkpoint: {0}")]
    Record(#[from] RecordError),
}

/// The state of a run after an epoch.
#[derive(Clone, Debug)]
pub struct Checkpoint {
    model: Vec<u8>,
    optimizer: Vec<u8>,
    schedule: Vec<u8>,
    progress: Reached,
    identity: Option<Identity>,
}

/// How far a run has come.
#[derive(Clone, Debug, Default)]
pub struct Reached {
    /// Metrics of the epochs that are trained and tested.
    pub epochs: Vec<Epoch>,
    /// The epoch after them, if it is trained and could not be tested.
    pub untested: Option<TrainedEpoch>,
    /// See [`Outcome::warnings`](super::Outcome::warnings).
    pub warnings: Vec<String>,
}

/// Content of `state.json`.
#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct State {
    #[serde(skip_serializing_if = "Option::is_none", default)]
    untested: Option<TrainedEpoch>,
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    warnings: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    belongs_to: Option<Identity>,
}

impl Checkpoint {
    /// Captures the state of a run. `identity` says of which; `None` if that is not known.
    ///
    /// # Errors
    ///
    /// If a tensor cannot be read from the device.
    pub fn new<M: Module>(
        model: &M,
        optimizer: &ModuleOptimizer,
        schedule: &dyn LrScheduler,
        progress: Reached,
        identity: Option<Identity>,
    ) -> Result<Self, CheckpointError> {
        Ok(Self {
            model: model.clone().into_record().into_bytes()?.to_vec(),
            optimizer: optimizer.into_bytes()?.to_vec(),
            schedule: schedule.to_record().into_bytes()?.to_vec(),
            progress,
            identity,
        })
    }

    /// Restores the state, and returns how far the run has come.
    ///
    /// # Errors
    ///
    /// If a record cannot be read, or does not belong to the optimiser or schedule.
    pub fn restore<M: Module>(
        self,
        model: &mut M,
        optimizer: &mut ModuleOptimizer,
        schedule: &mut dyn LrScheduler,
    ) -> Result<Reached, CheckpointError> {
        let record = ModuleRecord::from_bytes(Bytes::from_bytes_vec(self.model))?;
        *model = model.clone().load_record(record);
        let state = Bytes::from_bytes_vec(self.optimizer);
        *optimizer = optimizer.clone().from_bytes(state)?;
        let state = Bytes::from_bytes_vec(self.schedule);
        schedule.load_record(LrSchedulerRecord::from_bytes(state)?);
        Ok(self.progress)
    }

    /// The run that it belongs to; `None` if an earlier version of the program wrote it.
    pub fn identity(&self) -> Option<&Identity> {
        self.identity.as_ref()
    }

    /// Writes the checkpoint atomically: to a temporary folder, which is renamed when it is complete.
    pub(super) fn write(&self, folder: &Path) -> Result<(), CheckpointError> {
        let unfinished = files::unfinished(folder);
        // Without its parents: a run folder that was removed is not created again.
        std::fs::create_dir(&unfinished).map_err(failed("create", &unfinished))?;
        let Reached {
            epochs,
            untested,
            warnings,
        } = self.progress.clone();
        let epochs = to_json(&epochs);
        let state = to_json(&State {
            untested,
            warnings,
            belongs_to: self.identity.clone(),
        });
        let contents = [
            (MODEL, &self.model),
            (OPTIMIZER, &self.optimizer),
            (SCHEDULE, &self.schedule),
            (EPOCHS, &epochs),
            (STATE, &state),
        ];
        let mut sums = String::new();
        for (name, content) in contents {
            files::write_durably(&unfinished.join(name), content)?;
            sums += &format!("{}  {name}\n", files::sha256(content));
        }
        files::write_durably(&unfinished.join(SUMS), sums.as_bytes())?;
        files::sync_folder(&unfinished)?;
        Ok(files::publish(&unfinished, folder)?)
    }

    pub(super) fn read(folder: &Path) -> Result<Self, CheckpointError> {
        let sums = files::read(&folder.join(SUMS))?;
        let sums = String::from_utf8_lossy(&sums).into_owned();
        let torn = |file: &str, reason: String| CheckpointError::Torn {
            folder: folder.to_owned(),
            file: file.to_owned(),
            reason,
        };
        let checked = |name: &str| {
            let content = files::read(&folder.join(name))?;
            let line = format!("{}  {name}", files::sha256(&content));
            match sums.lines().any(|known| known == line) {
                true => Ok(content),
                false => Err(torn(name, format!("its checksum differs from {SUMS}"))),
            }
        };
        let epochs = checked(EPOCHS)?;
        let epochs = serde_json::from_slice(&epochs);
        let epochs = epochs.map_err(|error| torn(EPOCHS, error.to_string()))?;
        let has_state = sums.lines().any(|line| line.ends_with(STATE));
        let state = match has_state {
            true => serde_json::from_slice(&checked(STATE)?),
            false => Ok(State::default()),
        };
        let State {
            untested,
            warnings,
            belongs_to,
        } = state.map_err(|error| torn(STATE, error.to_string()))?;
        Ok(Self {
            model: checked(MODEL)?,
            optimizer: checked(OPTIMIZER)?,
            schedule: checked(SCHEDULE)?,
            progress: Reached {
                epochs,
                untested,
                warnings,
            },
            identity: belongs_to,
        })
    }
}

/// Folder name of the checkpoint after `epoch` epochs.
pub(super) fn name(epoch: usize) -> String {
    format!("{PREFIX}{epoch:04}")
}

/// The epoch of the checkpoint with this name.
pub(super) fn epoch(file_name: &str) -> Option<usize> {
    let epoch = file_name.strip_prefix(PREFIX)?.parse().ok()?;
    (name(epoch) == file_name).then_some(epoch)
}

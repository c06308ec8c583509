//! Checkpoints: weights, state of the optimiser and of the schedule, and the metrics so far.
//!
//! A run resumed from a checkpoint ends with the same weights, bit for bit, as one that was not interrupted. The random
//! numbers need no state: each epoch seeds them from the run's seed and its number.

use std::{
    borrow::Cow,
    path::{Path, PathBuf},
};

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

/// The state of a run after an epoch. It borrows what the run keeps.
#[derive(Clone, Debug)]
pub struct Checkpoint<'a> {
    model: Bytes,
    optimizer: Bytes,
    schedule: Bytes,
    reached: Cow<'a, Reached>,
    identity: Option<Cow<'a, Identity>>,
}

/// How far a run has come.
#[derive(Clone, Debug, Default)]
pub struct Reached {
    /// Metrics of the epochs that are trained and tested.
    pub epochs: Vec<Epoch>,
    /// The epoch after them, if it is trained and could not be tested.
    pub untested: Option<TrainedEpoch>,
    /// Warnings that no epoch tells of. See [`Outcome::warnings`](super::Outcome::warnings).
    pub warnings: Vec<String>,
}

impl Reached {
    /// Number of epochs that are trained.
    fn trained(&self) -> usize {
        self.epochs.len() + usize::from(self.untested.is_some())
    }
}

/// Content of `state.json`.
#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct State<'a> {
    #[serde(skip_serializing_if = "Option::is_none", default)]
    untested: Option<Cow<'a, TrainedEpoch>>,
    #[serde(skip_serializing_if = "is_empty", default)]
    warnings: Cow<'a, [String]>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    belongs_to: Option<Cow<'a, Identity>>,
}

fn is_empty(warnings: &[String]) -> bool {
    warnings.is_empty()
}

impl<'a> Checkpoint<'a> {
    /// Captures the state of a run. `identity` says of which; `None` if that is not known.
    ///
    /// # Errors
    ///
    /// If a tensor cannot be read from the device.
    pub fn new<M: Module>(
        model: &M,
        optimizer: &ModuleOptimizer,
        schedule: &dyn LrScheduler,
        reached: &'a Reached,
        identity: Option<&'a Identity>,
    ) -> Result<Self, CheckpointError> {
        Ok(Self {
            model: model.clone().into_record().into_bytes()?,
            optimizer: optimizer.into_bytes()?,
            schedule: schedule.to_record().into_bytes()?,
            reached: Cow::Borrowed(reached),
            identity: identity.map(Cow::Borrowed),
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
        let record = ModuleRecord::from_bytes(self.model)?;
        *model = model.clone().load_record(record);
        *optimizer = optimizer.clone().from_bytes(self.optimizer)?;
        schedule.load_record(LrSchedulerRecord::from_bytes(self.schedule)?);
        Ok(self.reached.into_owned())
    }

    /// The run that it belongs to; `None` if an earlier version of the program wrote it.
    pub fn identity(&self) -> Option<&Identity> {
        self.identity.as_deref()
    }

    /// Writes the checkpoint atomically: to a temporary folder, which is renamed when it is complete.
    pub(super) fn write(&self, folder: &Path) -> Result<(), CheckpointError> {
        let unfinished = files::unfinished(folder);
        // Without its parents: a run folder that was removed is not created again.
        std::fs::create_dir(&unfinished).map_err(failed("create", &unfinished))?;
        let reached = self.reached.as_ref();
        let epochs = to_json(&reached.epochs);
        let state = to_json(&State {
            untested: reached.untested.as_ref().map(Cow::Borrowed),
            warnings: Cow::Borrowed(&reached.warnings),
            belongs_to: self.identity.as_deref().map(Cow::Borrowed),
        });
        let contents: [(&str, &[u8]); 5] = [
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

    /// Reads the checkpoint after `epoch` epochs.
    pub(super) fn read(folder: &Path, epoch: usize) -> Result<Self, CheckpointError> {
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
        let state: State = state.map_err(|error| torn(STATE, error.to_string()))?;
        let reached = Reached {
            epochs,
            untested: state.untested.map(Cow::into_owned),
            warnings: state.warnings.into_owned(),
        };
        if reached.trained() != epoch {
            let reason = format!("it holds epoch {}", reached.trained());
            return Err(torn(EPOCHS, reason));
        }
        let record = |name| checked(name).map(Bytes::from_bytes_vec);
        Ok(Self {
            model: record(MODEL)?,
            optimizer: record(OPTIMIZER)?,
            schedule: record(SCHEDULE)?,
            reached: Cow::Owned(reached),
            identity: state.belongs_to,
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

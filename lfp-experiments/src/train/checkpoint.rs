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

use super::Epoch;
use crate::files::{self, FileError, to_json};

const MODEL: &str = "model.bpk";
const OPTIMIZER: &str = "optimizer.bpk";
const SCHEDULE: &str = "schedule.bpk";
const EPOCHS: &str = "epochs.json";
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
    epochs: Vec<Epoch>,
}

impl Checkpoint {
    /// Captures the state of a run.
    ///
    /// # Errors
    ///
    /// If a tensor cannot be read from the device.
    pub fn new<M: Module>(
        model: &M,
        optimizer: &ModuleOptimizer,
        schedule: &dyn LrScheduler,
        epochs: &[Epoch],
    ) -> Result<Self, CheckpointError> {
        Ok(Self {
            model: model.clone().into_record().into_bytes()?.to_vec(),
            optimizer: optimizer.into_bytes()?.to_vec(),
            schedule: schedule.to_record().into_bytes()?.to_vec(),
            epochs: epochs.to_vec(),
        })
    }

    /// Restores the state, and returns the metrics of the completed epochs.
    ///
    /// # Errors
    ///
    /// If a record cannot be read, or does not belong to the optimiser or schedule.
    pub fn restore<M: Module>(
        self,
        model: &mut M,
        optimizer: &mut ModuleOptimizer,
        schedule: &mut dyn LrScheduler,
    ) -> Result<Vec<Epoch>, CheckpointError> {
        let record = ModuleRecord::from_bytes(Bytes::from_bytes_vec(self.model))?;
        *model = model.clone().load_record(record);
        let state = Bytes::from_bytes_vec(self.optimizer);
        *optimizer = optimizer.clone().from_bytes(state)?;
        let state = Bytes::from_bytes_vec(self.schedule);
        schedule.load_record(LrSchedulerRecord::from_bytes(state)?);
        Ok(self.epochs)
    }

    /// The metrics of the completed epochs.
    pub fn epochs(&self) -> &[Epoch] {
        &self.epochs
    }

    /// Writes the checkpoint atomically: to a temporary folder, which is renamed when it is complete.
    pub(super) fn write(&self, folder: &Path) -> Result<(), CheckpointError> {
        let unfinished = files::unfinished(folder);
        files::create_folder(&unfinished)?;
        let epochs = to_json(&self.epochs);
        let contents = [
            (MODEL, &self.model),
            (OPTIMIZER, &self.optimizer),
            (SCHEDULE, &self.schedule),
            (EPOCHS, &epochs),
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
        Ok(Self {
            model: checked(MODEL)?,
            optimizer: checked(OPTIMIZER)?,
            schedule: checked(SCHEDULE)?,
            epochs: serde_json::from_slice(&epochs)
                .map_err(|error| torn(EPOCHS, error.to_string()))?,
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

//! The run folder: its files, and the rules for opening it.
//!
//! ```text
//! settings.json        settings of the run; locked while a process trains
//! checkpoint-0003/     state after epoch 3, to resume from
//! metrics.csv          a row per epoch
//! best.safetensors     weights after the epoch with the highest test accuracy so far, under PyTorch's names
//! final.safetensors    weights after the last epoch
//! result.json          written when the run is finished
//! evaluation.json      predictions on the test set, and the weights of each layer
//! report.html          the page of the run, from the files above
//! ```
//!
//! A file is written under a name that ends in `.tmp` and renamed when it is complete; the next run deletes leftovers. An
//! unknown file is an error: nothing that the program did not write is overwritten or removed.

use std::{
    fs::{self, File, TryLockError},
    path::{Path, PathBuf},
};

use super::{
    Settings,
    checkpoint::{self, Checkpoint, CheckpointError},
};
use crate::files::{self, FileError, failed, list, to_json};

pub(super) const SETTINGS: &str = "settings.json";
pub(super) const METRICS: &str = "metrics.csv";
pub(super) const RESULT: &str = "result.json";
pub(super) const WEIGHTS: &str = "final.safetensors";
pub(super) const BEST: &str = "best.safetensors";
pub(super) const EVALUATION: &str = "evaluation.json";
pub(super) const PAGE: &str = "report.html";

const FILES: [&str; 7] = [SETTINGS, METRICS, RESULT, WEIGHTS, BEST, EVALUATION, PAGE];

/// Two, so that the one before is left if the disk damages the last.
const CHECKPOINTS_KEPT: usize = 2;

/// Errors of a run folder.
#[derive(Debug, thiserror::Error)]
pub enum RunFolderError {
    /// A file cannot be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// The folder of a new run is not empty.
    #[error(
        "{}: the folder is not empty; resume its run with --resume, or choose another --out",
        .0.display()
    )]
    NotEmpty(PathBuf),
    /// The folder holds a file that no run writes.
    #[error(
        "{}: not a file of a training run; move it away, or choose another --out", .0.display()
    )]
    Foreign(PathBuf),
    /// A file is missing or its content is invalid.
    #[error("{path}: {reason}; move it away to continue without it", path = path.display())]
    Torn {
        /// The file.
        path: PathBuf,
        /// The reason.
        reason: String,
    },
    /// The run has other settings.
    #[error("{folder}: its run has {difference}; resume it with its own settings", folder = folder.display())]
    OtherSettings {
        /// The folder.
        folder: PathBuf,
        /// The first setting that differs.
        difference: super::settings::SettingDifference,
    },
    /// The folder holds no finished run.
    #[error("{}: expected the folder of a finished run, with its settings.json and result.json", .0.display())]
    Unfinished(PathBuf),
    /// Another process holds the lock.
    #[error("{}: another process trains in this folder", .0.display())]
    Locked(PathBuf),
    /// The latest checkpoint is damaged.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
}

/// A run folder, locked until dropped.
#[derive(Debug)]
pub struct RunFolder {
    path: PathBuf,
    _lock: File,
}

impl RunFolder {
    /// Opens a new run folder, or with `resume` that of a run with the same settings.
    ///
    /// # Errors
    ///
    /// See [`RunFolderError`]. On an error the folder is unchanged.
    pub fn open(path: &Path, settings: &Settings, resume: bool) -> Result<Self, RunFolderError> {
        files::create_folder(path)?;
        let unfinished = unfinished_leftovers(path, resume)?;
        let settings_file = path.join(SETTINGS);
        if settings_file.exists() {
            check_settings(&settings_file, settings)?;
        } else if !list(path)?.iter().all(|entry| unfinished.contains(entry)) {
            return Err(RunFolderError::Torn {
                path: settings_file,
                reason: "missing from a folder that is not empty".to_owned(),
            });
        }
        for leftover in &unfinished {
            remove(leftover)?;
        }
        if !settings_file.exists() {
            files::write(&settings_file, &to_json(settings))?;
        }
        Ok(Self {
            path: path.to_owned(),
            _lock: lock(&settings_file)?,
        })
    }

    /// Path of a file of the run.
    pub fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Reads the latest checkpoint; `None` before the first.
    ///
    /// # Errors
    ///
    /// If it is damaged. The program does not fall back to an earlier one without being told.
    pub fn latest_checkpoint(&self) -> Result<Option<Checkpoint>, RunFolderError> {
        let epochs = self.checkpoints()?;
        let latest = epochs.last().map(|&epoch| self.checkpoint_folder(epoch));
        Ok(latest.map(|folder| Checkpoint::read(&folder)).transpose()?)
    }

    /// Writes a checkpoint, and removes all but the last two.
    ///
    /// # Errors
    ///
    /// If a file cannot be written; earlier checkpoints are kept.
    pub fn save(&self, epoch: usize, checkpoint: &Checkpoint) -> Result<(), RunFolderError> {
        checkpoint.write(&self.checkpoint_folder(epoch))?;
        let epochs = self.checkpoints()?;
        let superfluous = epochs.len().saturating_sub(CHECKPOINTS_KEPT);
        for &epoch in &epochs[..superfluous] {
            let folder = self.checkpoint_folder(epoch);
            // Renamed before removal: a crash in between must not leave half a checkpoint under a checkpoint's name.
            let leaving = files::unfinished(&folder);
            files::publish(&folder, &leaving)?;
            remove(&leaving)?;
        }
        Ok(())
    }

    /// Checks that `metrics.csv` is `expected`, the metrics in the latest checkpoint, or a prefix of whole lines: a crash
    /// between the checkpoint and the metrics loses a line.
    ///
    /// # Errors
    ///
    /// If it is not.
    pub fn check_metrics(&self, expected: &[u8]) -> Result<(), RunFolderError> {
        let path = self.file(METRICS);
        if !path.exists() {
            return Ok(());
        }
        let found = files::read(&path)?;
        let known = expected.starts_with(&found) && found.last().is_none_or(|&byte| byte == b'\n');
        match known {
            true => Ok(()),
            false => Err(RunFolderError::Torn {
                path,
                reason: "not the metrics that belong to the latest checkpoint".to_owned(),
            }),
        }
    }

    /// Writes a file of the finished run; does nothing if it exists with the same content.
    ///
    /// # Errors
    ///
    /// If it exists with other content.
    pub fn finish(&self, name: &str, content: &[u8]) -> Result<(), RunFolderError> {
        let path = self.file(name);
        if !path.exists() {
            return Ok(files::write(&path, content)?);
        }
        match files::read(&path)? == content {
            true => Ok(()),
            false => Err(RunFolderError::Torn {
                path,
                reason: "other content than the run ends with".to_owned(),
            }),
        }
    }

    fn checkpoint_folder(&self, epoch: usize) -> PathBuf {
        self.file(&checkpoint::name(epoch))
    }

    /// Epochs of all checkpoints, ascending.
    fn checkpoints(&self) -> Result<Vec<usize>, RunFolderError> {
        let mut epochs: Vec<usize> = list(&self.path)?
            .iter()
            .filter_map(|path| checkpoint::epoch(path.file_name()?.to_str()?))
            .collect();
        epochs.sort_unstable();
        Ok(epochs)
    }
}

/// Temporary files of an interrupted run. An unknown file is an error, and so is any file without `resume`.
fn unfinished_leftovers(path: &Path, resume: bool) -> Result<Vec<PathBuf>, RunFolderError> {
    let entries = list(path)?;
    if !resume && !entries.is_empty() {
        return Err(RunFolderError::NotEmpty(path.to_owned()));
    }
    let mut unfinished = Vec::new();
    for entry in entries {
        let name = entry.file_name().unwrap_or_default().to_string_lossy();
        let finished = files::finished_name(&name);
        if !is_ours(finished.unwrap_or(&name)) {
            return Err(RunFolderError::Foreign(entry));
        }
        if finished.is_some() {
            unfinished.push(entry);
        }
    }
    Ok(unfinished)
}

fn is_ours(name: &str) -> bool {
    FILES.contains(&name) || checkpoint::epoch(name).is_some()
}

fn check_settings(file: &Path, settings: &Settings) -> Result<(), RunFolderError> {
    let content = files::read(file)?;
    let known: Settings =
        serde_json::from_slice(&content).map_err(|error| RunFolderError::Torn {
            path: file.to_owned(),
            reason: format!("not the settings of a run ({error})"),
        })?;
    match settings.difference(&known) {
        Some(difference) => Err(RunFolderError::OtherSettings {
            folder: file.parent().unwrap_or(file).to_owned(),
            difference,
        }),
        None => Ok(()),
    }
}

fn lock(settings_file: &Path) -> Result<File, RunFolderError> {
    let file = File::open(settings_file).map_err(failed("open", settings_file))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(RunFolderError::Locked(
            settings_file.parent().unwrap_or(settings_file).to_owned(),
        )),
        Err(TryLockError::Error(source)) => Err(failed("lock", settings_file)(source).into()),
    }
}

fn remove(path: &Path) -> Result<(), FileError> {
    match path.is_dir() {
        true => fs::remove_dir_all(path),
        false => fs::remove_file(path),
    }
    .map_err(failed("remove", path))
}

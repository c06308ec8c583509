//! The folder of a run: what is in it, what may be, and who writes there.
//!
//! ```text
//! settings.json        what the run was asked to do
//! checkpoint-0003/     everything needed to go on after epoch 3
//! metrics.csv          a row per epoch
//! best.safetensors     the weights after the epoch with the highest test accuracy so far
//! final.safetensors    the weights at the end, by PyTorch's names
//! result.json          written last
//! ```
//!
//! Files appear under their names when they are complete; until then they end in `.tmp`, and are
//! thrown away by the next run. Nothing else in the folder is ever overwritten or removed.

use std::{
    fs::{self, File, TryLockError},
    path::{Path, PathBuf},
};

use super::{
    Settings,
    checkpoint::{self, Checkpoint, CheckpointError},
};
use crate::files::{self, FileError, UNFINISHED, failed, list, to_json};

pub(super) const SETTINGS: &str = "settings.json";
pub(super) const METRICS: &str = "metrics.csv";
pub(super) const RESULT: &str = "result.json";
pub(super) const WEIGHTS: &str = "final.safetensors";
pub(super) const BEST: &str = "best.safetensors";

/// A checkpoint may turn out broken after it was written; then the one before it is there.
const CHECKPOINTS_KEPT: usize = 2;

/// Why a run cannot use a folder.
#[derive(Debug, thiserror::Error)]
pub enum RunFolderError {
    /// A file cannot be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// There is something in it.
    #[error(
        "{}: the folder is not empty; go on with its run by --resume, or choose another --out",
        .0.display()
    )]
    NotEmpty(PathBuf),
    /// Something in it is not ours.
    #[error(
        "{}: not a file of a training run; move it away, or choose another --out", .0.display()
    )]
    Foreign(PathBuf),
    /// Not what was written there.
    #[error("{path}: {reason}; move it away to go on without it", path = path.display())]
    Torn {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A run of another kind.
    #[error("{folder}: its run has {difference}; resume it with its own settings", folder = folder.display())]
    OtherSettings {
        /// The folder.
        folder: PathBuf,
        /// The first setting that differs.
        difference: super::settings::SettingDifference,
    },
    /// No run, or one that has not ended.
    #[error("{}: expected the folder of a run that has ended, with its settings.json and result.json", .0.display())]
    Unfinished(PathBuf),
    /// Somebody else is at work.
    #[error("{}: another process trains in this folder", .0.display())]
    Locked(PathBuf),
    /// The last checkpoint cannot be used.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
}

/// A run's folder, ours alone until dropped.
#[derive(Debug)]
pub struct RunFolder {
    path: PathBuf,
    _lock: File,
}

impl RunFolder {
    /// Takes a folder for a run: a new one, or with `resume` one whose run has the same settings.
    ///
    /// # Errors
    ///
    /// See [`RunFolderError`]; the folder is left as it was.
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

    /// Where a file of the run belongs.
    pub fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// The latest checkpoint, if there is one.
    ///
    /// # Errors
    ///
    /// If it is torn: an earlier one is not taken in silence.
    pub fn latest_checkpoint(&self) -> Result<Option<Checkpoint>, RunFolderError> {
        let epochs = self.checkpoints()?;
        let latest = epochs.last().map(|&epoch| self.checkpoint_folder(epoch));
        Ok(latest.map(|folder| Checkpoint::read(&folder)).transpose()?)
    }

    /// Writes a checkpoint, and removes those that it makes superfluous.
    ///
    /// # Errors
    ///
    /// If a file cannot be written. What was there before still is, then.
    pub fn save(&self, epoch: usize, checkpoint: &Checkpoint) -> Result<(), RunFolderError> {
        checkpoint.write(&self.checkpoint_folder(epoch))?;
        let epochs = self.checkpoints()?;
        let superfluous = epochs.len().saturating_sub(CHECKPOINTS_KEPT);
        for &epoch in &epochs[..superfluous] {
            let folder = self.checkpoint_folder(epoch);
            // Half a checkpoint must not bear a checkpoint's name, even on the way out.
            let leaving = files::unfinished(&folder);
            files::publish(&folder, &leaving)?;
            remove(&leaving)?;
        }
        Ok(())
    }

    /// Says that `metrics.csv` holds what a run up to a checkpoint wrote: `expected`, or all of it
    /// but the last row.
    ///
    /// # Errors
    ///
    /// If it does not.
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

    /// Writes a file of the finished run, unless it is there already.
    ///
    /// # Errors
    ///
    /// If something else is there.
    pub fn finish(&self, name: &str, content: &[u8]) -> Result<(), RunFolderError> {
        let path = self.file(name);
        if !path.exists() {
            return Ok(files::write(&path, content)?);
        }
        match files::read(&path)? == content {
            true => Ok(()),
            false => Err(RunFolderError::Torn {
                path,
                reason: "not what this run writes at its end".to_owned(),
            }),
        }
    }

    fn checkpoint_folder(&self, epoch: usize) -> PathBuf {
        self.file(&checkpoint::name(epoch))
    }

    /// The epochs of all checkpoints, in order.
    fn checkpoints(&self) -> Result<Vec<usize>, RunFolderError> {
        let mut epochs: Vec<usize> = list(&self.path)?
            .iter()
            .filter_map(|path| checkpoint::epoch(path.file_name()?.to_str()?))
            .collect();
        epochs.sort_unstable();
        Ok(epochs)
    }
}

/// What an earlier run did not finish writing. Anything unknown, or anything at all without
/// `resume`, is an error.
fn unfinished_leftovers(path: &Path, resume: bool) -> Result<Vec<PathBuf>, RunFolderError> {
    let entries = list(path)?;
    if !resume && !entries.is_empty() {
        return Err(RunFolderError::NotEmpty(path.to_owned()));
    }
    let mut unfinished = Vec::new();
    for entry in entries {
        let name = entry.file_name().unwrap_or_default().to_string_lossy();
        let ending = format!(".{UNFINISHED}");
        let stem = name.strip_suffix(&ending);
        if !is_ours(stem.unwrap_or(&name)) {
            return Err(RunFolderError::Foreign(entry));
        }
        if stem.is_some() {
            unfinished.push(entry);
        }
    }
    Ok(unfinished)
}

fn is_ours(name: &str) -> bool {
    [SETTINGS, METRICS, RESULT, WEIGHTS, BEST].contains(&name) || checkpoint::epoch(name).is_some()
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

//! The run folder: its files, and the rules for opening it.
//!
//! ```text
//! settings.json        settings of the run, and what it began with
//! checkpoint-0003/     state after epoch 3, to resume from
//! metrics.csv          a row per epoch
//! best.safetensors     weights after the epoch with the highest test accuracy so far, under PyTorch's names
//! final.safetensors    weights after the last epoch
//! result.json          written when the run is finished
//! evaluation.json      predictions on the test set, and the weights of each layer
//! report.html          the page of the run, from the files above
//! .lock                locked by the process that trains; empty, and never replaced
//! ```
//!
//! A file is written under a name that ends in `.tmp` and renamed when it is complete; the next run deletes leftovers. An
//! unknown file is an error: nothing that the program did not write is overwritten or removed.

mod contents;

use std::{
    io::ErrorKind,
    path::{Path, PathBuf},
};

use same_file::Handle;

use super::{
    Outcome, Recorded, RunFolderError, Settings,
    checkpoint::{self, Checkpoint},
    identity::{Identity, Origin},
};
use crate::{
    destination,
    files::{self, failed, list, to_json},
};

pub use contents::refuse_run_folder;
pub(super) use contents::{BEST, EVALUATION, METRICS, PAGE, RESULT, SETTINGS, WEIGHTS};
use contents::{Contents, LOCK, remove, remove_all, surveyed};

/// Two, so that the one before is left if the disk damages the last.
const CHECKPOINTS_KEPT: usize = 2;

/// A run folder, locked until dropped.
#[derive(Debug)]
pub struct RunFolder {
    path: PathBuf,
    recorded: Option<Recorded>,
    /// The open lock file.
    lock: Handle,
}

impl RunFolder {
    /// Checks that a new run can begin in the folder `path`. Changes nothing.
    ///
    /// # Errors
    ///
    /// If something else has its name; if the folder holds anything but what a run leaves that was stopped before it began, or lies in that of a run.
    pub fn check_new(path: &Path) -> Result<(), RunFolderError> {
        destination::check_path(path)?;
        if let Some(above) = files::absolute(path).parent() {
            refuse_run_folder(above)?;
        }
        let Contents { others, .. } = match path.symlink_metadata() {
            Ok(_) => Contents::of(path)?,
            Err(_) => return Ok(()),
        };
        match others.is_empty() {
            true => Ok(()),
            false => Err(RunFolderError::NotEmpty(path.to_owned())),
        }
    }

    /// Creates the folder of a new run, and locks it.
    ///
    /// # Errors
    ///
    /// As those of [`check_new`](Self::check_new); if another process uses the folder; if it cannot be created.
    pub fn create(path: &Path) -> Result<Self, RunFolderError> {
        Self::check_new(path)?;
        files::create_folder(path)?;
        files::sync_folder(files::parent(path))?;
        let lock = lock(path)?;
        // Another process may have begun and ended a run in the meantime.
        Self::check_new(path)?;
        remove_all(&Contents::of(path)?.unfinished)?;
        Ok(Self {
            path: path.to_owned(),
            recorded: None,
            lock,
        })
    }

    /// Locks the folder of a run, then removes what a crash left half-written. A run that was stopped before its settings
    /// were written has [no settings](Self::recorded), and may [begin](Self::begin), which removes the rest.
    ///
    /// # Errors
    ///
    /// If there is no run, a file is not one of a run or is damaged, or another process uses the folder. On an error the
    /// folder is unchanged.
    pub fn resume(path: &Path) -> Result<Self, RunFolderError> {
        let no_run = |reason| RunFolderError::NoRun {
            folder: path.to_owned(),
            reason,
        };
        match path.metadata() {
            Err(error)
                if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) =>
            {
                return Err(no_run("no such folder"));
            }
            Ok(found) if !found.is_dir() => return Err(no_run("not a folder")),
            _ => {}
        }
        if list(path)?.is_empty() {
            return Err(no_run("an empty folder"));
        }
        // The lock is the first file of a run, and the program puts none into a folder that is no run's.
        if surveyed(path)?.1.is_none() && !path.join(LOCK).is_file() {
            return Err(no_run("no settings.json in it"));
        }
        let lock = lock(path)?;
        // Another process may have used the folder in the meantime.
        let (contents, recorded) = surveyed(path)?;
        if recorded.is_some() {
            remove_all(&contents.unfinished)?;
        }
        Ok(Self {
            path: path.to_owned(),
            recorded,
            lock,
        })
    }

    /// The error that the run stopped before it began.
    pub fn not_begun(&self) -> RunFolderError {
        RunFolderError::NoRun {
            folder: self.path.clone(),
            reason: "its run stopped before it wrote its settings",
        }
    }

    /// What the run began with; `None` if it has not begun.
    pub fn recorded(&self) -> Option<&Recorded> {
        self.recorded.as_ref()
    }

    /// Writes `settings.json`, unless the run has begun, and removes what a run that had not begun left.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub fn begin(&mut self, settings: &Settings, origin: Origin) -> Result<(), RunFolderError> {
        if self.recorded.is_none() {
            let recorded = Recorded {
                settings: settings.clone(),
                origin: Some(origin),
            };
            remove_all(&Contents::of(&self.path)?.unfinished)?;
            files::write(&self.path.join(SETTINGS), &to_json(&recorded))?;
            self.recorded = Some(recorded);
        }
        Ok(())
    }

    /// Checks that the run began with `settings`, and with the data and the version of the program of `now`.
    ///
    /// # Errors
    ///
    /// What differs.
    pub fn check(&self, settings: &Settings, now: &Origin) -> Result<(), RunFolderError> {
        let Some(recorded) = &self.recorded else {
            return Ok(());
        };
        recorded.check_settings(settings, &self.path, None, |_| true)?;
        let Some(origin) = &recorded.origin else {
            return Ok(());
        };
        let folder = || self.path.clone();
        if let Some(difference) = origin.versions.difference(&now.versions) {
            let folder = folder();
            return Err(RunFolderError::OtherVersion { folder, difference });
        }
        if let Some(difference) = origin.data.difference(&now.data) {
            let folder = folder();
            return Err(RunFolderError::OtherData { folder, difference });
        }
        Ok(())
    }

    /// What its checkpoints belong to; `None` if the run has not begun, or began under an earlier version of the program.
    pub(super) fn identity(&self) -> Option<Identity> {
        let Recorded { settings, origin } = self.recorded.as_ref()?;
        Some(origin.as_ref()?.identity(settings))
    }

    /// Checks that this is still the folder that was locked.
    ///
    /// # Errors
    ///
    /// If it was removed, or removed and created again.
    pub(super) fn check_alive(&self) -> Result<(), RunFolderError> {
        match Handle::from_path(self.path.join(LOCK)) {
            Ok(present) if present == self.lock => Ok(()),
            _ => Err(RunFolderError::Gone(self.path.clone())),
        }
    }

    /// Path of the folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Path of a file of the run.
    pub fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Reads the latest checkpoint; `None` before the first.
    ///
    /// # Errors
    ///
    /// If it is damaged or that of another epoch than its name says, or belongs to a run with other settings or data, or of
    /// another version of the program. The program does not fall back to an earlier one without being told.
    pub fn latest_checkpoint(&self) -> Result<Option<Checkpoint<'static>>, RunFolderError> {
        let Some(&epoch) = self.checkpoints()?.last() else {
            return Ok(None);
        };
        let folder = self.checkpoint_folder(epoch);
        let checkpoint = Checkpoint::read(&folder, epoch)?;
        let differences = match (checkpoint.identity(), self.identity()) {
            (Some(of_checkpoint), Some(own)) => of_checkpoint.differences(&own),
            (None, Some(_)) => vec!["it does not say of which".to_owned()],
            (_, None) => Vec::new(),
        };
        match differences.is_empty() {
            true => Ok(Some(checkpoint)),
            false => Err(RunFolderError::OtherCheckpoint {
                checkpoint: folder,
                difference: differences.join("; "),
            }),
        }
    }

    /// Writes a checkpoint, and removes all but the last two.
    ///
    /// # Errors
    ///
    /// If a file cannot be written; earlier checkpoints are kept.
    pub fn save(&self, epoch: usize, checkpoint: &Checkpoint) -> Result<(), RunFolderError> {
        self.check_alive()?;
        let folder = self.checkpoint_folder(epoch);
        if folder.exists() {
            // It holds an epoch that could not be tested. A kill before the new one is written costs that epoch.
            self.discard(&folder)?;
        }
        checkpoint.write(&folder)?;
        let epochs = self.checkpoints()?;
        let superfluous = epochs.len().saturating_sub(CHECKPOINTS_KEPT);
        for &epoch in &epochs[..superfluous] {
            self.discard(&self.checkpoint_folder(epoch))?;
        }
        Ok(())
    }

    /// Renames before it removes: a crash in between must not leave half a checkpoint under a checkpoint's name.
    fn discard(&self, checkpoint: &Path) -> Result<(), RunFolderError> {
        let leaving = files::unfinished(checkpoint);
        files::publish(checkpoint, &leaving)?;
        Ok(remove(&leaving)?)
    }

    /// Writes a file of the run.
    ///
    /// # Errors
    ///
    /// If it cannot be written, or the folder is gone.
    pub fn write(&self, name: &str, content: &[u8]) -> Result<(), RunFolderError> {
        self.check_alive()?;
        Ok(files::write(&self.file(name), content)?)
    }

    /// Writes the weights that the run ends with; does nothing if they are there.
    ///
    /// # Errors
    ///
    /// If other weights are there.
    pub fn finish(&self, weights: &[u8]) -> Result<(), RunFolderError> {
        let path = self.file(WEIGHTS);
        if !path.exists() {
            return self.write(WEIGHTS, weights);
        }
        match files::read(&path)? == weights {
            true => Ok(()),
            false => Err(other_end(path)),
        }
    }

    /// Writes `result.json`; does nothing if the result of this run is there.
    ///
    /// # Errors
    ///
    /// If another result is there.
    pub(super) fn finish_with(&self, outcome: &Outcome) -> Result<(), RunFolderError> {
        let path = self.file(RESULT);
        if !path.exists() {
            return self.write(RESULT, &to_json(outcome));
        }
        let found = serde_json::from_slice::<Outcome>(&files::read(&path)?);
        match found.is_ok_and(|found| found.is_of_the_same_run(outcome)) {
            true => Ok(()),
            false => Err(other_end(path)),
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

fn other_end(path: PathBuf) -> RunFolderError {
    RunFolderError::Torn {
        path,
        reason: "other content than the run ends with".to_owned(),
    }
}

/// Locks a run folder.
fn lock(folder: &Path) -> Result<Handle, RunFolderError> {
    let path = folder.join(LOCK);
    let file = files::lock(&path)?.ok_or_else(|| RunFolderError::Locked(folder.to_owned()))?;
    Ok(Handle::from_file(file).map_err(failed("read", &path))?)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// A refused folder is no run afterwards, either.
    #[test]
    fn a_refusal_leaves_the_folder_of_a_stranger_unchanged() {
        for (name, content) in [
            (SETTINGS, "{\"editor\": \"vim\"}"),
            (METRICS, "epoch"),
            ("metrics.csv.417.tmp", "epoch"),
            ("holiday.jpg", "sun"),
        ] {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path();
            let file = path.join(name);
            fs::write(&file, content).unwrap();
            let refused = RunFolder::resume(path).unwrap_err().to_string();
            assert!(refused.contains(&*path.to_string_lossy()), "{refused}");
            assert_eq!(list(path).unwrap(), [file.as_path()], "{refused}");
            assert_eq!(fs::read_to_string(&file).unwrap(), content);
            refuse_run_folder(path).unwrap();
        }
    }
}

//! What lies in the folder of a run.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::super::{Recorded, RunFolderError, checkpoint};
use crate::files::{self, FileError, failed, list};

pub(in crate::train) const SETTINGS: &str = "settings.json";
pub(in crate::train) const METRICS: &str = "metrics.csv";
pub(in crate::train) const RESULT: &str = "result.json";
pub(in crate::train) const WEIGHTS: &str = "final.safetensors";
pub(in crate::train) const BEST: &str = "best.safetensors";
pub(in crate::train) const EVALUATION: &str = "evaluation.json";
pub(in crate::train) const PAGE: &str = "report.html";
pub(super) const LOCK: &str = ".lock";

const FILES: [&str; 8] = [
    SETTINGS, METRICS, RESULT, WEIGHTS, BEST, EVALUATION, PAGE, LOCK,
];

/// The entries of a run folder.
pub(super) struct Contents {
    /// Temporary files and folders.
    pub(super) unfinished: Vec<PathBuf>,
    /// Whatever else is there, except the lock.
    pub(super) others: Vec<PathBuf>,
}

impl Contents {
    pub(super) fn of(folder: &Path) -> Result<Self, RunFolderError> {
        let name = |entry: &Path| {
            entry
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned()
        };
        let is_unfinished =
            |entry: &PathBuf| files::finished_name(&name(entry)).is_some_and(is_ours);
        let entries = list(folder)?.into_iter();
        let (unfinished, mut others): (_, Vec<_>) = entries.partition(is_unfinished);
        others.retain(|entry| name(entry) != LOCK);
        others.sort();
        Ok(Self { unfinished, others })
    }

    /// Checks that the folder holds files of a run alone, and the settings if there is any other.
    fn check(&self, folder: &Path) -> Result<(), RunFolderError> {
        let is_foreign = |entry: &&PathBuf| {
            let name = entry.file_name().unwrap_or_default();
            !is_ours(&name.to_string_lossy())
        };
        if let Some(foreign) = self.others.iter().find(is_foreign) {
            return Err(RunFolderError::Foreign(foreign.clone()));
        }
        let settings = folder.join(SETTINGS);
        match self.others.is_empty() || settings.exists() {
            true => Ok(()),
            false => Err(RunFolderError::NoSettings(settings)),
        }
    }
}

/// The entries of the folder of a run, and its settings, if it has begun. Changes nothing.
pub(super) fn surveyed(folder: &Path) -> Result<(Contents, Option<Recorded>), RunFolderError> {
    let contents = Contents::of(folder)?;
    contents.check(folder)?;
    let settings = folder.join(SETTINGS);
    let recorded = match settings.exists() {
        true => Some(Recorded::read(&settings)?),
        false => None,
    };
    Ok((contents, recorded))
}

fn is_ours(name: &str) -> bool {
    FILES.contains(&name) || checkpoint::epoch(name).is_some()
}

/// Refuses a folder that is, or lies in, the folder of a run, for results of other commands.
///
/// # Errors
///
/// [`RunFolderError::InsideRun`].
pub fn refuse_run_folder(folder: &Path) -> Result<(), RunFolderError> {
    let absolute = files::absolute(folder);
    // A file of this name alone is no run: other programs have one, too.
    let is_run = |of: &&Path| {
        let settings = of.join(SETTINGS);
        settings.is_file() && (of.join(LOCK).is_file() || Recorded::read(&settings).is_ok())
    };
    match absolute.ancestors().find(is_run) {
        Some(run) => Err(RunFolderError::InsideRun {
            folder: folder.to_owned(),
            run: run.to_owned(),
        }),
        None => Ok(()),
    }
}

pub(super) fn remove_all(paths: &[PathBuf]) -> Result<(), FileError> {
    paths.iter().try_for_each(|path| remove(path))
}

pub(super) fn remove(path: &Path) -> Result<(), FileError> {
    // A link to a folder is removed as a file.
    let is_folder = path.symlink_metadata().is_ok_and(|found| found.is_dir());
    match is_folder {
        true => fs::remove_dir_all(path),
        false => fs::remove_file(path),
    }
    .map_err(failed("remove", path))
}

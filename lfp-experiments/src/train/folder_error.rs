//! Errors of run folders.

use std::path::PathBuf;

use super::{SettingDifference, checkpoint::CheckpointError};
use crate::{destination::InTheWay, files::FileError};

/// Errors of a run folder.
#[derive(Debug, thiserror::Error)]
pub enum RunFolderError {
    /// A file cannot be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// There cannot be such a folder.
    #[error(transparent)]
    InTheWay(#[from] InTheWay),
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
    /// The settings are missing beside other files of a run.
    #[error(
        "{}: missing from a folder that is not empty; restore it, or choose another --out", .0.display()
    )]
    NoSettings(PathBuf),
    /// The settings are invalid.
    #[error("{path}: not the settings of a run ({reason}); correct the file, or choose another --out", path = path.display())]
    Settings {
        /// `settings.json`.
        path: PathBuf,
        /// The reason.
        reason: String,
    },
    /// The content of a file is invalid.
    #[error("{path}: {reason}; move it away, and `train --resume` writes it again", path = path.display())]
    Torn {
        /// The file.
        path: PathBuf,
        /// The reason.
        reason: String,
    },
    /// The run has other settings.
    #[error(
        "{folder}: its run has {differences}; resume it with its own settings, which need not be given",
        folder = folder.display(), differences = joined(differences, data.as_deref())
    )]
    OtherSettings {
        /// The folder.
        folder: PathBuf,
        /// The settings that differ.
        differences: Vec<SettingDifference>,
        /// What differs in the data, if that is known yet.
        data: Option<String>,
    },
    /// The run began with other data.
    #[error("{folder}: its run began with {difference}; use the data that it began with", folder = folder.display())]
    OtherData {
        /// The folder.
        folder: PathBuf,
        /// What differs.
        difference: String,
    },
    /// The run began under another version of the program.
    #[error("{folder}: its run began under {difference}; resume it with the version that it began with", folder = folder.display())]
    OtherVersion {
        /// The folder.
        folder: PathBuf,
        /// What differs.
        difference: String,
    },
    /// A checkpoint of another run.
    #[error("{checkpoint}: the checkpoint of another run ({difference}); move it away", checkpoint = checkpoint.display())]
    OtherCheckpoint {
        /// The checkpoint.
        checkpoint: PathBuf,
        /// What differs.
        difference: String,
    },
    /// There is no run to resume.
    #[error("{folder}: {reason}, so there is no run to resume; start one without --resume", folder = folder.display())]
    NoRun {
        /// The folder.
        folder: PathBuf,
        /// What was found instead.
        reason: &'static str,
    },
    /// The folder disappeared while its run was training.
    #[error("{}: the folder was removed or replaced while its run was training; nothing more is written", .0.display())]
    Gone(PathBuf),
    /// The folder lies in that of a run.
    #[error("{folder}: the folder of the run {run}; nothing else is written there, choose another --out", folder = folder.display(), run = run.display())]
    InsideRun {
        /// The folder.
        folder: PathBuf,
        /// The run.
        run: PathBuf,
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

fn joined(differences: &[SettingDifference], data: Option<&str>) -> String {
    let settings = differences.iter().map(ToString::to_string);
    let differences: Vec<String> = settings.chain(data.map(str::to_owned)).collect();
    differences.join("; ")
}

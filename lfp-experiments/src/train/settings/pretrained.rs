//! The weights that a run starts from.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use lfp_models::{Difference, StateDict};
use serde::{Deserialize, Serialize};

use crate::files::{self, FileError};

/// A file of weights.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pretrained {
    /// The absolute path.
    pub file: PathBuf,
    /// The SHA-256 of the content: a run resumes only with the same weights.
    pub sha256: String,
    /// Differences from the network that are allowed.
    #[serde(skip_serializing_if = "BTreeSet::is_empty", default)]
    pub allow: BTreeSet<Difference>,
    /// The part of the file to load; `None` for the one that fits.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub part: Option<String>,
}

impl Pretrained {
    /// The file with its present content.
    ///
    /// # Errors
    ///
    /// If it cannot be read, or its path is not UTF-8 and cannot be recorded.
    pub fn read(file: &Path) -> Result<Self, FileError> {
        Ok(Self {
            file: files::recorded(file)?,
            sha256: files::sha256(&files::read(file)?),
            allow: BTreeSet::new(),
            part: None,
        })
    }

    /// The weights as they are loaded.
    pub fn state_dict(&self) -> StateDict {
        let file = StateDict::open(&self.file).allow(self.allow.iter().copied());
        match &self.part {
            Some(part) => file.part(part),
            None => file,
        }
    }

    /// Whether the same weights are loaded, wherever their file lies.
    pub(super) fn loads_as(&self, other: &Self) -> bool {
        (&self.sha256, &self.allow, &self.part) == (&other.sha256, &other.allow, &other.part)
    }

    /// Checks that the file still has the content that the run began with.
    ///
    /// # Errors
    ///
    /// If it has not, or cannot be read.
    pub fn check(&self) -> Result<(), PretrainedError> {
        match Self::read(&self.file)?.sha256 == self.sha256 {
            true => Ok(()),
            false => Err(PretrainedError::Changed(self.file.clone())),
        }
    }
}

/// Weights that a run cannot start from.
#[derive(Debug, thiserror::Error)]
pub enum PretrainedError {
    /// The file cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// The file has another content.
    #[error("{}: other weights than the run began with; restore the file", .0.display())]
    Changed(PathBuf),
}

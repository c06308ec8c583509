//! `settings.json`: the settings of a run, and what it began with.

use std::{fmt::Display, path::Path};

use serde::Serialize;
use serde_json::Value;

use super::{Origin, RunFolderError, Settings};
use crate::files;

/// The member of the file with the [`Origin`].
const ORIGIN: &str = "run";

/// What `settings.json` holds.
#[derive(Clone, Debug, Serialize)]
pub struct Recorded {
    /// Settings of the run.
    #[serde(flatten)]
    pub settings: Settings,
    /// What it began with: the member `run`; `None` if an earlier version of the program wrote the file.
    #[serde(rename = "run")]
    pub origin: Option<Origin>,
}

impl Recorded {
    /// Reads `settings.json`.
    ///
    /// # Errors
    ///
    /// If it is damaged, or a setting is misspelt, out of range or without effect beside the others.
    pub(super) fn read(file: &Path) -> Result<Self, RunFolderError> {
        let invalid = |reason: &dyn Display| RunFolderError::Settings {
            path: file.to_owned(),
            reason: reason.to_string(),
        };
        let content = files::read(file)?;
        let mut value: Value = serde_json::from_slice(&content).map_err(|error| invalid(&error))?;
        let members = value.as_object_mut();
        let origin = members.and_then(|members| members.remove(ORIGIN));
        let origin = origin.map(serde_json::from_value).transpose();
        let settings: Settings = serde_json::from_value(value).map_err(|error| invalid(&error))?;
        settings.check().map_err(|error| invalid(&error))?;
        Ok(Self {
            settings,
            origin: origin.map_err(|error| invalid(&error))?,
        })
    }

    /// Checks that `settings` are those of the run in `folder`.
    ///
    /// # Errors
    ///
    /// All that differ. Of those that the run does not have, because its model takes none, only the ones that are given: the
    /// others are defaults of another model.
    pub fn check_settings(
        &self,
        settings: &Settings,
        folder: &Path,
        is_given: impl Fn(&str) -> bool,
    ) -> Result<(), RunFolderError> {
        let mut differences = settings.differences(&self.settings);
        differences.retain(|of| !of.is_new() || is_given(of.option()));
        match differences.is_empty() {
            true => Ok(()),
            false => Err(RunFolderError::OtherSettings {
                folder: folder.to_owned(),
                differences,
            }),
        }
    }
}

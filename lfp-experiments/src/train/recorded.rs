//! `settings.json`: the settings of a run, and what it began with.

use std::{fmt::Display, path::Path};

use serde::Serialize;
use serde_json::Value;

use super::{DataIdentity, Origin, RunFolderError, Settings};
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
    /// All that differ, with the data in the given folder `data_dir`, if they are others. Of the settings that the run does not
    /// have, only those that are given: the others are defaults of another model.
    pub fn check_settings(
        &self,
        settings: &Settings,
        folder: &Path,
        data_dir: Option<&Path>,
        is_given: impl Fn(&str) -> bool,
    ) -> Result<(), RunFolderError> {
        let mut differences = settings.differences(&self.settings);
        differences.retain(|of| !of.is_new() || is_given(of.option()));
        match differences.is_empty() {
            true => Ok(()),
            false => Err(RunFolderError::OtherSettings {
                folder: folder.to_owned(),
                differences,
                data: data_dir.and_then(|of| self.data_difference(of)),
            }),
        }
    }

    /// How the data in another folder differ; `None` if they do not, or cannot be read.
    fn data_difference(&self, data_dir: &Path) -> Option<String> {
        let origin = self.origin.as_ref()?;
        let own = origin.data_dir.as_deref().map(files::absolute);
        if own.as_deref() == Some(&files::absolute(data_dir)) {
            return None;
        }
        let Settings { dataset, .. } = &self.settings;
        let data = dataset.load(Some(data_dir), self.settings.reading());
        origin.data.difference(&DataIdentity::of(&data.ok()?))
    }
}

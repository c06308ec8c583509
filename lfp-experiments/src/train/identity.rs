//! What a run and its checkpoints belong to.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{SettingDifference, Settings, Versions};
use crate::{
    data::Split,
    files::{self, FileError},
};

/// What a run began with, beside its settings: `run` in `settings.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Origin {
    /// Absolute path of the folder of the data; `None` for generated data and the cache.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub data_dir: Option<PathBuf>,
    /// Whether decoded photographs are kept in memory. It changes the speed alone.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub cached: bool,
    /// The data.
    pub data: DataIdentity,
    /// The program.
    pub versions: Versions,
}

/// What tells data from others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataIdentity {
    /// Number of training samples.
    pub train_samples: usize,
    /// Number of test samples.
    pub test_samples: usize,
    /// SHA-256, in hexadecimal, of labels and names of classes, and of the pixels of images in memory or the names and
    /// sizes of image files.
    pub sha256: String,
}

/// What a checkpoint belongs to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    /// Settings of the run, with its seed.
    pub settings: Settings,
    /// The data.
    pub data: DataIdentity,
    /// The program.
    pub versions: Versions,
}

impl Origin {
    /// The origin of a run on `data` from `data_dir`, without a cache, by this program.
    ///
    /// # Errors
    ///
    /// If the path of the folder is not UTF-8 and cannot be recorded.
    pub fn new(data: &Split, data_dir: Option<&Path>) -> Result<Self, FileError> {
        Ok(Self {
            data_dir: data_dir.map(files::recorded).transpose()?,
            cached: false,
            data: DataIdentity::of(data),
            versions: Versions::default(),
        })
    }

    /// The identity of the checkpoints that this program writes of a run with these settings.
    pub fn identity(&self, settings: &Settings) -> Identity {
        Identity {
            settings: settings.clone(),
            data: self.data.clone(),
            versions: Versions::default(),
        }
    }
}

impl DataIdentity {
    /// The identity of `data`, wherever they lie.
    pub fn of(data: &Split) -> Self {
        let mut digest = Sha256::new();
        data.train.identify(&mut digest);
        data.test.identify(&mut digest);
        Self {
            train_samples: data.train.len(),
            test_samples: data.test.len(),
            sha256: format!("{:x}", digest.finalize()),
        }
    }

    /// How `now` differs from these data; `None` if it does not.
    pub(super) fn difference(&self, now: &Self) -> Option<String> {
        let counts = |data: &Self| (data.train_samples, data.test_samples);
        let ((train, test), (train_now, test_now)) = (counts(self), counts(now));
        if counts(self) != counts(now) {
            return Some(format!(
                "{train} training and {test} test samples, now {train_now} and {test_now}"
            ));
        }
        (self.sha256 != now.sha256)
            .then(|| format!("{train} training and {test} test samples, now as many others"))
    }
}

impl Identity {
    /// All that differs in `now`, such as `--lr 0.1, now --lr 0.2`.
    pub(super) fn differences(&self, now: &Self) -> Vec<String> {
        let settings = now.settings.differences(&self.settings);
        let settings = settings.iter().map(SettingDifference::to_string);
        let versions = self.versions.difference(&now.versions);
        let data = self.data.difference(&now.data);
        settings.chain(data).chain(versions).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{DataSet, Reading};

    #[test]
    fn other_points_are_other_data_and_the_same_points_are_not() {
        let data = |seed| {
            let reading = Reading {
                seed,
                ..Reading::default()
            };
            DataSet::BLOBS.load(None, reading).unwrap()
        };
        let of = |split: &Split| DataIdentity::of(split);
        let whole = of(&data(1));
        assert_eq!(whole.difference(&of(&data(1))), None);
        let part = of(&data(1).first(10, 100));
        let words = whole.difference(&part).unwrap();
        assert!(words.contains("now 10 and 100"), "{words}");
        assert_ne!(
            data(1).train.read(0, 0).unwrap(),
            data(2).train.read(0, 0).unwrap()
        );
        let words = whole.difference(&of(&data(2))).unwrap();
        assert!(words.contains("as many others"), "another seed: {words}");
        let others = of(&data(1).subset(10, 100));
        let words = part.difference(&others).unwrap();
        assert!(words.contains("as many others"), "{words}");
    }
}

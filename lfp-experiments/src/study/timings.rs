//! Measured times of training steps, kept in a file.

use std::path::{Path, PathBuf};

use anyhow::Result;
use burn::tensor::Device;
use serde::{Deserialize, Serialize};

use crate::{
    data::Split,
    files::{self, to_json},
    train::{self, Settings, Speed},
};

/// Name of the file.
const FILE: &str = "timings.json";

/// Times of steps on this machine. What is not known is measured, and written into the file.
#[derive(Debug)]
pub struct Timings {
    file: PathBuf,
    known: Vec<Entry>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Entry {
    machine: Machine,
    settings: Settings,
    speed: Speed,
}

/// What the time of a step depends on, beside the settings.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Machine {
    cores: usize,
    architecture: String,
    system: String,
}

impl Timings {
    /// Reads `timings.json` in `folder`. A file that is absent or cannot be read counts as empty, because all of it can be
    /// measured again.
    pub fn open(folder: &Path) -> Self {
        let file = folder.join(FILE);
        let content = files::read(&file).unwrap_or_default();
        Self {
            known: serde_json::from_slice(&content).unwrap_or_default(),
            file,
        }
    }

    /// The times of a run with these settings.
    ///
    /// # Errors
    ///
    /// If a sample cannot be read, the network cannot be made, or the file cannot be written.
    pub(super) fn of(
        &mut self,
        settings: &Settings,
        data: &Split,
        device: &Device,
    ) -> Result<Speed> {
        let machine = Machine::this();
        let key = essential(settings);
        let is_it = |entry: &&Entry| entry.machine == machine && entry.settings == key;
        if let Some(entry) = self.known.iter().find(is_it) {
            return Ok(entry.speed);
        }
        let speed = train::measure(settings, data, device)?;
        self.known.push(Entry {
            machine,
            settings: key,
            speed,
        });
        if let Some(folder) = self.file.parent() {
            files::create_folder(folder)?;
        }
        files::write(&self.file, &to_json(&self.known))?;
        Ok(speed)
    }
}

impl Machine {
    fn this() -> Self {
        Self {
            cores: rayon::current_num_threads(),
            architecture: std::env::consts::ARCH.to_owned(),
            system: std::env::consts::OS.to_owned(),
        }
    }
}

/// The settings without those that do not change the time of a step.
fn essential(settings: &Settings) -> Settings {
    let mut essential = Settings {
        lr: 0.0,
        seed: 0,
        epochs: 1,
        pretrained: None,
        ..settings.clone()
    };
    if let Some(spiking) = &mut essential.spiking {
        spiking.lif.beta = 0.0;
    }
    essential
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        data::{DataSet, Reading},
        objective::Method,
    };
    use lfp_models::Model;

    #[test]
    fn a_step_is_measured_once_for_all_learning_rates_and_seeds() {
        let folder = tempfile::tempdir().unwrap();
        let data = DataSet::BLOBS.load(None, Reading::default()).unwrap();
        let settings = Settings::new(Model::MLP_TOY, DataSet::BLOBS, Method::Lfp, 2);
        let device = Device::default();
        let out = folder.path().join("results");
        let speed = Timings::open(&out).of(&settings, &data, &device).unwrap();
        assert!(speed.step > 0.0 && speed.test_sample > 0.0, "{speed:?}");

        let mut again = Timings::open(&out);
        let other_run = Settings {
            lr: 0.5,
            seed: 1,
            ..settings.clone()
        };
        assert_eq!(again.of(&other_run, &data, &device).unwrap(), speed);
        assert_eq!(again.known.len(), 1);
        let other_batch = Settings {
            batch: 1_000,
            ..settings
        };
        again.of(&other_batch, &data, &device).unwrap();
        assert_eq!(again.known.len(), 2);
    }
}

//! Device, data and weights of a study.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use anyhow::Result;
use burn::tensor::Device;
use lfp_models::Model;

use super::{Condition, Job, NotRun, Progress};
use crate::{
    data::{DataError, DataSet, Reading, Split},
    device::DeviceNames,
    files,
    train::Pretrained,
};

/// What the runs of a study need, and where it shows its progress.
#[derive(Clone, Debug)]
pub struct Resources {
    /// The device.
    pub device: Device,
    /// Its name, for the settings of runs.
    pub device_names: DeviceNames,
    /// Folder of the data sets; `None` for MNIST from a cache.
    pub data_dir: Option<PathBuf>,
    /// Whether MNIST may be downloaded into the cache; otherwise it counts as missing.
    pub download: bool,
    /// Folder of torchvision's ImageNet weights.
    pub pretrained: Option<PathBuf>,
    /// The progress of several studies together; `None` for a bar of the study's own.
    pub progress: Option<Progress>,
}

/// What data a condition needs.
type Key = (DataSet, Option<[usize; 2]>);

/// Loads data sets and weights. Keeps the data set that was loaded last, and a few facts on the others.
pub(super) struct Loader<'a> {
    resources: &'a Resources,
    last: Mutex<Option<(Key, Split)>>,
    facts: Mutex<HashMap<Key, Option<Facts>>>,
    weights: Mutex<HashMap<Model, Option<Pretrained>>>,
}

/// What the settings of a run say about its data.
#[derive(Clone, Copy)]
struct Facts {
    classes: usize,
    /// Number of training and test samples.
    samples: [usize; 2],
}

impl<'a> Loader<'a> {
    pub(super) fn new(resources: &'a Resources) -> Self {
        Self {
            resources,
            last: Mutex::default(),
            facts: Mutex::default(),
            weights: Mutex::default(),
        }
    }

    /// Settings and data of all runs of a condition, before method, learning rate and seed.
    pub(super) fn template(&self, condition: &Condition) -> Result<Result<Job, NotRun>> {
        if condition.deferred {
            return Ok(Err(NotRun::Deferred));
        }
        let Some(Facts { classes, samples }) = self.facts(condition)? else {
            return Ok(Err(NotRun::NoData));
        };
        let mut settings = condition.settings.clone();
        settings.classes = classes;
        settings.device = self.resources.device_names.clone();
        if condition.imagenet {
            settings.pretrained = self.imagenet_weights(settings.model)?;
            if settings.pretrained.is_none() {
                return Ok(Err(NotRun::NoWeights));
            }
        }
        Ok(Ok(Job {
            name: condition.name.clone(),
            settings,
            samples,
        }))
    }

    fn facts(&self, condition: &Condition) -> Result<Option<Facts>> {
        let key = (condition.settings.dataset, condition.samples);
        if let Some(known) = lock(&self.facts).get(&key) {
            return Ok(*known);
        }
        let split = self.load(condition, condition.settings.seed)?;
        let facts = split.map(|split| Facts {
            classes: split.train.num_classes(),
            samples: [split.train.len(), split.test.len()],
        });
        lock(&self.facts).insert(key, facts);
        Ok(facts)
    }

    /// The data of a condition; `None` if they are not there. Generated data are drawn from `seed`.
    pub(super) fn load(&self, condition: &Condition, seed: u64) -> Result<Option<Split>> {
        let data_set = condition.settings.dataset;
        if let Some(split) = data_set.draw(seed) {
            return Ok(Some(split));
        }
        let data_dir = self.resources.data_dir.as_deref();
        if !self.resources.download && data_set.would_download(data_dir) {
            return Ok(None);
        }
        let key = (data_set, condition.samples);
        let mut last = lock(&self.last);
        if let Some((_, split)) = last.as_ref().filter(|(known, _)| *known == key) {
            return Ok(Some(split.clone()));
        }
        let reading = Reading {
            // A few photographs fit in memory, and whole data sets do not.
            cached: condition.samples.is_some(),
            ..Reading::default()
        };
        let split = match data_set.load(data_dir, reading) {
            Ok(split) => split,
            Err(DataError::NoFolder(_) | DataError::NoDataSet { .. }) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let split = match condition.samples {
            Some([train, test]) => split.subset(train, test),
            None => split,
        };
        *last = Some((key, split.clone()));
        Ok(Some(split))
    }

    /// Torchvision's ImageNet weights of a model; `None` if they are not there.
    pub(super) fn imagenet_weights(&self, model: Model) -> Result<Option<Pretrained>> {
        let Some(folder) = self.resources.pretrained.as_deref() else {
            return Ok(None);
        };
        if let Some(known) = lock(&self.weights).get(&model) {
            return Ok(known.clone());
        }
        let files = files::list(folder)?;
        let file = files.iter().find(|file| is_of_model(file, model));
        let weights = file.map(|file| Pretrained::read(file)).transpose()?;
        lock(&self.weights).insert(model, weights.clone());
        Ok(weights)
    }
}

/// Locks what stays valid if another thread panics.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether the name of a file begins with that of the model, as `resnet18-f37072fd.pth` does.
fn is_of_model(file: &Path, model: Model) -> bool {
    let stem = model.name().replace('-', "_");
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let rest = name.strip_prefix(&stem);
    rest.is_some_and(|rest| rest.starts_with(['-', '.']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_are_found_by_the_name_that_torchvision_gives_them() {
        let fits = |name: &str, model| is_of_model(Path::new(name), model);
        assert!(fits("weights/vgg16-397923af.pth", Model::VGG16));
        assert!(fits("vgg16_bn-6c64b313.pth", Model::VGG16_BN));
        assert!(!fits("vgg16_bn-6c64b313.pth", Model::VGG16));
        assert!(fits("resnet18.safetensors", Model::RESNET18));
    }
}

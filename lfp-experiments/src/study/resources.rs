//! Device, data and weights of a study.

use std::{
    path::{Path, PathBuf},
    sync::Mutex,
};

use anyhow::Result;
use burn::tensor::Device;
use lfp_models::Model;

use super::Condition;
use crate::{
    data::{DataError, DataSet, Reading, Split},
    device::DeviceNames,
    files,
    train::Pretrained,
};

/// What the runs of a study need.
#[derive(Clone, Debug)]
pub struct Resources {
    /// The device.
    pub device: Device,
    /// Its name, for the settings of runs.
    pub device_names: DeviceNames,
    /// Folder of the data sets; `None` for MNIST from a cache, which is filled from the network.
    pub data_dir: Option<PathBuf>,
    /// Folder of torchvision's ImageNet weights.
    pub pretrained: Option<PathBuf>,
}

/// What data a condition needs.
type Key = (DataSet, Option<[usize; 2]>);

/// Loads data sets, and keeps the one that was loaded last.
pub(super) struct Loader<'a> {
    resources: &'a Resources,
    last: Mutex<Option<(Key, Split)>>,
}

impl<'a> Loader<'a> {
    pub(super) fn new(resources: &'a Resources) -> Self {
        Self {
            resources,
            last: Mutex::new(None),
        }
    }

    /// The data of a condition; `None` if they are not there. Generated data are drawn from `seed`.
    pub(super) fn load(&self, condition: &Condition, seed: u64) -> Result<Option<Split>> {
        if let Some(split) = condition.settings.dataset.draw(seed) {
            return Ok(Some(split));
        }
        let key = (condition.settings.dataset, condition.samples);
        let mut last = self
            .last
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some((_, split)) = last.as_ref().filter(|(known, _)| *known == key) {
            return Ok(Some(split.clone()));
        }
        let reading = Reading {
            // A few photographs fit in memory, and whole data sets do not.
            cached: condition.samples.is_some(),
            ..Reading::default()
        };
        let data_dir = self.resources.data_dir.as_deref();
        let split = match condition.settings.dataset.load(data_dir, reading) {
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
}

impl Resources {
    /// Torchvision's ImageNet weights of a model; `None` if they are not there.
    pub(super) fn imagenet_weights(&self, model: Model) -> Result<Option<Pretrained>> {
        let Some(folder) = self.pretrained.as_deref() else {
            return Ok(None);
        };
        let files = files::list(folder)?;
        let file = files.iter().find(|file| is_of_model(file, model));
        Ok(file.map(|file| Pretrained::read(file)).transpose()?)
    }
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

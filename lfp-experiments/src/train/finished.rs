//! Finished runs, for `prune`, `explain` and the page of a run.

use std::path::{Path, PathBuf};

use burn::{module::Module, tensor::Device};
use lfp_burn::inference_mode;
use lfp_models::{Classifier, Network, StateDict, initialized};
use serde::de::DeserializeOwned;

use super::{
    DataIdentity, Outcome, RESULT, Recorded, RunFolderError, Settings, TrainError, WEIGHTS,
    run_folder::SETTINGS,
};
use crate::{
    data::{DataError, Samples, Split},
    files,
};

/// The folder of a finished run.
#[derive(Clone, Debug)]
pub struct FinishedRun {
    folder: PathBuf,
    recorded: Recorded,
}

impl FinishedRun {
    /// Opens a run folder.
    ///
    /// # Errors
    ///
    /// If the folder holds no run, or the run has not finished.
    pub fn open(folder: &Path) -> Result<Self, RunFolderError> {
        let [settings, result] = [SETTINGS, RESULT].map(|name| folder.join(name));
        if !settings.is_file() || !result.is_file() {
            return Err(RunFolderError::Unfinished(folder.to_owned()));
        }
        Ok(Self {
            folder: folder.to_owned(),
            recorded: Recorded::read(&settings)?,
        })
    }

    /// Settings of the run.
    pub fn settings(&self) -> &Settings {
        &self.recorded.settings
    }

    /// The folder of the data: the given one, or that which the run began with. `None` for generated data and the cache.
    pub fn data_dir<'a>(&'a self, given: Option<&'a Path>) -> Option<&'a Path> {
        let origin = self.recorded.origin.as_ref();
        given.or(origin.and_then(|origin| origin.data_dir.as_deref()))
    }

    /// Reads the data of the run: from `data_dir`, or from the folder that it began with.
    ///
    /// # Errors
    ///
    /// If they cannot be read, or are others than the run began with. Of runs of earlier versions that is not known.
    pub fn load(&self, data_dir: Option<&Path>) -> Result<Split, TrainError> {
        let Recorded { settings, origin } = &self.recorded;
        let data_dir = self.data_dir(data_dir);
        let data = settings.dataset.load(data_dir, settings.reading())?;
        let difference = |of: &DataIdentity| of.difference(&DataIdentity::of(&data));
        match origin.as_ref().and_then(|origin| difference(&origin.data)) {
            Some(difference) => Err(TrainError::Folder(RunFolderError::OtherData {
                folder: self.folder.clone(),
                difference,
            })),
            None => Ok(data),
        }
    }

    /// Path of a file of the run.
    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Result of the run.
    ///
    /// # Errors
    ///
    /// If `result.json` cannot be read.
    pub fn outcome(&self) -> Result<Outcome, RunFolderError> {
        self.json(RESULT)
    }

    /// A JSON file of the run.
    pub(super) fn json<T: DeserializeOwned>(&self, name: &str) -> Result<T, RunFolderError> {
        let path = self.file(name);
        let content = files::read(&path)?;
        serde_json::from_slice(&content).map_err(|error| RunFolderError::Torn {
            path,
            reason: format!("not a file that a run writes ({error})"),
        })
    }

    /// The trained network, in inference mode.
    ///
    /// # Errors
    ///
    /// If the data have another number of classes, or the weights do not fit the network.
    pub fn network(&self, data: &dyn Samples, device: &Device) -> Result<Network, TrainError> {
        self.network_of(WEIGHTS, data, device)
    }

    /// The network with the weights of a file of the run. See [`network`](Self::network).
    pub(super) fn network_of(
        &self,
        file: &str,
        data: &dyn Samples,
        device: &Device,
    ) -> Result<Network, TrainError> {
        let settings = self.settings();
        let classes = settings.classes;
        if data.num_classes() != classes {
            return Err(TrainError::Data(DataError::Classes {
                folder: self.folder.clone(),
                expected: classes,
                found: data.num_classes(),
            }));
        }
        let config = settings.network(data.shape(), classes);
        let network = initialized(settings.model.init(&config, device)?);
        let weights = StateDict::open(self.folder.join(file)).same_classes();
        let loaded = network.load_state_dict(&weights);
        let (network, _) = loaded.map_err(TrainError::Trained)?;
        Ok(inference_mode(settings.quantized(network)?.materialize()))
    }
}

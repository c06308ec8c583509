//! Weights in PyTorch's names and layouts.

mod error;
mod file;
mod matching;
mod names;
mod neurons;
mod pickles;
mod stack;
mod values;
mod write;

use std::{
    collections::BTreeSet,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use burn::store::{
    ModuleSnapshot, PyTorchToBurnAdapter, bridge,
    burn_pack::{Error as PackError, Tensor as StoredTensor},
};
use burn::tensor::DType;
use serde::{Deserialize, Serialize};
use strum::{Display, EnumString, VariantNames};

use crate::Classifier;
pub use error::{Mismatch, StateDictError};
use file::File;
use matching::{Fit, Matching};
use names::Parameter;
pub use stack::Stack;
pub(crate) use write::to_safetensors;

/// Weights from PyTorch in a file, to load into a [`Classifier`].
///
/// The file is one of `torch.save`, in any format since PyTorch 0.1, or of safetensors; its content tells which. Weights in
/// f16, bf16 and f64 are converted to the model's type.
///
/// The names of the tensors may have a common prefix (`module.`, `_orig_mod.`, `model.`), and the state dict may be part of a
/// checkpoint (`state_dict`, `model`, `ema`, ...). If other names differ, layers are found by their tensors' shapes and by their
/// order, as long as there is only one way to do so.
///
/// If the file has another number of classes than the model, the model's last layer keeps its weights, unless
/// [`same_classes`](Self::same_classes) is set. Any other difference is an error unless [allowed](Self::allow).
///
/// Constants of spiking neurons that snnTorch and SpikingJelly save are compared with those of the model.
///
/// # Example
///
/// ```no_run
/// use burn::tensor::Device;
/// use lfp_models::{Difference, ResNetConfig, StateDict};
///
/// let model = ResNetConfig::resnet18().with_num_classes(200).init(&Device::default());
/// let (model, applied) = StateDict::open("resnet18-f37072fd.pth").apply_to(model)?;
/// assert!(applied.last_layer_kept, "ImageNet has 1,000 classes");
///
/// // A checkpoint with a head of two layers, which the model does not have.
/// let file = StateDict::open("checkpoint.pth.tar").allow([Difference::Head]);
/// let (model, _) = file.apply_to(model)?;
/// # let _ = model;
/// # Ok::<(), lfp_models::StateDictError>(())
/// ```
#[derive(Clone, Debug)]
pub struct StateDict {
    path: PathBuf,
    /// With the dot after it; empty for the tensors outside all parts.
    part: Option<String>,
    allowed: BTreeSet<Difference>,
    same_classes: bool,
}

/// A difference between a file and a model that can be [allowed](StateDict::allow).
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    Display,
    EnumString,
    VariantNames,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum Difference {
    /// The last layer has other shapes or parts; the model's keeps its weights.
    Head,
    /// Tensors of the model that the file does not have; they keep their weights.
    Missing,
    /// Tensors of the file that the model does not have; they are ignored.
    Unused,
    /// Tensors of different shapes; the model's keep their weights.
    Shapes,
}

/// Result of loading a [`StateDict`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applied {
    /// Whether the last layer kept its weights because the file has another number of classes, or another last layer.
    pub last_layer_kept: bool,
    /// Differences that were allowed.
    pub mismatch: Mismatch,
    /// The part of the file that was loaded, such as `state_dict.module`; empty for the whole file.
    pub part: String,
}

impl StateDict {
    /// Refers to the file at `path`. It is read by [`apply_to`](Self::apply_to).
    pub fn open(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            part: None,
            allowed: BTreeSet::new(),
            same_classes: false,
        }
    }

    /// Chooses a part of a file that holds several sets of weights: what lies below a name, such as `ema` or
    /// `state_dict.encoder`. An empty name or `.` chooses the tensors outside all parts. What the file has beside the chosen
    /// part is no difference.
    #[must_use]
    pub fn part(mut self, part: impl Into<String>) -> Self {
        let part = part.into();
        self.part = Some(match part.trim_end_matches('.') {
            "" => String::new(),
            part => format!("{part}."),
        });
        self
    }

    /// Allows differences between file and model.
    #[must_use]
    pub fn allow(mut self, differences: impl IntoIterator<Item = Difference>) -> Self {
        self.allowed.extend(differences);
        self
    }

    /// Refuses a file with another number of classes, for a trained model that is used as it is.
    #[must_use]
    pub fn same_classes(mut self) -> Self {
        self.same_classes = true;
        self
    }

    /// Loads the weights into `model`.
    ///
    /// # Errors
    ///
    /// If the file cannot be read or does not fit the model, or holds numbers that no weight can have, such as NaN.
    pub fn apply_to<M: Classifier>(&self, mut model: M) -> Result<(M, Applied), StateDictError> {
        let file = File::open(&self.path).map_err(|reason| self.unreadable(reason))?;
        let file = file.in_pytorchs_names(&model.other_names(), &model.pytorch_stacks());
        let ours = names::parameters(&model);
        let last = names::last_layer(&model);
        let neurons = model.neurons();
        let matching = Matching {
            ours: &ours,
            last: &last,
            file: &file,
            part: self.part.as_deref(),
            same_classes: self.same_classes,
            any_head: self.allowed.contains(&Difference::Head),
            spikes: !neurons.is_empty(),
        };
        let fit = self.fit(&matching)?;
        let difference = neurons::first_difference(&file, &fit.constants, &neurons);
        let difference = difference.map_err(|(tensor, reason)| self.value(tensor, reason))?;
        if let Some((tensor, constant, theirs, ours)) = difference {
            return Err(StateDictError::Neurons {
                path: self.path.clone(),
                tensor: error::one_line(&tensor),
                constant,
                theirs,
                ours,
            });
        }
        self.load(&mut model, &file, &ours, &fit)?;
        let applied = Applied {
            last_layer_kept: fit.last_layer_kept,
            mismatch: fit.mismatch,
            part: fit.root.trim_end_matches('.').to_owned(),
        };
        Ok((model, applied))
    }

    fn fit(&self, matching: &Matching) -> Result<Fit, StateDictError> {
        self.check_part(matching)?;
        let fit = matching.best();
        let fit = fit.map_err(|parts| StateDictError::Ambiguous {
            path: self.path.clone(),
            parts: parts.iter().map(|part| part_name(part)).collect(),
        })?;
        let loaded = fit.pairs.iter().map(|(_, name)| name).chain(&fit.constants);
        if let Some(reason) = loaded
            .filter_map(|name| matching.file.collision(name))
            .next()
        {
            return Err(self.unreadable(reason.to_owned()));
        }
        let allowed = fit
            .mismatch
            .kinds()
            .all(|kind| self.allowed.contains(&kind));
        // A file of which nothing fits holds no weights of the model, whatever is allowed.
        match allowed && !fit.pairs.is_empty() {
            true => Ok(fit),
            false => Err(StateDictError::Mismatch {
                path: self.path.clone(),
                allow: self.would_load(matching, &fit),
                mismatch: Box::new(fit.mismatch),
            }),
        }
    }

    /// Refuses a chosen part that the file does not have.
    fn check_part(&self, matching: &Matching) -> Result<(), StateDictError> {
        let part = matching.part.unwrap_or_default();
        let mut names = matching.file.tensors.keys();
        if names.any(|name| name.starts_with(part)) {
            return Ok(());
        }
        let names = matching.file.tensors.keys();
        let parts = names.filter_map(|name| Some(name.split_once('.')?.0.to_owned()));
        Err(StateDictError::NoPart {
            path: self.path.clone(),
            part: part_name(part),
            parts: BTreeSet::from_iter(parts).into_iter().collect(),
        })
    }

    /// What to allow so that the file loads, given the best fit without it; nothing if less than half of the model would come
    /// from the file.
    fn would_load(&self, matching: &Matching, fit: &Fit) -> Vec<Difference> {
        let lenient = Matching {
            any_head: true,
            ..*matching
        };
        let lenient = lenient.best().ok();
        // Another head needs permission only if the model's last layer would not be kept anyway.
        let with_head = lenient.filter(|lenient| lenient.last_layer_kept && !fit.last_layer_kept);
        let head = with_head.as_ref().map(|_| Difference::Head);
        let fit = with_head.as_ref().unwrap_or(fit);
        if 2 * fit.pairs.len() < matching.ours.len() {
            return Vec::new();
        }
        let kinds = head.into_iter().chain(fit.mismatch.kinds());
        let kinds: BTreeSet<Difference> = kinds.chain(self.allowed.iter().copied()).collect();
        kinds.into_iter().collect()
    }

    /// Loads the tensors that fit. Each is read, converted and checked on its way into the model, so that never more than one
    /// of them is held beside it.
    fn load<M: Classifier>(
        &self,
        model: &mut M,
        file: &File,
        ours: &[Parameter],
        fit: &Fit,
    ) -> Result<(), StateDictError> {
        let fault = Arc::new(Mutex::new(None));
        let found = fit
            .pairs
            .iter()
            .filter_map(|(index, name)| Some((ours.get(*index)?, name, file.tensors.get(name)?)));
        let tensors = found.flat_map(|(own, name, tensor)| {
            let parts = stack::split(tensor, own.paths.len());
            let parts = own.paths.iter().zip(parts);
            parts.map(|(path, part)| checked(path, own.dtype, name.clone(), part, &fault))
        });
        let adapter = Box::new(PyTorchToBurnAdapter);
        let result = model.apply(tensors.collect(), None, Some(adapter), true);
        let fault = fault.lock().unwrap_or_else(PoisonError::into_inner).take();
        match (fault, result.errors.first()) {
            (Some((tensor, reason)), _) => Err(self.value(tensor, reason)),
            (None, Some(error)) => Err(self.unreadable(error::one_line(&error.to_string()))),
            (None, None) => Ok(()),
        }
    }

    fn value(&self, tensor: String, reason: String) -> StateDictError {
        StateDictError::Value {
            path: self.path.clone(),
            tensor: error::one_line(&tensor),
            reason,
        }
    }

    fn unreadable(&self, reason: String) -> StateDictError {
        StateDictError::Unreadable {
            path: self.path.clone(),
            reason,
        }
    }
}

/// The part of a file below a prefix, in the way in which [`StateDict::part`] takes it.
fn part_name(prefix: &str) -> String {
    match prefix.trim_end_matches('.') {
        "" => ".".to_owned(),
        part => part.to_owned(),
    }
}

/// A tensor of a file that could not be used: its name, and why.
type Fault = Arc<Mutex<Option<(String, String)>>>;

/// The tensor `name` of the file, or a part of it, in the type of the model's tensor at `path`. What is wrong with its numbers
/// goes to `fault`.
fn checked(
    path: &str,
    dtype: DType,
    name: String,
    tensor: StoredTensor,
    fault: &Fault,
) -> StoredTensor {
    let fault = fault.clone();
    let shape = tensor.shape.clone();
    bridge::deferred(path.to_owned(), dtype, shape, None, move || {
        values::converted(&name, &tensor, dtype).map_err(|reason| {
            let mut fault = fault.lock().unwrap_or_else(PoisonError::into_inner);
            fault.get_or_insert((name.clone(), reason.clone()));
            PackError::ValidationError(reason)
        })
    })
}

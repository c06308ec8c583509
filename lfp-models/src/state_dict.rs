//! Weights from PyTorch, and back.

use std::{collections::BTreeMap, fmt, path::PathBuf};

use burn::store::{
    BurnToPyTorchAdapter, ModuleSnapshot, ModuleStore, PyTorchToBurnAdapter, PytorchStore,
    SafetensorsStore, SafetensorsStoreError, burn_pack::Tensor as StoredTensor,
};

use crate::Classifier;

/// A file of weights as PyTorch saves them: `.pth` or `.pt` of a `state_dict()`, or `.safetensors`.
///
/// Names and layouts are PyTorch's. If the file is for another number of classes than the model, the
/// last layer stays as it was drawn. Any other difference is an error, unless allowed.
///
/// # Example
///
/// ```no_run
/// use burn::tensor::Device;
/// use lfp_models::{ResNetConfig, StateDict};
///
/// let model = ResNetConfig::resnet18().with_num_classes(200).init(&Device::default());
/// let (model, applied) = StateDict::open("resnet18-f37072fd.pth").apply_to(model)?;
/// assert!(applied.last_layer_kept, "ImageNet has 1,000 classes");
/// # let _ = model;
/// # Ok::<(), lfp_models::StateDictError>(())
/// ```
#[derive(Clone, Debug)]
pub struct StateDict {
    path: PathBuf,
    allow_missing: bool,
    allow_unused: bool,
    allow_shapes: bool,
    same_classes: bool,
}

/// What was taken over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applied {
    /// Whether the last layer was left as it was, because the file has another number of classes.
    pub last_layer_kept: bool,
    /// What did not fit, and was allowed not to.
    pub mismatch: Mismatch,
}

/// How a file differs from a model, in PyTorch's names and layouts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mismatch {
    /// Tensors that the model has and the file has not.
    pub missing: Vec<String>,
    /// Tensors that the file has and the model has not.
    pub unused: Vec<String>,
    /// Tensors of another shape: name, the model's, the file's.
    pub shapes: Vec<(String, Vec<usize>, Vec<usize>)>,
}

/// Why weights were not taken over.
#[derive(Debug, thiserror::Error)]
pub enum StateDictError {
    /// Neither of the formats.
    #[error("{}: expected a file that ends in .pth, .pt or .safetensors", .0.display())]
    Format(PathBuf),
    /// The file cannot be read.
    #[error("{path}: {reason}", path = path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The file is of another model.
    #[error("{path}: the weights do not fit the model: {mismatch}", path = path.display())]
    Mismatch {
        /// Which.
        path: PathBuf,
        /// How it differs.
        mismatch: Box<Mismatch>,
    },
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            missing,
            unused,
            shapes,
        } = self;
        let shape = |(name, ours, theirs): &(String, Vec<usize>, Vec<usize>)| {
            format!("{name} (expected {ours:?}, found {theirs:?})")
        };
        let shapes: Vec<String> = shapes.iter().map(shape).collect();
        let parts = [
            ("missing", missing),
            ("unused", unused),
            ("wrong shape", &shapes),
        ];
        let parts = parts.iter().filter(|(_, names)| !names.is_empty());
        let parts: Vec<String> = parts
            .map(|(what, names)| format!("{what}: {}", names.join(", ")))
            .collect();
        f.write_str(&parts.join("; "))
    }
}

impl StateDict {
    /// The file at `path`, which is read when it is applied.
    pub fn open(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            allow_missing: false,
            allow_unused: false,
            allow_shapes: false,
            same_classes: false,
        }
    }

    /// Leaves tensors that the file has not as they are.
    #[must_use]
    pub fn allow_missing(mut self) -> Self {
        self.allow_missing = true;
        self
    }

    /// Leaves aside tensors that the model has not.
    #[must_use]
    pub fn allow_unused(mut self) -> Self {
        self.allow_unused = true;
        self
    }

    /// Leaves tensors as they are for which the file has another shape.
    #[must_use]
    pub fn allow_shapes(mut self) -> Self {
        self.allow_shapes = true;
        self
    }

    /// Takes another number of classes for an error, too: the file is of a model that is to be used as it is.
    #[must_use]
    pub fn same_classes(mut self) -> Self {
        self.same_classes = true;
        self
    }

    /// Takes the weights over into `model`.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, or does not fit the model; the error lists every difference.
    pub fn apply_to<M: Classifier>(&self, mut model: M) -> Result<(M, Applied), StateDictError> {
        let mut found = self.read()?;
        // A counter of PyTorch's that nothing here needs.
        found.retain(|name, _| !name.ends_with(".num_batches_tracked"));
        let ours = names(&model);
        let last = to_pytorch(&model.pytorch_names(), &format!("{}.", model.last_layer()));
        let kept = !self.same_classes && drop_last_layer(&last, &ours, &mut found);
        let mismatch = Mismatch::between(&ours, &found, |name| kept && name.starts_with(&last));
        if !self.allows(&mismatch) {
            return Err(StateDictError::Mismatch {
                path: self.path.clone(),
                mismatch: Box::new(mismatch),
            });
        }
        let fitting = found.into_iter().filter_map(|(name, mut tensor)| {
            let (path, shape) = ours.get(&name)?;
            tensor.name.clone_from(path);
            (*shape == tensor.shape.to_vec()).then_some(tensor)
        });
        let result = model.apply(
            fitting.collect(),
            None,
            Some(Box::new(PyTorchToBurnAdapter)),
            true,
        );
        if let Some(error) = result.errors.first() {
            return Err(self.unreadable(error));
        }
        let applied = Applied {
            last_layer_kept: kept,
            mismatch,
        };
        Ok((model, applied))
    }

    fn allows(&self, mismatch: &Mismatch) -> bool {
        (self.allow_missing || mismatch.missing.is_empty())
            && (self.allow_unused || mismatch.unused.is_empty())
            && (self.allow_shapes || mismatch.shapes.is_empty())
    }

    /// The tensors by PyTorch's names.
    fn read(&self) -> Result<BTreeMap<String, StoredTensor>, StateDictError> {
        let extension = self.path.extension().and_then(|ending| ending.to_str());
        match extension {
            Some("pth" | "pt") => {
                let store = PytorchStore::from_file(&self.path).map_indices_contiguous(false);
                self.tensors(store)
            }
            Some("safetensors") => {
                let store = SafetensorsStore::from_file(&self.path).map_indices_contiguous(false);
                self.tensors(store)
            }
            _ => Err(StateDictError::Format(self.path.clone())),
        }
    }

    fn tensors<S: ModuleStore>(
        &self,
        mut store: S,
    ) -> Result<BTreeMap<String, StoredTensor>, StateDictError> {
        let tensors = store.get_all_tensors();
        tensors.cloned().map_err(|error| self.unreadable(&error))
    }

    fn unreadable(&self, reason: &dyn fmt::Display) -> StateDictError {
        StateDictError::Unreadable {
            path: self.path.clone(),
            reason: reason.to_string(),
        }
    }
}

/// A model's tensors by PyTorch's names: path in PyTorch's way of naming parameters, and shape in
/// PyTorch's layout.
type Names = BTreeMap<String, (String, Vec<usize>)>;

fn names<M: Classifier>(model: &M) -> Names {
    let layers = model.pytorch_names();
    let tensors = model.collect(None, Some(Box::new(BurnToPyTorchAdapter)), true);
    let tensors = tensors.into_iter().map(|tensor| {
        let shape = tensor.shape.to_vec();
        (to_pytorch(&layers, &tensor.name), (tensor.name, shape))
    });
    tensors.collect()
}

/// The name in PyTorch of the tensor at `path` in the model.
fn to_pytorch(names: &[(String, String)], path: &str) -> String {
    let renamed = names.iter().find_map(|(ours, theirs)| {
        let rest = path.strip_prefix(ours.as_str())?;
        rest.starts_with('.').then(|| format!("{theirs}{rest}"))
    });
    renamed.unwrap_or_else(|| path.to_owned())
}

/// Removes the last layer from what was found if it is for another number of classes, and says so.
fn drop_last_layer(last: &str, ours: &Names, found: &mut BTreeMap<String, StoredTensor>) -> bool {
    let other = |(name, (_, shape)): (&String, &(String, Vec<usize>))| {
        let theirs = found.get(name).map(|tensor| tensor.shape.to_vec());
        let theirs = theirs.filter(|_| name.starts_with(last));
        // Classes are the first axis of weights and biases alike; the others must be the same.
        theirs.is_some_and(|theirs| {
            theirs.first() != shape.first() && theirs.get(1..) == shape.get(1..)
        })
    };
    let drop = ours.iter().any(other);
    if drop {
        found.retain(|name, _| !name.starts_with(last));
    }
    drop
}

impl Mismatch {
    fn between(
        ours: &Names,
        found: &BTreeMap<String, StoredTensor>,
        excused: impl Fn(&str) -> bool,
    ) -> Self {
        let mut mismatch = Self::default();
        for (name, (_, shape)) in ours {
            match found.get(name).map(|tensor| tensor.shape.to_vec()) {
                None if !excused(name) => mismatch.missing.push(name.clone()),
                Some(theirs) if theirs != *shape => {
                    mismatch.shapes.push((name.clone(), shape.clone(), theirs));
                }
                _ => {}
            }
        }
        let unused = found.keys().filter(|name| !ours.contains_key(*name));
        mismatch.unused = unused.cloned().collect();
        mismatch
    }
}

/// A model's weights as a safetensors file in PyTorch's names and layouts, which
/// `load_state_dict(safetensors.torch.load_file(path))` takes.
///
/// # Errors
///
/// If a tensor cannot be read from the device.
pub(crate) fn to_safetensors<M: Classifier>(model: &M) -> Result<Vec<u8>, SafetensorsStoreError> {
    // A single metadata key: several would be written in a different order each time.
    let mut store = SafetensorsStore::from_bytes(None)
        .with_to_adapter(BurnToPyTorchAdapter)
        .skip_enum_variants(true)
        .clear_metadata()
        .metadata("format", "pt");
    for (ours, theirs) in model.pytorch_names() {
        let pattern = format!("^{}\\.", ours.replace('.', "\\."));
        store = store.with_key_remapping(pattern, format!("{theirs}."));
    }
    model.save_into(&mut store)?;
    store.get_bytes()
}

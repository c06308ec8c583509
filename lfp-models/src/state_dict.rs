//! Weights in PyTorch's names and layouts.

use std::{collections::BTreeMap, fmt, path::PathBuf};

use burn::store::{
    BurnToPyTorchAdapter, ModuleSnapshot, ModuleStore, PyTorchToBurnAdapter, PytorchStore,
    SafetensorsStore, SafetensorsStoreError, burn_pack::Tensor as StoredTensor,
};

use crate::Classifier;

/// A `state_dict()` of PyTorch in a file, `.pth`, `.pt` or `.safetensors`, to load into a [`Classifier`].
///
/// If the file has another number of classes than the model, the model's last layer keeps its weights, unless
/// [`same_classes`](Self::same_classes) is set. Any other difference is an error unless allowed.
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

/// Result of loading a [`StateDict`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applied {
    /// Whether the last layer kept its weights because the file has another number of classes.
    pub last_layer_kept: bool,
    /// Differences that were allowed.
    pub mismatch: Mismatch,
}

/// Differences between a file and a model, in PyTorch's names and layouts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mismatch {
    /// Tensors of the model that the file does not have.
    pub missing: Vec<String>,
    /// Tensors of the file that the model does not have.
    pub unused: Vec<String>,
    /// Tensors of different shapes: name, shape in the model, shape in the file.
    pub shapes: Vec<(String, Vec<usize>, Vec<usize>)>,
}

/// Errors of [`StateDict::apply_to`].
#[derive(Debug, thiserror::Error)]
pub enum StateDictError {
    /// The file's extension names no known format.
    #[error("{}: expected a file that ends in .pth, .pt or .safetensors", .0.display())]
    Format(PathBuf),
    /// The file is missing, torn, or not in the format of its extension.
    #[error("{path}: {reason}", path = path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The error of the reader.
        reason: String,
    },
    /// The file belongs to another model.
    #[error("{path}: the weights do not fit the model: {mismatch}", path = path.display())]
    Mismatch {
        /// The file.
        path: PathBuf,
        /// All differences.
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
    /// Refers to the file at `path`. It is read by [`apply_to`](Self::apply_to).
    pub fn open(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            allow_missing: false,
            allow_unused: false,
            allow_shapes: false,
            same_classes: false,
        }
    }

    /// Allows tensors of the model that the file does not have; they keep their weights.
    #[must_use]
    pub fn allow_missing(mut self) -> Self {
        self.allow_missing = true;
        self
    }

    /// Allows tensors of the file that the model does not have; they are ignored.
    #[must_use]
    pub fn allow_unused(mut self) -> Self {
        self.allow_unused = true;
        self
    }

    /// Allows tensors of different shapes; the model's keep their weights.
    #[must_use]
    pub fn allow_shapes(mut self) -> Self {
        self.allow_shapes = true;
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
    /// If the file cannot be read or does not fit the model; the error lists every difference.
    pub fn apply_to<M: Classifier>(&self, mut model: M) -> Result<(M, Applied), StateDictError> {
        let mut found = self.read()?;
        // PyTorch's batch normalisation counts batches; Burn's does not.
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

    /// The file's tensors by PyTorch's names.
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

/// The tensors of a model by PyTorch's name: path in the model, and shape in PyTorch's layout.
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

/// Removes the last layer from `found` if it has another number of classes. Returns whether it did.
fn drop_last_layer(last: &str, ours: &Names, found: &mut BTreeMap<String, StoredTensor>) -> bool {
    let other = |(name, (_, shape)): (&String, &(String, Vec<usize>))| {
        let theirs = found.get(name).map(|tensor| tensor.shape.to_vec());
        let theirs = theirs.filter(|_| name.starts_with(last));
        // Classes are the first axis of weight and bias in PyTorch's layout. If another axis differs, the file
        // belongs to another model.
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

/// See [`Classifier::to_safetensors`].
pub(crate) fn to_safetensors<M: Classifier>(model: &M) -> Result<Vec<u8>, SafetensorsStoreError> {
    // A single metadata key: several would be written in a different order each time.
    let mut store = SafetensorsStore::from_bytes(None)
        .with_to_adapter(BurnToPyTorchAdapter)
        .skip_enum_variants(true)
        .clear_metadata()
        .metadata("format", "pt");
    // The store applies all patterns in turn. The mark keeps a later one from renaming a tensor again.
    for (ours, theirs) in model.pytorch_names() {
        let pattern = format!("^{}\\.", ours.replace('.', "\\."));
        store = store.with_key_remapping(pattern, format!("@{theirs}."));
    }
    store = store.with_key_remapping("^@", "");
    model.save_into(&mut store)?;
    store.get_bytes()
}

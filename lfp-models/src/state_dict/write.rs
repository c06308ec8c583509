//! Weights in a file of PyTorch's names and layouts.

use burn::store::{BurnToPyTorchAdapter, ModuleSnapshot, SafetensorsStore, SafetensorsStoreError};

use super::stack::join_file;
use crate::Classifier;

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
        let pattern = format!("^{}(\\.|$)", ours.replace('.', "\\."));
        store = store.with_key_remapping(pattern, format!("@{theirs}$1"));
    }
    store = store.with_key_remapping("^@", "");
    model.save_into(&mut store)?;
    join_file(&model.pytorch_stacks(), store.get_bytes()?)
}

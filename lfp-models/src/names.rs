//! The names of parameters elsewhere.

/// What the layers of a model are called in the PyTorch package of the paper's authors, so that
/// weights can be exchanged with it.
///
/// # Example
///
/// ```
/// use burn::tensor::Device;
/// use lfp_models::{LeNetConfig, PyTorchNames};
///
/// let model = LeNetConfig::new().init(&Device::default());
/// assert!(model.pytorch_names().contains(&("conv2".into(), "features.3".into())));
/// ```
pub trait PyTorchNames {
    /// Pairs of a layer's path in this crate and in PyTorch.
    fn pytorch_names(&self) -> Vec<(String, String)>;
}

/// Owned pairs from literals.
pub(crate) fn pairs<const N: usize>(names: [(&str, &str); N]) -> Vec<(String, String)> {
    names
        .map(|(ours, theirs)| (ours.to_owned(), theirs.to_owned()))
        .into()
}

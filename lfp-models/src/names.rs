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
    /// Pairs of a layer's path in this crate and in PyTorch; a layer without a pair has the same in both.
    fn pytorch_names(&self) -> Vec<(String, String)>;

    /// The path in this crate of the layer whose outputs are the classes.
    fn last_layer(&self) -> String;
}

/// The name in PyTorch of a tensor that is `path` in this crate.
pub(crate) fn to_pytorch(names: &[(String, String)], path: &str) -> String {
    let renamed = names.iter().find_map(|(ours, theirs)| {
        let rest = path.strip_prefix(ours.as_str())?;
        rest.starts_with('.').then(|| format!("{theirs}{rest}"))
    });
    renamed.unwrap_or_else(|| path.to_owned())
}

/// Owned pairs from literals.
pub(crate) fn pairs<const N: usize>(names: [(&str, &str); N]) -> Vec<(String, String)> {
    names
        .map(|(ours, theirs)| (ours.to_owned(), theirs.to_owned()))
        .into()
}

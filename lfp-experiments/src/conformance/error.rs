//! Errors of reading and running a case.

use std::path::PathBuf;

use lfp_burn::{ConfigError, LifError, PropagationError, nn::InputError};
use safetensors::Dtype;

use super::comparison::MAX_TOLERANCE;
use crate::{files::FileError, output::OutputError};

/// A case that cannot be read or run.
#[derive(Debug, thiserror::Error)]
pub enum CaseError {
    /// The file or folder cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// Standard output.
    #[error(transparent)]
    Output(#[from] OutputError),
    /// The folder holds no case.
    #[error("{}: no .safetensors file in this folder", .0.display())]
    NoCases(PathBuf),
    /// The file is not a valid case.
    #[error("{path}: {reason}", path = path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// The first problem found in it.
        reason: Malformed,
    },
}

/// A problem in the content of a case.
#[derive(Debug, thiserror::Error)]
pub enum Malformed {
    /// Not a safetensors file.
    #[error("not a safetensors file ({0})")]
    Container(safetensors::SafeTensorError),
    /// A metadata key is missing.
    #[error("the metadata has no \"{0}\"")]
    NoMetadata(&'static str),
    /// A metadata value is invalid.
    #[error("metadata \"{key}\": expected {expected}, found {found:?}")]
    Metadata {
        /// The key.
        key: &'static str,
        /// The values that are valid.
        expected: &'static str,
        /// The value in the file.
        found: String,
    },
    /// The tolerance is too large for the comparison to mean anything, or not a tolerance at all.
    #[error(
        "metadata \"tolerance\": expected a number from 0 to the bound of {MAX_TOLERANCE:e}, found {0:e}"
    )]
    Tolerance(f64),
    /// The list of layers is invalid.
    #[error("metadata \"layers\" is not a list of layers in JSON: {0}")]
    Layers(serde_json::Error),
    /// A tensor is missing.
    #[error("tensor {0:?} is missing")]
    NoTensor(String),
    /// A reference feedback belongs to no parameter, so nothing would be compared with it.
    #[error("tensor {0:?} belongs to no parameter of the network")]
    UnusedFeedback(String),
    /// A tensor has the wrong element type.
    #[error("tensor {name:?}: expected elements of type {expected}, found {found:?}")]
    Dtype {
        /// The tensor.
        name: String,
        /// The expected type.
        expected: &'static str,
        /// The type in the file.
        found: Dtype,
    },
    /// A tensor has the wrong shape.
    #[error("tensor {name:?}: expected shape {expected}, found {found:?}")]
    Shape {
        /// The tensor.
        name: String,
        /// The expected shape.
        expected: String,
        /// The shape in the file.
        found: Vec<usize>,
    },
    /// A layer is invalid at its position.
    #[error("layer {}: {reason}", .layer.escape_debug())]
    Layer {
        /// The layer's name or kind.
        layer: String,
        /// The problem.
        reason: String,
    },
    /// A label is out of range.
    #[error("tensor \"labels\": expected classes from 0 to {last}, found {found}", last = classes - 1)]
    Label {
        /// The number of classes.
        classes: usize,
        /// The label in the file.
        found: i64,
    },
    /// The stabiliser is out of range.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A parameter of the spiking neurons is out of range.
    #[error(transparent)]
    Lif(#[from] LifError),
    /// The input does not fit a layer, such as a token id outside the vocabulary.
    #[error(transparent)]
    Input(#[from] InputError),
    /// The propagation cannot start.
    #[error(transparent)]
    Propagation(#[from] PropagationError),
}

impl Malformed {
    pub(super) fn shape(name: &str, expected: impl Into<String>, found: &[usize]) -> Self {
        Self::Shape {
            name: name.to_owned(),
            expected: expected.into(),
            found: found.to_vec(),
        }
    }

    pub(super) fn layer(layer: &str, reason: impl Into<String>) -> Self {
        Self::Layer {
            layer: layer.to_owned(),
            reason: reason.into(),
        }
    }
}

//! Errors of training runs.

use lfp_burn::{FreezeError, optim::ClipError};
use lfp_models::{Difference, NetworkError, StateDictError};

use super::{
    CheckpointError, Divergence, NothingToLearn, PretrainedError, RunFolderError, ScheduleError,
    SharingError,
};
use crate::{data::DataError, files::FileError, output::OutputError};

/// Errors of a training run.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// Weights cannot be quantised to that number of bits.
    #[error(transparent)]
    Bits(#[from] lfp_burn::quantize::BitsError),
    /// The run folder.
    #[error(transparent)]
    Folder(#[from] RunFolderError),
    /// A checkpoint.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// A file.
    #[error(transparent)]
    File(#[from] FileError),
    /// The schedule.
    #[error(transparent)]
    Schedule(#[from] ScheduleError),
    /// Clipping.
    #[error(transparent)]
    Clip(#[from] ClipError),
    /// The network.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// The data.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The devices that share the batches.
    #[error(transparent)]
    Sharing(#[from] SharingError),
    /// The frozen parts.
    #[error(transparent)]
    Freeze(#[from] FreezeError),
    /// The pretrained weights.
    #[error("{}{}", .0, what_to_allow(.0))]
    Pretrained(StateDictError),
    /// The weights of a finished run.
    #[error(transparent)]
    Trained(StateDictError),
    /// The file of the pretrained weights.
    #[error(transparent)]
    PretrainedFile(#[from] PretrainedError),
    /// Outputs or weights became non-finite.
    #[error("epoch {epoch}: {source}")]
    Diverged {
        /// Epoch, counted from 1.
        epoch: usize,
        /// What is non-finite.
        source: Divergence,
    },
    /// Standard output.
    #[error(transparent)]
    Output(#[from] OutputError),
    /// A run that cannot learn anything.
    #[error(transparent)]
    NothingToLearn(#[from] NothingToLearn),
    /// The weights cannot be written.
    #[error("cannot write the weights: {0}")]
    Weights(#[from] burn::store::SafetensorsStoreError),
}

/// The options that make a file of weights load, to complete the error that it does not.
fn what_to_allow(error: &StateDictError) -> String {
    match error {
        StateDictError::Mismatch { allow, .. } if !allow.is_empty() => {
            let allow: Vec<String> = allow.iter().map(Difference::to_string).collect();
            format!(" (--pretrained-allow {} loads the rest)", allow.join(","))
        }
        StateDictError::Ambiguous { .. } => " (--pretrained-part PART)".to_owned(),
        _ => String::new(),
    }
}

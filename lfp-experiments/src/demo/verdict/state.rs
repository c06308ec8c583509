//! The file of a round: a checksum in the first line, then JSON. It is written as a whole or not at all.

use std::path::{Path, PathBuf};

use anyhow::Result;
use base64::{Engine, prelude::BASE64_STANDARD};
use burn::tensor::Bytes;
use serde::{Deserialize, Serialize};

use super::{Answer, CLASSES, ROUND};
use crate::files::{self, FileError};

/// A round that cannot be taken up again.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// The file cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// The content differs from what was written.
    #[error("{path}: torn or changed ({reason}); move it away to begin a new round", path = path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// It was begun otherwise.
    #[error("{path}: a round with {was}, now {now}; name another folder by --out", path = path.display())]
    Other {
        /// The file.
        path: PathBuf,
        /// What the round was begun with.
        was: String,
        /// What it was to go on with.
        now: String,
    },
}

/// What must stay the same in a round.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Settings {
    pub(super) error_rate: Option<f64>,
    pub(super) data: String,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct State {
    pub(super) settings: Settings,
    pub(super) answers: Vec<Answer>,
    pub(super) learned: usize,
    pub(super) accuracies: Vec<f64>,
}

impl State {
    /// Whether its verdicts are on the first images of `order`, and the network has learned from no others.
    fn is_of(&self, order: &[usize]) -> bool {
        let mut pairs = self.answers.iter().zip(order);
        self.answers.len() <= order.len()
            && pairs.all(|(answer, &image)| answer.image == image && answer.guess < CLASSES)
            && self.learned <= self.answers.len() / ROUND
    }
}

/// Content of the file after the checksum.
#[derive(Serialize, Deserialize)]
struct Content {
    #[serde(flatten)]
    state: State,
    network: String,
    optimizer: String,
}

impl Settings {
    /// What tells them from `other`, for people.
    fn differing(&self, other: &Self) -> String {
        match (self.error_rate, self.error_rate == other.error_rate) {
            (_, true) => "other data".to_owned(),
            (Some(rate), false) => format!("--oracle --error-rate {rate}"),
            (None, false) => "a person's verdicts".to_owned(),
        }
    }
}

pub(super) fn write(path: &Path, state: &State, records: [Bytes; 2]) -> Result<()> {
    let [network, optimizer] = records.map(|record| BASE64_STANDARD.encode(&record[..]));
    let content = serde_json::json!({
        "settings": state.settings,
        "answers": state.answers,
        "learned": state.learned,
        "accuracies": state.accuracies,
        "network": network,
        "optimizer": optimizer,
    });
    let content = files::to_json(&content);
    let mut file = files::sha256(&content).into_bytes();
    file.push(b'\n');
    file.extend(content);
    Ok(files::write(path, &file)?)
}

/// The state of the round with these settings, which shows images in this `order`, and its records; `None` if there is none.
pub(super) fn read(
    path: &Path,
    settings: &Settings,
    order: &[usize],
) -> Result<Option<(State, [Bytes; 2])>, StateError> {
    if !path.exists() {
        return Ok(None);
    }
    let file = files::read(path)?;
    let damaged = |reason: String| StateError::Damaged {
        path: path.to_owned(),
        reason,
    };
    let end = file.iter().position(|&byte| byte == b'\n');
    let end = end.ok_or_else(|| damaged("it has no checksum".to_owned()))?;
    let (sum, content) = (&file[..end], &file[end + 1..]);
    if files::sha256(content).as_bytes() != sum {
        return Err(damaged("its checksum differs".to_owned()));
    }
    let content = serde_json::from_slice(content).map_err(|error| damaged(error.to_string()))?;
    let Content {
        state,
        network,
        optimizer,
    } = content;
    if state.settings != *settings {
        return Err(StateError::Other {
            path: path.to_owned(),
            was: state.settings.differing(settings),
            now: settings.differing(&state.settings),
        });
    }
    if !state.is_of(order) {
        return Err(damaged("its verdicts are on other images".to_owned()));
    }
    let record = |text: String| {
        let bytes = BASE64_STANDARD.decode(text);
        let bytes = bytes.map(Bytes::from_bytes_vec);
        bytes.map_err(|error| damaged(error.to_string()))
    };
    let records = [record(network)?, record(optimizer)?];
    Ok(Some((state, records)))
}

//! The file of a round: a checksum in the first line, then JSON. It is written as a whole or not at all.

use std::{
    fs::File,
    path::{Path, PathBuf},
};

use anyhow::Result;
use base64::{Engine, prelude::BASE64_STANDARD};
use burn::tensor::Bytes;
use serde::{Deserialize, Serialize};

use super::{Answer, CLASSES, ROUND, Verdict};
use crate::{
    device::DeviceName,
    files::{self, FileError},
    train::Versions,
};

/// Locked by the process that asks; empty, and never replaced.
const LOCK: &str = "rounds.lock";

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
    #[error("{path}: begun with {difference}; name another folder by --out", path = path.display())]
    Other {
        /// The file.
        path: PathBuf,
        /// What the round was begun with, and is to go on with.
        difference: String,
    },
    /// Another process asks.
    #[error("{}: another process goes on with the round in this folder", .0.display())]
    Locked(PathBuf),
}

/// What must stay the same in a round.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Settings {
    pub(super) error_rate: Option<f64>,
    /// Tells the images for training and for testing from others.
    pub(super) data: String,
    /// Other devices round differently.
    pub(super) device: DeviceName,
    pub(super) versions: Versions,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct State {
    pub(super) settings: Settings,
    pub(super) answers: Vec<Answer>,
    pub(super) learned: usize,
    pub(super) accuracies: Vec<f64>,
}

/// Verdicts among answers; what was skipped is none.
pub(super) fn judged(answers: &[Answer]) -> usize {
    let answers = answers.iter();
    answers
        .filter(|answer| answer.verdict != Verdict::Skip)
        .count()
}

/// Answers up to the one with which there are so many verdicts.
pub(super) fn answers_with(answers: &[Answer], verdicts: usize) -> usize {
    let judged = answers.iter().enumerate();
    let mut judged = judged.filter(|(_, answer)| answer.verdict != Verdict::Skip);
    match verdicts {
        0 => 0,
        _ => judged
            .nth(verdicts - 1)
            .map_or(answers.len(), |(index, _)| index + 1),
    }
}

impl State {
    /// Whether its verdicts are on the first images of `order`, and the network has learned from no others.
    fn is_of(&self, order: &[usize]) -> bool {
        let mut pairs = self.answers.iter().zip(order);
        self.answers.len() <= order.len()
            && pairs.all(|(answer, &image)| answer.image == image && answer.guess < CLASSES)
            && self.learned <= judged(&self.answers) / ROUND
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
    /// The first in which these of a round differ from what it is to go on with.
    fn difference(&self, now: &Self) -> Option<String> {
        let judge = |error_rate: Option<f64>| match error_rate {
            Some(rate) => format!("--oracle --error-rate {rate}"),
            None => "a person's verdicts".to_owned(),
        };
        let differ = |was: String, now: String| (was != now).then(|| format!("{was}, now {now}"));
        let device = |settings: &Self| format!("--device {}", settings.device);
        let other_images = || {
            let images = "other images of MNIST";
            (self.data != now.data).then(|| images.to_owned())
        };
        differ(judge(self.error_rate), judge(now.error_rate))
            .or_else(|| differ(device(self), device(now)))
            .or_else(other_images)
            .or_else(|| self.versions.difference(&now.versions))
    }
}

/// Keeps other processes from the rounds in `folder` until it is dropped.
pub(super) fn lock(folder: &Path) -> Result<File, StateError> {
    let lock = files::lock(&folder.join(LOCK))?;
    lock.ok_or_else(|| StateError::Locked(folder.to_owned()))
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
    if let Some(difference) = state.settings.difference(settings) {
        return Err(StateError::Other {
            path: path.to_owned(),
            difference,
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

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> Settings {
        Settings {
            error_rate: Some(0.1),
            data: "12ab".to_owned(),
            device: "flex".parse().unwrap(),
            versions: Versions::default(),
        }
    }

    #[test]
    fn what_a_round_was_begun_with_is_named_if_it_differs() {
        let begun = settings();
        assert_eq!(begun.difference(&settings()), None);
        let differs = |change: fn(&mut Settings)| {
            let mut now = settings();
            change(&mut now);
            begun.difference(&now).unwrap()
        };
        assert_eq!(
            differs(|now| now.error_rate = None),
            "--oracle --error-rate 0.1, now a person's verdicts"
        );
        assert_eq!(
            differs(|now| now.device = "cuda:1".parse().unwrap()),
            "--device flex, now --device cuda:1"
        );
        assert_eq!(
            differs(|now| now.data = "34cd".to_owned()),
            "other images of MNIST"
        );
        let version = differs(|now| now.versions.lfp = "9.9".to_owned());
        assert!(version.contains("now version 9.9"), "{version}");
    }

    #[test]
    fn skipped_images_are_no_verdicts() {
        let answers = [
            Verdict::Up,
            Verdict::Skip,
            Verdict::Down,
            Verdict::Skip,
            Verdict::Up,
        ];
        let answers = answers.map(|verdict| Answer {
            image: 0,
            guess: 0,
            verdict,
        });
        assert_eq!(judged(&answers), 3);
        let with = [0, 1, 2, 3].map(|verdicts| answers_with(&answers, verdicts));
        assert_eq!(with, [0, 1, 3, 5]);
    }
}

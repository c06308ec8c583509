//! What a run records: its metrics and its result.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Accuracy, Settings};
use crate::files;

/// The metrics of an epoch.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Epoch {
    /// Learning rate of the last step.
    pub lr: f64,
    /// Training accuracy, from the outputs before each update; in `[0, 1]`.
    pub train_accuracy: f64,
    /// Test accuracy after the epoch.
    pub test: Accuracy,
    /// Training time in seconds.
    pub seconds: f64,
    /// Whether it changed no parameter.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub unchanged: bool,
}

/// Result of a finished run, as in `result.json`. Accuracies lie in `[0, 1]`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Outcome {
    /// Settings of the run.
    pub settings: Settings,
    /// Test accuracy after each epoch.
    pub test_accuracy: Vec<f64>,
    /// Top-5 test accuracy after each epoch.
    pub test_top5: Vec<f64>,
    /// Class-balanced test accuracy after each epoch.
    pub test_class_mean: Vec<f64>,
    /// First epoch with the highest test accuracy, counted from 1.
    pub best_epoch: usize,
    /// Training accuracy during each epoch.
    pub train_accuracy: Vec<f64>,
    /// Training time of all epochs in seconds.
    pub seconds: f64,
    /// Firing rate of each spiking layer: the mean of its spikes over neurons and time steps of the first test batch,
    /// after training. Empty for networks without spikes.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    pub firing_rates: BTreeMap<String, f64>,
    /// What the log of the run warned of: signs that it did not train, or less than it seems.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub warnings: Vec<String>,
    /// Versions of the program and of Burn.
    pub versions: Versions,
}

impl Outcome {
    /// Whether another result is that of the same run. Times and versions may differ.
    pub(super) fn is_of_the_same_run(&self, other: &Self) -> bool {
        self.settings.difference(&other.settings).is_none()
            && self.train_accuracy == other.train_accuracy
            && self.test_accuracy == other.test_accuracy
            && self.best_epoch == other.best_epoch
    }
}

/// Versions of the software that computed a result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Versions {
    /// This program.
    pub lfp: String,
    /// Burn.
    pub burn: String,
}

impl Versions {
    /// How `now` differs from these versions; `None` if it does not.
    pub(crate) fn difference(&self, now: &Self) -> Option<String> {
        (self != now).then(|| format!("{self}, now {now}"))
    }
}

impl Default for Versions {
    fn default() -> Self {
        Self {
            lfp: env!("CARGO_PKG_VERSION").to_owned(),
            burn: "0.22.1".to_owned(),
        }
    }
}

impl std::fmt::Display for Versions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "version {} with Burn {}", self.lfp, self.burn)
    }
}

/// The first epoch with the highest test accuracy, counted from 1; 0 before any.
pub(super) fn best_epoch(epochs: &[Epoch]) -> usize {
    let mut best = 0;
    for (index, epoch) in epochs.iter().enumerate() {
        if best == 0 || epoch.test.top1 > epochs[best - 1].test.top1 {
            best = index + 1;
        }
    }
    best
}

/// Content of `metrics.csv`.
pub(super) fn metrics(epochs: &[Epoch]) -> Vec<u8> {
    let header = [
        "epoch",
        "lr",
        "train_accuracy",
        "test_accuracy",
        "test_top5",
        "test_class_mean",
        "seconds",
    ];
    let row = |(number, epoch): (usize, &Epoch)| {
        let Epoch {
            lr,
            train_accuracy,
            test,
            seconds,
            unchanged: _,
        } = epoch;
        let Accuracy {
            top1,
            top5,
            class_mean,
            undecided: _,
        } = test;
        [
            number.to_string(),
            format!("{lr:e}"),
            train_accuracy.to_string(),
            top1.to_string(),
            top5.to_string(),
            class_mean.to_string(),
            format!("{seconds:.3}"),
        ]
    };
    files::to_csv(header, (1..).zip(epochs).map(row))
}

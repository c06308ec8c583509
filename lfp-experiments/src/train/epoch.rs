//! One training epoch.

use std::time::Instant;

use burn::{
    module::{Module, ModuleVisitor, Param},
    optim::GradientsParams,
    tensor::{Int, Tensor},
};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use lfp_burn::reward::RewardError;
use lfp_models::Network;
use serde::{Deserialize, Serialize};

use super::{
    Settings,
    sharing::{Sharing, SharingError, Worked},
};
use crate::{
    data::{Batch, DataError},
    objective::Objective,
};

/// Errors of an epoch.
#[derive(Debug, thiserror::Error)]
pub enum EpochError {
    /// The data.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The devices.
    #[error(transparent)]
    Sharing(#[from] SharingError),
    /// Outputs or weights became non-finite.
    #[error(transparent)]
    Diverged(#[from] Divergence),
}

/// Non-finite outputs or weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Divergence {
    /// The reward of the last batch is non-finite.
    #[error(transparent)]
    Reward(#[from] RewardError),
    /// Weights are non-finite. The outputs do not always show it: spiking neurons with NaN weights emit zeros.
    #[error(
        "{count} weights are infinite or NaN: training has diverged (try a lower learning rate, or clipping)"
    )]
    Weights {
        /// Number of non-finite weights.
        count: usize,
    },
    /// The outputs for all test samples are NaN.
    #[error(
        "all test outputs are NaN: training has diverged (try a lower learning rate, or clipping)"
    )]
    Outputs,
}

/// An epoch that is trained and not yet tested.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainedEpoch {
    /// Learning rate of the last step.
    pub lr: f64,
    /// Training accuracy, from the outputs before each update; in `[0, 1]`.
    pub train_accuracy: f64,
    /// Training time in seconds.
    pub seconds: f64,
    /// Whether it changed no parameter.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub unchanged: bool,
}

/// Training accuracy of each step of an epoch, on the batch and before the update, in the order of the steps.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StepAccuracy {
    /// Number of samples classified correctly.
    right: Vec<usize>,
    /// Number of samples.
    samples: Vec<usize>,
}

impl StepAccuracy {
    /// The share of the samples of all steps; 0 without steps.
    pub fn overall(&self) -> f64 {
        let [right, all]: [usize; 2] = [&self.right, &self.samples].map(|of| of.iter().sum());
        right as f64 / all.max(1) as f64
    }

    /// Number of samples of all steps.
    pub fn samples(&self) -> usize {
        self.samples.iter().sum()
    }

    /// The share of the samples of each step.
    pub fn shares(&self) -> impl Iterator<Item = f64> {
        let steps = self.right.iter().zip(&self.samples);
        steps.map(|(&right, &samples)| right as f64 / samples as f64)
    }
}

/// Trains for an epoch; `update` applies the update of each batch. Returns the network and its training accuracy.
///
/// # Errors
///
/// If a sample cannot be read, the thread of a device cannot be started, or the last outputs or the weights are non-finite. Both are checked once, at the end of
/// the epoch: a check waits for the device.
pub fn train_epoch(
    mut network: Network,
    objective: &Objective,
    sharing: &Sharing,
    batches: impl Iterator<Item = Result<Batch, DataError>>,
    mut update: impl FnMut(Network, GradientsParams) -> Network,
) -> Result<(Network, StepAccuracy), EpochError> {
    let mut right = Count::default();
    let mut last = None;
    for batch in batches {
        let batch = batch?;
        let Worked { updates, scores } = sharing.updates(&network, objective, &batch)?;
        let labels = batch.targets.inner();
        right.add(scores.clone(), labels.clone());
        network = update(network, updates);
        last = Some((scores, labels));
    }
    if let Some((scores, labels)) = last {
        objective.check(scores, labels).map_err(Divergence::from)?;
    }
    check_weights(&network)?;
    Ok((network, right.accuracy()))
}

/// Reads one number back from the device.
fn check_weights(network: &Network) -> Result<(), Divergence> {
    let mut bad = BadWeights(None);
    network.visit(&mut bad);
    match bad.0.map_or(0, |count| count.into_scalar::<i64>()) {
        0 => Ok(()),
        count => Err(Divergence::Weights {
            count: count as usize,
        }),
    }
}

/// Number of non-finite weights, `[1]`.
struct BadWeights(Option<Tensor<1, Int>>);

impl ModuleVisitor for BadWeights {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let bad = param.val().inner().is_finite().bool_not().int().sum();
        self.0 = Some(match self.0.take() {
            Some(sum) => sum + bad,
            None => bad,
        });
    }
}

/// Counts correct samples on the device, so that no step waits for it.
#[derive(Default)]
struct Count {
    /// Number of correct samples of each step, `[1]`.
    right: Vec<Tensor<1, Int>>,
    samples: Vec<usize>,
}

impl Count {
    fn add(&mut self, scores: Tensor<2>, targets: Tensor<1, Int>) {
        self.samples.push(targets.dims()[0]);
        let named = scores.argmax(1).squeeze_dim::<1>(1);
        self.right.push(named.equal(targets).int().sum());
    }

    /// Reads all steps back from the device at once.
    fn accuracy(self) -> StepAccuracy {
        let right = match self.right.is_empty() {
            true => Vec::new(),
            false => {
                let counts = Tensor::cat(self.right, 0).into_data();
                counts.iter::<i64>().map(|count| count as usize).collect()
            }
        };
        StepAccuracy {
            right,
            samples: self.samples,
        }
    }
}

impl Settings {
    /// Seed of an epoch, different for every pair of run seed and epoch.
    pub(super) fn epoch_seed(&self, epoch: usize) -> u64 {
        crate::seed::mix(self.seed, epoch as u64)
    }
}

/// Progress bar with throughput; hidden if standard error is no terminal.
pub(super) struct Progress {
    bar: ProgressBar,
    start: Instant,
}

impl Progress {
    pub(super) fn new(epoch: usize, epochs: usize, samples: usize, bars: &MultiProgress) -> Self {
        let template = "{msg} [{bar:30}] {pos}/{len} samples, {per_sec}, {eta} left";
        let style = ProgressStyle::with_template(template).expect("a valid template");
        let bar = ProgressBar::new(samples as u64)
            .with_style(style.progress_chars("=> "))
            .with_message(format!("epoch {epoch}/{epochs}"));
        let bar = bars.add(bar);
        Self {
            bar,
            start: Instant::now(),
        }
    }

    pub(super) fn step(&self, samples: usize) {
        self.bar.inc(samples as u64);
    }

    /// Removes the bar and returns the elapsed seconds.
    pub(super) fn finish(self) -> f64 {
        self.bar.finish_and_clear();
        self.start.elapsed().as_secs_f64()
    }
}

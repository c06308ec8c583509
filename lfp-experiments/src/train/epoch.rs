//! One pass over the data.

use std::time::Instant;

use burn::{
    module::{Module, ModuleVisitor, Param},
    optim::GradientsParams,
    tensor::{Int, Tensor},
};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use lfp_burn::reward::RewardError;
use lfp_models::Network;

use super::{
    Settings,
    sharing::{Sharing, Worked},
};
use crate::{
    data::{Batch, DataError},
    objective::Objective,
};

/// Why an epoch ended early.
#[derive(Debug, thiserror::Error)]
pub enum EpochError {
    /// The data.
    #[error(transparent)]
    Data(#[from] DataError),
    /// It diverged.
    #[error(transparent)]
    Diverged(#[from] Divergence),
}

/// Numbers that nothing can be learned from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Divergence {
    /// At the outputs.
    #[error(transparent)]
    Reward(#[from] RewardError),
    /// In the network: spiking neurons whose weights are NaN fall silent, and their outputs look fine.
    #[error(
        "{count} weights are infinite or NaN: the network has diverged (a lower learning rate, or \
         clipping, keeps it from it)"
    )]
    Weights {
        /// How many.
        count: usize,
    },
}

/// Trains for an epoch: `update` moves the network by the updates of each batch. Returns the network
/// and the share of samples that it named rightly before it learned from them.
///
/// # Errors
///
/// If a sample cannot be read, or the outputs or the weights have diverged, which is looked at once, at the
/// end.
pub fn train_epoch(
    mut network: Network,
    objective: &Objective,
    sharing: &Sharing,
    batches: impl Iterator<Item = Result<Batch, DataError>>,
    mut update: impl FnMut(Network, GradientsParams) -> Network,
) -> Result<(Network, f64), EpochError> {
    let mut right = Count::default();
    let mut last = None;
    for batch in batches {
        let batch = batch?;
        let Worked { updates, scores } = sharing.updates(&network, objective, &batch);
        let labels = batch.targets.inner();
        right.add(scores.clone(), labels.clone());
        network = update(network, updates);
        last = Some((scores, labels));
    }
    if let Some((scores, labels)) = last {
        objective.check(scores, labels).map_err(Divergence::from)?;
    }
    check_weights(&network)?;
    Ok((network, right.share()))
}

/// One number is read back from the device.
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

/// The number of weights that are infinite or NaN, `[1]`.
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

/// Counts on the device, so that it need not be waited for.
#[derive(Default)]
struct Count {
    right: Option<Tensor<1, Int>>,
    all: usize,
}

impl Count {
    fn add(&mut self, scores: Tensor<2>, targets: Tensor<1, Int>) {
        self.all += targets.dims()[0];
        let named = scores.argmax(1).squeeze_dim::<1>(1);
        let right = named.equal(targets).int().sum();
        self.right = Some(match self.right.take() {
            Some(sum) => sum + right,
            None => right,
        });
    }

    fn share(self) -> f64 {
        let right = self.right.map_or(0, |right| right.into_scalar::<i64>());
        right as f64 / self.all.max(1) as f64
    }
}

impl Settings {
    /// Random numbers of an epoch: its own, and none that another seed's epoch has.
    pub(super) fn epoch_seed(&self, epoch: usize) -> u64 {
        crate::seed::mix(self.seed, epoch as u64)
    }
}

/// A progress bar with throughput, below those of others; nothing where standard error is no terminal.
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

    /// Removes the bar; the seconds it was there.
    pub(super) fn finish(self) -> f64 {
        self.bar.finish_and_clear();
        self.start.elapsed().as_secs_f64()
    }
}

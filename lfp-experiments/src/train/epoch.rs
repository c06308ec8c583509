//! One pass over the data.

use std::time::Instant;

use burn::{
    data::dataloader::DataLoader,
    optim::GradientsParams,
    tensor::{Int, Tensor},
};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use lfp_burn::reward::NonFiniteReward;

use super::Settings;
use crate::{data::Batch, network::Network, objective::Objective};

/// Trains for an epoch: `update` moves the network by the updates of each batch. Returns the network
/// and the share of samples that it named rightly before it learned from them.
///
/// # Errors
///
/// If the outputs have diverged, which is looked at once, in the last batch.
pub fn train_epoch(
    mut network: Network,
    objective: &Objective,
    batches: &dyn DataLoader<Batch>,
    mut update: impl FnMut(Network, GradientsParams) -> Network,
) -> Result<(Network, f64), NonFiniteReward> {
    let mut right = Count::default();
    let mut last = None;
    for batch in batches.iter() {
        let Batch { inputs, targets } = batch.expect("data sets in memory do not fail");
        let outputs = network.forward(inputs);
        let scores = outputs.scores();
        let labels = targets.clone().inner();
        right.add(scores.clone(), labels.clone());
        let grads = objective.backward(outputs, targets).into_grads(&network);
        network = update(network, grads);
        last = Some((scores, labels));
    }
    if let Some((scores, labels)) = last {
        objective.check(scores, labels)?;
    }
    Ok((network, right.share()))
}

/// The share of samples that `network` names rightly.
pub fn accuracy(network: &Network, batches: &dyn DataLoader<Batch>) -> f64 {
    let mut right = Count::default();
    for batch in batches.iter() {
        let Batch { inputs, targets } = batch.expect("data sets in memory do not fail");
        right.add(network.forward(inputs).scores(), targets);
    }
    right.share()
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
        // The finaliser of SplitMix64 on a counter that starts at the seed's own point.
        let mut bits = self
            .seed
            .wrapping_mul(0xD134_2543_DE82_EF95)
            .wrapping_add((epoch as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15));
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        bits ^ (bits >> 31)
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

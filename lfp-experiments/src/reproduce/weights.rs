//! How many weights matter: the weight distribution by a threshold theta.

use lfp_burn::{layer_weights, sparsity::neutral_share};
use serde::Serialize;

use lfp_models::Network;

/// The largest threshold looked at, and into how many steps the way there is cut.
const LARGEST: f64 = 0.5;
const STEPS: usize = 100;

/// Shares of the weights that lie above theta, within it, and below minus theta.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Shares {
    pub(super) theta: f64,
    pub(super) positive: f64,
    pub(super) neutral: f64,
    pub(super) negative: f64,
}

/// The shares at every threshold, over the weights of all connections of all networks together.
pub(super) fn shares<'a>(networks: impl Iterator<Item = &'a Network>) -> Vec<Shares> {
    let layers = networks.flat_map(layer_weights);
    let weights: Vec<f32> = layers.flat_map(|layer| layer.values).collect();
    let share = |inside: &dyn Fn(f64) -> bool| {
        let inside = weights.iter().filter(|&&weight| inside(weight.into()));
        inside.count() as f64 / weights.len() as f64
    };
    (0..=STEPS)
        .map(|step| {
            let theta = LARGEST * step as f64 / STEPS as f64;
            Shares {
                theta,
                positive: share(&|weight| weight > theta),
                neutral: neutral_share(weights.iter().copied(), theta as f32),
                negative: share(&|weight| weight < -theta),
            }
        })
        .collect()
}

/// The neutral share, averaged over all thresholds.
pub(super) fn mean_neutral(shares: &[Shares]) -> f64 {
    shares.iter().map(|shares| shares.neutral).sum::<f64>() / shares.len() as f64
}

//! The distribution of the weights of each layer.

use std::borrow::Cow;

use lfp_burn::{
    layer_weights,
    sparsity::{gini, quantiles},
};
use lfp_models::Network;
use serde::{Deserialize, Serialize};

/// The percentiles of [`LayerSummary::percentiles`], as fractions: those of Figure 5.
pub(super) const PERCENTILES: [f64; 5] = [0.0, 0.25, 0.5, 0.75, 1.0];

/// Number of bins of a histogram; odd, so that one of them has 0 in its middle.
const BINS: usize = 41;

/// About the most weights of a layer that are sorted: VGG-16 has a layer of 100 million.
const SORTED: usize = 1 << 20;

/// The weights of a convolution or dense layer, without biases.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LayerSummary {
    /// Path in the network.
    pub path: String,
    /// Number of weights.
    pub weights: usize,
    /// Largest magnitude.
    pub largest: f64,
    /// Percentiles 0, 25, 50, 75 and 100 of the magnitudes, relative to the largest; of a layer with more than 2^20
    /// weights, as the Gini coefficient, from an evenly spaced part of them.
    pub percentiles: [f64; PERCENTILES.len()],
    /// Gini coefficient of the magnitudes: 0 if all are equal, near 1 if a few are large.
    pub gini: f64,
    /// Share of the weights in each of 41 equal intervals from `-largest` to `largest`.
    pub histogram: Vec<f64>,
}

impl LayerSummary {
    /// The layers of `network`, from input to output.
    pub fn all(network: &Network) -> Vec<Self> {
        let layers = layer_weights(network).into_iter();
        layers
            .map(|layer| Self::of(layer.path, &layer.values))
            .collect()
    }

    fn of(path: String, values: &[f32]) -> Self {
        let largest = values
            .iter()
            .fold(0.0, |largest: f32, value| largest.max(value.abs()));
        let part = thinned(values, largest);
        Self {
            path,
            weights: values.len(),
            largest: largest.into(),
            percentiles: quantiles(part.iter().copied(), PERCENTILES),
            gini: gini(part.iter().copied()),
            histogram: histogram(values, largest),
        }
    }

    /// Middle of each interval of the histogram, relative to the largest magnitude.
    pub fn bins() -> impl Iterator<Item = f64> {
        (0..BINS).map(|bin| 2.0 * (bin as f64 + 0.5) / BINS as f64 - 1.0)
    }
}

/// All weights of a small layer; of a large one every k-th, and the largest magnitude. An odd k meets every column of a
/// matrix whose width is a power of two.
fn thinned(values: &[f32], largest: f32) -> Cow<'_, [f32]> {
    let step = values.len().div_ceil(SORTED) | 1;
    if step == 1 {
        return values.into();
    }
    let part = values.iter().copied().step_by(step);
    part.chain([largest]).collect()
}

fn histogram(values: &[f32], largest: f32) -> Vec<f64> {
    let mut counts = vec![0usize; BINS];
    for value in values {
        let share = match largest > 0.0 {
            true => f64::from(value / largest),
            false => 0.0,
        };
        let bin = (share + 1.0) / 2.0 * BINS as f64;
        counts[(bin as usize).min(BINS - 1)] += 1;
    }
    let all = values.len().max(1) as f64;
    counts.into_iter().map(|count| count as f64 / all).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_histogram_is_relative_to_the_largest_magnitude_and_symmetric_around_zero() {
        let layer = LayerSummary::of("dense".to_owned(), &[-2.0, 0.0, 0.01, 2.0]);
        let middle = BINS / 2;
        assert_eq!(
            [0, middle, BINS - 1].map(|bin| layer.histogram[bin]),
            [0.25, 0.5, 0.25]
        );
        let bins: Vec<f64> = LayerSummary::bins().collect();
        assert!(bins[middle].abs() < 1e-12 && bins[0] == -bins[BINS - 1]);
        assert_eq!((layer.weights, layer.largest), (4, 2.0));
    }

    #[test]
    fn weights_that_are_all_zero_lie_in_the_middle() {
        let layer = LayerSummary::of("dense".to_owned(), &[0.0; 3]);
        assert_eq!(layer.histogram[BINS / 2], 1.0);
        assert_eq!((layer.largest, layer.gini), (0.0, 0.0));
    }

    #[test]
    fn a_large_layer_has_nearly_the_statistics_of_all_its_weights() {
        // Multiples of an odd number modulo 2^32 are evenly spread: magnitudes from 0 to 1.
        let spread = |index: u32| index.wrapping_mul(2_654_435_761) as f32 / 2f32.powi(32);
        let values: Vec<f32> = (0..3_000_000).map(spread).collect();
        let layer = LayerSummary::of("dense".to_owned(), &values);
        assert_eq!(layer.weights, 3_000_000);
        // Of a uniform distribution the Gini coefficient is 1/3, and the percentiles are its levels.
        assert!((layer.gini - 1.0 / 3.0).abs() < 2e-3, "{}", layer.gini);
        for (found, level) in layer.percentiles.iter().zip(PERCENTILES) {
            assert!((found - level).abs() < 2e-3, "{found} at {level}");
        }
    }
}

//! The distribution of the weights of each layer.

use std::borrow::Cow;

use lfp_burn::{
    layer_weights,
    sparsity::{gini, quantiles},
};
use lfp_models::Network;
use serde::{Deserialize, Serialize};

/// The percentiles of [`LayerSummary::percentiles`], as fractions: those of Figure 5.
pub(crate) const PERCENTILES: [f64; 5] = [0.0, 0.25, 0.5, 0.75, 1.0];

/// Number of bins of a histogram. Odd numbers put 0 in the middle of a bin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bins {
    /// For a chart of few weights.
    Coarse = 41,
    /// For a figure that compares densities near 0.
    Fine = 101,
}

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
    /// Share of the weights in each of an odd number of equal intervals from `-largest` to `largest`.
    pub histogram: Vec<f64>,
}

/// An interval of magnitudes, relative to the largest of the layer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct MagnitudeBin {
    pub(crate) from: f64,
    pub(crate) to: f64,
    /// Share of the weights per unit of relative magnitude.
    pub(crate) density: f64,
}

impl LayerSummary {
    /// The layers of `network`, from input to output.
    pub(crate) fn all(network: &Network, bins: Bins) -> Vec<Self> {
        let layers = layer_weights(network).into_iter();
        layers
            .map(|layer| Self::of(layer.path, &layer.values, bins))
            .collect()
    }

    fn of(path: String, values: &[f32], bins: Bins) -> Self {
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
            histogram: histogram(values, largest, bins as usize),
        }
    }

    /// Name for readers: the path without that of the network, and without the part that every convolution with batch
    /// normalisation has.
    pub(crate) fn name(&self) -> &str {
        let path = self.path.as_str();
        let within = path.split_once('.').map_or(path, |(_, within)| within);
        within.strip_suffix(".conv").unwrap_or(within)
    }

    /// Middle of each interval of the histogram, relative to the largest magnitude.
    pub fn bins(&self) -> impl Iterator<Item = f64> {
        let bins = self.histogram.len();
        (0..bins).map(move |bin| 2.0 * (bin as f64 + 0.5) / bins as f64 - 1.0)
    }

    /// The histogram of the magnitudes. The interval around 0 is half as wide as the others.
    pub(crate) fn magnitudes(&self) -> Vec<MagnitudeBin> {
        let bins = self.histogram.len();
        let width = 2.0 / bins as f64;
        let positive = self.bins().enumerate().skip(bins / 2);
        let folded = positive.map(|(bin, middle)| {
            let from = (middle - width / 2.0).max(0.0);
            let to = middle + width / 2.0;
            let opposite = bins - 1 - bin;
            let shares = match opposite == bin {
                true => self.histogram[bin],
                false => self.histogram[bin] + self.histogram[opposite],
            };
            MagnitudeBin {
                from,
                to,
                density: shares / (to - from),
            }
        });
        folded.collect()
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

fn histogram(values: &[f32], largest: f32, bins: usize) -> Vec<f64> {
    let mut counts = vec![0usize; bins];
    for value in values {
        let share = match largest > 0.0 {
            true => f64::from(value / largest),
            false => 0.0,
        };
        let bin = (share + 1.0) / 2.0 * bins as f64;
        counts[(bin as usize).min(bins - 1)] += 1;
    }
    let all = values.len().max(1) as f64;
    counts.into_iter().map(|count| count as f64 / all).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layer(values: &[f32]) -> LayerSummary {
        LayerSummary::of("dense".to_owned(), values, Bins::Coarse)
    }

    #[test]
    fn a_histogram_is_relative_to_the_largest_magnitude_and_symmetric_around_zero() {
        let layer = layer(&[-2.0, 0.0, 0.01, 2.0]);
        let last = Bins::Coarse as usize - 1;
        assert_eq!(
            [0, last / 2, last].map(|bin| layer.histogram[bin]),
            [0.25, 0.5, 0.25]
        );
        let bins: Vec<f64> = layer.bins().collect();
        assert!(bins[last / 2].abs() < 1e-12 && bins[0] == -bins[last]);
        assert_eq!((layer.weights, layer.largest), (4, 2.0));
    }

    #[test]
    fn weights_that_are_all_zero_lie_in_the_middle() {
        let layer = layer(&[0.0; 3]);
        assert_eq!(layer.histogram[Bins::Coarse as usize / 2], 1.0);
        assert_eq!((layer.largest, layer.gini), (0.0, 0.0));
    }

    #[test]
    fn magnitudes_are_the_folded_histogram_and_keep_the_scale_apart() {
        let values = [0.0, -1.0, 2.0, 3.0, -4.0];
        let layer = LayerSummary::of("ResNet.stem.conv".to_owned(), &values, Bins::Fine);
        assert_eq!((layer.name(), layer.largest), ("stem", 4.0));
        assert_eq!(layer.percentiles, PERCENTILES, "equally spaced magnitudes");
        let bins = layer.magnitudes();
        assert_eq!(bins.len(), 51, "50 of width 2/101 and half of one");
        assert!(
            bins.windows(2)
                .all(|pair| (pair[0].to - pair[1].from).abs() < 1e-12)
        );
        let share = |bin: &MagnitudeBin| bin.density * (bin.to - bin.from);
        for magnitude in PERCENTILES {
            let bin = bins.iter().find(|bin| magnitude <= bin.to + 1e-12).unwrap();
            assert!((share(bin) - 0.2).abs() < 1e-12, "{magnitude}: {bin:?}");
        }
        assert!((bins.iter().map(share).sum::<f64>() - 1.0).abs() < 1e-12);
    }

    /// A uniform distribution has the same density everywhere, also in the half interval at 0.
    #[test]
    fn the_interval_around_zero_has_the_density_of_the_others() {
        let values: Vec<f32> = (-50_500..=50_500).map(|value| value as f32).collect();
        let layer = LayerSummary::of("dense".to_owned(), &values, Bins::Fine);
        for bin in layer.magnitudes() {
            assert!((bin.density - 1.0).abs() < 2e-3, "{bin:?}");
        }
    }

    #[test]
    fn a_large_layer_has_nearly_the_statistics_of_all_its_weights() {
        // Multiples of an odd number modulo 2^32 are evenly spread: magnitudes from 0 to 1.
        let spread = |index: u32| index.wrapping_mul(2_654_435_761) as f32 / 2f32.powi(32);
        let values: Vec<f32> = (0..3_000_000).map(spread).collect();
        let layer = layer(&values);
        assert_eq!(layer.weights, 3_000_000);
        // Of a uniform distribution the Gini coefficient is 1/3, and the percentiles are its levels.
        assert!((layer.gini - 1.0 / 3.0).abs() < 2e-3, "{}", layer.gini);
        for (found, level) in layer.percentiles.iter().zip(PERCENTILES) {
            assert!((found - level).abs() < 2e-3, "{found} at {level}");
        }
    }
}

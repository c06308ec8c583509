//! Weights of a trained network, and its accuracy after pruning.

use anyhow::Result;
use lfp_burn::{
    LayerWeights, inference_mode, layer_weights,
    prune::LayerFilter,
    sparsity::{gini, quantiles},
};
use lfp_models::Classifier;
use serde::{Deserialize, Serialize};

use crate::{
    prune::{self, Criterion, Subject, figure_rates},
    study::{Analysis, Curve, Measure, Trained},
};

/// The percentiles of Figures 5 and A.5 to A.7, as fractions.
pub(in crate::reproduce) const PERCENTILES: [f64; 5] = [0.0, 0.25, 0.5, 0.75, 1.0];
/// Equal intervals of the magnitudes of a layer, from 0 to the largest.
const BINS: usize = 50;
/// Name of the Gini coefficients.
pub(in crate::reproduce) const GINI: &str = "gini";

/// How magnitudes are measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::reproduce) enum Normalization {
    /// Relative to the largest magnitude of the layer.
    Maximum,
    /// As they are.
    None,
}

impl Normalization {
    /// Name of the curve of a percentile over the layers.
    pub(in crate::reproduce) fn percentile(self, level: f64) -> String {
        let percentile = 100.0 * level;
        match self {
            Self::Maximum => format!("relative_magnitude_percentile_{percentile}"),
            Self::None => format!("magnitude_percentile_{percentile}"),
        }
    }
}

/// Name of the curve of the accuracy over the pruning rate.
pub(in crate::reproduce) fn pruned_accuracy(criterion: Criterion) -> String {
    format!("test_accuracy_pruned_by_{criterion}")
}

/// The weights of a network layer by layer, and its accuracy over the pruning rate.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::reproduce) struct Sparsity {
    layers: Vec<LayerStatistics>,
    curves: Vec<prune::Curve>,
}

/// Statistics of the weights of a layer.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct LayerStatistics {
    path: String,
    /// The largest magnitude.
    largest: f64,
    /// [`PERCENTILES`] of the magnitudes, relative to the largest.
    percentiles: [f64; 5],
    /// The share of the weights in each of [`BINS`] intervals of magnitude.
    histogram: Vec<f64>,
    gini: f64,
}

impl LayerStatistics {
    fn of(layer: LayerWeights) -> Self {
        let magnitudes = || layer.values.iter().map(|value| value.abs());
        let largest = f64::from(magnitudes().fold(0.0, f32::max));
        Self {
            largest,
            percentiles: quantiles(magnitudes(), PERCENTILES),
            histogram: histogram(magnitudes().map(f64::from), largest),
            gini: gini(magnitudes()),
            path: layer.path,
        }
    }

    /// Name for readers: the path without that of the network, and without the part that every convolution with batch
    /// normalisation has.
    fn name(&self) -> &str {
        let path = self.path.as_str();
        let within = path.split_once('.').map_or(path, |(_, within)| within);
        within.strip_suffix(".conv").unwrap_or(within)
    }

    fn scale(&self, normalization: Normalization) -> f64 {
        match normalization {
            Normalization::Maximum => 1.0,
            Normalization::None => self.largest,
        }
    }
}

/// The share of `magnitudes` in each of [`BINS`] equal intervals from 0 to `largest`.
fn histogram(magnitudes: impl Iterator<Item = f64>, largest: f64) -> Vec<f64> {
    let mut counts = vec![0.0; BINS];
    let mut all = 0.0;
    for magnitude in magnitudes {
        let bin = (magnitude / largest.max(f64::MIN_POSITIVE) * BINS as f64) as usize;
        counts[bin.min(BINS - 1)] += 1.0;
        all += 1.0;
    }
    counts
        .iter()
        .map(|count| count / f64::max(all, 1.0))
        .collect()
}

impl Sparsity {
    /// Analyses a trained network, with batch normalisation merged into the weights. `measure` is the accuracy after pruning.
    pub(super) fn of(trained: Trained, measure: Measure) -> Result<Self> {
        let network = inference_mode(trained.network).merge_batch_norm()?;
        let layers = layer_weights(&network).into_iter();
        let layers = layers.map(LayerStatistics::of).collect();
        let subject = Subject {
            network: &network,
            data: &trained.data.test,
            layers: LayerFilter::Convolutions,
            measure,
            device: trained.device.clone().autodiff(),
        };
        let rates = figure_rates();
        let curves = Criterion::ALL.map(|criterion| subject.curve(criterion, &rates));
        Ok(Self {
            layers,
            curves: curves.into_iter().collect::<Result<_>>()?,
        })
    }

    /// How many times [`of`](Self::of) classifies the test samples: for each criterion and rate; relevance takes a forward
    /// and a backward pass, which last about as long as three forward passes.
    pub(super) fn test_passes() -> usize {
        Criterion::ALL.len() * figure_rates().len() + 3
    }

    /// The names of the layers.
    pub(in crate::reproduce) fn layer_names(&self) -> Vec<String> {
        let names = self.layers.iter().map(LayerStatistics::name);
        names.map(str::to_owned).collect()
    }

    /// The share of the weights of a layer in each interval of magnitude.
    pub(in crate::reproduce) fn histogram(&self, layer: usize) -> &[f64] {
        &self.layers[layer].histogram
    }

    /// A statistic over the layers, counted from 1.
    fn over_layers(&self, quantity: String, of: impl Fn(&LayerStatistics) -> f64) -> Curve {
        let layers = self.layers.iter().enumerate();
        Curve {
            quantity,
            over: "layer",
            points: layers
                .map(|(index, layer)| ((index + 1) as f64, of(layer)))
                .collect(),
        }
    }
}

impl Analysis for Sparsity {
    /// The Gini coefficient averaged over the layers, and the area under each pruning curve.
    fn scalars(&self) -> Vec<(String, f64)> {
        let ginis = self.layers.iter().map(|layer| layer.gini);
        let gini = ginis.sum::<f64>() / self.layers.len().max(1) as f64;
        let area = |curve: &prune::Curve| (format!("area_{}", curve.criterion), curve.area());
        let areas = self.curves.iter().map(area);
        std::iter::once((GINI.to_owned(), gini))
            .chain(areas)
            .collect()
    }

    fn curves(&self) -> Vec<Curve> {
        let mut curves = vec![self.over_layers(GINI.to_owned(), |layer| layer.gini)];
        for normalization in [Normalization::Maximum, Normalization::None] {
            for (index, level) in PERCENTILES.into_iter().enumerate() {
                let percentile =
                    |layer: &LayerStatistics| layer.percentiles[index] * layer.scale(normalization);
                curves.push(self.over_layers(normalization.percentile(level), percentile));
            }
        }
        curves.extend(self.curves.iter().map(|curve| Curve {
            quantity: pruned_accuracy(curve.criterion),
            over: "pruning_rate",
            points: curve.accuracies(),
        }));
        curves
    }
}

#[cfg(test)]
mod tests {
    use burn::module::ParamId;
    use lfp_burn::LayerKind;

    use super::*;

    #[test]
    fn statistics_of_a_layer_keep_its_scale_apart_from_its_distribution() {
        let layer = LayerStatistics::of(LayerWeights {
            path: "ResNet.stem.conv".to_owned(),
            kind: LayerKind::Convolution,
            id: ParamId::new(),
            values: vec![0.0, -1.0, 2.0, 3.0, -4.0],
        });
        assert_eq!(layer.name(), "stem");
        assert_eq!(layer.percentiles, PERCENTILES, "equally spaced magnitudes");
        let scales = [Normalization::Maximum, Normalization::None].map(|of| layer.scale(of));
        assert_eq!(scales, [1.0, 4.0]);
        // The bins that begin at 0, 1/4, 1/2 and 3/4 of the largest magnitude, and the last.
        let filled: Vec<usize> = (0..BINS)
            .filter(|&bin| layer.histogram[bin] > 0.0)
            .collect();
        assert_eq!(filled, [0, 12, 25, 37, BINS - 1]);
        assert!((layer.histogram.iter().sum::<f64>() - 1.0).abs() < 1e-12);
    }
}

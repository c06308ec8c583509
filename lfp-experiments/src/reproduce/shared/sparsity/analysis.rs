//! Weights of a trained network, and its accuracy after pruning.

use anyhow::Result;
use lfp_burn::{inference_mode, prune::LayerFilter};
use lfp_models::Classifier;
use serde::{Deserialize, Serialize};

use crate::{
    prune::{self, Criterion, Subject, figure_rates},
    study::{Analysis, Curve, Measure, Trained},
    train::{Bins, LayerSummary, MagnitudeBin, PERCENTILES},
};

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

    /// By what relative magnitudes of a layer are multiplied.
    fn scale(self, layer: &LayerSummary) -> f64 {
        match self {
            Self::Maximum => 1.0,
            Self::None => layer.largest,
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
    layers: Vec<LayerSummary>,
    curves: Vec<prune::Curve>,
}

impl Sparsity {
    /// Analyses a trained network, with batch normalisation merged into the weights. `measure` is the accuracy after pruning.
    pub(super) fn of(trained: Trained, measure: Measure) -> Result<Self> {
        let network = inference_mode(trained.network).merge_batch_norm()?;
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
            layers: LayerSummary::all(&network, Bins::Fine),
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
        let names = self.layers.iter().map(LayerSummary::name);
        names.map(str::to_owned).collect()
    }

    /// The distribution of the magnitudes of a layer.
    pub(in crate::reproduce) fn magnitudes(&self, layer: usize) -> Vec<MagnitudeBin> {
        self.layers[layer].magnitudes()
    }

    /// A statistic over the layers, counted from 1.
    fn over_layers(&self, quantity: String, of: impl Fn(&LayerSummary) -> f64) -> Curve {
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
                    |layer: &LayerSummary| layer.percentiles[index] * normalization.scale(layer);
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

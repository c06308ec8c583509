//! Weights of a trained network, and its accuracy after pruning.

use anyhow::Result;
use lfp_burn::{
    inference_mode, layer_weights,
    prune::LayerFilter,
    sparsity::{gini, quantiles},
};
use lfp_models::Classifier;
use serde::{Deserialize, Serialize};

use crate::{
    prune::{self, Criterion, Subject, paper_rates},
    study::{Analysis, Curve, Trained},
};

/// Levels of the quantiles of Figure 5.
pub(in crate::reproduce) const QUANTILES: [f64; 5] = [0.1, 0.25, 0.5, 0.75, 0.9];
/// Name of the Gini coefficients.
pub(in crate::reproduce) const GINI: &str = "gini";

/// Name of the curve of a quantile over the layers.
pub(in crate::reproduce) fn quantile_name(level: f64) -> String {
    format!("magnitude_quantile_{level}")
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
    /// Quantiles of the magnitudes, relative to the layer's largest magnitude.
    quantiles: [f64; 5],
    gini: f64,
}

impl Sparsity {
    /// Analyses a trained network, with batch normalisation merged into the weights.
    pub(super) fn of(trained: Trained) -> Result<Self> {
        let network = inference_mode(trained.network).merge_batch_norm()?;
        let layers = layer_weights(&network)
            .into_iter()
            .map(|layer| LayerStatistics {
                quantiles: quantiles(layer.values.iter().copied(), QUANTILES),
                gini: gini(layer.values.iter().copied()),
                path: layer.path,
            });
        let layers = layers.collect();
        let subject = Subject {
            network: &network,
            data: &trained.data.test,
            layers: LayerFilter::Convolutions,
            device: trained.device.clone().autodiff(),
        };
        let rates = paper_rates();
        let curves = Criterion::ALL.map(|criterion| subject.curve(criterion, &rates));
        Ok(Self {
            layers,
            curves: curves.into_iter().collect::<Result<_>>()?,
        })
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
        for (index, level) in QUANTILES.into_iter().enumerate() {
            let name = quantile_name(level);
            curves.push(self.over_layers(name, |layer| layer.quantiles[index]));
        }
        curves.extend(self.curves.iter().map(|curve| Curve {
            quantity: pruned_accuracy(curve.criterion),
            over: "pruning_rate",
            points: curve.accuracies(),
        }));
        curves
    }
}

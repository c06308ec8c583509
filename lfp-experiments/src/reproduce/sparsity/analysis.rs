//! What is kept of a trained network.

use burn::tensor::Device;
use lfp_burn::{
    inference_mode, layer_weights,
    prune::LayerFilter,
    sparsity::{gini, quantiles},
};
use lfp_models::{Classifier, Network};
use serde::{Deserialize, Serialize};

use crate::{
    data::Split,
    pruning::{Criterion, Curve, Subject, paper_rates},
    sweep::AnalysisError,
};

/// The quantiles of Figure 5.
pub(super) const QUANTILES: [f64; 5] = [0.1, 0.25, 0.5, 0.75, 0.9];

/// A network's weights, and what pruning leaves of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Analysis {
    /// Layer by layer.
    pub(super) layers: Vec<LayerStatistics>,
    /// By criterion.
    pub(super) curves: Vec<Curve>,
}

/// The weights of a layer.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct LayerStatistics {
    pub(super) path: String,
    /// Of the magnitudes, relative to the layer's largest.
    pub(super) quantiles: [f64; 5],
    pub(super) gini: f64,
}

impl Analysis {
    /// Averaged over the layers.
    pub(super) fn mean_gini(&self) -> f64 {
        let sum: f64 = self.layers.iter().map(|layer| layer.gini).sum();
        sum / self.layers.len().max(1) as f64
    }

    pub(super) fn curve(&self, criterion: Criterion) -> &Curve {
        let mut curves = self.curves.iter();
        let found = curves.find(|curve| curve.criterion == criterion);
        found.expect("analysed by every criterion")
    }
}

/// Of a network that has just been trained. Batch normalisation is folded in first.
pub(super) fn analyse(
    network: Network,
    data: &Split,
    device: &Device,
) -> Result<Analysis, AnalysisError> {
    let network = inference_mode(network).merge_batch_norm();
    let network = network.map_err(AnalysisError::new)?;
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
        data: &data.test,
        layers: LayerFilter::Convolutions,
        device: device.clone().autodiff(),
    };
    let rates = paper_rates();
    let curves = Criterion::ALL.map(|criterion| subject.curve(criterion, &rates));
    let curves = curves.into_iter().collect::<Result<_, _>>();
    Ok(Analysis {
        layers,
        curves: curves.map_err(AnalysisError::new)?,
    })
}

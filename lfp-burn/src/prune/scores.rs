//! How much each connection matters, and which are too little.

use burn::module::{Module, ParamId};

use super::Masks;
use crate::{LayerKind, LayerWeights, layer_weights};

/// Which layers lose connections.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Layers {
    /// Convolutions, as in the paper.
    #[default]
    Convolutions,
    /// Linear maps.
    LinearMaps,
    /// Both.
    All,
}

impl Layers {
    fn has(self, kind: LayerKind) -> bool {
        match self {
            Self::Convolutions => kind == LayerKind::Convolution,
            Self::LinearMaps => kind == LayerKind::Linear,
            Self::All => true,
        }
    }
}

/// Among which connections the least are looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Those of a layer: each loses the same share.
    Local,
    /// Those of all layers together.
    Global,
}

/// Why nothing was pruned.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum PruneError {
    /// Not a share.
    #[error("expected a pruning rate from 0 to 1, found {0}")]
    Rate(f64),
    /// No layer of the kind asked for.
    #[error("the model has no layer to prune: no convolution, unless linear maps are asked for")]
    NoLayers,
}

/// A number for every connection: the larger, the more it matters.
#[derive(Clone, Debug)]
pub struct Scores {
    layers: Vec<LayerScores>,
}

#[derive(Clone, Debug)]
struct LayerScores {
    path: String,
    id: ParamId,
    scores: Vec<f32>,
}

impl Scores {
    /// The magnitudes of the weights.
    pub fn magnitude<M: Module>(model: &M, layers: Layers) -> Self {
        let weights = layer_weights(model).into_iter();
        let chosen = weights.filter(|layer| layers.has(layer.kind));
        let score = |layer: LayerWeights| LayerScores {
            path: layer.path,
            id: layer.id,
            scores: layer.values.into_iter().map(f32::abs).collect(),
        };
        Self {
            layers: chosen.map(score).collect(),
        }
    }

    /// Keeps all but the share `rate` of the connections, those with the lowest scores; of equal ones the first
    /// go first. How many that are is rounded to the nearest, layer by layer or over all.
    ///
    /// # Errors
    ///
    /// If `rate` is not from 0 to 1, or there is no layer to prune.
    pub fn masks(&self, scope: Scope, rate: f64) -> Result<Masks, PruneError> {
        if !(0.0..=1.0).contains(&rate) {
            return Err(PruneError::Rate(rate));
        }
        if self.layers.is_empty() {
            return Err(PruneError::NoLayers);
        }
        let groups: Vec<Vec<usize>> = match scope {
            Scope::Local => (0..self.layers.len()).map(|layer| vec![layer]).collect(),
            Scope::Global => vec![(0..self.layers.len()).collect()],
        };
        let kept = |layer: &LayerScores| vec![true; layer.scores.len()];
        let mut masks: Vec<Vec<bool>> = self.layers.iter().map(kept).collect();
        for group in groups {
            for (layer, index) in self.least(&group, rate) {
                masks[layer][index] = false;
            }
        }
        let layers = self.layers.iter().zip(masks);
        Ok(Masks::new(
            layers.map(|(layer, kept)| (layer.path.clone(), layer.id, kept)),
        ))
    }

    /// Layer and index of the connections with the lowest scores in a group of layers.
    fn least(&self, group: &[usize], rate: f64) -> Vec<(usize, usize)> {
        let mut all: Vec<(f32, usize, usize)> = Vec::new();
        for &layer in group {
            let scores = self.layers[layer].scores.iter().enumerate();
            all.extend(scores.map(|(index, &score)| (score, layer, index)));
        }
        let count = (rate * all.len() as f64).round() as usize;
        let order = |a: &(f32, usize, usize), b: &(f32, usize, usize)| {
            a.0.total_cmp(&b.0).then((a.1, a.2).cmp(&(b.1, b.2)))
        };
        if count < all.len() && count > 0 {
            all.select_nth_unstable_by(count - 1, order);
        }
        all.truncate(count);
        all.into_iter()
            .map(|(_, layer, index)| (layer, index))
            .collect()
    }
}

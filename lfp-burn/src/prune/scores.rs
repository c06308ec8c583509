//! Ranking of connections.

use burn::module::{Module, ParamId};
use serde::{Deserialize, Serialize};

use super::Masks;
use crate::{LayerKind, LayerWeights, layer_weights};

/// The layers that are pruned.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    strum::Display,
    strum::EnumString,
    strum::VariantNames,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum LayerFilter {
    /// Convolutions, as in the paper.
    #[default]
    Convolutions,
    /// Dense layers.
    Linear,
    /// Both.
    All,
}

impl LayerFilter {
    fn has(self, kind: LayerKind) -> bool {
        match self {
            Self::Convolutions => kind == LayerKind::Convolution,
            Self::Linear => kind == LayerKind::Linear,
            Self::All => true,
        }
    }
}

/// The connections that are ranked together.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    strum::Display,
    strum::EnumString,
    strum::VariantNames,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum RankingScope {
    /// Those of each layer: every layer loses the same fraction.
    Local,
    /// Those of all layers.
    Global,
}

/// Errors of pruning.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum PruneError {
    /// A rate out of range.
    #[error("expected a pruning rate from 0 to 1, found {0}")]
    Rate(f64),
    /// The model has no layer that the filter selects.
    #[error(
        "the model has no layer to prune; dense layers are pruned only if the filter selects them"
    )]
    NoLayers,
}

/// The importance of every connection.
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
    pub fn magnitude<M: Module>(model: &M, layers: LayerFilter) -> Self {
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

    /// The masks that prune the fraction `rate` of the connections with the lowest scores, rounded to the nearest count; among
    /// equal scores the first connections are pruned first.
    ///
    /// # Errors
    ///
    /// If `rate` is not from 0 to 1, or there is no layer to prune.
    pub fn masks(&self, scope: RankingScope, rate: f64) -> Result<Masks, PruneError> {
        if !(0.0..=1.0).contains(&rate) {
            return Err(PruneError::Rate(rate));
        }
        if self.layers.is_empty() {
            return Err(PruneError::NoLayers);
        }
        let groups: Vec<Vec<usize>> = match scope {
            RankingScope::Local => (0..self.layers.len()).map(|layer| vec![layer]).collect(),
            RankingScope::Global => vec![(0..self.layers.len()).collect()],
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

//! Relevances of connections, accumulated over batches.

use burn::{
    module::{Module, ModuleMapper, Param},
    optim::{GradientsAccumulator, GradientsParams},
    tensor::Tensor,
};

use super::{LayerFilter, Scores};
use crate::Feedback;

/// The relevance of every connection by LRP-epsilon, `sum r_ij` over samples, from propagations of
/// [`TargetReward`](crate::reward::TargetReward).
///
/// # Example
///
/// ```
/// use burn::nn::LinearConfig;
/// use burn::tensor::{Device, Tensor};
/// use lfp_burn::{Propagate, prune::{LayerFilter, RankingScope, Relevance}, reward::{Reward, TargetReward}};
///
/// let device = Device::default().autodiff();
/// let model = LinearConfig::new(4, 3).init(&device);
/// let mut relevance = Relevance::default();
/// for _ in 0..2 {
///     // For each batch of the data set:
///     let logits = model.forward(Tensor::<2>::ones([5, 4], &device));
///     let targets = Tensor::from_ints([0, 1, 2, 0, 1], &device);
///     let reward = TargetReward::new().forward(logits.clone(), targets);
///     relevance.add(&logits.propagate(reward), &model);
/// }
/// let masks = relevance.scores(&model, LayerFilter::All).masks(RankingScope::Global, 0.5)?;
/// let model = masks.apply(model);
/// # let _ = model;
/// # Ok::<(), lfp_burn::prune::PruneError>(())
/// ```
pub struct Relevance<M> {
    sum: GradientsAccumulator<M>,
}

impl<M: Module> Default for Relevance<M> {
    fn default() -> Self {
        Self {
            sum: GradientsAccumulator::new(),
        }
    }
}

impl<M: Module> Relevance<M> {
    /// Adds the relevances of a batch.
    pub fn add(&mut self, feedback: &Feedback, model: &M) {
        self.sum.accumulate(model, feedback.relevances(model));
    }

    /// The scores: the magnitude of each connection's relevance, 0 for a connection without one.
    pub fn scores(mut self, model: &M, layers: LayerFilter) -> Scores {
        let mut put = InPlaceOfWeights {
            relevances: self.sum.grads(),
        };
        Scores::magnitude(&model.clone().map(&mut put), layers)
    }
}

struct InPlaceOfWeights {
    relevances: GradientsParams,
}

impl ModuleMapper for InPlaceOfWeights {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let relevance = self.relevances.remove::<D>(param.id);
        let relevance = relevance.unwrap_or_else(|| param.val().inner().zeros_like());
        Param::initialized(param.id, relevance)
    }
}

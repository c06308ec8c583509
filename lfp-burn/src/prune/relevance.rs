//! Relevances of connections, summed over samples.

use burn::{
    module::{Module, ModuleVisitor, Param},
    optim::GradientsParams,
    tensor::Tensor,
};

use super::{Layers, Scores, scores::LayerScores};
use crate::{Feedback, layer_weights};

/// The relevance of every connection, `sum r_ij` over samples (LRP-epsilon), from propagations that start with 1 at the
/// true class and 0 elsewhere ([`TargetReward`](crate::reward::TargetReward)).
///
/// # Example
///
/// ```
/// use burn::nn::LinearConfig;
/// use burn::tensor::{Device, Tensor};
/// use lfp_burn::{Propagate, prune::{Layers, Relevance, Scope}, reward::{Reward, TargetReward}};
///
/// let device = Device::default().autodiff();
/// let model = LinearConfig::new(4, 3).init(&device);
/// let mut relevance = Relevance::default();
/// for _ in 0..2 {
///     // A batch of the whole set:
///     let logits = model.forward(Tensor::<2>::ones([5, 4], &device));
///     let targets = Tensor::from_ints([0, 1, 2, 0, 1], &device);
///     let reward = TargetReward::new().forward(logits.clone(), targets);
///     relevance.add(&logits.propagate(reward), &model);
/// }
/// let masks = relevance.scores(&model, Layers::All).masks(Scope::Global, 0.5)?;
/// let model = masks.apply(model);
/// # let _ = model;
/// # Ok::<(), lfp_burn::prune::PruneError>(())
/// ```
#[derive(Default)]
pub struct Relevance {
    sum: Option<GradientsParams>,
}

impl Relevance {
    /// Adds the relevances of a batch.
    pub fn add<M: Module>(&mut self, feedback: &Feedback, model: &M) {
        let mut batch = feedback.relevances(model);
        if let Some(sum) = &mut self.sum {
            let batch = &mut batch;
            model.visit(&mut Add { sum, batch });
        } else {
            self.sum = Some(batch);
        }
    }

    /// The magnitude of each connection's relevance, as what it matters; 0 of a connection that got none.
    pub fn scores<M: Module>(&self, model: &M, layers: Layers) -> Scores {
        let sum = self.sum.as_ref();
        let mut read = Read {
            sum,
            values: Vec::new(),
        };
        model.visit(&mut read);
        let weights = layer_weights(model).into_iter();
        let chosen = weights.filter(|layer| layers.has(layer.kind));
        let scored = chosen.map(|layer| {
            let found = read.values.iter().find(|(id, _)| *id == layer.id);
            let scores = found.map(|(_, values)| values.clone());
            LayerScores {
                path: layer.path,
                id: layer.id,
                scores: scores.unwrap_or_else(|| vec![0.0; layer.values.len()]),
            }
        });
        Scores::new(scored.collect())
    }
}

struct Add<'a> {
    sum: &'a mut GradientsParams,
    batch: &'a mut GradientsParams,
}

impl ModuleVisitor for Add<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some(batch) = self.batch.remove::<D>(param.id) {
            let sum = match self.sum.remove::<D>(param.id) {
                Some(sum) => sum + batch,
                None => batch,
            };
            self.sum.register(param.id, sum);
        }
    }
}

struct Read<'a> {
    sum: Option<&'a GradientsParams>,
    values: Vec<(burn::module::ParamId, Vec<f32>)>,
}

impl ModuleVisitor for Read<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let relevance = self.sum.and_then(|sum| sum.get::<D>(param.id));
        if let Some(relevance) = relevance {
            let magnitudes = relevance.abs().into_data().iter::<f32>().collect();
            self.values.push((param.id, magnitudes));
        }
    }
}

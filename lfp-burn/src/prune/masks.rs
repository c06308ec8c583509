//! Masks of the connections to keep.

use burn::{
    module::{Module, ModuleMapper, Param, ParamId},
    tensor::{Bool, Tensor, TensorData},
};

use crate::off_tape::off_tape;

/// The connections of a model that are kept. Apply the masks again after each step of fine-tuning to keep pruned connections at
/// zero.
#[derive(Clone, Debug)]
pub struct Masks {
    layers: Vec<Mask>,
}

#[derive(Clone, Debug)]
struct Mask {
    path: String,
    id: ParamId,
    kept: Vec<bool>,
}

impl Masks {
    pub(super) fn new(layers: impl Iterator<Item = (String, ParamId, Vec<bool>)>) -> Self {
        let mask = |(path, id, kept)| Mask { path, id, kept };
        Self {
            layers: layers.map(mask).collect(),
        }
    }

    /// The fraction of connections that are pruned, among the ranked layers.
    pub fn pruned_share(&self) -> f64 {
        let all: usize = self.layers.iter().map(|mask| mask.kept.len()).sum();
        let kept: usize = self.layers.iter().map(Mask::count).sum();
        (all - kept) as f64 / all.max(1) as f64
    }

    /// The paths of layers without any connection left (layer collapse): the next layer sees only their biases.
    pub fn collapsed(&self) -> Vec<&str> {
        let empty = self.layers.iter().filter(|mask| mask.count() == 0);
        empty.map(|mask| mask.path.as_str()).collect()
    }

    /// Sets pruned connections to exactly zero; everything else stays.
    ///
    /// # Panics
    ///
    /// If a parameter has another number of elements than the one that was ranked.
    pub fn apply<M: Module>(&self, model: M) -> M {
        model.map(&mut Apply { masks: self })
    }
}

impl Mask {
    fn count(&self) -> usize {
        self.kept.iter().filter(|kept| **kept).count()
    }
}

struct Apply<'a> {
    masks: &'a Masks,
}

impl ModuleMapper for Apply<'_> {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        match self.masks.layers.iter().find(|mask| mask.id == param.id) {
            Some(mask) => masked(param, mask),
            None => param,
        }
    }
}

fn masked<const D: usize>(param: Param<Tensor<D>>, mask: &Mask) -> Param<Tensor<D>> {
    let shape = param.shape();
    assert_eq!(
        shape.num_elements(),
        mask.kept.len(),
        "mask of {}: the layer has another number of weights than the one that was ranked",
        mask.path
    );
    param.map(|weights| {
        off_tape(weights, |weights| {
            let pruned: Vec<bool> = mask.kept.iter().map(|kept| !kept).collect();
            let pruned = TensorData::new(pruned, shape);
            let pruned = Tensor::<D, Bool>::from_data(pruned, &weights.device());
            // Unlike multiplying by a mask, filling also replaces NaN and -0.
            weights.mask_fill(pruned, 0.0)
        })
    })
}

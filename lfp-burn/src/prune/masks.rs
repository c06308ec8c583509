//! Which connections are kept.

use burn::{
    module::{Module, ModuleMapper, Param, ParamId},
    tensor::{Bool, Tensor, TensorData},
};

use crate::off_tape::off_tape;

/// Which connections of a model are kept. May be applied again, after each step of fine-tuning say: what was
/// pruned stays zero.
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

    /// The share of connections that are not kept, of all in the layers that were looked at.
    pub fn pruned_share(&self) -> f64 {
        let all: usize = self.layers.iter().map(|mask| mask.kept.len()).sum();
        let kept: usize = self.layers.iter().map(Mask::count).sum();
        (all - kept) as f64 / all.max(1) as f64
    }

    /// The paths of layers that keep nothing: whatever comes after one sees its biases alone (layer collapse).
    pub fn collapsed(&self) -> Vec<&str> {
        let empty = self.layers.iter().filter(|mask| mask.count() == 0);
        empty.map(|mask| mask.path.as_str()).collect()
    }

    /// The model with exact zeros where connections are not kept; the rest of it is as it was.
    ///
    /// # Panics
    ///
    /// If a parameter has another number of elements than it had.
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
        "mask of {}: expected as many weights as it had",
        mask.path
    );
    param.map(|weights| {
        off_tape(weights, |weights| {
            let pruned: Vec<bool> = mask.kept.iter().map(|kept| !kept).collect();
            let pruned = TensorData::new(pruned, shape);
            let pruned = Tensor::<D, Bool>::from_data(pruned, &weights.device());
            // Whatever stood there, NaN and -0 included, is 0 afterwards.
            weights.mask_fill(pruned, 0.0)
        })
    })
}

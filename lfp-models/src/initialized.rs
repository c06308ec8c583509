//! Drawing of random weights.

use burn::{
    module::{Module, ModuleVisitor, Param},
    tensor::Tensor,
};

/// Draws all parameters of `model` now.
///
/// Burn initialises a parameter lazily, on first use. The weights then depend on what else has drawn from the
/// device's random number generator in between. Call this right after `Device::seed` and `init` to make them
/// reproducible. (`Module::materialize` does something else: it merges LoRA adapters and leaves lazy parameters
/// lazy.)
///
/// # Example
///
/// ```
/// use burn::tensor::Device;
/// use lfp_models::{LeNetConfig, initialized};
///
/// let device = Device::default();
/// device.seed(7);
/// let model = initialized(LeNetConfig::new().init(&device));
/// # let _ = model;
/// ```
pub fn initialized<M: Module>(model: M) -> M {
    model.visit(&mut Draw);
    model
}

struct Draw;

impl ModuleVisitor for Draw {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        param.val();
    }
}

#[cfg(test)]
mod tests {
    use burn::{nn::LinearConfig, tensor::Device};

    use super::*;

    #[test]
    fn all_parameters_are_drawn() {
        let layer = LinearConfig::new(2, 3).init(&Device::default());
        assert!(!layer.weight.is_initialized());
        let layer = initialized(layer);
        assert!(layer.weight.is_initialized() && layer.bias.unwrap().is_initialized());
    }
}

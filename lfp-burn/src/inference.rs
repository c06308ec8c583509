//! A model in inference mode on an autodiff device.

use burn::module::{Flag, Module, ModuleMapper, Param};

/// Switches off training-only behaviour, also on an autodiff device: dropout drops nothing, and batch normalisation uses its
/// running statistics. Relevances are then those of the deployed model.
///
/// # Example
///
/// ```
/// use burn::nn::DropoutConfig;
/// use burn::tensor::{Device, Tensor};
/// use lfp_burn::inference_mode;
///
/// let dropout = inference_mode(DropoutConfig::new(0.9).init());
/// let x = Tensor::<1>::ones([100], &Device::default().autodiff());
/// assert_eq!(dropout.forward(x).sum().into_scalar::<f32>(), 100.0);
/// ```
pub fn inference_mode<M: Module>(model: M) -> M {
    model.map(&mut SwitchOff)
}

struct SwitchOff;

impl ModuleMapper for SwitchOff {
    fn map_flag(&mut self, flag: Param<Flag>) -> Param<Flag> {
        flag.with_value(false)
    }
}

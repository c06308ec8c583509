//! LFP-0 for models without hooks.

use burn::{
    optim::{LearningRate, Optimizer},
    tensor::{Device, Tensor},
};
use lfp_core::functions::descent;

/// Wraps any Burn optimiser so that `loss.backward()` on an **unmodified** model trains it by LFP-0.
///
/// By Theorem 1, LFP with vanishing epsilon and the reward `r_c = o_c * (-dL/do_c)` (reward #3 for the cross-entropy) moves
/// every weight by `-|w| dL/dw`, if the model has only linear maps, ReLU, max pooling and dropout. Scaling each gradient by
/// its weight is then enough. Other activations, normalisation layers, a stabiliser, or a reward that is not a derivative need
/// hooks; the book lists the conditions (`docs/hooks.md`).
///
/// # Example
///
/// ```
/// use burn::optim::{ModuleOptimizer, SgdConfig};
/// use lfp_burn::optim::LfpZero;
///
/// let optim: ModuleOptimizer = LfpZero::new(SgdConfig::new().build()).into();
/// // optim.step(lr, model, GradientsParams::from_grads(loss.backward(), &model))
/// # let _ = optim;
/// ```
#[derive(Clone, Debug)]
pub struct LfpZero<O> {
    optimizer: O,
}

impl<O: Optimizer> LfpZero<O> {
    /// Wraps `optimizer`, built from its config by `build()`.
    pub fn new(optimizer: O) -> Self {
        Self { optimizer }
    }
}

impl<O: Optimizer> Optimizer for LfpZero<O> {
    type State<const D: usize> = O::State<D>;

    fn step<const D: usize>(
        &self,
        lr: LearningRate,
        tensor: Tensor<D>,
        grad: Tensor<D>,
        state: Option<Self::State<D>>,
    ) -> (Tensor<D>, Option<Self::State<D>>) {
        // `descent` negates quotients; a gradient is a negated quotient already.
        let scaled = -descent(tensor.clone(), grad);
        self.optimizer.step(lr, tensor, scaled, state)
    }

    fn to_device<const D: usize>(state: Self::State<D>, device: &Device) -> Self::State<D> {
        O::to_device(state, device)
    }
}

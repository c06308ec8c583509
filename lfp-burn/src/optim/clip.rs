//! Clipping by the global norm.

use burn::{
    module::{Module, ModuleVisitor, Param},
    optim::GradientsParams,
    tensor::Tensor,
};

/// The Euclidean norm of all updates together, as a tensor, so that the device need not be waited
/// for. Zero where there are no updates.
///
/// # Shapes
///
/// - the norm: `[1]`
pub fn global_norm<M: Module>(grads: &GradientsParams, model: &M) -> Option<Tensor<1>> {
    let mut squares = Squares { grads, sum: None };
    model.visit(&mut squares);
    squares.sum.map(Tensor::sqrt)
}

/// Scales all updates together so that their global norm is at most `max_norm`, as PyTorch's
/// `clip_grad_norm_` does; Burn's `GradientClipping` treats every tensor on its own.
///
/// # Panics
///
/// If `max_norm` is not positive.
pub fn clip_global_norm<M: Module>(
    mut grads: GradientsParams,
    model: &M,
    max_norm: f64,
) -> GradientsParams {
    assert!(
        max_norm > 0.0,
        "expected a positive norm to clip at, found {max_norm}"
    );
    if let Some(norm) = global_norm(&grads, model) {
        // PyTorch's guard against a norm of zero.
        let factor = norm
            .add_scalar(1e-6)
            .recip()
            .mul_scalar(max_norm)
            .clamp_max(1.0);
        let grads = &mut grads;
        model.visit(&mut Scale { grads, factor });
    }
    grads
}

struct Squares<'a> {
    grads: &'a GradientsParams,
    sum: Option<Tensor<1>>,
}

impl ModuleVisitor for Squares<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some(grad) = self.grads.get::<D>(param.id) {
            let square = grad.powi_scalar(2).sum();
            self.sum = Some(match self.sum.take() {
                Some(sum) => sum + square,
                None => square,
            });
        }
    }
}

struct Scale<'a> {
    grads: &'a mut GradientsParams,
    factor: Tensor<1>,
}

impl ModuleVisitor for Scale<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some(grad) = self.grads.remove::<D>(param.id) {
            let scaled = grad * self.factor.clone().unsqueeze();
            self.grads.register(param.id, scaled);
        }
    }
}

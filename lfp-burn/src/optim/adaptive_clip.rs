//! Adaptive clipping, unit by unit.

use burn::{
    module::{Module, ModuleVisitor, Param},
    optim::GradientsParams,
    tensor::Tensor,
};

/// Keeps the update of every unit (an output neuron, a channel) at most `lambda` times as large as the
/// unit itself: adaptive gradient clipping (Brock et al. 2021).
///
/// `u * min(1, lambda max(|w|, epsilon) / |u|)` with the Euclidean norms of a unit's weights `w` and their
/// update `u`. There `epsilon` is 1e-3, so that a unit that starts at zero can leave it, and `lambda` around
/// 0.01; for the spiking networks of the LFP paper it was 0.06.
///
/// A unit is a column of a matrix (Burn's `Linear` stores `[d_input, d_output]`), the first axis of
/// anything of higher rank, and all of a vector.
///
/// # Panics
///
/// If `lambda` or `epsilon` is not positive.
pub fn clip_adaptive<M: Module>(
    mut grads: GradientsParams,
    model: &M,
    lambda: f64,
    epsilon: f64,
) -> GradientsParams {
    assert!(
        lambda > 0.0 && epsilon > 0.0,
        "adaptive clipping: expected positive numbers, found lambda {lambda} and epsilon {epsilon}"
    );
    model.visit(&mut Clip {
        grads: &mut grads,
        lambda,
        epsilon,
    });
    grads
}

struct Clip<'a> {
    grads: &'a mut GradientsParams,
    lambda: f64,
    epsilon: f64,
}

impl ModuleVisitor for Clip<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let Some(update) = self.grads.remove::<D>(param.id) else {
            return;
        };
        let largest = unit_norms(param.val().inner())
            .clamp_min(self.epsilon)
            .mul_scalar(self.lambda);
        // An update of zero stays one; dividing by it would not.
        let norms = unit_norms(update.clone()).clamp_min(f64::from(f32::MIN_POSITIVE));
        let factor = (largest / norms).clamp_max(1.0);
        self.grads.register(param.id, update * factor);
    }
}

/// The Euclidean norm of every unit, with an axis of length 1 for each that is summed over.
fn unit_norms<const D: usize>(tensor: Tensor<D>) -> Tensor<D> {
    let summed: Vec<usize> = match D {
        0 | 1 => (0..D).collect(),
        2 => vec![0],
        _ => (1..D).collect(),
    };
    let squares = tensor.powi_scalar(2);
    summed
        .into_iter()
        .fold(squares, |sum, axis| sum.sum_dim(axis))
        .sqrt()
}

//! Adaptive gradient clipping, unit by unit.

use burn::{
    config::Config,
    optim::{LearningRate, Optimizer},
    tensor::{Device, Tensor},
};

use super::{ClipError, positive};

/// Configures [`AdaptiveClip`].
#[derive(Config, Debug)]
pub struct AdaptiveClipConfig {
    /// The largest norm of an update relative to its unit. Brock et al. use about 0.01, the code of LFP's authors 0.06 for
    /// spiking networks.
    pub lambda: f64,
    /// The norm below which a unit counts as this large, so that a unit that starts at zero can leave it. Default: 1e-3.
    #[config(default = 1e-3)]
    pub epsilon: f64,
}

/// An optimiser that limits the update of every unit (an output neuron, a channel) relative to the unit itself: adaptive
/// gradient clipping (Brock et al. 2021).
///
/// The update becomes `u * min(1, lambda max(|w|, epsilon) / |u|)`, with the Euclidean norms of a unit's weights `w` and
/// their update `u`. A unit is a column of a matrix (Burn's `Linear` stores `[d_input, d_output]`), an index of the first axis
/// of a tensor of higher rank, and all of a vector.
///
/// It wraps any optimiser of Burn, so it clips once per step, after accumulation, also inside Burn's `Learner`.
///
/// # Example
///
/// ```
/// use burn::optim::{ModuleOptimizer, SgdConfig};
/// use lfp_burn::optim::AdaptiveClipConfig;
///
/// let clipped = AdaptiveClipConfig::new(0.06).init(SgdConfig::new().build())?;
/// let optim: ModuleOptimizer = clipped.into();
/// # let _ = optim;
/// # Ok::<(), lfp_burn::optim::ClipError>(())
/// ```
#[derive(Clone, Debug)]
pub struct AdaptiveClip<O> {
    optimizer: O,
    lambda: f64,
    epsilon: f64,
}

impl AdaptiveClipConfig {
    /// Wraps `optimizer`, built from its config by `build()`.
    ///
    /// # Errors
    ///
    /// [`ClipError`] unless `lambda` and `epsilon` are positive and finite.
    pub fn init<O: Optimizer>(&self, optimizer: O) -> Result<AdaptiveClip<O>, ClipError> {
        Ok(AdaptiveClip {
            optimizer,
            lambda: positive("lambda", self.lambda)?,
            epsilon: positive("epsilon", self.epsilon)?,
        })
    }
}

impl<O> AdaptiveClip<O> {
    fn clip<const D: usize>(&self, tensor: Tensor<D>, update: Tensor<D>) -> Tensor<D> {
        let limit = unit_norms(tensor.inner())
            .clamp_min(self.epsilon)
            .mul_scalar(self.lambda);
        // The bound avoids 0 / 0 for an update of zero.
        let norms = unit_norms(update.clone()).clamp_min(f64::from(f32::MIN_POSITIVE));
        update * (limit / norms).clamp_max(1.0)
    }
}

impl<O: Optimizer> Optimizer for AdaptiveClip<O> {
    type State<const D: usize> = O::State<D>;

    fn step<const D: usize>(
        &self,
        lr: LearningRate,
        tensor: Tensor<D>,
        grad: Tensor<D>,
        state: Option<Self::State<D>>,
    ) -> (Tensor<D>, Option<Self::State<D>>) {
        let grad = self.clip(tensor.clone(), grad);
        self.optimizer.step(lr, tensor, grad, state)
    }

    fn to_device<const D: usize>(state: Self::State<D>, device: &Device) -> Self::State<D> {
        O::to_device(state, device)
    }
}

/// The Euclidean norm of every unit, with length 1 along each summed axis.
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

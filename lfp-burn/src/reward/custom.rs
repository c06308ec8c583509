//! The user's own reward.

use core::marker::PhantomData;

use burn::tensor::Tensor;

use super::Reward;

/// A reward from a closure over outputs and targets. The closure may leave the device and need not be differentiable.
///
/// The closure returns `r_c` itself, which strengthens an output in its present direction where it is positive. For a rating
/// of classes use [`SignedReward`](super::SignedReward), which takes the sign of the outputs into account.
///
/// # Example
///
/// Values within a tolerance: nothing is rewarded or punished where an output is close enough. The factor `o` gives the
/// reward the sign that moves a positive and a negative output alike towards its value.
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use lfp_burn::reward::{FnReward, Reward};
///
/// let reward = FnReward::new(|outputs: Tensor<2>, values: Tensor<2>| {
///     let error = values.inner() - outputs.clone();
///     let close = error.clone().abs().lower_elem(0.1);
///     (outputs * error).mask_fill(close, 0.0)
/// });
///
/// let device = Device::default();
/// let outputs = Tensor::<2>::from_floats([[0.5, -1.0, 2.0]], &device);
/// let values = Tensor::<2>::from_floats([[1.0, 1.0, 2.05]], &device);
/// let rewards = reward.forward(outputs, values);
/// assert_eq!(rewards.into_data().to_vec::<f32>().unwrap(), [0.25, -2.0, 0.0]);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct FnReward<F, T> {
    function: F,
    targets: PhantomData<fn(T)>,
}

impl<F, T> FnReward<F, T> {
    /// A reward that calls `function` with the outputs, off the tape, and the targets; it returns the reward, in the shape of
    /// the outputs.
    pub fn new<const D: usize>(function: F) -> Self
    where
        F: Fn(Tensor<D>, T) -> Tensor<D>,
    {
        Self {
            function,
            targets: PhantomData,
        }
    }
}

impl<const D: usize, F, T> Reward<D, T> for FnReward<F, T>
where
    F: Fn(Tensor<D>, T) -> Tensor<D>,
{
    fn forward(&self, outputs: Tensor<D>, targets: T) -> Tensor<D> {
        (self.function)(outputs.inner(), targets)
    }
}

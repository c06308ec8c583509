//! The user's own reward.

use core::marker::PhantomData;

use burn::tensor::Tensor;

use super::Reward;

/// A reward from a closure over outputs and targets. The closure may leave the device and need not be differentiable.
///
/// By Eq. 12 the reward of an output is `sign(o_c) R_c`, where `R_c` rates the outcome that the output stands for: without
/// the sign, a positive rating would push a negative output further down.
///
/// # Example
///
/// Ratings decided on the host: 1 for the true class, -1 for every class that would be named wrongly.
///
/// ```
/// use burn::tensor::{Device, Int, Tensor, TensorData};
/// use lfp_burn::reward::{FnReward, Reward};
///
/// let reward = FnReward::new(|logits: Tensor<2>, targets: Tensor<1, Int>| {
///     let [batch, classes] = logits.dims();
///     let device = logits.device();
///     let logits = logits.to_data().to_vec::<f32>().unwrap();
///     let targets: Vec<i64> = targets.to_data().iter().collect();
///     let rewards: Vec<f32> = (0..batch * classes)
///         .map(|i| {
///             let is_target = (i % classes) as i64 == targets[i / classes];
///             let rating = if is_target { 1.0 } else if logits[i] > 0.0 { -1.0 } else { 0.0 };
///             if logits[i] < 0.0 { -rating } else { rating }
///         })
///         .collect();
///     Tensor::from_data(TensorData::new(rewards, [batch, classes]), &device)
/// });
///
/// let device = Device::default();
/// let logits = Tensor::<2>::from_floats([[-0.2, 1.7]], &device);
/// let rewards = reward.forward(logits, Tensor::from_ints([0], &device));
/// assert_eq!(rewards.to_data().to_vec::<f32>().unwrap(), [-1.0, -1.0]);
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

//! The user's own reward.

use burn::tensor::{Int, Tensor};

use super::Reward;

/// A reward from a closure over logits and targets, which may leave the device, and mathematics.
///
/// # Example
///
/// One point for each class that the network would name wrongly, decided on the host:
///
/// ```
/// use burn::tensor::{Device, Int, Tensor, TensorData};
/// use lfp_burn::reward::{FnReward, Reward};
///
/// let reward = FnReward::new(|logits: Tensor<2>, targets: Tensor<1, Int>| {
///     let [batch, classes] = logits.dims();
///     let device = logits.device();
///     let logits = logits.to_data().to_vec::<f32>().unwrap();
///     let targets = targets.to_data().convert::<i64>().to_vec::<i64>().unwrap();
///     let points: Vec<f32> = (0..batch * classes)
///         .map(|i| {
///             let is_target = i % classes == targets[i / classes] as usize;
///             if is_target { 1.0 } else { -logits[i].max(0.0).floor() }
///         })
///         .collect();
///     Tensor::from_data(TensorData::new(points, [batch, classes]), &device)
/// });
///
/// let device = Device::default();
/// let logits = Tensor::<2>::from_floats([[0.2, 1.7]], &device);
/// let points = reward.forward(logits, Tensor::from_ints([0], &device));
/// assert_eq!(points.to_data().to_vec::<f32>().unwrap(), [1.0, -1.0]);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct FnReward<F> {
    function: F,
}

impl<F> FnReward<F>
where
    F: Fn(Tensor<2>, Tensor<1, Int>) -> Tensor<2>,
{
    /// A reward that calls `function` with logits `[batch_size, classes]`, off the tape, and targets
    /// `[batch_size]`; it returns the reward, `[batch_size, classes]`.
    pub fn new(function: F) -> Self {
        Self { function }
    }
}

impl<F> Reward for FnReward<F>
where
    F: Fn(Tensor<2>, Tensor<1, Int>) -> Tensor<2>,
{
    fn forward(&self, logits: Tensor<2>, targets: Tensor<1, Int>) -> Tensor<2> {
        (self.function)(logits.inner(), targets.inner())
    }
}

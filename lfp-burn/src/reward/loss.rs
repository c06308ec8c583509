//! Rewards from losses.

use burn::tensor::Tensor;

use super::Reward;

/// The reward `r = o (-dL/do)` of Theorem 1 for any differentiable loss, by Burn's autodiff on the detached outputs. With it
/// LFP-0 follows the gradient of the loss, each weight's step scaled by `|w|`.
///
/// The loss decides about the reduction: a mean over the batch divides every step by the batch size.
///
/// # Example
///
/// Regression, and several labels per sample:
///
/// ```
/// use burn::nn::loss::{BinaryCrossEntropyLossConfig, MseLoss, Reduction};
/// use burn::tensor::{Device, Int, Tensor};
/// use lfp_burn::reward::{LossReward, Reward};
///
/// let device = Device::default().autodiff();
/// let outputs = Tensor::<2>::from_floats([[0.5], [2.0]], &device);
/// let targets = Tensor::<2>::from_floats([[1.0], [1.0]], &device);
/// let mse = LossReward::new(|o, t: Tensor<2>| MseLoss::new().forward(o, t, Reduction::Sum));
/// let reward = mse.forward(outputs, targets).into_data();
/// assert_eq!(reward.to_vec::<f32>().unwrap(), [0.5, -4.0]);
///
/// let multi_label = LossReward::new(|o: Tensor<2>, t: Tensor<2, Int>| {
///     let bce = BinaryCrossEntropyLossConfig::new().with_logits(true).init(&o.device());
///     bce.forward(o, t)
/// });
/// let logits = Tensor::<2>::from_floats([[0.3, -1.0]], &device);
/// let both = Tensor::<2, Int>::from_ints([[1, 1]], &device);
/// assert_eq!(multi_label.forward(logits, both).dims(), [1, 2]);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct LossReward<F> {
    loss: F,
}

impl<F> LossReward<F> {
    /// A reward that calls `loss` with outputs and targets, and differentiates what it returns, `[1]`.
    pub fn new<const D: usize, T>(loss: F) -> Self
    where
        F: Fn(Tensor<D>, T) -> Tensor<1>,
    {
        Self { loss }
    }
}

impl<const D: usize, T, F> Reward<D, T> for LossReward<F>
where
    F: Fn(Tensor<D>, T) -> Tensor<1>,
{
    /// # Panics
    ///
    /// If the outputs are not on an autodiff device.
    fn forward(&self, outputs: Tensor<D>, targets: T) -> Tensor<D> {
        assert!(
            outputs.is_autodiff(),
            "the reward of a loss: expected outputs on an autodiff device, found {:?}",
            outputs.device()
        );
        let outputs = outputs.detach().require_grad();
        let gradients = (self.loss)(outputs.clone(), targets).backward();
        let gradient = outputs.grad(&gradients);
        let outputs = outputs.inner();
        match gradient {
            Some(gradient) => -(outputs * gradient),
            // The loss does not depend on the outputs.
            None => outputs.zeros_like(),
        }
    }
}

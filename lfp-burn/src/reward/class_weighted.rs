//! Rewards by class.

use burn::tensor::{Int, Tensor, TensorData};

use super::Reward;

/// Another reward, multiplied by a weight for the class of each sample: where classes are of different
/// size, a rare one can count for more.
///
/// # Example
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use lfp_burn::reward::{ClassWeighted, CorrectReward, Reward};
///
/// let device = Device::default();
/// let reward = ClassWeighted::new(CorrectReward::new(), [1.0, 3.0]);
/// let logits = Tensor::<2>::from_floats([[2.0, 1.0], [1.0, 2.0]], &device);
/// let reward = reward.forward(logits, Tensor::from_ints([0, 1], &device));
/// assert_eq!(reward.to_data().to_vec::<f32>().unwrap(), [1.0, 0.0, 0.0, 3.0]);
/// ```
#[derive(Clone, Debug)]
pub struct ClassWeighted<R> {
    reward: R,
    weights: Vec<f32>,
}

impl<R: Reward> ClassWeighted<R> {
    /// `reward`, with a weight for each class.
    pub fn new(reward: R, weights: impl Into<Vec<f32>>) -> Self {
        Self {
            reward,
            weights: weights.into(),
        }
    }
}

impl<R: Reward> Reward for ClassWeighted<R> {
    fn forward(&self, logits: Tensor<2>, targets: Tensor<1, Int>) -> Tensor<2> {
        let device = logits.device().inner();
        let weights = TensorData::new(self.weights.clone(), [self.weights.len()]);
        let weights = Tensor::<1>::from_data(weights, &device);
        let of_sample = weights.select(0, targets.clone().inner());
        let reward = self.reward.forward(logits, targets);
        of_sample.cast(reward.dtype()).unsqueeze_dim::<2>(1) * reward
    }
}

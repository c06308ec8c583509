//! Rewards weighted by class.

use burn::tensor::{Int, Tensor, TensorData};

use super::{Reward, RewardError};

/// Another reward, multiplied by the weight of each sample's class: rare classes can count for more.
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

impl<R> ClassWeighted<R> {
    /// `reward`, with a weight for each class.
    pub fn new(reward: R, weights: impl Into<Vec<f32>>) -> Self {
        Self {
            reward,
            weights: weights.into(),
        }
    }

    /// The weight of each sample, `[batch_size, 1]`.
    fn of_samples(&self, logits: &Tensor<2>, targets: Tensor<1, Int>) -> Tensor<2> {
        let classes = logits.dims()[1].max(2);
        assert_eq!(
            self.weights.len(),
            classes,
            "class weights: expected one for each of {classes} classes, found {}",
            self.weights.len()
        );
        let weights = TensorData::new(self.weights.clone(), [classes]);
        let weights = Tensor::<1>::from_data(weights, &logits.device().inner());
        // The reward of a label that is no class is zero, whatever its weight.
        let known = targets.inner().clamp(0, classes as i64 - 1);
        let of_samples = weights.select(0, known).unsqueeze_dim::<2>(1);
        of_samples.cast(logits.dtype())
    }
}

impl<R: Reward<2>> Reward<2> for ClassWeighted<R> {
    fn forward(&self, outputs: Tensor<2>, targets: Tensor<1, Int>) -> Tensor<2> {
        let weights = self.of_samples(&outputs, targets.clone());
        weights * self.reward.forward(outputs, targets)
    }

    fn try_forward(
        &self,
        outputs: Tensor<2>,
        targets: Tensor<1, Int>,
    ) -> Result<Tensor<2>, RewardError> {
        let weights = self.of_samples(&outputs, targets.clone());
        super::finite(weights * self.reward.try_forward(outputs, targets)?)
    }
}

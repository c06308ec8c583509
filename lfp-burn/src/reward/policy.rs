//! The reward of decisions by what came of them: reinforcement learning.

use burn::{
    config::Config,
    tensor::{Int, Tensor},
};

use super::{
    Reduction, Reward, RewardError, SoftmaxReward,
    classification::{PerSample, Samples},
    finite,
};

/// The reward of actions that were drawn from `p = softmax(o)`, by their advantages `A`:
///
/// ```text
/// r_c = o_c (1[c = a] - p_c) A
/// ```
///
/// It is #3 of Table 2 with the action in place of the class, times how much better than usual the action turned out: an action
/// with a positive advantage becomes more probable, one with a negative advantage less. By Theorem 1 it makes LFP follow
/// REINFORCE, the gradient of `A log p_a`, with each weight's step scaled by `|w|`. An action that is none of the outputs gets
/// a reward of 0. One output stands for two actions, of which 1 has the probability `sigmoid(o)`.
///
/// The factor `o_c` is not its sign alone: a propagation divides a reward by its output, so with `sign(o_c)` the outputs near 0
/// would get the largest updates.
///
/// # Example
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use lfp_burn::reward::{Decisions, PolicyReward, Reward};
///
/// let device = Device::default();
/// // Both actions are as probable in both states; action 0 turned out well, then badly.
/// let logits = Tensor::<2>::from_floats([[2.0, 2.0], [2.0, 2.0]], &device);
/// let decisions = Decisions {
///     actions: Tensor::from_ints([0, 0], &device),
///     advantages: Tensor::from_floats([1.0, -0.5], &device),
/// };
/// let reward = PolicyReward::new().forward(logits, decisions);
/// assert_eq!(reward.into_data().to_vec::<f32>().unwrap(), [1.0, -1.0, -0.5, 0.5]);
/// ```
#[derive(Config, Debug)]
pub struct PolicyReward {
    /// Over the decisions. Default: sum, as all rewards.
    #[config(default = "Reduction::Sum")]
    pub reduction: Reduction,
}

/// What was done, and what came of it.
#[derive(Clone, Debug)]
pub struct Decisions {
    /// The actions, from 0, `[batch_size]`.
    pub actions: Tensor<1, Int>,
    /// How much better than usual each turned out, `[batch_size]`.
    pub advantages: Tensor<1>,
}

impl Reward<2, Decisions> for PolicyReward {
    /// # Shapes
    ///
    /// - `outputs` and the reward: `[batch_size, actions]`
    ///
    /// # Panics
    ///
    /// If there are another number of actions or advantages than of outputs.
    fn forward(&self, outputs: Tensor<2>, decisions: Decisions) -> Tensor<2> {
        let samples = Samples::new(outputs, decisions.actions);
        let [batch, _] = samples.logits.dims();
        let advantages = decisions.advantages.inner();
        assert!(
            advantages.dims() == [batch],
            "advantages: expected [{batch}], one for each decision, found {:?}",
            advantages.dims()
        );
        let advantages = advantages.cast(samples.logits.dtype()).unsqueeze_dim(1);
        let rewards = SoftmaxReward::new().rewards(&samples) * advantages;
        samples.reduce(rewards, self.reduction)
    }

    fn try_forward(
        &self,
        outputs: Tensor<2>,
        decisions: Decisions,
    ) -> Result<Tensor<2>, RewardError> {
        Samples::new(outputs.clone(), decisions.actions.clone()).check()?;
        finite(self.forward(outputs, decisions))
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, TensorData, activation::log_softmax};

    use super::*;

    fn decisions(actions: &[i64], advantages: &[f32]) -> Decisions {
        let device = Device::default();
        Decisions {
            actions: Tensor::from_data(actions, &device),
            advantages: Tensor::from_data(advantages, &device),
        }
    }

    fn logits(values: &[f32], actions: usize) -> Tensor<2> {
        let data = TensorData::new(values.to_vec(), [values.len() / actions, actions]);
        Tensor::from_data(data, &Device::default())
    }

    fn numbers(tensor: Tensor<2>) -> Vec<f64> {
        tensor.into_data().iter().collect()
    }

    #[test]
    fn the_reward_is_the_output_times_the_derivative_of_reinforce() {
        let device = Device::default().autodiff();
        let outputs = logits(&[0.3, -1.2, 2.0, -0.5, 0.7, -2.0], 3);
        let tracked = Tensor::<2>::from_data(outputs.to_data(), &device).require_grad();
        let actions = Tensor::<2, Int>::from_data([[1], [0]], &device);
        let advantages = Tensor::<2>::from_data([[0.8], [-1.5]], &device);
        let gain = (log_softmax(tracked.clone(), 1).gather(1, actions) * advantages).sum();
        let derivative = tracked.grad(&gain.backward()).unwrap();
        let expected = numbers(outputs.clone() * derivative);
        let found = numbers(PolicyReward::new().forward(outputs, decisions(&[1, 0], &[0.8, -1.5])));
        for (found, expected) in found.into_iter().zip(expected) {
            assert!((found - expected).abs() < 1e-6, "{found} for {expected}");
        }
    }

    #[test]
    fn one_output_decides_between_two_actions() {
        let reward = PolicyReward::new();
        let found =
            numbers(reward.forward(logits(&[0.0, 2.0], 1), decisions(&[1, 0], &[1.0, 3.0])));
        let probability = 1.0 / (1.0 + (-2.0f64).exp());
        assert_eq!(found[0], 0.0);
        assert!(
            (found[1] + 3.0 * 2.0 * probability).abs() < 1e-5,
            "{found:?}"
        );
    }

    #[test]
    fn an_action_that_is_no_output_gets_nothing_or_is_reported() {
        let outputs = logits(&[1.0, 2.0, 1.0, 2.0], 2);
        let unknown = decisions(&[2, 0], &[1.0, 1.0]);
        let reward = PolicyReward::new().with_reduction(Reduction::Mean);
        let found = numbers(reward.forward(outputs.clone(), unknown.clone()));
        assert_eq!(found[..2], [0.0, 0.0]);
        // The mean is that of the one decision that is known: 1 - p of the first of two outputs.
        assert!((found[2] - 1.0 / (1.0 + (-1.0f64).exp())).abs() < 1e-6);
        let error = RewardError::Label {
            label: 2,
            classes: 2,
        };
        assert_eq!(reward.try_forward(outputs, unknown).unwrap_err(), error);
    }

    #[test]
    #[should_panic(expected = "one for each decision")]
    fn as_many_advantages_as_decisions_are_expected() {
        PolicyReward::new().forward(logits(&[1.0, 2.0], 2), decisions(&[0], &[1.0, 1.0]));
    }
}

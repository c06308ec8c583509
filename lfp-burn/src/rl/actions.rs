//! What a policy does.

use burn::tensor::{Device, Int, Tensor};
use burn_rl::{Batchable, SliceAccess, ToAction};

/// The action of one environment, numbered from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Action(pub usize);

/// The actions of several environments, on the host: environments need them there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actions(pub Vec<Action>);

impl Actions {
    /// The number of each action.
    pub fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        self.0.iter().map(|action| action.0)
    }

    /// The actions on a device, `[batch_size]`.
    pub fn to_tensor(&self, device: &Device) -> Tensor<1, Int> {
        let numbers: Vec<i64> = self.iter().map(|action| action as i64).collect();
        Tensor::from_data(numbers.as_slice(), device)
    }
}

impl From<Actions> for Action {
    /// The first action; a batch of one environment has no other.
    ///
    /// # Panics
    ///
    /// If there is none.
    fn from(actions: Actions) -> Self {
        let first = actions.0.first();
        *first.expect("a policy decides for at least one environment")
    }
}

impl ToAction<Actions> for Action {
    fn to_action(&self, _: &Device) -> Actions {
        Actions(vec![*self])
    }
}

impl Batchable for Actions {
    fn batch(items: Vec<Self>) -> Self {
        Self(items.into_iter().flat_map(|item| item.0).collect())
    }

    fn unbatch(self) -> Vec<Self> {
        self.0
            .into_iter()
            .map(|action| Self(vec![action]))
            .collect()
    }
}

impl SliceAccess for Actions {
    fn zeros_like(_: &Self, capacity: usize, _: &Device) -> Self {
        Self(vec![Action(0); capacity])
    }

    /// Reads the indices back: actions are on the host.
    ///
    /// # Panics
    ///
    /// If `dim` is not 0, the only dimension, or an index is out of range.
    fn select(self, dim: usize, indices: Tensor<1, Int>) -> Self {
        assert_eq!(dim, 0, "actions have one dimension");
        let indices = indices.into_data();
        Self(
            indices
                .iter::<i64>()
                .map(|index| self.0[index as usize])
                .collect(),
        )
    }

    fn slice_assign_inplace(&mut self, index: usize, value: Self) {
        self.0[index] = value.into();
    }
}

#[cfg(test)]
mod tests {
    use burn_rl::TransitionBuffer;

    use super::*;
    use crate::rl::{Observation, Observations};

    #[test]
    fn a_replay_buffer_of_burn_keeps_observations_and_actions_together() {
        let device = Device::default();
        let mut buffer = TransitionBuffer::<Observations, Actions>::new(3, &device);
        let see =
            |number: usize| Observations::of(&[Observation(vec![number as f32, 0.5])], &device);
        // The fourth overwrites the first.
        for number in 0..4 {
            let action = Actions(vec![Action(number)]);
            buffer.push(see(number), see(number + 1), action, number as f32, false);
        }
        let batch = buffer.sample(3);
        let seen: Vec<f32> = batch.states.0.into_data().iter().collect();
        for (row, action) in seen.chunks(2).zip(batch.actions.iter()) {
            assert_eq!(row, [action as f32, 0.5]);
            assert!(action > 0);
        }
    }

    #[test]
    fn what_is_batched_comes_apart_again() {
        let one = |number| Actions(vec![Action(number)]);
        let batch = Actions::batch(vec![one(2), one(0), one(1)]);
        assert_eq!(batch.iter().collect::<Vec<_>>(), [2, 0, 1]);
        assert_eq!(batch.unbatch(), [one(2), one(0), one(1)]);
        let rows = [Observation(vec![1.0, 2.0]), Observation(vec![3.0, 4.0])];
        let rows = Observations::of(&rows, &Device::default()).unbatch();
        let back = Observations::batch(rows)
            .0
            .into_data()
            .try_to_vec::<f32>()
            .unwrap();
        assert_eq!(back, [1.0, 2.0, 3.0, 4.0]);
    }
}

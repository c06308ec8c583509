//! A policy that draws actions from the softmax of a network.

use burn::{
    module::Module,
    store::ModuleRecord,
    tensor::{Device, Tensor, activation::softmax},
};
use burn_rl::{Batchable, Policy, PolicyState};
use rand::{RngExt, SeedableRng, rngs::SmallRng};

use super::{Action, Actions, Observations};

/// A network with one output for each action.
///
/// Its last layer is hooked (or its outputs are a view of the last layer's), so that a propagation can start there.
pub trait PolicyNetwork: Module + 'static {
    /// The logit of each action.
    ///
    /// # Shapes
    ///
    /// - `observations`: `[batch_size, numbers]`
    /// - output: `[batch_size, actions]`
    fn logits(&self, observations: Tensor<2>) -> Tensor<2>;
}

/// The logits of each action, `[batch_size, actions]`.
#[derive(Clone, Debug)]
pub struct Logits(pub Tensor<2>);

impl Batchable for Logits {
    fn batch(items: Vec<Self>) -> Self {
        let rows = items.into_iter().map(|item| item.0).collect();
        Self(Tensor::cat(rows, 0))
    }

    fn unbatch(self) -> Vec<Self> {
        self.0.split(1, 0).into_iter().map(Self).collect()
    }
}

/// The network of a policy, as it travels from a learner to policies.
#[derive(Clone, Debug)]
pub struct Weights<N>(pub N);

impl<N: PolicyNetwork> PolicyState for Weights<N> {
    type Record = ModuleRecord;

    fn into_record(self) -> ModuleRecord {
        self.0.into_record()
    }

    /// # Panics
    ///
    /// If the record is that of another network, as Burn's `load_record`.
    fn load_record(&self, record: ModuleRecord) -> Self {
        Self(self.0.clone().load_record(record))
    }
}

/// A policy that draws actions from the softmax of a network's logits.
///
/// The draws depend on its seed alone: not on the device, nor on other policies.
#[derive(Clone, Debug)]
pub struct CategoricalPolicy<N> {
    network: N,
    random: SmallRng,
}

impl<N: PolicyNetwork> CategoricalPolicy<N> {
    /// A policy without a tape: it decides and does not learn.
    pub fn new(network: &N, seed: u64) -> Self {
        Self {
            network: network.valid(),
            random: SmallRng::seed_from_u64(seed),
        }
    }

    /// What the policy does: the most probable actions if `deterministic`, else drawn ones. Reads the probabilities back,
    /// once.
    ///
    /// # Errors
    ///
    /// If a probability is not finite, as after steps that were too large.
    ///
    /// # Panics
    ///
    /// If the network has fewer than two outputs: it would always do the same.
    pub fn decide(
        &mut self,
        observations: Observations,
        deterministic: bool,
    ) -> Result<Actions, NotFinite> {
        let logits = self.forward(observations).0;
        let [_, actions] = logits.dims();
        assert!(
            actions > 1,
            "the actions of a policy: expected at least two outputs, one for each, found {actions}"
        );
        let probabilities: Vec<f64> = softmax(logits, 1).into_data().iter().collect();
        if let Some(&found) = probabilities.iter().find(|value| !value.is_finite()) {
            return Err(NotFinite(found));
        }
        let rows = probabilities.chunks(actions);
        let decided = rows.map(|row| match deterministic {
            true => Action(largest(row)),
            false => Action(self.draw(row)),
        });
        Ok(Actions(decided.collect()))
    }

    /// An index, each as probable as its share of the weights.
    fn draw(&mut self, weights: &[f64]) -> usize {
        let mut left = self.random.random::<f64>() * weights.iter().sum::<f64>();
        let drawn = weights.iter().position(|weight| {
            left -= weight;
            left < 0.0
        });
        // A rest by rounding.
        drawn.unwrap_or(weights.len() - 1)
    }
}

/// A policy whose probabilities are not numbers.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[error("the probabilities of a policy: expected finite numbers, found {0}")]
pub struct NotFinite(f64);

/// The index of the largest; the first of several.
fn largest(weights: &[f64]) -> usize {
    let better = |best: usize, index| {
        if weights[index] > weights[best] {
            index
        } else {
            best
        }
    };
    (1..weights.len()).fold(0, better)
}

impl<N: PolicyNetwork> Policy for CategoricalPolicy<N> {
    type Observation = Observations;
    type ActionDistribution = Logits;
    type Action = Actions;
    type ActionContext = ();
    type PolicyState = Weights<N>;

    fn forward(&mut self, observations: Observations) -> Logits {
        Logits(self.network.logits(observations.0))
    }

    /// [`decide`](CategoricalPolicy::decide), by Burn's trait, which knows no errors.
    ///
    /// # Panics
    ///
    /// As `decide`, and if a probability is not finite.
    fn action(&mut self, observations: Observations, deterministic: bool) -> (Actions, Vec<()>) {
        let decided = self.decide(observations, deterministic);
        let actions = decided.unwrap_or_else(|error| panic!("{error}"));
        let context = vec![(); actions.0.len()];
        (actions, context)
    }

    fn update(&mut self, weights: Weights<N>) {
        self.network = weights.0.valid();
    }

    fn state(&self) -> Weights<N> {
        Weights(self.network.clone())
    }

    fn to_device(self, device: &Device) -> Self {
        Self {
            network: self.network.to_device(device),
            ..self
        }
    }

    /// # Panics
    ///
    /// If the record is that of another network, as Burn's `load_record`.
    fn load_record(self, record: ModuleRecord) -> Self {
        Self {
            network: self.network.load_record(record),
            ..self
        }
    }
}

#[cfg(test)]
mod tests {
    use burn::{
        module::Param,
        tensor::{Int, TensorData},
    };

    use super::*;
    use crate::rl::Observation;

    /// Logits that do not depend on what is seen, but for the number of rows.
    #[derive(Module, Debug)]
    struct Fixed {
        logits: Param<Tensor<1>>,
    }

    impl PolicyNetwork for Fixed {
        fn logits(&self, observations: Tensor<2>) -> Tensor<2> {
            let rows = observations.dims()[0];
            self.logits.val().unsqueeze::<2>().repeat_dim(0, rows)
        }
    }

    fn fixed(logits: [f32; 3]) -> Fixed {
        Fixed {
            logits: Param::from_tensor(Tensor::from_floats(logits, &Device::default())),
        }
    }

    fn decide(
        policy: &mut CategoricalPolicy<Fixed>,
        rows: usize,
        deterministic: bool,
    ) -> Vec<usize> {
        let rows = vec![Observation(vec![0.0]); rows];
        let (actions, context) =
            policy.action(Observations::of(&rows, &Device::default()), deterministic);
        assert_eq!(context.len(), rows.len());
        actions.iter().collect()
    }

    #[test]
    fn actions_are_drawn_as_often_as_they_are_probable() {
        // Probabilities 0.6, 0.3, 0.1.
        let mut policy = CategoricalPolicy::new(&fixed([6.0f32.ln(), 3.0f32.ln(), 0.0]), 1);
        let drawn = decide(&mut policy, 20_000, false);
        for (action, share) in [0.6, 0.3, 0.1].into_iter().enumerate() {
            let count = drawn.iter().filter(|&&one| one == action).count();
            let found = count as f64 / drawn.len() as f64;
            // Five standard deviations.
            assert!((found - share).abs() < 0.018, "action {action}: {found}");
        }
        assert_eq!(decide(&mut policy, 3, true), [0, 0, 0]);
    }

    #[test]
    fn without_numbers_a_policy_does_nothing() {
        let rows = || Observations::of(&[Observation(vec![0.0])], &Device::default());
        for logit in [f32::NAN, f32::INFINITY] {
            for deterministic in [false, true] {
                let mut policy = CategoricalPolicy::new(&fixed([0.0, logit, 0.0]), 0);
                let error = policy.decide(rows(), deterministic).unwrap_err();
                let text = error.to_string();
                assert!(
                    text.contains("expected finite numbers, found NaN"),
                    "{text}"
                );
            }
        }
    }

    #[test]
    #[should_panic(expected = "expected finite numbers, found NaN")]
    fn by_the_trait_of_burn_that_is_a_panic() {
        decide(
            &mut CategoricalPolicy::new(&fixed([f32::NAN; 3]), 0),
            1,
            true,
        );
    }

    #[test]
    #[should_panic(expected = "expected at least two outputs, one for each, found 1")]
    fn a_policy_of_one_output_is_refused() {
        let logits = Param::from_tensor(Tensor::from_floats([0.0], &Device::default()));
        decide(&mut CategoricalPolicy::new(&Fixed { logits }, 0), 1, false);
    }

    #[test]
    fn draws_depend_on_the_seed_alone() {
        let draws = |seed| {
            decide(
                &mut CategoricalPolicy::new(&fixed([0.0; 3]), seed),
                50,
                false,
            )
        };
        assert_eq!(draws(1), draws(1));
        assert_ne!(draws(1), draws(2));
    }

    #[test]
    fn a_policy_takes_weights_and_records_of_another() {
        let mut policy = CategoricalPolicy::new(&fixed([1.0, 0.0, 0.0]), 0);
        policy.update(CategoricalPolicy::new(&fixed([0.0, 1.0, 0.0]), 0).state());
        assert_eq!(decide(&mut policy, 1, true), [1]);
        let record = CategoricalPolicy::new(&fixed([0.0, 0.0, 1.0]), 0)
            .state()
            .into_record();
        let mut policy = policy.load_record(record).to_device(&Device::default());
        assert_eq!(decide(&mut policy, 1, true), [2]);
    }

    #[test]
    fn logits_come_apart_row_by_row() {
        let data = TensorData::new(vec![1.0f32, 2.0, 3.0, 4.0], [2, 2]);
        let rows = Logits(Tensor::from_data(data, &Device::default())).unbatch();
        let second = Logits::batch(rows)
            .0
            .select(0, Tensor::<1, Int>::from_ints([1], &Device::default()));
        assert_eq!(second.into_data().try_to_vec::<f32>().unwrap(), [3.0, 4.0]);
    }
}

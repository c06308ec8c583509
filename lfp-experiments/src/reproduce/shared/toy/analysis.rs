//! Parameters of a network before and after training.

use anyhow::Result;
use burn::{
    module::{Module, ModuleMapper, ModuleVisitor, Param},
    tensor::{Device, Tensor, TensorData},
};
use lfp_burn::sparsity::neutral_share;
use lfp_models::{Network, initialized};
use serde::{Deserialize, Serialize};

use crate::{
    data::{Batches, Order},
    study::{Analysis, Curve, Trained},
    train::{Accuracy, Settings},
};

/// Largest threshold, and number of steps from 0 to it.
const LARGEST_THETA: f64 = 0.5;
const STEPS: usize = 100;

/// A network before and after training: enough to draw it without training it again.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::reproduce) struct Toy {
    /// Test accuracy before training.
    initial_accuracy: f64,
    initial: Parameters,
    trained: Parameters,
}

/// The parameters of a network, in the order of its layers.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Parameters(Vec<Parameter>);

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Parameter {
    shape: Vec<usize>,
    values: Vec<f32>,
}

impl Toy {
    /// Keeps the parameters, and tests the network before training.
    pub(super) fn of(trained: Trained) -> Result<Self> {
        let initial = trained.initial_network()?;
        let test = &trained.data.test;
        let batches = Batches {
            data: test,
            size: test.len(),
            order: Order::Given,
            workers: 1,
        };
        let accuracy = Accuracy::of(&initial.valid(), &batches, trained.device)?;
        Ok(Self {
            initial_accuracy: accuracy.top1,
            initial: Parameters::of(&initial),
            trained: Parameters::of(&trained.network),
        })
    }

    pub(super) fn initial_accuracy(&self) -> f64 {
        self.initial_accuracy
    }

    /// The trained network of a run with these settings.
    pub(super) fn network(&self, settings: &Settings, device: &Device) -> Result<Network> {
        let config = settings.network([2, 1, 1], settings.classes);
        let network = initialized(settings.model.init(&config, device)?);
        Ok(self.trained.clone().into_network(network))
    }
}

impl Parameters {
    fn of(network: &Network) -> Self {
        let mut parameters = Self::default();
        network.visit(&mut parameters);
        parameters
    }

    fn into_network(mut self, network: Network) -> Network {
        // The mapper takes parameters from the end.
        self.0.reverse();
        network.map(&mut self)
    }

    /// All weights, without the biases, which are vectors.
    fn weights(&self) -> impl Iterator<Item = f32> + Clone {
        let matrices = self.0.iter().filter(|parameter| parameter.shape.len() > 1);
        matrices.flat_map(|parameter| parameter.values.iter().copied())
    }

    /// The shares of weights above theta, within theta, and below minus theta, over theta.
    fn shares(&self, prefix: &str) -> [Curve; 3] {
        let weights: Vec<f32> = self.weights().collect();
        let share = |inside: &dyn Fn(f32) -> bool| {
            let inside = weights.iter().filter(|&&weight| inside(weight));
            inside.count() as f64 / weights.len().max(1) as f64
        };
        // Thresholds are rounded to the precision of the weights, so that no weight counts twice.
        let curve = |name: &str, of: &dyn Fn(f32) -> f64| Curve {
            quantity: format!("{prefix}share_{name}"),
            over: "theta",
            points: thetas().map(|theta| (theta, of(theta as f32))).collect(),
        };
        [
            curve("negative", &|theta| share(&|weight| weight < -theta)),
            curve("neutral", &|theta| {
                neutral_share(weights.iter().copied(), theta)
            }),
            curve("positive", &|theta| share(&|weight| weight > theta)),
        ]
    }

    /// The share of weights within theta, averaged over theta.
    fn neutral_share(&self) -> f64 {
        let [_, neutral, _] = self.shares("");
        let shares = neutral.points.iter().map(|&(_, share)| share);
        shares.sum::<f64>() / neutral.points.len() as f64
    }
}

fn thetas() -> impl Iterator<Item = f64> {
    (0..=STEPS).map(|step| LARGEST_THETA * step as f64 / STEPS as f64)
}

impl ModuleVisitor for Parameters {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let data = param.val().into_data();
        self.0.push(Parameter {
            shape: data.shape().to_vec(),
            values: data.iter().collect(),
        });
    }
}

impl ModuleMapper for Parameters {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let Some(Parameter { shape, values }) = self.0.pop() else {
            return param;
        };
        param.map(|tensor| Tensor::from_data(TensorData::new(values, shape), &tensor.device()))
    }
}

/// Prefix of the curves before training.
pub(super) const INITIAL: &str = "initial_";

impl Analysis for Toy {
    fn scalars(&self) -> Vec<(String, f64)> {
        vec![
            (
                "initial_neutral_share".to_owned(),
                self.initial.neutral_share(),
            ),
            ("neutral_share".to_owned(), self.trained.neutral_share()),
        ]
    }

    fn curves(&self) -> Vec<Curve> {
        let initial = self.initial.shares(INITIAL).into_iter();
        initial.chain(self.trained.shares("")).collect()
    }
}

#[cfg(test)]
mod tests {
    use lfp_models::{Classifier, MlpConfig};

    use super::*;

    #[test]
    fn a_network_is_the_same_after_its_parameters_were_kept() {
        let device = Device::default();
        let network = || Network::from(MlpConfig::new([2, 8, 3].into()).init(&device));
        let (network, other) = (initialized(network()), initialized(network()));
        let json = serde_json::to_string(&Parameters::of(&network)).unwrap();
        let kept: Parameters = serde_json::from_str(&json).unwrap();
        let restored = kept.into_network(other);
        let input = Tensor::<4>::ones([4, 2, 1, 1], &device);
        let logits = |network: &Network| network.outputs(input.clone()).scores().into_data();
        assert_eq!(logits(&network), logits(&restored));
    }

    #[test]
    fn shares_of_weights_leave_out_biases_and_add_up() {
        let parameter = |shape: &[usize], values: &[f32]| Parameter {
            shape: shape.into(),
            values: values.into(),
        };
        let parameters = Parameters(vec![
            parameter(&[2, 2], &[-0.4, 0.1, 0.3, 0.0]),
            parameter(&[2], &[5.0, 5.0]),
        ]);
        let [negative, neutral, positive] = parameters.shares("");
        let at = |curve: &Curve, step: usize| curve.points[step].1;
        // Theta is 0.2.
        assert_eq!(at(&negative, 40), 0.25);
        assert_eq!(at(&neutral, 40), 0.5);
        assert_eq!(at(&positive, 40), 0.25);
        for step in 0..=STEPS {
            let sum = at(&negative, step) + at(&neutral, step) + at(&positive, step);
            assert!((sum - 1.0).abs() < 1e-12);
        }
    }
}

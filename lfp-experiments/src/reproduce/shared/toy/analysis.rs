//! Parameters of a network before and after training.

use anyhow::Result;
use burn::{
    module::{Module, ModuleMapper, ModuleVisitor, Param},
    tensor::{Device, Tensor, TensorData},
};
use lfp_burn::sparsity::neutral_share;
use lfp_models::{Network, initialized};
use serde::{Deserialize, Serialize};

use super::Weights;
use crate::{
    study::{Analysis, Curve, Trained},
    train::Settings,
};

/// Number of steps from threshold 0 to 1.
const STEPS: usize = 100;

/// The quantity of the training accuracy over the iterations.
pub(super) const TRAIN_ACCURACY: &str = "train_accuracy";

/// A network before and after training: enough to draw it without training it again.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::reproduce) struct Toy {
    initial: Parameters,
    trained: Parameters,
    /// Training accuracy of every step, on its batch and before its update.
    step_accuracy: Vec<f32>,
}

/// The parameters of a network, in the order of its layers.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Parameters(Vec<Parameter>);

/// The weights of a layer over the largest magnitude among them (footnote 8), in `[-1, 1]`: those of the first input, then
/// those of the second, and so on.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Layer {
    pub(super) inputs: usize,
    pub(super) outputs: usize,
    pub(super) weights: Vec<f32>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Parameter {
    shape: Vec<usize>,
    values: Vec<f32>,
}

impl Toy {
    /// Keeps the parameters and the accuracies.
    pub(super) fn of(trained: &Trained) -> Result<Self> {
        let accuracies = trained.step_accuracy.iter();
        Ok(Self {
            initial: Parameters::of(&trained.initial_network()?),
            trained: Parameters::of(&trained.network),
            step_accuracy: accuracies.map(|&accuracy| accuracy as f32).collect(),
        })
    }

    pub(super) fn parameters(&self, weights: Weights) -> &Parameters {
        match weights {
            Weights::Initial => &self.initial,
            Weights::Trained => &self.trained,
        }
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

    /// The layers, without the biases, which are vectors.
    pub(super) fn layers(&self) -> Vec<Layer> {
        let matrices = self.0.iter().filter(|parameter| parameter.shape.len() > 1);
        let layer = |Parameter { shape, values }: &Parameter| {
            let magnitudes = values.iter().map(|weight| weight.abs());
            let largest = magnitudes.fold(f32::MIN_POSITIVE, f32::max);
            Layer {
                inputs: shape[0],
                outputs: shape[1],
                weights: values.iter().map(|weight| weight / largest).collect(),
            }
        };
        matrices.map(layer).collect()
    }

    /// The shares of weights above theta, within theta, and below minus theta, over theta; each weight is taken over the
    /// largest magnitude of its layer.
    fn shares(&self, weights: Weights) -> [Curve; 3] {
        let layers = self.layers().into_iter();
        let relative: Vec<f32> = layers.flat_map(|layer| layer.weights).collect();
        let share = |inside: &dyn Fn(f32) -> bool| {
            let inside = relative.iter().filter(|&&weight| inside(weight));
            inside.count() as f64 / relative.len().max(1) as f64
        };
        // Thresholds are rounded to the precision of the weights, so that no weight counts twice.
        let curve = |name: &str, of: &dyn Fn(f32) -> f64| Curve {
            quantity: weights.quantity(name),
            over: "theta",
            points: thetas().map(|theta| (theta, of(theta as f32))).collect(),
        };
        [
            curve("share_negative", &|theta| share(&|weight| weight < -theta)),
            curve("share_neutral", &|theta| {
                neutral_share(relative.iter().copied(), theta)
            }),
            curve("share_positive", &|theta| share(&|weight| weight > theta)),
        ]
    }

    /// The share of weights within theta, averaged over theta.
    fn neutral_share(&self) -> f64 {
        let [_, neutral, _] = self.shares(Weights::Trained);
        let shares = neutral.points.iter().map(|&(_, share)| share);
        shares.sum::<f64>() / neutral.points.len() as f64
    }
}

impl Weights {
    /// The name of a quantity of these weights in reports.
    pub(super) fn quantity(self, name: &str) -> String {
        match self {
            Self::Initial => format!("initial_{name}"),
            Self::Trained => name.to_owned(),
        }
    }
}

fn thetas() -> impl Iterator<Item = f64> {
    (0..=STEPS).map(|step| step as f64 / STEPS as f64)
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

impl Analysis for Toy {
    fn scalars(&self) -> Vec<(String, f64)> {
        let share = |weights: Weights| {
            let share = self.parameters(weights).neutral_share();
            (weights.quantity("neutral_share"), share)
        };
        [Weights::Initial, Weights::Trained].map(share).into()
    }

    fn curves(&self) -> Vec<Curve> {
        let accuracies = (1..).zip(&self.step_accuracy);
        let train_accuracy = Curve {
            quantity: TRAIN_ACCURACY.to_owned(),
            over: "iteration",
            points: accuracies
                .map(|(step, &accuracy)| (f64::from(step), accuracy.into()))
                .collect(),
        };
        let shares = [Weights::Initial, Weights::Trained]
            .map(|weights| self.parameters(weights).shares(weights));
        shares
            .into_iter()
            .flatten()
            .chain([train_accuracy])
            .collect()
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

    fn parameters(of: &[(&[usize], &[f32])]) -> Parameters {
        let parameter = |&(shape, values): &(&[usize], &[f32])| Parameter {
            shape: shape.into(),
            values: values.into(),
        };
        Parameters(of.iter().map(parameter).collect())
    }

    #[test]
    fn shares_of_weights_leave_out_biases_and_add_up() {
        // Over the layer's largest magnitude 0.4: -1, 0.25, 0.75, 0.
        let parameters = parameters(&[(&[2, 2], &[-0.4, 0.1, 0.3, 0.0]), (&[2], &[5.0, 5.0])]);
        let [negative, neutral, positive] = parameters.shares(Weights::Trained);
        let at = |curve: &Curve, step: usize| curve.points[step].1;
        // Theta is 0.5.
        assert_eq!(at(&negative, 50), 0.25);
        assert_eq!(at(&neutral, 50), 0.5);
        assert_eq!(at(&positive, 50), 0.25);
        for step in 0..=STEPS {
            let sum = at(&negative, step) + at(&neutral, step) + at(&positive, step);
            assert!((sum - 1.0).abs() < 1e-12);
        }
        assert_eq!(at(&neutral, STEPS), 1.0, "no weight exceeds the largest");
    }

    /// Footnote 8: the weights of each layer are divided by the largest magnitude in this layer.
    #[test]
    fn a_layer_of_small_weights_has_the_shares_of_the_same_layer_enlarged() {
        let small = parameters(&[(&[1, 2], &[0.01, -0.003]), (&[2, 1], &[2.0, 0.1])]);
        let large = parameters(&[(&[1, 2], &[1.0, -0.3]), (&[2, 1], &[20.0, 1.0])]);
        let points = |of: &Parameters| of.shares(Weights::Trained).map(|curve| curve.points);
        assert_eq!(points(&small), points(&large));
        // Over theta from 0 to 1 in 101 steps, with relative weights 1, 0.3, 1, 0.05: neutral from theta = 1, 0.3, 1, 0.05.
        let neutral = (1.0 + 71.0 + 1.0 + 96.0) / (4.0 * 101.0);
        assert!((small.neutral_share() - neutral).abs() < 1e-2);
    }
}

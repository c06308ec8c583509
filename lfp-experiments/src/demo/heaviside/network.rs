//! A dense network of step functions whose thresholds can be moved.

use burn::{
    module::{Module, Param},
    nn::{Linear, LinearConfig},
    tensor::{Device, Tensor},
};
use lfp_burn::{
    ActivationFn,
    nn::{Hook, Hooked},
};

/// Neurons of each hidden layer.
const HIDDEN: [usize; 2] = [128, 64];

/// Two hidden layers of step functions, and a linear layer for the logits.
#[derive(Module, Debug)]
pub(super) struct StepNetwork {
    hidden: Vec<Hooked<Linear>>,
    output: Hooked<Linear>,
}

/// What a network computes for a batch.
pub(super) struct Activity {
    /// `[batch_size, classes]`
    pub(super) logits: Tensor<2>,
    /// 1 where a neuron fires, else 0, `[batch_size, neurons]` for each hidden layer.
    pub(super) fired: Vec<Tensor<2>>,
}

impl StepNetwork {
    /// Random weights and biases, drawn at once.
    pub(super) fn new(inputs: usize, classes: usize, device: &Device) -> Self {
        let linear =
            |[inputs, outputs]: [usize; 2]| LinearConfig::new(inputs, outputs).init(device);
        let [first, second] = HIDDEN;
        lfp_models::initialized(Self {
            hidden: [[inputs, first], [first, second]]
                .map(|sizes| step(linear(sizes)))
                .into(),
            output: linear([second, classes]).hooked(),
        })
    }

    /// # Shapes
    ///
    /// - images: `[batch_size, inputs]`
    pub(super) fn forward(&self, images: Tensor<2>) -> Activity {
        let mut fired: Vec<Tensor<2>> = Vec::new();
        let mut features = images;
        for layer in &self.hidden {
            features = layer.forward(features);
            fired.push(features.clone());
        }
        Activity {
            logits: self.output.forward(features),
            fired,
        }
    }

    /// Sets the biases of the hidden layers, from the first to the last, so that each neuron fires for `share` of the
    /// `images`, `[images, inputs]`, which lie on the device without autodiff.
    pub(super) fn with_firing_shares(self, share: f64, images: Tensor<2>) -> Self {
        let mut features = images;
        let of_layer = |layer: Hooked<Linear>| {
            let sums = features.clone().matmul(layer.inner().weight.val().inner());
            let [images, neurons] = sums.dims();
            // A step is 0 at 0, so that the image at the threshold is the last for which the neuron is silent.
            let silent = ((1.0 - share) * images as f64).round() as usize;
            let threshold = sums.clone().sort(0).narrow(0, silent.max(1) - 1, 1);
            features = sums
                .greater(threshold.clone().expand([images, neurons]))
                .float();
            with_bias(layer, |_| -threshold.flatten::<1>(0, 1))
        };
        let hidden = self.hidden.into_iter().map(of_layer).collect();
        Self { hidden, ..self }
    }

    /// Moves each hidden neuron's bias by `speed` times what its firing rate in a batch lacks of `rate`.
    pub(super) fn toward_firing_rate(self, rate: f64, speed: f64, fired: Vec<Tensor<2>>) -> Self {
        let layers = self.hidden.into_iter().zip(fired);
        let hidden = layers.map(|(layer, fired)| {
            let lacking = -(fired.inner().mean_dim(0).flatten::<1>(0, 1) - rate);
            with_bias(layer, |bias| bias + lacking * speed)
        });
        Self {
            hidden: hidden.collect(),
            ..self
        }
    }
}

fn step(layer: Linear) -> Hooked<Linear> {
    layer.hooked().with_activation(ActivationFn::Heaviside)
}

/// The layer with another bias, computed off the tape.
fn with_bias(layer: Hooked<Linear>, change: impl FnOnce(Tensor<1>) -> Tensor<1>) -> Hooked<Linear> {
    let Linear { weight, bias } = layer.into_inner();
    let changed = |bias: Param<Tensor<1>>| {
        bias.map(|bias| Tensor::from_inner(change(bias.inner())).require_grad())
    };
    step(Linear {
        weight,
        bias: bias.map(changed),
    })
}

#[cfg(test)]
mod tests {
    use burn::tensor::Distribution;

    use super::*;

    fn images(device: &Device) -> Tensor<2> {
        Tensor::random([200, 9], Distribution::Normal(0.0, 1.0), device)
    }

    /// The share of images for which each neuron fires, layer by layer.
    fn shares(network: &StepNetwork, images: Tensor<2>) -> Vec<Vec<f32>> {
        let fired = network.forward(images).fired.into_iter();
        fired
            .map(|fired| fired.mean_dim(0).into_data().try_to_vec().unwrap())
            .collect()
    }

    #[test]
    fn thresholds_give_each_neuron_the_share_of_images() {
        let device = Device::default();
        let images = images(&device);
        let network = StepNetwork::new(9, 3, &device.clone().autodiff());
        let network = network.with_firing_shares(0.3, images.clone()).valid();
        let shares = shares(&network, images);
        assert_eq!(shares.iter().map(Vec::len).collect::<Vec<_>>(), HIDDEN);
        assert!(
            shares
                .iter()
                .flatten()
                .all(|share| (share - 0.3).abs() < 0.02),
            "{shares:?}"
        );
    }

    #[test]
    fn homeostasis_brings_each_neuron_to_its_firing_rate() {
        let device = Device::default();
        let images = images(&device);
        let mut network = StepNetwork::new(9, 3, &device.clone().autodiff());
        for _ in 0..400 {
            let fired = network.forward(Tensor::from_inner(images.clone())).fired;
            network = network.toward_firing_rate(0.2, 0.05, fired);
        }
        let shares = shares(&network.valid(), images);
        assert!(
            shares
                .iter()
                .flatten()
                .all(|share| (share - 0.2).abs() < 0.05),
            "{shares:?}"
        );
    }
}

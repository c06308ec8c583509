//! The spiking dense network.

use burn::{
    config::Config,
    module::Module,
    nn::{Linear, LinearConfig},
    tensor::{Device, Tensor},
};
use lfp_burn::{
    LifError,
    spiking::{Activity, LifConfig, Spike, Spiking},
};

use crate::PyTorchNames;

/// Configures a spiking dense network, [`SpikingMlp`]. Defaults: those of the paper on MNIST.
///
/// # Example
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use lfp_models::SpikingMlpConfig;
///
/// let device = Device::default();
/// let model = SpikingMlpConfig::new().with_widths([4, 8, 3].into()).with_steps(5).init(&device)?;
/// let spikes = model.forward(Tensor::ones([2, 4], &device));
/// assert_eq!(spikes.dims(), [5, 2, 3]);
/// # Ok::<(), lfp_burn::LifError>(())
/// ```
#[derive(Config, Debug)]
pub struct SpikingMlpConfig {
    /// The widths of input, hidden layers and output. Default: 784-1000-1000-10.
    #[config(default = "vec![784, 1000, 1000, 10]")]
    pub widths: Vec<usize>,
    /// The number of steps that [`SpikingMlp::forward`] shows an input for. Default: 15.
    #[config(default = 15)]
    pub steps: usize,
    /// The neurons. Default: beta 0.9, threshold 1.
    #[config(default = "LifConfig::new()")]
    pub lif: LifConfig,
}

/// Dense layers of leaky integrate-and-fire neurons, the outputs included.
#[derive(Module, Debug)]
pub struct SpikingMlp {
    layers: Vec<Spiking<Linear>>,
    steps: usize,
}

impl SpikingMlpConfig {
    /// Draws the weights.
    ///
    /// # Errors
    ///
    /// If the neurons cannot be.
    ///
    /// # Panics
    ///
    /// If there are fewer than two widths, or no steps.
    pub fn init(&self, device: &Device) -> Result<SpikingMlp, LifError> {
        assert!(
            self.widths.len() > 1 && self.steps > 0,
            "expected the widths of at least input and output and a step, found {:?} and {} steps",
            self.widths,
            self.steps
        );
        let lif = self.lif.init()?;
        let layer = |widths: &[usize]| {
            LinearConfig::new(widths[0], widths[1])
                .init(device)
                .spiking(lif.clone())
        };
        Ok(SpikingMlp {
            layers: self.widths.windows(2).map(layer).collect(),
            steps: self.steps,
        })
    }
}

impl SpikingMlp {
    /// The output spikes for inputs that are shown at every step.
    ///
    /// # Shapes
    ///
    /// - input: `[batch_size, first width]`
    /// - output: `[steps, batch_size, last width]`
    pub fn forward(&self, input: Tensor<2>) -> Tensor<3> {
        let (first, others) = self.split();
        let start = first.forward_constant(input, self.steps);
        others.iter().fold(start, |x, layer| layer.forward(x))
    }

    /// The output spikes for inputs that change from step to step.
    ///
    /// # Shapes
    ///
    /// - input: `[steps, batch_size, first width]`, any number of steps
    /// - output: `[steps, batch_size, last width]`
    pub fn forward_sequence(&self, input: Tensor<3>) -> Tensor<3> {
        self.layers.iter().fold(input, |x, layer| layer.forward(x))
    }

    /// What every layer's neurons do, the outputs last, for inputs that are shown at every step.
    ///
    /// # Shapes
    ///
    /// - input: `[batch_size, first width]`
    pub fn observe(&self, input: Tensor<2>) -> Vec<Activity> {
        let (first, others) = self.split();
        let (mut spikes, membrane) = first.observe_constant(input, self.steps);
        let mut activities = vec![Activity::new("layer 1", spikes.clone(), membrane)];
        for (index, layer) in others.iter().enumerate() {
            let (next, membrane) = layer.observe(spikes);
            let name = format!("layer {}", index + 2);
            activities.push(Activity::new(&name, next.clone(), membrane));
            spikes = next;
        }
        activities
    }

    fn split(&self) -> (&Spiking<Linear>, &[Spiking<Linear>]) {
        self.layers
            .split_first()
            .expect("has a layer, by its config")
    }
}

impl PyTorchNames for SpikingMlp {
    fn pytorch_names(&self) -> Vec<(String, String)> {
        // Every dense layer is followed by its neurons.
        (0..self.layers.len())
            .map(|index| {
                (
                    format!("layers.{index}"),
                    format!("classifier.{}", 2 * index),
                )
            })
            .collect()
    }

    fn last_layer(&self) -> String {
        format!("layers.{}", self.layers.len() - 1)
    }
}

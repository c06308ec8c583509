//! The settings of a training run: one type from the command line to run folder, journal and code.

mod check;
mod difference;
mod optimizer;
mod pretrained;

use burn::module::Module;
use burn::tensor::Device;
use lfp_burn::{
    ActivationFn, FreezeError, LfpConfig, freeze,
    quantize::{BitsError, LatentRule, WeightQuantizer},
    reward::SpikeRateForm,
};
use lfp_models::{Model, Network, NetworkConfig, SpikingConfig};
use serde::{Deserialize, Serialize};

pub use self::{
    difference::SettingDifference,
    optimizer::Optimizer,
    pretrained::{Pretrained, PretrainedError},
};
use super::{
    Schedule,
    earlier::{over_defaults, over_defaults_if_any},
};
use crate::{
    data::{DataSet, Reading, Samples, class_weights},
    device::DeviceNames,
    objective::{Method, Objective, RewardKind},
};

/// Everything that the result of a run depends on, except the data and the machine.
///
/// `settings.json` in a run folder holds them; a run resumes only with equal settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The network.
    pub model: Model,
    /// The data set.
    pub dataset: DataSet,
    /// Number of classes, of the data and of the network.
    pub classes: usize,
    /// Height and width to which photographs are resized.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub image_size: Option<u32>,
    /// The training method.
    pub method: Method,
    /// The initial reward of logits.
    #[serde(skip_serializing_if = "is_default", default)]
    pub reward: RewardKind,
    /// The initial reward of spikes; `None` where none is propagated.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub spike_reward: Option<SpikeRateForm>,
    /// The settings of the propagation.
    #[serde(default, deserialize_with = "over_defaults")]
    pub lfp: LfpConfig,
    /// The hidden activation.
    pub activation: ActivationFn,
    /// Whether the activation also follows the last layer.
    #[serde(skip_serializing_if = "is_default", default)]
    pub output_activation: bool,
    /// The dropout probability; `None` for the network's own.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub dropout: Option<f64>,
    /// The bits of a weight in the forward pass; `None` for weights that are not quantised.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub weight_bits: Option<usize>,
    /// How rewards pass from quantised weights to those behind them.
    #[serde(skip_serializing_if = "is_default", default)]
    pub latent_rule: LatentRule,
    /// The weights to start from; `None` to draw them.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub pretrained: Option<Pretrained>,
    /// The parts of the network that do not learn: a regular expression for [paths](freeze()).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub freeze: Option<String>,
    /// Whether samples are weighted by the inverse frequency of their class.
    #[serde(skip_serializing_if = "is_default", default)]
    pub class_weights: bool,
    /// Number of epochs.
    pub epochs: usize,
    /// The learning rate; for OneCycle and the cosine schedule the largest.
    pub lr: f64,
    /// The learning-rate schedule.
    pub schedule: Schedule,
    /// The share of the steps in which the learning rate of the cosine schedule rises.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub warmup: Option<f64>,
    /// The optimiser.
    pub optimizer: Optimizer,
    /// The momentum, unless it cycles.
    pub momentum: f64,
    /// The momenta of OneCycle at the largest and at the lowest learning rate; `None` for a constant momentum.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub cycle_momentum: Option<[f64; 2]>,
    /// Whether the velocity of SGD is the average `momentum v + (1 - momentum) d` of Eq. 5; if not, it is the sum
    /// `momentum v + d`, as in PyTorch.
    #[serde(skip_serializing_if = "is_default", default)]
    pub dampening: bool,
    /// The limit of the global norm of the updates; 0 for no limit.
    pub clip: f64,
    /// The limit of each unit's update relative to its weights; 0 for no limit.
    pub adaptive_clip: f64,
    /// The L2 penalty.
    pub weight_decay: f64,
    /// Samples per step.
    pub batch: usize,
    /// Micro-batches per step and device, whose updates are accumulated.
    #[serde(skip_serializing_if = "is_one", default = "one")]
    pub accumulate: usize,
    /// Whether the backward pass recomputes activations that are cheap, instead of keeping them.
    #[serde(skip_serializing_if = "is_default", default)]
    pub checkpointing: bool,
    /// The seed of generated data, initial weights, order of the samples, augmentation and dropout.
    pub seed: u64,
    /// The devices: other devices round differently.
    pub device: DeviceNames,
    /// The settings of a spiking network.
    #[serde(
        skip_serializing_if = "Option::is_none",
        default,
        deserialize_with = "over_defaults_if_any"
    )]
    pub spiking: Option<SpikingConfig>,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

fn one() -> usize {
    1
}

fn is_one(value: &usize) -> bool {
    *value == 1
}

impl Settings {
    /// The default settings for a network, data and method: three epochs, with the step sizes of the book. `classes` is the
    /// number of classes of the data.
    pub fn new(model: Model, dataset: DataSet, method: Method, classes: usize) -> Self {
        let optimizer = Optimizer::of(model);
        let (clip, adaptive_clip) = match (model.spikes(), method) {
            (true, Method::Lfp) => (0.0, 0.06),
            _ => (3.0, 0.0),
        };
        Self {
            model,
            dataset,
            classes,
            image_size: dataset.has_image_files().then_some(Reading::default().size),
            method,
            reward: RewardKind::default(),
            spike_reward: (model.spikes() && method == Method::Lfp).then(SpikeRateForm::default),
            lfp: LfpConfig::new(),
            activation: ActivationFn::Relu,
            output_activation: false,
            dropout: None,
            weight_bits: None,
            latent_rule: LatentRule::default(),
            pretrained: None,
            freeze: None,
            class_weights: false,
            epochs: 3,
            lr: optimizer.default_lr(model, method),
            schedule: Schedule::OneCycle,
            warmup: None,
            optimizer,
            momentum: 0.9,
            cycle_momentum: optimizer.default_cycle(model),
            dampening: false,
            clip,
            adaptive_clip,
            weight_decay: 0.0,
            batch: 128,
            accumulate: 1,
            checkpointing: false,
            seed: 7240,
            device: DeviceNames::default(),
            spiking: model.spikes().then(SpikingConfig::new),
        }
    }

    /// The settings with another optimiser, and its default learning rate and momenta.
    #[must_use]
    pub fn with_optimizer(self, optimizer: Optimizer) -> Self {
        Self {
            lr: optimizer.default_lr(self.model, self.method),
            cycle_momentum: optimizer.default_cycle(self.model),
            optimizer,
            ..self
        }
    }

    /// The configuration of the network [`model`](Self::model).
    pub fn network(&self, image_shape: [usize; 3], classes: usize) -> NetworkConfig {
        NetworkConfig::new(image_shape, classes)
            .with_activation(self.activation)
            .with_output_activation(self.output_activation)
            .with_dropout(self.dropout)
            .with_spiking(self.spiking.unwrap_or_default())
    }

    /// How the data of the run are read, without a cache.
    pub fn reading(&self) -> Reading {
        let default = Reading::default();
        Reading {
            size: self.image_size.unwrap_or(default.size),
            seed: self.seed,
            ..default
        }
    }

    /// The network whose forward pass quantises the weights as the settings say.
    ///
    /// # Errors
    ///
    /// If a weight cannot have that number of bits.
    pub(in crate::train) fn quantized(&self, network: Network) -> Result<Network, BitsError> {
        let Some(bits) = self.weight_bits else {
            return Ok(network);
        };
        let quantizer = WeightQuantizer::new(bits)?.with_rule(self.latent_rule);
        Ok(network.apply_reparameterization(quantizer))
    }

    /// The network with its [frozen](Self::freeze) parts.
    ///
    /// # Errors
    ///
    /// If the pattern is no regular expression, or matches nothing or everything.
    pub fn frozen(&self, network: Network) -> Result<Network, FreezeError> {
        match &self.freeze {
            Some(pattern) => freeze(network, pattern),
            None => Ok(network),
        }
    }

    /// The autodiff device of the run.
    pub(in crate::train) fn autodiff(&self, device: &Device) -> Device {
        let device = device.clone().autodiff();
        match self.checkpointing {
            true => device.gradient_checkpointing(),
            false => device,
        }
    }

    /// The objective on `data`.
    pub fn objective(&self, data: &dyn Samples) -> Objective {
        let weights = self.class_weights.then(|| class_weights(data));
        let spike_reward = self.spike_reward.unwrap_or_default();
        Objective::new(self.method, self.reward, spike_reward, weights, self.lfp)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_seed_of_a_run_draws_its_points_too() {
        let mut settings = Settings::new(Model::MLP_TOY, DataSet::BLOBS, Method::Lfp, 2);
        let mut point = |seed| {
            settings.seed = seed;
            let data = settings.dataset.load(None, settings.reading()).unwrap();
            data.test.read(0, 0).unwrap()
        };
        assert_eq!(point(1), point(1));
        assert_ne!(point(1), point(2));
    }
}

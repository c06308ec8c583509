//! The networks that the program knows by name.

use std::fmt;

use burn::{
    module::{Module, ModuleVisitor, Param},
    store::SafetensorsStoreError,
    tensor::{Device, Tensor},
};
use clap::ValueEnum;
use lfp_burn::{
    ActivationFn, LfpConfig, LifDenominator, LifError, RewardNormalization, Surrogate,
    nn::MergeError,
    spiking::{Activity, LifConfig, spike_counts},
};
use lfp_models::{
    Applied, Canonize, LeNet, LeNetConfig, Mlp, MlpConfig, ResNet, ResNetConfig, SpikingLeNet,
    SpikingLeNetConfig, SpikingMlp, SpikingMlpConfig, StateDict, StateDictError, Vgg, VggConfig,
    to_safetensors,
};
use serde::{Deserialize, Serialize};

/// A network by the name that `--model` takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Model {
    /// Dense: 512, 256 and 128 hidden neurons, dropout.
    Mlp,
    /// Two 5x5 convolutions of 16 channels, 120 and 84 neurons, dropout.
    #[value(name = "lenet")]
    #[serde(rename = "lenet")]
    LeNet,
    /// Six 3x3 convolutions of 32 to 256 channels, 1024 and 512 neurons, dropout.
    VggLike,
    /// The same with batch normalisation.
    VggLikeBn,
    /// Thirteen 3x3 convolutions, twice 4096 neurons, dropout.
    Vgg16,
    /// The same with batch normalisation.
    Vgg16Bn,
    /// Residual, for large images.
    #[value(name = "resnet18")]
    #[serde(rename = "resnet18")]
    ResNet18,
    /// Residual, deeper.
    #[value(name = "resnet34")]
    #[serde(rename = "resnet34")]
    ResNet34,
    /// Residual, for the images of CIFAR.
    #[value(name = "resnet32")]
    #[serde(rename = "resnet32")]
    ResNet32,
    /// Spiking dense: two hidden layers of 1000 neurons.
    SnnMlp,
    /// Spiking: two 5x5 convolutions of 12 and 64 channels, and a dense layer.
    #[value(name = "snn-lenet")]
    #[serde(rename = "snn-lenet")]
    SnnLeNet,
}

/// The neurons of a spiking network, how long it is shown an input, and how rewards pass it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct SpikingSettings {
    /// Number of steps.
    pub steps: usize,
    /// The share of its potential that a membrane keeps.
    pub beta: f64,
    /// The potential above which a neuron fires.
    pub threshold: f64,
    /// What the gradient takes for the derivative of a spike.
    pub surrogate: SurrogateName,
    /// What a neuron's reward is divided by.
    pub lif_rule: LifRuleName,
    /// What becomes of rewards between layers.
    pub lif_reward: LifRewardName,
}

/// What a neuron's reward is divided by, by the name that `--lif-rule` takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LifRuleName {
    /// The magnitudes of what the membrane held and of what came since.
    SumOfMagnitudes,
    /// The magnitude of the potential before its reset.
    MagnitudeOfSum,
}

/// What becomes of rewards between layers, by the name that `--lif-reward` takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LifRewardName {
    /// They stay as they are.
    AsItArrives,
    /// They are divided by the largest magnitude among them.
    OfLargest,
}

/// A surrogate by the name that `--surrogate` takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SurrogateName {
    /// The fast sigmoid with slope 25.
    FastSigmoid,
    /// The derivative that spikes have, which is zero.
    None,
}

impl Default for SpikingSettings {
    /// 15 steps, beta 0.9, threshold 1, the fast sigmoid, the package's denominator, and rewards that are divided by
    /// their largest between layers: what learns best.
    fn default() -> Self {
        Self {
            steps: 15,
            beta: 0.9,
            threshold: 1.0,
            surrogate: SurrogateName::FastSigmoid,
            lif_rule: LifRuleName::SumOfMagnitudes,
            lif_reward: LifRewardName::OfLargest,
        }
    }
}

impl SpikingSettings {
    /// The neurons.
    pub fn lif(&self) -> LifConfig {
        let surrogate = match self.surrogate {
            SurrogateName::FastSigmoid => Surrogate::default(),
            SurrogateName::None => Surrogate::None,
        };
        LifConfig::new()
            .with_beta(self.beta)
            .with_threshold(self.threshold)
            .with_surrogate(surrogate)
    }

    /// How rewards pass the network.
    pub fn rule(&self) -> LfpConfig {
        let lif = match self.lif_rule {
            LifRuleName::SumOfMagnitudes => LifDenominator::SumOfMagnitudes,
            LifRuleName::MagnitudeOfSum => LifDenominator::MagnitudeOfSum,
        };
        let reward = match self.lif_reward {
            LifRewardName::AsItArrives => RewardNormalization::None,
            LifRewardName::OfLargest => RewardNormalization::MaxAbs,
        };
        LfpConfig::new()
            .with_lif_denominator(lif)
            .with_reward_normalization(reward)
    }
}

/// A network that can be made for any images.
#[derive(Clone, Copy, Debug)]
pub struct Architecture {
    /// Which.
    pub model: Model,
    /// What follows every layer but the last, unless it spikes.
    pub activation: ActivationFn,
    /// The probability of dropout, if not the network's own.
    pub dropout: Option<f64>,
    /// What applies if it spikes.
    pub spiking: SpikingSettings,
}

impl fmt::Display for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = self.to_possible_value().expect("every model has a name");
        f.pad(value.get_name())
    }
}

impl Model {
    /// Whether it is meant for more than digits.
    pub fn is_for_photographs(self) -> bool {
        !matches!(self, Self::Mlp | Self::LeNet) && !self.spikes()
    }

    /// Whether its neurons spike.
    pub fn spikes(self) -> bool {
        matches!(self, Self::SnnMlp | Self::SnnLeNet)
    }
}

impl Architecture {
    /// `model` with ReLU, or spiking as in the paper.
    pub fn new(model: Model) -> Self {
        Self {
            model,
            activation: ActivationFn::Relu,
            dropout: None,
            spiking: SpikingSettings::default(),
        }
    }

    /// Draws the weights of a network for images `[channels, height, width]`.
    ///
    /// # Errors
    ///
    /// If there are no such spiking neurons.
    pub fn init(
        &self,
        [channels, height, width]: [usize; 3],
        num_classes: usize,
        device: &Device,
    ) -> Result<Network, LifError> {
        let Self {
            model,
            activation,
            dropout,
            spiking,
        } = *self;
        let pixels = channels * height * width;
        let vgg = |config: VggConfig| {
            let dropout = dropout.unwrap_or(config.dropout);
            let config = config
                .with_channels(channels)
                .with_image_size([height, width])
                .with_num_classes(num_classes)
                .with_activation(activation)
                .with_dropout(dropout);
            Network::Vgg(config.init(device))
        };
        let resnet = |config: ResNetConfig| {
            let dropout = dropout.unwrap_or(config.dropout);
            let config = config
                .with_channels(channels)
                .with_num_classes(num_classes)
                .with_activation(activation)
                .with_dropout(dropout);
            Network::ResNet(config.init(device))
        };
        Ok(match model {
            Model::Mlp => {
                let config = MlpConfig::new(vec![pixels, 512, 256, 128, num_classes])
                    .with_activation(activation)
                    .with_dropout(dropout.unwrap_or(0.5));
                Network::Mlp(config.init(device))
            }
            Model::LeNet => {
                let config = LeNetConfig::new()
                    .with_channels(channels)
                    .with_image_size([height, width])
                    .with_num_classes(num_classes)
                    .with_activation(activation)
                    .with_dropout(dropout.unwrap_or(0.5));
                Network::LeNet(config.init(device))
            }
            Model::VggLike => vgg(VggConfig::vgg_like()),
            Model::VggLikeBn => vgg(VggConfig::vgg_like_bn()),
            Model::Vgg16 => vgg(VggConfig::vgg16()),
            Model::Vgg16Bn => vgg(VggConfig::vgg16_bn()),
            Model::ResNet18 => resnet(ResNetConfig::resnet18()),
            Model::ResNet34 => resnet(ResNetConfig::resnet34()),
            Model::ResNet32 => resnet(ResNetConfig::resnet32()),
            Model::SnnMlp => {
                let config = SpikingMlpConfig::new()
                    .with_widths(vec![pixels, 1000, 1000, num_classes])
                    .with_steps(spiking.steps)
                    .with_lif(spiking.lif());
                Network::SpikingMlp(config.init(device)?)
            }
            Model::SnnLeNet => {
                let config = SpikingLeNetConfig::new()
                    .with_channels(channels)
                    .with_image_size([height, width])
                    .with_num_classes(num_classes)
                    .with_steps(spiking.steps)
                    .with_lif(spiking.lif());
                Network::SpikingLeNet(config.init(device)?)
            }
        })
    }
}

/// Draws the weights of a model now. Burn draws a parameter when it is first used, which may be after
/// other numbers have been drawn, and once for each clone.
pub fn drawn<M: Module>(model: M) -> M {
    model.visit(&mut Draw);
    model
}

struct Draw;

impl ModuleVisitor for Draw {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        param.val();
    }
}

/// A network with its weights.
#[derive(Module, Debug)]
#[allow(
    clippy::large_enum_variant,
    reason = "few exist at a time, and a box is no module"
)]
pub enum Network {
    /// See [`Model::Mlp`]; the toy data have other widths.
    Mlp(Mlp),
    /// See [`Model::LeNet`].
    LeNet(LeNet),
    /// See [`Model::VggLike`] and [`Model::Vgg16`].
    Vgg(Vgg),
    /// See [`Model::ResNet18`].
    ResNet(ResNet),
    /// See [`Model::SnnMlp`].
    SpikingMlp(SpikingMlp),
    /// See [`Model::SnnLeNet`].
    SpikingLeNet(SpikingLeNet),
}

/// What a network says.
#[derive(Clone, Debug)]
pub enum Outputs {
    /// `[batch_size, classes]`.
    Logits(Tensor<2>),
    /// `[steps, batch_size, classes]`.
    Spikes(Tensor<3>),
}

impl Outputs {
    /// A number for every class, of which the largest names it; off the tape.
    pub fn scores(&self) -> Tensor<2> {
        match self {
            Self::Logits(logits) => logits.clone().inner(),
            Self::Spikes(spikes) => spike_counts(spikes.clone().inner()),
        }
    }
}

/// A network that spikes, where one is needed that does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "relevances are those of networks that do not spike: of this one only magnitudes are known"
)]
pub struct Spikes;

impl Network {
    /// What it says of `[batch_size, channels, height, width]`: `[batch_size, classes]`.
    ///
    /// # Errors
    ///
    /// If it spikes.
    pub fn logits(&self, inputs: Tensor<4>) -> Result<Tensor<2>, Spikes> {
        match self.forward(inputs) {
            Outputs::Logits(logits) => Ok(logits),
            Outputs::Spikes(_) => Err(Spikes),
        }
    }

    /// What it says of `[batch_size, channels, height, width]`.
    pub fn forward(&self, inputs: Tensor<4>) -> Outputs {
        match self {
            Self::Mlp(model) => Outputs::Logits(model.forward(inputs.flatten(1, 3))),
            Self::LeNet(model) => Outputs::Logits(model.forward(inputs)),
            Self::Vgg(model) => Outputs::Logits(model.forward(inputs)),
            Self::ResNet(model) => Outputs::Logits(model.forward(inputs)),
            Self::SpikingMlp(model) => Outputs::Spikes(model.forward(inputs.flatten(1, 3))),
            Self::SpikingLeNet(model) => Outputs::Spikes(model.forward(inputs)),
        }
    }

    /// What its spiking neurons do, layer by layer; nothing where there are none.
    pub fn observe(&self, inputs: Tensor<4>) -> Vec<Activity> {
        match self {
            Self::Mlp(_) | Self::LeNet(_) | Self::Vgg(_) | Self::ResNet(_) => Vec::new(),
            Self::SpikingMlp(model) => model.observe(inputs.flatten(1, 3)),
            Self::SpikingLeNet(model) => model.observe(inputs),
        }
    }

    /// The weights as a safetensors file under the names and in the layouts of PyTorch.
    ///
    /// # Errors
    ///
    /// If a tensor cannot be read from the device.
    pub fn to_pytorch(&self) -> Result<Vec<u8>, SafetensorsStoreError> {
        match self {
            Self::Mlp(model) => to_safetensors(model),
            Self::LeNet(model) => to_safetensors(model),
            Self::Vgg(model) => to_safetensors(model),
            Self::ResNet(model) => to_safetensors(model),
            Self::SpikingMlp(model) => to_safetensors(model),
            Self::SpikingLeNet(model) => to_safetensors(model),
        }
    }

    /// Takes over weights from PyTorch.
    ///
    /// # Errors
    ///
    /// If they cannot be read, or are of another network.
    pub fn load(self, weights: &StateDict) -> Result<(Self, Applied), StateDictError> {
        fn wrap<M>(wrapper: fn(M) -> Network) -> impl FnOnce((M, Applied)) -> (Network, Applied) {
            move |(model, applied)| (wrapper(model), applied)
        }
        match self {
            Self::Mlp(model) => weights.apply_to(model).map(wrap(Self::Mlp)),
            Self::LeNet(model) => weights.apply_to(model).map(wrap(Self::LeNet)),
            Self::Vgg(model) => weights.apply_to(model).map(wrap(Self::Vgg)),
            Self::ResNet(model) => weights.apply_to(model).map(wrap(Self::ResNet)),
            Self::SpikingMlp(model) => weights.apply_to(model).map(wrap(Self::SpikingMlp)),
            Self::SpikingLeNet(model) => weights.apply_to(model).map(wrap(Self::SpikingLeNet)),
        }
    }

    /// The network without batch normalisation, as relevances and pruning want it.
    ///
    /// # Errors
    ///
    /// If one cannot be folded into the layer before it.
    pub fn canonized(self) -> Result<Self, MergeError> {
        Ok(match self {
            Self::Mlp(model) => Self::Mlp(model.canonized()?),
            Self::LeNet(model) => Self::LeNet(model.canonized()?),
            Self::Vgg(model) => Self::Vgg(model.canonized()?),
            Self::ResNet(model) => Self::ResNet(model.canonized()?),
            // They have none.
            Self::SpikingMlp(_) | Self::SpikingLeNet(_) => self,
        })
    }
}

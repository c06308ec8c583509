//! Models by name.

use std::{
    cmp::Ordering,
    fmt,
    hash::{Hash, Hasher},
    str::FromStr,
};

use burn::{config::Config, tensor::Device};
use lfp_burn::{Activation, LifError, spiking::LifConfig};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use crate::{Network, networks::MODELS};

/// Describes a model: its name, what it is meant for, and how to build it.
///
/// Each file in `networks/` holds the specifications of its models.
#[derive(Debug)]
pub struct ModelSpec {
    /// Name on the command line and in files, in kebab case.
    pub name: &'static str,
    /// One line for `--help`.
    pub summary: &'static str,
    /// Typical image shape, `[channels, height, width]`. Models adapt to other shapes.
    pub image_shape: [usize; 3],
    /// Typical batch size for images of that shape.
    pub batch: usize,
    /// Smallest height and width of an image.
    pub smallest_image: usize,
    /// Options that affect this model.
    pub takes: ModelOptions,
    /// Builds the network with random weights. Call [`Model::init`] instead, which checks the configuration.
    pub build: fn(&NetworkConfig, &Device) -> Result<Network, LifError>,
}

/// Which options affect a model. A program should refuse an option that has no effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ModelOptions {
    /// [`NetworkConfig::activation`].
    pub activation: bool,
    /// [`NetworkConfig::dropout`].
    pub dropout: bool,
    /// How rewards pass batch normalisation: the model has such layers.
    pub batch_norm: bool,
    /// [`NetworkConfig::spiking`]: the model emits spikes.
    pub spiking: bool,
}

impl ModelOptions {
    /// Options of a network with activations and dropout.
    pub(crate) const ANALOG: Self = Self {
        activation: true,
        dropout: true,
        batch_norm: false,
        spiking: false,
    };
    /// [`ANALOG`](Self::ANALOG) with batch normalisation.
    pub(crate) const BATCH_NORM: Self = Self {
        batch_norm: true,
        ..Self::ANALOG
    };
    /// Options of a spiking network.
    pub(crate) const SPIKING: Self = Self {
        activation: false,
        dropout: false,
        batch_norm: false,
        spiking: true,
    };
}

/// Configures a network of any [`Model`].
#[derive(Config, Debug, PartialEq)]
pub struct NetworkConfig {
    /// Image shape, `[channels, height, width]`.
    pub image_shape: [usize; 3],
    /// Number of classes.
    pub num_classes: usize,
    /// Hidden activation. Spiking networks ignore it. Default: ReLU.
    #[config(default = "Activation::Relu")]
    pub activation: Activation,
    /// Dropout probability, from 0 to 1. Default: the model's own.
    pub dropout: Option<f64>,
    /// Settings of a spiking network; others ignore them.
    #[config(default = "SpikingConfig::new()")]
    pub spiking: SpikingConfig,
}

/// Configures the dynamics of a spiking network.
#[derive(Config, Debug, Copy, PartialEq)]
pub struct SpikingConfig {
    /// Number of time steps for which an image is presented, at least 1. Default: 15.
    #[config(default = 15)]
    pub steps: usize,
    /// Leaky integrate-and-fire neurons. Default: beta 0.9, threshold 1, fast sigmoid as surrogate.
    #[config(default = "LifConfig::new()")]
    pub lif: LifConfig,
}

impl Default for SpikingConfig {
    fn default() -> Self {
        Self::new()
    }
}

/// A [`NetworkConfig`] that a model cannot be built from.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum NetworkError {
    /// The image is too small for the model's pooling layers.
    #[error(
        "{model} needs images of at least {smallest}x{smallest} pixels, got {height}x{width}",
        smallest = model.spec().smallest_image
    )]
    ImageTooSmall {
        /// The model.
        model: Model,
        /// Image height.
        height: usize,
        /// Image width.
        width: usize,
    },
    /// The dropout probability is not from 0 to 1.
    #[error("the dropout probability must be a number from 0 to 1, got {0}")]
    Dropout(f64),
    /// A spiking network without time steps.
    #[error("a spiking network needs at least 1 time step")]
    NoSteps,
    /// The settings of the spiking neurons.
    #[error(transparent)]
    Lif(#[from] LifError),
}

/// A model of this crate, by name. Copyable; [`FromStr`], [`Display`](fmt::Display) and serde use the name.
///
/// # Example
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use lfp_models::{Classifier, Model, NetworkConfig};
///
/// let model: Model = "vgg-like".parse()?;
/// assert_eq!(model, Model::VGG_LIKE);
/// let device = Device::default();
/// let network = model.init(&NetworkConfig::new([3, 16, 16], 10), &device)?;
/// let outputs = network.outputs(Tensor::ones([2, 3, 16, 16], &device));
/// assert_eq!(outputs.logits()?.dims(), [2, 10]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy)]
pub struct Model(&'static ModelSpec);

/// A name that no model has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown model '{name}'; expected one of {}", known_names())]
pub struct UnknownModel {
    /// The name.
    pub name: String,
}

fn known_names() -> String {
    let names: Vec<&str> = Model::all().map(Model::name).collect();
    names.join(", ")
}

impl Model {
    pub(crate) const fn new(spec: &'static ModelSpec) -> Self {
        Self(spec)
    }

    /// All models, in the order in which help texts list them.
    pub fn all() -> impl ExactSizeIterator<Item = Self> {
        MODELS.iter().copied()
    }

    /// Name on the command line and in files.
    pub fn name(self) -> &'static str {
        self.0.name
    }

    /// The model's specification.
    pub fn spec(self) -> &'static ModelSpec {
        self.0
    }

    /// Which options affect the model.
    pub fn takes(self) -> ModelOptions {
        self.0.takes
    }

    /// Whether the model emits spikes instead of logits.
    pub fn spikes(self) -> bool {
        self.0.takes.spiking
    }

    /// Builds the network with random weights. Burn draws them on first use; see
    /// [`initialized`](crate::initialized) to draw them at once.
    ///
    /// # Errors
    ///
    /// If the image is too small for the model, or `dropout`, the number of steps or the settings of the
    /// spiking neurons are out of range.
    pub fn init(self, config: &NetworkConfig, device: &Device) -> Result<Network, NetworkError> {
        let [_, height, width] = config.image_shape;
        if height.min(width) < self.0.smallest_image {
            return Err(NetworkError::ImageTooSmall {
                model: self,
                height,
                width,
            });
        }
        match config.dropout {
            Some(dropout) if !(0.0..=1.0).contains(&dropout) => {
                return Err(NetworkError::Dropout(dropout));
            }
            _ => {}
        }
        if self.spikes() && config.spiking.steps == 0 {
            return Err(NetworkError::NoSteps);
        }
        Ok((self.0.build)(config, device)?)
    }
}

impl FromStr for Model {
    type Err = UnknownModel;

    fn from_str(name: &str) -> Result<Self, UnknownModel> {
        Self::all()
            .find(|model| model.name() == name)
            .ok_or_else(|| UnknownModel {
                name: name.to_owned(),
            })
    }
}

impl fmt::Display for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl fmt::Debug for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Model").field(&self.name()).finish()
    }
}

impl PartialEq for Model {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name()
    }
}

impl Eq for Model {}

impl PartialOrd for Model {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Model {
    fn cmp(&self, other: &Self) -> Ordering {
        self.name().cmp(other.name())
    }
}

impl Hash for Model {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name().hash(state);
    }
}

impl Serialize for Model {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Model {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        name.parse().map_err(D::Error::custom)
    }
}

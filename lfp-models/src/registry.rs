//! Models by name.

use burn::{config::Config, tensor::Device};
use lfp_burn::{ActivationFn, LifError, spiking::LifConfig};

use crate::{
    Network,
    networks::{MODELS, TransformerError},
};

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
    pub build: fn(&NetworkConfig, &Device) -> Result<Network, NetworkError>,
}

/// Which options affect a model. A program should refuse an option that has no effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ModelOptions {
    /// [`NetworkConfig::activation`].
    pub activation: bool,
    /// [`NetworkConfig::output_activation`].
    pub output_activation: bool,
    /// [`NetworkConfig::dropout`].
    pub dropout: bool,
    /// The model drops units unless [`NetworkConfig::dropout`] says otherwise.
    pub dropout_by_default: bool,
    /// How rewards pass batch normalisation: the model has such layers.
    pub batch_norm: bool,
    /// How rewards pass sums of activations: the model has residual sums.
    pub sums: bool,
    /// How rewards pass layer normalisation, products of activations, and tables of parameters: the model is a
    /// transformer.
    pub attention: bool,
    /// [`NetworkConfig::spiking`]: the model emits spikes.
    pub spiking: bool,
    /// [`SpikingConfig::hidden_layer`].
    pub hidden_layer: bool,
}

impl ModelOptions {
    /// Options of a network with activations and dropout.
    pub(crate) const ANALOG: Self = Self {
        activation: true,
        output_activation: false,
        dropout: true,
        dropout_by_default: true,
        batch_norm: false,
        sums: false,
        attention: false,
        spiking: false,
        hidden_layer: false,
    };
    /// [`ANALOG`](Self::ANALOG) with batch normalisation.
    pub(crate) const BATCH_NORM: Self = Self {
        batch_norm: true,
        ..Self::ANALOG
    };
    /// [`BATCH_NORM`](Self::BATCH_NORM) with residual sums.
    pub(crate) const RESIDUAL: Self = Self {
        sums: true,
        ..Self::BATCH_NORM
    };
    /// Options of a spiking network.
    pub(crate) const SPIKING: Self = Self {
        activation: false,
        output_activation: false,
        dropout: false,
        dropout_by_default: false,
        batch_norm: false,
        sums: false,
        attention: false,
        spiking: true,
        hidden_layer: false,
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
    #[config(default = "ActivationFn::Relu")]
    pub activation: ActivationFn,
    /// Whether the activation is also applied to the outputs (Figure A.1). Models without this option ignore it. Default:
    /// no.
    #[config(default = "false")]
    pub output_activation: bool,
    /// Dropout probability, from 0 to 1. Default: the model's own.
    pub dropout: Option<f64>,
    /// Settings of a spiking network; others ignore them.
    #[config(default = "SpikingConfig::new()")]
    pub spiking: SpikingConfig,
}

/// Configures a spiking network.
#[derive(Config, Debug, Copy, PartialEq)]
pub struct SpikingConfig {
    /// Number of time steps for which an image is presented, at least 1. Default: 15.
    #[config(default = 15)]
    pub steps: usize,
    /// Leaky integrate-and-fire neurons. Default: beta 0.9, threshold 1, fast sigmoid as surrogate, plain gradient.
    #[config(default = "LifConfig::new()")]
    pub lif: LifConfig,
    /// Whether the spiking LeNet has a [hidden dense layer](crate::SpikingLeNetConfig::hidden_layer). Others ignore it.
    /// Default: no.
    #[config(default = false)]
    pub hidden_layer: bool,
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
    /// The sizes of a transformer.
    #[error(transparent)]
    Transformer(#[from] TransformerError),
}

/// A model of this crate, by name. Copyable; [`FromStr`](std::str::FromStr), [`Display`](std::fmt::Display) and serde use the name.
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

crate::identified_by_name!(
    Model,
    /// A name that no model has.
    UnknownModel,
    "model"
);

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
        (self.0.build)(config, device)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeSet, HashSet};

    use burn::tensor::Tensor;

    use super::*;
    use crate::{Classifier, Outputs};

    /// A configuration for the model's smallest images.
    fn smallest(model: Model) -> NetworkConfig {
        let [channels, ..] = model.spec().image_shape;
        let size = model.spec().smallest_image;
        let mut config = NetworkConfig::new([channels, size, size], 3);
        config.spiking.steps = 4;
        config
    }

    #[test]
    fn names_are_those_of_the_command_line() {
        let names: Vec<&str> = Model::all().map(Model::name).collect();
        let expected = "mlp mlp-toy lenet vgg-like vgg-like-bn vgg16 vgg16-bn resnet18 resnet34 \
                        resnet32 vit-tiny vit-b-16 vit-b-32 snn-mlp snn-lenet";
        assert_eq!(names.join(" "), expected);
    }

    #[test]
    fn a_name_parses_to_its_model_and_serialises_as_a_string() {
        for model in Model::all() {
            assert_eq!(model.to_string().parse(), Ok(model));
            let json = serde_json::to_string(&model).unwrap();
            assert_eq!(json, format!("\"{model}\""));
            assert_eq!(serde_json::from_str::<Model>(&json).unwrap(), model);
        }
        assert_eq!(
            format!("{:8}|{:>8}", Model::MLP, Model::MLP),
            "mlp     |     mlp"
        );
    }

    #[test]
    fn an_unknown_name_lists_the_known_ones() {
        let error = "perceptron".parse::<Model>().unwrap_err().to_string();
        let in_json = serde_json::from_str::<Model>("\"perceptron\"").unwrap_err();
        for text in [error, in_json.to_string()] {
            assert!(text.contains("'perceptron'"), "{text}");
            for model in Model::all() {
                assert!(text.contains(model.name()), "{text}");
            }
        }
    }

    #[test]
    fn models_are_compared_by_name() {
        assert!(Model::LENET < Model::MLP && Model::VGG16 != Model::VGG16_BN);
        let ordered: BTreeSet<Model> = Model::all().collect();
        let hashed: HashSet<Model> = Model::all().collect();
        assert_eq!((ordered.len(), hashed.len()), (MODELS.len(), MODELS.len()));
    }

    #[test]
    fn every_model_classifies_a_batch_of_its_smallest_images() {
        let device = Device::default();
        // VGG-16 has 120 million weights, whatever the image, and base-sized ViTs have 86 million.
        let quick = |model: &Model| {
            let large = ["vgg16", "vit-b-"];
            !large.iter().any(|name| model.name().starts_with(name))
        };
        for model in Model::all().filter(quick) {
            let config = smallest(model);
            let network = model.init(&config, &device).unwrap();
            let [channels, height, width] = config.image_shape;
            let images = Tensor::ones([2, channels, height, width], &device);
            let outputs = network.outputs(images.clone());
            assert_eq!(outputs.scores().dims(), [2, 3], "{model}");
            match outputs {
                Outputs::Logits(_) => assert!(!model.spikes(), "{model}"),
                Outputs::Spikes(spikes) => {
                    assert!(model.spikes(), "{model}");
                    assert_eq!(spikes.dims(), [4, 2, 3], "{model}");
                }
            }
            assert_eq!(
                network.observe(images).is_empty(),
                !model.spikes(),
                "{model}"
            );
        }
    }

    #[test]
    fn a_specification_names_the_options_that_reach_the_network() {
        let device = Device::default();
        for model in Model::all() {
            let mut config = smallest(model)
                .with_activation(ActivationFn::Silu)
                .with_dropout(Some(0.125));
            config.spiking.steps = 9;
            config.spiking.lif.beta = 0.25;
            config.spiking.hidden_layer = true;
            // `Debug` draws no weights, unlike `Display`, which counts them.
            let text = format!("{:?}", model.init(&config, &device).unwrap());
            let activated = config.clone().with_output_activation(true);
            let activated = format!("{:?}", model.init(&activated, &device).unwrap());
            let count = |text: &str| text.matches("Silu").count();
            let default = smallest(model);
            let default = format!("{:?}", model.init(&default, &device).unwrap());
            let found = ModelOptions {
                activation: text.contains("Silu"),
                output_activation: count(&activated) > count(&text),
                dropout: text.contains("prob: 0.125"),
                dropout_by_default: default.contains("prob: 0.5"),
                batch_norm: text.contains("BatchNorm {"),
                sums: model.name().starts_with("resnet") || model.name().starts_with("vit"),
                attention: text.contains("MultiHeadAttention {"),
                spiking: text.contains("steps: 9") && text.contains("beta: 0.25"),
                hidden_layer: text.contains("hidden: Some"),
            };
            assert_eq!(model.takes(), found, "{model}");
        }
    }

    #[test]
    fn an_image_below_the_smallest_is_refused() {
        let device = Device::default();
        for model in Model::all().filter(|model| model.spec().smallest_image > 1) {
            let mut config = smallest(model);
            config.image_shape[2] -= 1;
            let error = model.init(&config, &device).unwrap_err();
            assert!(
                matches!(error, NetworkError::ImageTooSmall { .. }),
                "{error}"
            );
            assert!(error.to_string().starts_with(model.name()), "{error}");
        }
    }

    #[test]
    fn settings_out_of_range_are_refused() {
        let device = Device::default();
        let refused = |model: Model, change: fn(&mut NetworkConfig)| {
            let mut config = smallest(model);
            change(&mut config);
            model.init(&config, &device).unwrap_err()
        };
        let error = refused(Model::LENET, |config| config.dropout = Some(1.5));
        assert_eq!(error, NetworkError::Dropout(1.5));
        let error = refused(Model::LENET, |config| config.dropout = Some(f64::NAN));
        assert!(matches!(error, NetworkError::Dropout(_)));
        let error = refused(Model::SNN_MLP, |config| config.spiking.steps = 0);
        assert_eq!(error, NetworkError::NoSteps);
        let error = refused(Model::SNN_LENET, |config| config.spiking.lif.beta = 2.0);
        assert!(matches!(error, NetworkError::Lif(LifError::Beta(_))));
        let error = refused(Model::VIT_B_16, |config| {
            config.image_shape = [3, 24, 24];
        });
        let expected = "patches of 16x16 pixels do not divide an image of 24x24";
        assert_eq!(error.to_string(), expected);
    }

    #[test]
    fn typical_shapes_and_batches_are_those_of_the_benchmark() {
        for model in Model::all() {
            let expected = match model.name() {
                "mlp-toy" => ([2, 1, 1], 128),
                "mlp" | "lenet" | "vit-tiny" | "snn-mlp" | "snn-lenet" => ([1, 28, 28], 128),
                "vgg-like" | "vgg-like-bn" | "resnet32" => ([3, 32, 32], 128),
                _ => ([3, 224, 224], 8),
            };
            assert_eq!(
                (model.spec().image_shape, model.spec().batch),
                expected,
                "{model}"
            );
        }
    }
}

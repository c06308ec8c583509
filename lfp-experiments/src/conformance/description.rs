//! The layers of a case as its metadata describes them.

use lfp_burn::{ActivationFn, NormalizationRule};
use serde::Deserialize;
use serde_json::Value;

/// A layer.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Description {
    Linear(Dense),
    Conv2d(Convolution),
    Activation {
        function: Function,
    },
    #[serde(rename = "max_pool2d")]
    MaxPool2d(Window),
    #[serde(rename = "avg_pool2d")]
    AvgPool2d(Window),
    #[serde(rename = "adaptive_avg_pool2d")]
    AdaptiveAvgPool2d {
        output: [usize; 2],
    },
    Flatten {},
    #[serde(rename = "batch_norm2d")]
    BatchNorm2d {
        name: String,
        mode: Mode,
    },
    Residual {
        body: Vec<Description>,
        shortcut: Vec<Description>,
    },
    Lif(Neuron),
    LayerNorm(Norm),
    Attention(Attention),
    ToTokens {},
    TokenEmbedding {
        name: String,
    },
    ClassToken {
        name: String,
    },
    PositionEmbedding {
        name: String,
    },
    SelectToken {
        index: i64,
    },
    MeanTokens {},
}

/// The types of layers that format 1 does not have.
const TYPES_OF_FORMAT_2: [&str; 8] = [
    "layer_norm",
    "attention",
    "to_tokens",
    "token_embedding",
    "class_token",
    "position_embedding",
    "select_token",
    "mean_tokens",
];

/// A version of the format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// `lfp-conformance/1`.
    One,
    /// `lfp-conformance/2`: transformers.
    Two,
}

impl Description {
    /// The first layer, at any depth, that is no part of `format`, by its type. Read before the layers are, so that the
    /// error names the type and not what a layer of it lacks.
    pub(super) fn foreign(layers: &Value, format: Format) -> Option<&str> {
        layers.as_array()?.iter().find_map(|layer| {
            let kind = layer.get("type").and_then(Value::as_str);
            let is_foreign = |kind: &&str| match format {
                Format::One => TYPES_OF_FORMAT_2.contains(kind),
                Format::Two => *kind == "lif",
            };
            let branch = |name| Self::foreign(layer.get(name)?, format);
            kind.filter(is_foreign)
                .or_else(|| branch("body"))
                .or_else(|| branch("shortcut"))
        })
    }

    /// The statistics of the first layer normalisation at any depth.
    pub(super) fn first_statistics(layers: &[Self]) -> Option<Statistics> {
        layers.iter().find_map(|layer| match layer {
            Self::LayerNorm(norm) => Some(norm.statistics),
            Self::Residual { body, shortcut } => {
                Self::first_statistics(body).or_else(|| Self::first_statistics(shortcut))
            }
            _ => None,
        })
    }
}

/// Layer normalisation over the last dimension.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Norm {
    pub(super) name: String,
    pub(super) eps: f64,
    pub(super) statistics: Statistics,
}

/// How rewards pass the statistics of a layer normalisation.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq)]
#[serde(rename_all = "snake_case")]
pub(super) enum Statistics {
    Through,
    Constant,
    ConstantDeviation,
}

impl Statistics {
    pub(super) fn rule(self) -> NormalizationRule {
        match self {
            Self::Through => NormalizationRule::ThroughStatistics,
            Self::Constant => NormalizationRule::ConstantStatistics,
            Self::ConstantDeviation => NormalizationRule::ConstantDeviation,
        }
    }
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Attention {
    pub(super) name: String,
    pub(super) heads: usize,
    pub(super) causal: bool,
    #[serde(default = "yes")]
    pub(super) bias: bool,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Dense {
    pub(super) name: String,
    #[serde(default = "yes")]
    pub(super) bias: bool,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Convolution {
    pub(super) name: String,
    pub(super) stride: [usize; 2],
    pub(super) padding: [usize; 2],
    pub(super) dilation: [usize; 2],
    pub(super) groups: usize,
    #[serde(default = "yes")]
    pub(super) bias: bool,
}

#[derive(Clone, Copy, Debug, Deserialize)]
pub(super) struct Window {
    pub(super) kernel: [usize; 2],
    pub(super) stride: [usize; 2],
    pub(super) padding: [usize; 2],
}

#[derive(Clone, Copy, Debug, Deserialize)]
pub(super) struct Neuron {
    pub(super) beta: f64,
    pub(super) threshold: f64,
}

/// The statistics that batch normalisation uses.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq)]
#[serde(rename_all = "snake_case")]
pub(super) enum Mode {
    /// Running statistics.
    Eval,
    /// Batch statistics.
    Train,
}

/// An activation by name, with PyTorch's default parameters.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct Function(pub(super) ActivationFn);

impl TryFrom<String> for Function {
    type Error = lfp_burn::UnknownActivation;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        name.parse().map(Self)
    }
}

fn yes() -> bool {
    true
}

//! The layers of a case as its metadata describes them.

use lfp_burn::ActivationFn;
use serde::Deserialize;

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

//! A network from a list of layers, of Burn's functions and the hooks of `lfp-burn`.

use burn::{
    module::{Module, Param},
    optim::GradientsParams,
    tensor::{
        Device, Tensor, TensorData, module,
        ops::{AvgPoolOptions, ConvOptions, MaxPoolOptions},
    },
};
use lfp_burn::{Activation, hooks};
use serde::Deserialize;

use super::case::{Arrays, Malformed};

/// Of batch normalisation, as the format fixes it.
const BATCH_NORM_EPSILON: f64 = 1e-5;

/// A layer as the metadata of a case describes it.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Layer {
    Linear {
        name: String,
        #[serde(default = "yes")]
        bias: bool,
    },
    Conv2d {
        name: String,
        stride: [usize; 2],
        padding: [usize; 2],
        dilation: [usize; 2],
        groups: usize,
        #[serde(default = "yes")]
        bias: bool,
    },
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
        body: Vec<Layer>,
        shortcut: Vec<Layer>,
    },
    /// Recognised, so that a spiking case can be told from a malformed one.
    Lif {},
}

#[derive(Clone, Copy, Debug, Deserialize)]
pub(super) struct Window {
    kernel: [usize; 2],
    stride: [usize; 2],
    padding: [usize; 2],
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq)]
#[serde(rename_all = "snake_case")]
pub(super) enum Mode {
    Eval,
    Train,
}

/// An activation by name, with PyTorch's parameters.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct Function(Activation);

impl TryFrom<String> for Function {
    type Error = lfp_burn::UnknownActivation;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        name.parse().map(Self)
    }
}

fn yes() -> bool {
    true
}

/// The network of a case, in Burn's layouts.
#[derive(Module, Debug)]
pub(super) struct Network {
    parameters: Vec<Parameter>,
    #[module(skip)]
    names: Vec<String>,
    #[module(skip)]
    layers: Vec<Layer>,
    #[module(skip)]
    statistics: Vec<(String, Tensor<1>)>,
    classes: usize,
}

/// A parameter of any of the ranks there are.
#[derive(Module, Debug)]
enum Parameter {
    Vector(Param<Tensor<1>>),
    Matrix(Param<Tensor<2>>),
    Kernel(Param<Tensor<4>>),
}

/// Activations on their way through the network.
#[derive(Clone)]
enum Flow {
    Flat(Tensor<2>),
    Maps(Tensor<4>),
}

/// The input of a network.
pub(super) trait Input {
    fn flow(self) -> FlowIn;
}

/// An opaque [`Flow`], for callers outside this file.
pub(super) struct FlowIn(Flow);

impl<const D: usize> Input for Tensor<D> {
    fn flow(self) -> FlowIn {
        FlowIn(match D {
            2 => Flow::Flat(self.reshape([0, -1])),
            _ => {
                let shape: [usize; 4] = core::array::from_fn(|axis| self.dims()[axis]);
                Flow::Maps(self.reshape(shape))
            }
        })
    }
}

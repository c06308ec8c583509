//! The network of a case, made of `Hooked` and `Spiking` layers.

use burn::{
    module::{Module, ParamId},
    nn::{
        BatchNorm, Embedding, Identity, LayerNorm, Linear,
        activation::{Elu, LeakyRelu, Relu, SiLU, Sigmoid, Tanh},
        conv::Conv2d,
        pool::{AdaptiveAvgPool2d, AvgPool2d, MaxPool2d},
    },
    optim::GradientsParams,
    tensor::{Int, Tensor, TensorData},
};
use lfp_burn::{
    Mark, Stabilizer, mark,
    nn::{Hookable, Hooked, InputError},
    spiking::{Lif, Spiking},
};

use super::tokens::{LayerNormBy, MeanTokens, SelfAttention, TokenLayer, expanded, tokens};

/// A network in Burn's layouts.
#[derive(Module, Debug)]
pub(super) struct Network {
    /// The look-up of token ids, if they are the input.
    embedding: Option<Hooked<Embedding>>,
    layers: Vec<Layer>,
    #[module(skip)]
    parameters: Vec<Parameter>,
    #[module(skip)]
    classes: usize,
    #[module(skip)]
    spiking: bool,
    #[module(skip)]
    time: Time,
}

/// The identity of a parameter, by its name in the case.
#[derive(Clone, Debug)]
pub(super) struct Parameter {
    pub(super) name: String,
    pub(super) id: ParamId,
    /// In PyTorch's layout.
    pub(super) shape: Vec<usize>,
    /// Whether Burn stores the transpose of PyTorch's matrix.
    pub(super) transposed: bool,
    /// Another parameter whose reference feedback limits the error as well.
    pub(super) compared_with: Option<String>,
}

/// The batch size and the number of time steps, 1 for a network without spikes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Time {
    pub(super) batch: usize,
    pub(super) steps: usize,
    /// Whether the input has `steps * batch` rows; otherwise it has `batch` rows, and is the same at every step.
    pub(super) input_per_step: bool,
}

/// The output of a network.
pub(super) enum Output {
    /// `[batch, classes]`.
    Logits(Tensor<2>),
    /// `[steps, batch, classes]`.
    Spikes(Tensor<3>),
}

/// A layer on tensors `[rows, channels, height, width]`. A vector has height and width 1. In a spiking network, steps are
/// folded into the rows, with the steps first; before the first neurons, a constant input has only `batch` rows.
#[derive(Module, Debug)]
pub(super) enum Layer {
    Sum(Sum),
    /// A weighted sum without its hook, because neurons follow: they divide the reward themselves.
    Currents(Sum),
    SpikingLinear(Spiking<Linear>),
    SpikingConv2d(Spiking<Conv2d>),
    /// Neurons that do not follow a linear or convolutional layer directly.
    Neurons(Lif),
    Activation(Activation),
    MaxPool2d(Hooked<MaxPool2d>),
    Flatten(Flatten),
    Tokens(TokenLayer),
}

/// A layer whose outputs are weighted sums.
#[derive(Module, Debug)]
#[allow(
    clippy::large_enum_variant,
    reason = "a case has few layers, and Burn implements no Module for a box"
)]
pub(super) enum Sum {
    Linear(Hooked<Linear>),
    Conv2d(Hooked<Conv2d>),
    BatchNorm(Hooked<BatchNorm>),
    AvgPool2d(Hooked<AvgPool2d>),
    AdaptiveAvgPool2d(Hooked<AdaptiveAvgPool2d>),
    Residual(Hooked<Residual>),
    TokenLinear(Hooked<Linear>),
    VectorNorm(Norms),
    MapNorm(Norms),
    TokenNorm(Norms),
    MeanTokens(Hooked<MeanTokens>),
    Attention(SelfAttention),
}

/// Layer normalisation by the rule of the propagation, or by its own.
#[derive(Module, Debug)]
pub(super) enum Norms {
    Common(Hooked<LayerNorm>),
    Own(Hooked<LayerNormBy>),
}

impl Norms {
    fn forward<const D: usize>(&self, input: Tensor<D>) -> Tensor<D> {
        match self {
            Self::Common(layer) => layer.forward(input),
            Self::Own(layer) => layer.forward(input),
        }
    }
}

/// An activation in a layer of its own.
#[derive(Module, Debug)]
pub(super) enum Activation {
    Relu(Hooked<Relu>),
    LeakyRelu(Hooked<LeakyRelu>),
    Silu(Hooked<SiLU>),
    Elu(Hooked<Elu>),
    Tanh(Hooked<Tanh>),
    Sigmoid(Hooked<Sigmoid>),
    /// An activation for which Burn has no layer.
    Other(Hooked<PassThrough>),
}

/// The sum of two branches (Eq. 11); a branch without layers is the identity.
#[derive(Module, Debug)]
pub(super) struct Residual {
    pub(super) body: Vec<Layer>,
    pub(super) shortcut: Vec<Layer>,
    #[module(skip)]
    pub(super) time: Time,
}

impl Hookable<4> for Residual {
    const STABILIZER: Stabilizer = Stabilizer::Sum;

    fn forward_raw(&self, input: Tensor<4>) -> Tensor<4> {
        let body = run(&self.body, input.clone(), self.time);
        body + run(&self.shortcut, input, self.time)
    }
}

/// A layer that does nothing, to hook an activation on.
#[derive(Module, Debug)]
pub(super) struct PassThrough {
    pub(super) identity: Identity,
}

impl Hookable<4> for PassThrough {
    const WEIGHTED_SUM: bool = false;

    fn forward_raw(&self, input: Tensor<4>) -> Tensor<4> {
        self.identity.forward(input)
    }
}

/// Turns maps into vectors.
#[derive(Module, Debug)]
pub(super) struct Flatten;

impl Network {
    pub(super) fn new(
        embedding: Option<Hooked<Embedding>>,
        layers: Vec<Layer>,
        parameters: Vec<Parameter>,
        classes: usize,
        time: Time,
    ) -> Self {
        let neurons = |layer: &&Layer| !matches!(layer, Layer::Flatten(_));
        let spiking = match layers.iter().rfind(neurons) {
            Some(layer) => layer.spikes(),
            None => false,
        };
        Self {
            embedding,
            layers,
            parameters,
            classes,
            spiking,
            time,
        }
    }

    /// The number of outputs.
    pub(super) fn classes(&self) -> usize {
        self.classes
    }

    pub(super) fn has_parameter(&self, name: &str) -> bool {
        self.parameters
            .iter()
            .any(|parameter| parameter.name == name)
    }

    /// The output for an input with the rows that [`Time`] says.
    pub(super) fn forward(&self, input: Tensor<4>) -> Output {
        let output = run(&self.layers, input, self.time);
        let Time { batch, steps, .. } = self.time;
        match self.spiking {
            true => Output::Spikes(output.reshape([steps, batch, self.classes])),
            false => Output::Logits(output.reshape([batch, self.classes])),
        }
    }

    /// The looked-up rows of token ids, and the place where their reward arrives.
    pub(super) fn embed(
        &self,
        ids: Tensor<2, Int>,
    ) -> Result<Option<(Tensor<4>, Mark<3>)>, InputError> {
        let Some(embedding) = &self.embedding else {
            return Ok(None);
        };
        let (rows, arrived) = mark(embedding.try_forward(ids)?);
        Ok(Some((expanded(rows), arrived)))
    }

    /// The feedback (Eq. 7) of every parameter, in PyTorch's layouts.
    pub(super) fn feedback(&self, grads: &GradientsParams) -> Vec<(&Parameter, TensorData)> {
        let feedback = |parameter| (parameter, Parameter::feedback(parameter, grads));
        self.parameters.iter().map(feedback).collect()
    }
}

impl Parameter {
    /// The feedback `d`; zero if none arrived.
    fn feedback(&self, grads: &GradientsParams) -> TensorData {
        let descent = match self.shape.len() {
            1 => grads.get::<1>(self.id).map(Tensor::into_data),
            2 if self.transposed => grads
                .get::<2>(self.id)
                .map(|matrix| matrix.transpose().into_data()),
            2 => grads.get::<2>(self.id).map(Tensor::into_data),
            _ => grads.get::<4>(self.id).map(Tensor::into_data),
        };
        let ascent = match descent {
            Some(descent) => descent.iter::<f32>().map(|value| -value).collect(),
            None => vec![0.0; self.shape.iter().product()],
        };
        TensorData::new(ascent, self.shape.clone())
    }
}

fn run(layers: &[Layer], input: Tensor<4>, time: Time) -> Tensor<4> {
    layers
        .iter()
        .fold(input, |input, layer| layer.forward(input, time))
}

impl Layer {
    fn spikes(&self) -> bool {
        matches!(
            self,
            Self::SpikingLinear(_) | Self::SpikingConv2d(_) | Self::Neurons(_)
        )
    }

    fn forward(&self, input: Tensor<4>, time: Time) -> Tensor<4> {
        match self {
            Self::Sum(sum) => sum.forward(input),
            Self::Currents(sum) => sum.forward_raw(input),
            Self::SpikingLinear(layer) => time.spiking_linear(layer, input),
            Self::SpikingConv2d(layer) => time.spiking_conv2d(layer, input),
            Self::Neurons(lif) => time.neurons(lif, input),
            Self::Activation(activation) => activation.forward(input),
            Self::MaxPool2d(pool) => pool.forward(input),
            Self::Flatten(_) => vectors(input.flatten(1, 3)),
            Self::Tokens(layer) => layer.forward(input),
        }
    }
}

impl Sum {
    fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        match self {
            Self::Linear(layer) => vectors(layer.forward(input.flatten::<2>(1, 3))),
            Self::Conv2d(layer) => layer.forward(input),
            Self::BatchNorm(layer) => layer.forward(input),
            Self::AvgPool2d(layer) => layer.forward(input),
            Self::AdaptiveAvgPool2d(layer) => layer.forward(input),
            Self::Residual(layer) => layer.forward(input),
            Self::TokenLinear(layer) => expanded(layer.forward(tokens(input))),
            Self::VectorNorm(layer) => vectors(layer.forward(input.flatten::<2>(1, 3))),
            Self::MapNorm(layer) => layer.forward(input),
            Self::TokenNorm(layer) => expanded(layer.forward(tokens(input))),
            Self::MeanTokens(layer) => vectors(layer.forward(tokens(input))),
            Self::Attention(layer) => layer.forward(input),
        }
    }

    /// [`forward`](Self::forward) before the stabiliser.
    fn forward_raw(&self, input: Tensor<4>) -> Tensor<4> {
        match self {
            Self::Linear(layer) => vectors(layer.inner().forward_raw(input.flatten::<2>(1, 3))),
            Self::Conv2d(layer) => layer.inner().forward_raw(input),
            Self::BatchNorm(layer) => layer.inner().forward_raw(input),
            Self::AvgPool2d(layer) => layer.inner().forward_raw(input),
            Self::AdaptiveAvgPool2d(layer) => layer.inner().forward_raw(input),
            Self::Residual(layer) => layer.inner().forward_raw(input),
            Self::TokenLinear(_)
            | Self::VectorNorm(_)
            | Self::MapNorm(_)
            | Self::TokenNorm(_)
            | Self::MeanTokens(_)
            | Self::Attention(_) => unreachable!("no format has both tokens and neurons"),
        }
    }
}

impl Activation {
    fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        match self {
            Self::Relu(layer) => layer.forward(input),
            Self::LeakyRelu(layer) => layer.forward(input),
            Self::Silu(layer) => layer.forward(input),
            Self::Elu(layer) => layer.forward(input),
            Self::Tanh(layer) => layer.forward(input),
            Self::Sigmoid(layer) => layer.forward(input),
            Self::Other(layer) => layer.forward(input),
        }
    }
}

impl Time {
    /// Whether an input is the same at every step.
    fn is_constant(self, input: &Tensor<4>) -> bool {
        input.dims()[0] == self.batch
    }

    fn spiking_linear(self, layer: &Spiking<Linear>, input: Tensor<4>) -> Tensor<4> {
        let constant = self.is_constant(&input);
        let input = input.flatten::<2>(1, 3);
        let spikes: Tensor<3> = match constant {
            true => layer.forward_constant(input, self.steps),
            false => {
                let features = input.dims()[1];
                layer.forward(input.reshape([self.steps, self.batch, features]))
            }
        };
        vectors(spikes.flatten(0, 1))
    }

    fn spiking_conv2d(self, layer: &Spiking<Conv2d>, input: Tensor<4>) -> Tensor<4> {
        let spikes: Tensor<5> = match self.is_constant(&input) {
            true => layer.forward_constant(input, self.steps),
            false => {
                let [_, channels, height, width] = input.dims();
                layer.forward(input.reshape([self.steps, self.batch, channels, height, width]))
            }
        };
        spikes.flatten(0, 1)
    }

    fn neurons(self, lif: &Lif, currents: Tensor<4>) -> Tensor<4> {
        let [rows, channels, height, width] = currents.dims();
        let steps = rows / self.batch;
        let currents = currents.reshape([steps, self.batch, channels, height, width]);
        let (spikes, _) = lif.forward::<5>(currents, self.steps);
        spikes.flatten(0, 1)
    }
}

/// `[rows, features]` with a height and width of 1.
fn vectors(features: Tensor<2>) -> Tensor<4> {
    features.unsqueeze_dims(&[2, 3])
}

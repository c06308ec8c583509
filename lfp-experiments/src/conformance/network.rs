//! A network from a list of layers, of Burn's functions and the hooks of `lfp-burn`.

use burn::{
    module::{Module, Param},
    optim::GradientsParams,
    tensor::{
        Device, Tensor, TensorData, module,
        ops::{AvgPoolOptions, ConvOptions, MaxPoolOptions},
    },
};
use lfp_burn::{ActivationFn, LifError, LifNeuron, Surrogate, hooks};
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
    Lif {
        beta: f64,
        threshold: f64,
    },
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
pub(super) struct Function(ActivationFn);

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

/// What a network says.
pub(super) enum Output {
    /// `[batch, classes]`.
    Logits(Tensor<2>),
    /// `[steps, batch, classes]`.
    Spikes(Tensor<3>),
}

/// Activations on their way through the network, `[batch, channels, height, width]`; a vector has
/// height and width 1. In a spiking network the steps are folded into the batch, and as long as all are the same there is
/// one.
struct Flow<const D: usize = 4> {
    values: Tensor<D>,
    /// Whether the values are a linear map's whose stabiliser is still to come. It may come after
    /// max pooling, too, and joins the activation where one follows.
    raw: bool,
}

impl Flow {
    fn of_linear_map(values: Tensor<4>) -> Self {
        Self { values, raw: true }
    }
}

impl<const D: usize> Flow<D> {
    fn stabilized(self) -> Tensor<D> {
        match self.raw {
            true => hooks::stabilize(self.values),
            false => self.values,
        }
    }

    fn activated(self, function: ActivationFn) -> Tensor<D> {
        match self.raw {
            true => hooks::linear_activation(self.values, function),
            false => hooks::activation(self.values, function),
        }
    }
}

impl Network {
    /// Builds the network after checking that all its tensors are there and fit together.
    pub(super) fn build(
        layers: &[Layer],
        arrays: &Arrays,
        sample: &[usize],
        device: &Device,
    ) -> Result<Self, Malformed> {
        let mut builder = Builder {
            arrays,
            device,
            names: Vec::new(),
            parameters: Vec::new(),
            statistics: Vec::new(),
        };
        let mut shape = [1; 3];
        shape[..sample.len()].copy_from_slice(sample);
        let [classes, height, width] = builder.layers(layers, shape)?;
        if (height, width) != (1, 1) {
            return Err(Malformed::Layer {
                layer: "the last layer".to_owned(),
                reason: format!("expected one value per class, found maps of {height} x {width}"),
            });
        }
        let spiking = layers
            .iter()
            .any(|layer| matches!(layer, Layer::Lif { .. }));
        if spiking && !matches!(split_last(layers).1, Last::Lif(_)) {
            return Err(Malformed::Layer {
                layer: "the last layer".to_owned(),
                reason: "expected lif in a spiking network".to_owned(),
            });
        }
        Ok(Self {
            parameters: builder.parameters,
            names: builder.names,
            layers: layers.to_vec(),
            statistics: builder.statistics,
            classes,
        })
    }

    /// The number of outputs.
    pub(super) fn classes(&self) -> usize {
        self.classes
    }

    /// What comes out for `batch` samples, of which a spiking network is shown each for `steps` steps.
    pub(super) fn forward(&self, input: Tensor<4>, batch: usize, steps: usize) -> Output {
        let flow = Flow {
            values: input,
            raw: false,
        };
        let time = Time { batch, steps };
        // Rewards enter at the last operation, which so must be the neurons, if there are any, rather
        // than a reshape of what they returned.
        let (layers, last) = split_last(&self.layers);
        let end = self.run(layers, flow, time);
        let flat = Flow {
            values: end.values.flatten::<2>(1, 3),
            raw: end.raw,
        };
        match last {
            Last::Activation(function) => Output::Logits(flat.activated(function)),
            Last::Lif(neuron) => Output::Spikes(time.lif(flat.values, neuron)),
            Last::Other => Output::Logits(flat.stabilized()),
        }
    }

    /// The feedback (Eq. 7) of every parameter by name, in PyTorch's layouts.
    pub(super) fn feedback(&self, grads: &GradientsParams) -> Vec<(String, TensorData)> {
        let named = self.names.iter().zip(&self.parameters);
        named
            .map(|(name, parameter)| {
                let descent = match parameter {
                    Parameter::Vector(p) => of(grads, p).into_data(),
                    Parameter::Matrix(p) => of(grads, p).transpose().into_data(),
                    Parameter::Kernel(p) => of(grads, p).into_data(),
                };
                let ascent: Vec<f32> = descent.iter::<f32>().map(|value| -value).collect();
                (name.clone(), TensorData::new(ascent, descent.shape()))
            })
            .collect()
    }

    fn run(&self, layers: &[Layer], start: Flow, time: Time) -> Flow {
        layers
            .iter()
            .fold(start, |flow, layer| self.step(layer, flow, time))
    }

    fn step(&self, layer: &Layer, flow: Flow, time: Time) -> Flow {
        match layer {
            Layer::Linear { name, bias } => self.linear(name, *bias, flow.stabilized()),
            Layer::Conv2d {
                name,
                stride,
                padding,
                dilation,
                groups,
                bias,
            } => {
                let options = ConvOptions::new(*stride, *padding, *dilation, *groups);
                let x = flow.stabilized();
                let bias = self.bias(name, *bias);
                Flow::of_linear_map(module::conv2d(x, self.kernel(name), bias, options))
            }
            Layer::Activation { function } => Flow {
                values: flow.activated(function.0),
                raw: false,
            },
            Layer::MaxPool2d(window) => {
                let options = MaxPoolOptions::new(window.kernel)
                    .with_stride(window.stride)
                    .with_padding(window.padding);
                let values = module::max_pool2d(flow.values, options);
                Flow { values, ..flow }
            }
            Layer::AvgPool2d(window) => {
                let options = AvgPoolOptions::new(window.kernel)
                    .with_stride(window.stride)
                    .with_padding(window.padding);
                Flow::of_linear_map(module::avg_pool2d(flow.stabilized(), options))
            }
            Layer::AdaptiveAvgPool2d { output } => {
                Flow::of_linear_map(module::adaptive_avg_pool2d(flow.stabilized(), *output))
            }
            Layer::Flatten {} => {
                let [batch, channels, height, width] = flow.values.dims();
                let values = flow
                    .values
                    .reshape([batch, channels * height * width, 1, 1]);
                Flow { values, ..flow }
            }
            Layer::BatchNorm2d { name, mode } => self.batch_norm(name, *mode, flow.stabilized()),
            Layer::Residual { body, shortcut } => {
                let values = flow.stabilized();
                let branch = |layers: &[Layer]| {
                    let values = values.clone();
                    self.run(layers, Flow { values, raw: false }, time)
                        .stabilized()
                };
                Flow::of_linear_map(branch(body) + branch(shortcut))
            }
            Layer::Lif { beta, threshold } => {
                let neuron = neuron(*beta, *threshold).expect("the builder checked it");
                let [_, channels, height, width] = flow.values.dims();
                // Its currents are not stabilised: the neuron divides its reward by itself.
                let spikes = time.lif(flow.values.flatten::<2>(1, 3), neuron);
                let values = spikes.reshape([time.steps * time.batch, channels, height, width]);
                Flow { values, raw: false }
            }
        }
    }

    fn linear(&self, name: &str, bias: bool, x: Tensor<4>) -> Flow {
        let x = x.flatten::<2>(1, 3);
        let z = module::linear(x, self.matrix(name), self.bias(name, bias));
        Flow::of_linear_map(z.unsqueeze_dims(&[2, 3]))
    }

    fn batch_norm(&self, name: &str, mode: Mode, x: Tensor<4>) -> Flow {
        let gamma = self.vector(&format!("{name}.weight"));
        let beta = self.vector(&format!("{name}.bias"));
        Flow::of_linear_map(match mode {
            Mode::Train => hooks::batch_norm_train(x, gamma, beta, BATCH_NORM_EPSILON).0,
            Mode::Eval => {
                let mean = self.statistic(&format!("{name}.running_mean"));
                let variance = self.statistic(&format!("{name}.running_var"));
                module::batch_norm(x, gamma, beta, mean, variance, BATCH_NORM_EPSILON)
            }
        })
    }

    fn parameter(&self, name: &str) -> &Parameter {
        let index = self.names.iter().position(|known| known == name);
        &self.parameters[index.expect("the builder read every parameter")]
    }

    fn vector(&self, name: &str) -> Tensor<1> {
        match self.parameter(name) {
            Parameter::Vector(vector) => vector.val(),
            other => unreachable!("the builder made {name} a vector, found {other:?}"),
        }
    }

    fn bias(&self, layer: &str, bias: bool) -> Option<Tensor<1>> {
        bias.then(|| self.vector(&format!("{layer}.bias")))
    }

    fn matrix(&self, layer: &str) -> Tensor<2> {
        match self.parameter(&format!("{layer}.weight")) {
            Parameter::Matrix(matrix) => matrix.val(),
            other => unreachable!("the builder made {layer} a matrix, found {other:?}"),
        }
    }

    fn kernel(&self, layer: &str) -> Tensor<4> {
        match self.parameter(&format!("{layer}.weight")) {
            Parameter::Kernel(kernel) => kernel.val(),
            other => unreachable!("the builder made {layer} a kernel, found {other:?}"),
        }
    }

    fn statistic(&self, name: &str) -> Tensor<1> {
        let found = self.statistics.iter().find(|(known, _)| known == name);
        found.expect("the builder read every statistic").1.clone()
    }
}

/// How long a network is watched.
#[derive(Clone, Copy)]
struct Time {
    batch: usize,
    steps: usize,
}

impl Time {
    /// The spikes, `[steps, batch, neurons]`, of currents `[batch, neurons]` or `[steps * batch, neurons]`.
    fn lif(self, currents: Tensor<2>, neuron: LifNeuron) -> Tensor<3> {
        let [rows, neurons] = currents.dims();
        let currents = currents.reshape([rows / self.batch, self.batch, neurons]);
        hooks::lif(currents, self.steps, neuron).0
    }
}

fn neuron(beta: f64, threshold: f64) -> Result<LifNeuron, LifError> {
    LifNeuron::new(beta, threshold, Surrogate::default())
}

/// What a network ends with.
enum Last {
    Activation(ActivationFn),
    Lif(LifNeuron),
    Other,
}

/// The layers up to the last one's neurons, and these, if nothing but flattening follows them.
fn split_last(layers: &[Layer]) -> (&[Layer], Last) {
    let flat = |layer: &Layer| matches!(layer, Layer::Flatten {});
    let end = layers.iter().rposition(|layer| !flat(layer));
    match end.map(|end| (&layers[..end], &layers[end])) {
        Some((before, Layer::Activation { function })) => (before, Last::Activation(function.0)),
        Some((before, &Layer::Lif { beta, threshold })) => {
            let neuron = neuron(beta, threshold).expect("the builder checked it");
            (before, Last::Lif(neuron))
        }
        _ => (layers, Last::Other),
    }
}

/// The update of one parameter; zero where none arrived.
fn of<const D: usize>(grads: &GradientsParams, param: &Param<Tensor<D>>) -> Tensor<D> {
    grads
        .get(param.id)
        .unwrap_or_else(|| param.val().inner().zeros_like())
}

/// Reads parameters while it follows the shape of one sample, `[channels, height, width]`.
struct Builder<'a> {
    arrays: &'a Arrays,
    device: &'a Device,
    names: Vec<String>,
    parameters: Vec<Parameter>,
    statistics: Vec<(String, Tensor<1>)>,
}

type Sample = [usize; 3];

impl Builder<'_> {
    fn layers(&mut self, layers: &[Layer], start: Sample) -> Result<Sample, Malformed> {
        layers
            .iter()
            .try_fold(start, |shape, layer| self.layer(layer, shape))
    }

    fn layer(&mut self, layer: &Layer, shape: Sample) -> Result<Sample, Malformed> {
        let [channels, height, width] = shape;
        match layer {
            Layer::Linear { name, bias } => self.linear(name, *bias, shape),
            Layer::Conv2d {
                name,
                stride,
                padding,
                dilation,
                groups,
                bias,
            } => self.conv2d(name, [stride, padding, dilation], *groups, *bias, shape),
            Layer::MaxPool2d(window) | Layer::AvgPool2d(window) => {
                let Window {
                    kernel,
                    stride,
                    padding,
                } = window;
                let [height, width] = slide(
                    "pooling",
                    [height, width],
                    *kernel,
                    [stride, padding, &[1, 1]],
                )?;
                Ok([channels, height, width])
            }
            Layer::AdaptiveAvgPool2d { output } => Ok([channels, output[0], output[1]]),
            Layer::Flatten {} => Ok([channels * height * width, 1, 1]),
            Layer::BatchNorm2d { name, mode } => {
                self.vector(format!("{name}.weight"), channels)?;
                self.vector(format!("{name}.bias"), channels)?;
                if *mode == Mode::Eval {
                    self.statistic(format!("{name}.running_mean"), channels)?;
                    self.statistic(format!("{name}.running_var"), channels)?;
                }
                Ok(shape)
            }
            Layer::Residual { body, shortcut } => {
                let body = self.layers(body, shape)?;
                let shortcut = self.layers(shortcut, shape)?;
                if body != shortcut {
                    return Err(Malformed::Layer {
                        layer: "residual".to_owned(),
                        reason: format!("cannot add {body:?} and {shortcut:?}"),
                    });
                }
                Ok(body)
            }
            Layer::Lif { beta, threshold } => {
                neuron(*beta, *threshold)?;
                Ok(shape)
            }
            Layer::Activation { .. } => Ok(shape),
        }
    }

    fn linear(&mut self, name: &str, bias: bool, shape: Sample) -> Result<Sample, Malformed> {
        let features: usize = shape.iter().product();
        let key = format!("{name}.weight");
        let array = self.arrays.get(&format!("param/{key}"))?;
        let [outputs, inputs] = array.shape[..] else {
            return Err(wrong_shape(
                &key,
                format!("[out, {features}]"),
                &array.shape,
            ));
        };
        if inputs != features {
            return Err(wrong_shape(
                &key,
                format!("[out, {features}]"),
                &array.shape,
            ));
        }
        // PyTorch stores the transpose of Burn's matrix.
        let matrix = array.tensor::<2>(self.device).transpose();
        self.push(key, Parameter::Matrix(Param::from_tensor(matrix)));
        if bias {
            self.vector(format!("{name}.bias"), outputs)?;
        }
        Ok([outputs, 1, 1])
    }

    fn conv2d(
        &mut self,
        name: &str,
        [stride, padding, dilation]: [&[usize; 2]; 3],
        groups: usize,
        bias: bool,
        [channels, height, width]: Sample,
    ) -> Result<Sample, Malformed> {
        let key = format!("{name}.weight");
        let array = self.arrays.get(&format!("param/{key}"))?;
        let fits = groups > 0 && channels.is_multiple_of(groups);
        let group = if fits { channels / groups } else { 0 };
        let expected = format!("[out, {channels} / {groups} groups, height, width]");
        let [outputs, per_group, kernel_height, kernel_width] = array.shape[..] else {
            return Err(wrong_shape(&key, expected, &array.shape));
        };
        if !fits || per_group != group || !outputs.is_multiple_of(groups) {
            return Err(wrong_shape(&key, expected, &array.shape));
        }
        let kernel = [kernel_height, kernel_width];
        let [height, width] = slide(name, [height, width], kernel, [stride, padding, dilation])?;
        let weight = Param::from_tensor(array.tensor(self.device));
        self.push(key, Parameter::Kernel(weight));
        if bias {
            self.vector(format!("{name}.bias"), outputs)?;
        }
        Ok([outputs, height, width])
    }

    fn vector(&mut self, key: String, length: usize) -> Result<(), Malformed> {
        let vector = self.read_vector(&format!("param/{key}"), length)?;
        self.push(key, Parameter::Vector(Param::from_tensor(vector)));
        Ok(())
    }

    fn statistic(&mut self, key: String, length: usize) -> Result<(), Malformed> {
        let vector = self.read_vector(&format!("buffer/{key}"), length)?;
        self.statistics.push((key, vector));
        Ok(())
    }

    fn read_vector(&self, name: &str, length: usize) -> Result<Tensor<1>, Malformed> {
        let array = self.arrays.get(name)?;
        if array.shape != [length] {
            return Err(wrong_shape(name, format!("[{length}]"), &array.shape));
        }
        Ok(array.tensor(self.device))
    }

    fn push(&mut self, name: String, parameter: Parameter) {
        self.names.push(name);
        self.parameters.push(parameter);
    }
}

fn wrong_shape(name: &str, expected: String, found: &[usize]) -> Malformed {
    Malformed::Shape {
        name: name.to_owned(),
        expected,
        found: found.to_vec(),
    }
}

/// The size of what a window leaves of an image, for stride, padding and dilation.
fn slide(
    layer: &str,
    image: [usize; 2],
    kernel: [usize; 2],
    [stride, padding, dilation]: [&[usize; 2]; 3],
) -> Result<[usize; 2], Malformed> {
    let mut size = [0; 2];
    for axis in 0..2 {
        let reach = (dilation[axis] * kernel[axis].saturating_sub(1)) + 1;
        let padded = image[axis] + 2 * padding[axis];
        if stride[axis] == 0 || dilation[axis] == 0 || kernel[axis] == 0 || reach > padded {
            return Err(Malformed::Layer {
                layer: layer.to_owned(),
                reason: format!(
                    "a window of {kernel:?} with stride {stride:?}, padding {padding:?} and \
                     dilation {dilation:?} does not fit an image of {image:?}"
                ),
            });
        }
        size[axis] = (padded - reach) / stride[axis] + 1;
    }
    Ok(size)
}

//! From the description of a network and its parameters to its layers.

use burn::{
    module::{Module, Param, RunningState},
    nn::{
        BatchNorm, BatchNormConfig, Identity, LinearConfig, PaddingConfig2d,
        activation::{EluConfig, LeakyReluConfig, Relu, SiLU, Sigmoid, Tanh},
        conv::{Conv2d, Conv2dConfig},
        pool::{AdaptiveAvgPool2dConfig, AvgPool2dConfig, MaxPool2dConfig},
    },
    tensor::{Device, Tensor},
};
use lfp_burn::{
    ActivationFn, inference_mode,
    nn::{Hook, Hooked},
    spiking::{Lif, LifConfig, Spike},
};

use super::{
    arrays::Arrays,
    description::{Convolution, Dense, Description, Mode, Neuron, Window},
    error::Malformed,
    network::{Activation, Flatten, Layer, Network, Parameter, PassThrough, Residual, Sum, Time},
};

/// Part of the format.
const BATCH_NORM_EPSILON: f64 = 1e-5;

/// The layer that an activation belongs to. Both give the same results, except where the input of the activation is exactly
/// zero and its output is not (sigmoid): rewards vanish there in a layer of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ActivationPlacement {
    /// The layer before it: `layer.hooked().with_activation(ActivationFn::Relu)`.
    InLayer,
    /// A layer of its own: `Relu::new().hooked()`.
    OwnLayer,
}

/// Builds a network after checking that all its tensors exist and fit together.
pub(super) fn build(
    layers: &[Description],
    arrays: &Arrays,
    sample: &[usize],
    time: Time,
    activations: ActivationPlacement,
    device: &Device,
) -> Result<Network, Malformed> {
    let mut shape = [1; 3];
    shape[..sample.len()].copy_from_slice(sample);
    check_last(layers)?;
    let mut builder = Builder {
        arrays,
        device,
        time,
        activations,
        parameters: Vec::new(),
    };
    let start = Extent {
        shape,
        per_step: time.input_per_step,
    };
    let (layers, end) = builder.layers(layers, start)?;
    let [classes, height, width] = end.shape;
    if (height, width) != (1, 1) {
        let reason = format!("expected one value per class, found maps of {height} x {width}");
        return Err(Malformed::layer("the last layer", reason));
    }
    Ok(Network::new(layers, builder.parameters, classes, time))
}

/// Checks that a network with neurons ends with neurons.
fn check_last(layers: &[Description]) -> Result<(), Malformed> {
    let neurons = |layer: &Description| matches!(layer, Description::Lif(_));
    let last = layers
        .iter()
        .rfind(|layer| !matches!(layer, Description::Flatten {}));
    match layers.iter().any(neurons) && !last.is_some_and(neurons) {
        true => Err(Malformed::layer(
            "the last layer",
            "expected lif in a spiking network",
        )),
        false => Ok(()),
    }
}

/// The shape of one sample, `[channels, height, width]`, between two layers.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Extent {
    shape: [usize; 3],
    /// Whether there is a value for every step: the input has one, or neurons came before.
    per_step: bool,
}

impl Extent {
    fn with_shape(self, shape: [usize; 3]) -> Self {
        Self { shape, ..self }
    }

    fn spiking(self) -> Self {
        Self {
            per_step: true,
            ..self
        }
    }
}

/// Reads parameters and follows the shape of one sample through the layers.
struct Builder<'a> {
    arrays: &'a Arrays,
    device: &'a Device,
    time: Time,
    activations: ActivationPlacement,
    parameters: Vec<Parameter>,
}

impl Builder<'_> {
    fn layers(
        &mut self,
        mut rest: &[Description],
        mut extent: Extent,
    ) -> Result<(Vec<Layer>, Extent), Malformed> {
        let mut layers = Vec::new();
        while let Some((first, after)) = rest.split_first() {
            let (layer, used);
            (layer, extent, used) = self.layer(first, after, extent)?;
            layers.push(layer);
            rest = &after[used..];
        }
        Ok((layers, extent))
    }

    /// A layer, the extent of its outputs, and how many of the descriptions `after` it are part of it.
    fn layer(
        &mut self,
        description: &Description,
        after: &[Description],
        extent: Extent,
    ) -> Result<(Layer, Extent, usize), Malformed> {
        let [channels, height, width] = extent.shape;
        let (layer, extent) = match description {
            Description::Activation { function } => {
                (Layer::Activation(activation_layer(function.0)), extent)
            }
            Description::MaxPool2d(window) => {
                let pool = MaxPool2dConfig::new(window.kernel)
                    .with_strides(window.stride)
                    .with_padding(padding(window.padding));
                let extent = extent.with_shape(window.pooled(extent.shape)?);
                (Layer::MaxPool2d(pool.init()), extent)
            }
            Description::Flatten {} => {
                let extent = extent.with_shape([channels * height * width, 1, 1]);
                (Layer::Flatten(Flatten), extent)
            }
            Description::Lif(neuron) => (Layer::Neurons(neuron.init()?), extent.spiking()),
            _ => return self.weighted_sum(description, after, extent),
        };
        Ok((layer, extent, 0))
    }

    /// A weighted sum with the activation or the neurons that follow it.
    fn weighted_sum(
        &mut self,
        description: &Description,
        after: &[Description],
        extent: Extent,
    ) -> Result<(Layer, Extent, usize), Malformed> {
        let activation = match after.first() {
            Some(Description::Activation { function })
                if self.activations == ActivationPlacement::InLayer =>
            {
                Some(function.0)
            }
            _ => None,
        };
        let (sum, extent) = self.sum(description, activation, extent)?;
        Ok(match (sum, after.first()) {
            (Sum::Linear(layer), Some(Description::Lif(neuron))) => {
                let layer = layer.into_inner().spiking(neuron.init()?);
                (Layer::SpikingLinear(layer), extent.spiking(), 1)
            }
            (Sum::Conv2d(layer), Some(Description::Lif(neuron))) => {
                let layer = layer.into_inner().spiking(neuron.init()?);
                (Layer::SpikingConv2d(layer), extent.spiking(), 1)
            }
            (sum, _) if feeds_neurons(after) => (Layer::Currents(sum), extent, 0),
            (sum, _) => (Layer::Sum(sum), extent, usize::from(activation.is_some())),
        })
    }

    fn sum(
        &mut self,
        description: &Description,
        activation: Option<ActivationFn>,
        extent: Extent,
    ) -> Result<(Sum, Extent), Malformed> {
        let [channels, ..] = extent.shape;
        let (sum, shape) = match description {
            Description::Linear(dense) => {
                let (layer, outputs) = self.linear(dense, extent.shape.iter().product())?;
                (Sum::Linear(hooked(layer, activation)), [outputs, 1, 1])
            }
            Description::Conv2d(convolution) => {
                let (layer, shape) = self.conv2d(convolution, extent.shape)?;
                (Sum::Conv2d(hooked(layer, activation)), shape)
            }
            Description::BatchNorm2d { name, mode } => {
                let layer = self.batch_norm(name, *mode, channels)?;
                (Sum::BatchNorm(hooked(layer, activation)), extent.shape)
            }
            Description::AvgPool2d(window) => {
                let pool = AvgPool2dConfig::new(window.kernel)
                    .with_strides(window.stride)
                    .with_padding(padding(window.padding));
                let shape = window.pooled(extent.shape)?;
                (Sum::AvgPool2d(hooked(pool.init(), activation)), shape)
            }
            Description::AdaptiveAvgPool2d { output } => {
                if output.contains(&0) {
                    return Err(Malformed::layer(
                        "adaptive_avg_pool2d",
                        "the output is empty",
                    ));
                }
                let pool = hooked(AdaptiveAvgPool2dConfig::new(*output).init(), activation);
                let shape = [channels, output[0], output[1]];
                (Sum::AdaptiveAvgPool2d(pool), shape)
            }
            Description::Residual { body, shortcut } => {
                let (layer, extent) = self.residual(body, shortcut, extent)?;
                return Ok((Sum::Residual(hooked(layer, activation)), extent));
            }
            other => unreachable!("{other:?} is no weighted sum"),
        };
        Ok((sum, extent.with_shape(shape)))
    }

    fn linear(
        &mut self,
        Dense { name, bias }: &Dense,
        features: usize,
    ) -> Result<(burn::nn::Linear, usize), Malformed> {
        let key = format!("{name}.weight");
        let array = self.arrays.get(&format!("param/{key}"))?;
        let outputs = match array.shape[..] {
            [outputs, inputs] if inputs == features => outputs,
            _ => {
                let expected = format!("[out, {features}]");
                return Err(Malformed::shape(&key, expected, &array.shape));
            }
        };
        let config = LinearConfig::new(features, outputs).with_bias(*bias);
        let mut layer = config.init(self.device);
        // Burn stores the transpose of PyTorch's matrix.
        let weight = array.tensor::<2>(self.device).transpose();
        layer.weight = self.parameter(key, weight, &array.shape)?;
        layer.bias = self.bias(name, *bias, outputs)?;
        Ok((layer, outputs))
    }

    fn conv2d(
        &mut self,
        convolution: &Convolution,
        [channels, height, width]: [usize; 3],
    ) -> Result<(Conv2d, [usize; 3]), Malformed> {
        let Convolution { name, groups, .. } = convolution;
        let key = format!("{name}.weight");
        let array = self.arrays.get(&format!("param/{key}"))?;
        let divides = |count: usize| *groups > 0 && count.is_multiple_of(*groups);
        let (outputs, kernel) = match array.shape[..] {
            [outputs, inputs, height, width]
                if divides(channels) && divides(outputs) && inputs == channels / groups =>
            {
                (outputs, [height, width])
            }
            _ => {
                let expected = format!("[out, {channels} / {groups} groups, height, width]");
                return Err(Malformed::shape(&key, expected, &array.shape));
            }
        };
        let [stride, dilation] = [convolution.stride, convolution.dilation];
        let size = slide(
            name,
            [height, width],
            kernel,
            [stride, convolution.padding, dilation],
        )?;
        let mut layer = Conv2dConfig::new([channels, outputs], kernel)
            .with_stride(stride)
            .with_padding(padding(convolution.padding))
            .with_dilation(dilation)
            .with_groups(*groups)
            .with_bias(convolution.bias)
            .init(self.device);
        layer.weight = self.parameter(key, array.tensor(self.device), &array.shape)?;
        layer.bias = self.bias(name, convolution.bias, outputs)?;
        Ok((layer, [outputs, size[0], size[1]]))
    }

    fn batch_norm(
        &mut self,
        name: &str,
        mode: Mode,
        channels: usize,
    ) -> Result<BatchNorm, Malformed> {
        let gamma = self.vector(format!("{name}.weight"), channels)?;
        let beta = self.vector(format!("{name}.bias"), channels)?;
        let config = BatchNormConfig::new(channels).with_epsilon(BATCH_NORM_EPSILON);
        let mut layer = config.init(self.device);
        layer.gamma = gamma;
        layer.beta = beta;
        if mode == Mode::Train {
            return Ok(layer);
        }
        let statistic = |which| {
            let vector = self.read(&format!("buffer/{name}.{which}"), channels)?;
            Ok::<_, Malformed>(RunningState::new(vector))
        };
        layer.running_mean = statistic("running_mean")?;
        layer.running_var = statistic("running_var")?;
        Ok(inference_mode(layer))
    }

    fn residual(
        &mut self,
        body: &[Description],
        shortcut: &[Description],
        extent: Extent,
    ) -> Result<(Residual, Extent), Malformed> {
        let (body, of_body) = self.layers(body, extent)?;
        let (shortcut, of_shortcut) = self.layers(shortcut, extent)?;
        if of_body != of_shortcut {
            let reason = format!(
                "cannot add {:?} and {:?}{}",
                of_body.shape,
                of_shortcut.shape,
                match of_body.per_step == of_shortcut.per_step {
                    true => "",
                    false => ", of which one has a value for every step",
                }
            );
            return Err(Malformed::layer("residual", reason));
        }
        let time = self.time;
        Ok((
            Residual {
                body,
                shortcut,
                time,
            },
            of_body,
        ))
    }

    fn bias(
        &mut self,
        layer: &str,
        bias: bool,
        length: usize,
    ) -> Result<Option<Param<Tensor<1>>>, Malformed> {
        let mut read = || self.vector(format!("{layer}.bias"), length);
        bias.then(&mut read).transpose()
    }

    fn vector(&mut self, key: String, length: usize) -> Result<Param<Tensor<1>>, Malformed> {
        let vector = self.read(&format!("param/{key}"), length)?;
        self.parameter(key, vector, &[length])
    }

    fn read(&self, name: &str, length: usize) -> Result<Tensor<1>, Malformed> {
        let array = self.arrays.get(name)?;
        match array.shape == [length] {
            true => Ok(array.tensor(self.device)),
            false => Err(Malformed::shape(name, format!("[{length}]"), &array.shape)),
        }
    }

    fn parameter<const D: usize>(
        &mut self,
        name: String,
        value: Tensor<D>,
        shape: &[usize],
    ) -> Result<Param<Tensor<D>>, Malformed> {
        if self.parameters.iter().any(|known| known.name == name) {
            return Err(Malformed::layer(&name, "a parameter of this name exists"));
        }
        if shape.contains(&0) {
            return Err(Malformed::shape(&name, "no dimension of 0", shape));
        }
        let param = Param::from_tensor(value);
        self.parameters.push(Parameter {
            name,
            id: param.id,
            shape: shape.to_vec(),
        });
        Ok(param)
    }
}

impl Neuron {
    fn init(self) -> Result<Lif, Malformed> {
        let config = LifConfig::new()
            .with_beta(self.beta)
            .with_threshold(self.threshold);
        Ok(config.init()?)
    }
}

impl Window {
    /// The shape of a pooled sample.
    fn pooled(self, [channels, height, width]: [usize; 3]) -> Result<[usize; 3], Malformed> {
        let settings = [self.stride, self.padding, [1, 1]];
        let [height, width] = slide("pooling", [height, width], self.kernel, settings)?;
        Ok([channels, height, width])
    }
}

fn hooked<M: Module>(layer: M, activation: Option<ActivationFn>) -> Hooked<M> {
    let hooked = layer.hooked();
    match activation {
        Some(activation) => hooked.with_activation(activation),
        None => hooked,
    }
}

/// Burn's layer of an activation, if there is one.
fn activation_layer(function: ActivationFn) -> Activation {
    match function {
        ActivationFn::Relu => Activation::Relu(Relu::new().hooked()),
        ActivationFn::LeakyRelu { slope } => {
            let config = LeakyReluConfig::new().with_negative_slope(slope);
            Activation::LeakyRelu(config.init().hooked())
        }
        ActivationFn::Silu => Activation::Silu(SiLU::new().hooked()),
        ActivationFn::Elu { alpha } => {
            Activation::Elu(EluConfig::new().with_alpha(alpha).init().hooked())
        }
        ActivationFn::Tanh => Activation::Tanh(Tanh::new().hooked()),
        ActivationFn::Sigmoid => Activation::Sigmoid(Sigmoid::new().hooked()),
        other => {
            let layer = PassThrough {
                identity: Identity::new(),
            };
            Activation::Other(layer.hooked().with_activation(other))
        }
    }
}

/// Whether neurons are next, with at most pooling or flattening in between.
fn feeds_neurons(after: &[Description]) -> bool {
    let passes = |layer: &&Description| {
        !matches!(layer, Description::MaxPool2d(_) | Description::Flatten {})
    };
    matches!(after.iter().find(passes), Some(Description::Lif(_)))
}

fn padding([vertical, horizontal]: [usize; 2]) -> PaddingConfig2d {
    PaddingConfig2d::Explicit(vertical, horizontal, vertical, horizontal)
}

/// The output size of a sliding window, for stride, padding and dilation.
fn slide(
    layer: &str,
    image: [usize; 2],
    kernel: [usize; 2],
    [stride, padding, dilation]: [[usize; 2]; 3],
) -> Result<[usize; 2], Malformed> {
    let mut size = [0; 2];
    for axis in 0..2 {
        let reach = dilation[axis]
            .saturating_mul(kernel[axis].saturating_sub(1))
            .saturating_add(1);
        let padded = padding[axis].saturating_mul(2).saturating_add(image[axis]);
        if stride[axis] == 0 || dilation[axis] == 0 || kernel[axis] == 0 || reach > padded {
            let reason = format!(
                "a window of {kernel:?} with stride {stride:?}, padding {padding:?} and dilation \
                 {dilation:?} does not fit an image of {image:?}"
            );
            return Err(Malformed::layer(layer, reason));
        }
        size[axis] = (padded - reach) / stride[axis] + 1;
    }
    Ok(size)
}

//! From the description of a network and its parameters to its layers.

use burn::{
    module::{Module, Param, RunningState},
    nn::{
        BatchNorm, BatchNormConfig, Embedding, Identity, LinearConfig, PaddingConfig2d,
        activation::{EluConfig, LeakyReluConfig, Relu, SiLU, Sigmoid, Tanh},
        conv::{Conv2d, Conv2dConfig},
        pool::{AdaptiveAvgPool2dConfig, AvgPool2dConfig, MaxPool2dConfig},
    },
    tensor::{Device, Tensor},
};
use lfp_burn::{
    ActivationFn, NormalizationRule, inference_mode,
    nn::{Hook, Hooked},
    spiking::{Lif, LifConfig, Spike},
};

use super::{
    arrays::Arrays,
    description::{Convolution, Dense, Description, Mode, Neuron, Window},
    error::Malformed,
    network::{Activation, Flatten, Layer, Network, Parameter, PassThrough, Residual, Sum, Time},
};

/// Largest number of values between two layers, for all samples and steps.
const MAX_VALUES: usize = 1 << 26;

/// Largest height or width of a padded image.
const MAX_PADDED: usize = 1 << 12;

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
    settings: Settings,
    device: &Device,
) -> Result<Network, Malformed> {
    check_last(layers)?;
    let Settings {
        time,
        norm_rule,
        activations,
    } = settings;
    let mut builder = Builder {
        arrays,
        device,
        time,
        norm_rule,
        activations,
        parameters: Vec::new(),
    };
    let (embedding, rest, start) = builder.input(layers, sample)?;
    let (layers, end) = builder.layers(rest, start)?;
    let [classes, height, width] = end.shape;
    if !end.is_vector() {
        let found = match end.form {
            Form::Maps => format!("maps of {height} x {width}"),
            Form::Tokens => format!("{classes} tokens"),
        };
        let reason = format!("expected one value per class, found {found}");
        return Err(Malformed::layer("the last layer", reason));
    }
    Ok(Network::new(
        embedding,
        layers,
        builder.parameters,
        classes,
        time,
    ))
}

/// What building a network needs besides its description.
#[derive(Clone, Copy, Debug)]
pub(super) struct Settings {
    pub(super) time: Time,
    /// The rule of the propagation.
    pub(super) norm_rule: NormalizationRule,
    pub(super) activations: ActivationPlacement,
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

/// What the dimensions of a sample are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Form {
    /// `[channels, height, width]`; a vector has height and width 1.
    Maps,
    /// `[tokens, width, 1]`.
    Tokens,
}

/// The shape of one sample between two layers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Extent {
    pub(super) shape: [usize; 3],
    pub(super) form: Form,
    /// Whether there is a value for every step: the input has one, or neurons came before.
    per_step: bool,
}

impl Extent {
    pub(super) fn tokens(tokens: usize, width: usize) -> Self {
        Self {
            shape: [tokens, width, 1],
            form: Form::Tokens,
            per_step: false,
        }
    }

    pub(super) fn vector(features: usize) -> Self {
        Self {
            shape: [features, 1, 1],
            form: Form::Maps,
            per_step: false,
        }
    }

    pub(super) fn is_vector(self) -> bool {
        self.form == Form::Maps && self.shape[1..] == [1, 1]
    }

    /// Length and width of a sequence of tokens.
    pub(super) fn sequence(self, layer: &str) -> Result<[usize; 2], Malformed> {
        match (self.form, self.shape) {
            (Form::Tokens, [tokens, width, _]) => Ok([tokens, width]),
            (Form::Maps, shape) => {
                let reason = format!("expected tokens, found a sample of shape {shape:?}");
                Err(Malformed::layer(layer, reason))
            }
        }
    }

    /// Channels, height and width.
    fn maps(self, layer: &str) -> Result<[usize; 3], Malformed> {
        match self.form {
            Form::Maps => Ok(self.shape),
            Form::Tokens => Err(Malformed::layer(layer, "expected maps, found tokens")),
        }
    }

    /// The size of the last dimension.
    pub(super) fn last(self) -> usize {
        let [channels, height, width] = self.shape;
        match self.form {
            Form::Tokens => height,
            Form::Maps if self.is_vector() => channels,
            Form::Maps => width,
        }
    }

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
pub(super) struct Builder<'a> {
    pub(super) arrays: &'a Arrays,
    pub(super) device: &'a Device,
    pub(super) norm_rule: NormalizationRule,
    time: Time,
    activations: ActivationPlacement,
    parameters: Vec<Parameter>,
}

impl Builder<'_> {
    /// The look-up of token ids, if there is one, the layers after it, and the extent of what reaches them.
    #[allow(clippy::type_complexity, reason = "used once")]
    fn input<'d>(
        &mut self,
        layers: &'d [Description],
        sample: &[usize],
    ) -> Result<(Option<Hooked<Embedding>>, &'d [Description], Extent), Malformed> {
        let per_step = self.time.input_per_step;
        match (layers, self.arrays.ids()) {
            ([Description::TokenEmbedding { name }, rest @ ..], Some(ids)) => {
                let (layer, width) = self.embedding(name)?;
                let length = ids.shape.last().copied().unwrap_or_default();
                Ok((Some(layer.hooked()), rest, Extent::tokens(length, width)))
            }
            (_, Some(_)) => Err(Malformed::layer(
                "the first layer",
                "expected token_embedding for an input of int64",
            )),
            (layers, None) => {
                let mut shape = [1; 3];
                shape[..sample.len()].copy_from_slice(sample);
                let form = match sample.len() {
                    2 => Form::Tokens,
                    _ => Form::Maps,
                };
                let extent = Extent {
                    shape,
                    form,
                    per_step,
                };
                Ok((None, layers, extent))
            }
        }
    }

    fn layers(
        &mut self,
        mut rest: &[Description],
        mut extent: Extent,
    ) -> Result<(Vec<Layer>, Extent), Malformed> {
        let mut layers = Vec::new();
        while let Some((first, after)) = rest.split_first() {
            let (layer, used);
            (layer, extent, used) = self.layer(first, after, extent)?;
            self.check_size(extent)?;
            layers.push(layer);
            rest = after.get(used..).unwrap_or_default();
        }
        Ok((layers, extent))
    }

    /// Refuses outputs that would not fit into memory: their size is a number in the file.
    pub(super) fn check_size(&self, extent: Extent) -> Result<(), Malformed> {
        let sizes = extent.shape.into_iter();
        let sizes = sizes.chain([self.time.batch, self.time.steps]);
        match sizes.fold(1, usize::saturating_mul) > MAX_VALUES {
            true => {
                let shape = extent.shape;
                let reason = format!(
                    "outputs of {shape:?} for each of {} samples and {} steps are more than {MAX_VALUES} values",
                    self.time.batch, self.time.steps
                );
                Err(Malformed::layer("with large outputs", reason))
            }
            false => Ok(()),
        }
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
                extent.maps("max_pool2d")?;
                let pool = MaxPool2dConfig::new(window.kernel)
                    .with_strides(window.stride)
                    .with_padding(padding(window.padding));
                let extent = extent.with_shape(window.pooled(extent.shape)?);
                (Layer::MaxPool2d(pool.init().hooked()), extent)
            }
            Description::Flatten {} => {
                let extent = Extent {
                    form: Form::Maps,
                    ..extent.with_shape([channels * height * width, 1, 1])
                };
                (Layer::Flatten(Flatten), extent)
            }
            Description::Lif(neuron) => (Layer::Neurons(neuron.init()?), extent.spiking()),
            Description::ToTokens {} => self.to_tokens(extent)?,
            Description::ClassToken { name } => self.class_token(name, extent)?,
            Description::PositionEmbedding { name } => self.position_embedding(name, extent)?,
            Description::SelectToken { index } => self.select_token(*index, extent)?,
            Description::TokenEmbedding { name } => {
                let reason = "expected as the first layer, for an input of int64";
                return Err(Malformed::layer(name, reason));
            }
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
            Description::Linear(dense) if extent.form == Form::Tokens => {
                let [tokens, width] = extent.sequence(&dense.name)?;
                let (layer, outputs) = self.linear(dense, width)?;
                let sum = Sum::TokenLinear(hooked(layer, activation));
                return Ok((sum, Extent::tokens(tokens, outputs)));
            }
            Description::LayerNorm(norm) => {
                return Ok((self.layer_norm(norm, activation, extent)?, extent));
            }
            Description::Attention(attention) => {
                return Ok((self.attention(attention, activation, extent)?, extent));
            }
            Description::MeanTokens {} => return self.mean_tokens(activation, extent),
            Description::Linear(dense) => {
                let (layer, outputs) = self.linear(dense, extent.shape.iter().product())?;
                (Sum::Linear(hooked(layer, activation)), [outputs, 1, 1])
            }
            Description::Conv2d(convolution) => {
                let (layer, shape) = self.conv2d(convolution, extent.maps(&convolution.name)?)?;
                (Sum::Conv2d(hooked(layer, activation)), shape)
            }
            Description::BatchNorm2d { name, mode } => {
                extent.maps(name)?;
                let layer = self.batch_norm(name, *mode, channels)?;
                (Sum::BatchNorm(hooked(layer, activation)), extent.shape)
            }
            Description::AvgPool2d(window) => {
                extent.maps("avg_pool2d")?;
                let pool = AvgPool2dConfig::new(window.kernel)
                    .with_strides(window.stride)
                    .with_padding(padding(window.padding));
                let shape = window.pooled(extent.shape)?;
                (Sum::AvgPool2d(hooked(pool.init(), activation)), shape)
            }
            Description::AdaptiveAvgPool2d { output } => {
                extent.maps("adaptive_avg_pool2d")?;
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
                match (
                    of_body.per_step == of_shortcut.per_step,
                    of_body.form == of_shortcut.form
                ) {
                    (true, true) => "",
                    (true, false) => ", of which one consists of tokens",
                    (false, _) => ", of which one has a value for every step",
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

    pub(super) fn bias(
        &mut self,
        layer: &str,
        bias: bool,
        length: usize,
    ) -> Result<Option<Param<Tensor<1>>>, Malformed> {
        let mut read = || self.vector(format!("{layer}.bias"), length);
        bias.then(&mut read).transpose()
    }

    pub(super) fn vector(
        &mut self,
        key: String,
        length: usize,
    ) -> Result<Param<Tensor<1>>, Malformed> {
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

    /// A parameter whose matrix Burn stores transposed.
    pub(super) fn parameter<const D: usize>(
        &mut self,
        name: String,
        value: Tensor<D>,
        shape: &[usize],
    ) -> Result<Param<Tensor<D>>, Malformed> {
        self.add_parameter(name, value, shape, true)
    }

    /// A parameter in the same layout as Burn's.
    pub(super) fn table_parameter<const D: usize>(
        &mut self,
        name: String,
        value: Tensor<D>,
        shape: &[usize],
    ) -> Result<Param<Tensor<D>>, Malformed> {
        self.add_parameter(name, value, shape, false)
    }

    /// Compares the feedback of the parameter `name` relative to the reference of `other` as well, if both exist.
    pub(super) fn compare_with(&mut self, name: &str, other: &str) {
        let known = |name: &str, parameter: &Parameter| parameter.name == name;
        if !self.parameters.iter().any(|of| known(other, of)) {
            return;
        }
        if let Some(parameter) = self.parameters.iter_mut().find(|of| known(name, of)) {
            parameter.compared_with = Some(other.to_owned());
        }
    }

    fn add_parameter<const D: usize>(
        &mut self,
        name: String,
        value: Tensor<D>,
        shape: &[usize],
        transposed: bool,
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
            transposed,
            compared_with: None,
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

pub(super) fn hooked<M: Module>(layer: M, activation: Option<ActivationFn>) -> Hooked<M> {
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
        let is_empty = stride[axis] == 0 || dilation[axis] == 0 || kernel[axis] == 0;
        if is_empty || reach > padded || padded > MAX_PADDED {
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

//! A linear map and the spiking neurons that it feeds.

use burn::{
    module::{Content, DisplaySettings, Module, ModuleDisplay, ModuleDisplayDefault},
    nn::{
        Linear,
        conv::Conv2d,
        pool::{MaxPool2d, MaxPool2dConfig},
    },
    tensor::{Device, Tensor},
};

use super::Lif;
use crate::nn::transparent::transparent_module;

/// A layer of spiking neurons: one of Burn's linear maps, max pooling of the currents if wanted, and
/// [`Lif`].
///
/// For Burn the layer is the linear map: parameter paths, shapes and records are the same.
#[derive(Clone, Debug)]
pub struct Spiking<M> {
    layer: M,
    pool: Option<MaxPool2d>,
    lif: Lif,
}

/// Turns a linear map of Burn into a layer of spiking neurons.
///
/// # Example
///
/// ```
/// use burn::{nn::conv::Conv2dConfig, tensor::{Device, Tensor}};
/// use lfp_burn::spiking::{LifConfig, Spike};
///
/// let device = Device::default();
/// let layer = Conv2dConfig::new([1, 12], [5, 5])
///     .init(&device)
///     .spiking(LifConfig::new().init()?)
///     .with_max_pool([2, 2]);
/// let spikes = layer.forward_constant(Tensor::ones([4, 1, 28, 28], &device), 15);
/// assert_eq!(spikes.dims(), [15, 4, 12, 12, 12]);
/// # Ok::<(), lfp_burn::LifError>(())
/// ```
pub trait Spike: Module {
    /// The layer with neurons.
    fn spiking(self, lif: Lif) -> Spiking<Self> {
        Spiking {
            layer: self,
            pool: None,
            lif,
        }
    }
}

impl Spike for Linear {}
impl Spike for Conv2d {}

impl<M> Spiking<M> {
    /// The neurons.
    pub fn lif(&self) -> &Lif {
        &self.lif
    }

    fn replace(self, change: impl FnOnce(M) -> M) -> Self {
        Self {
            layer: change(self.layer),
            pool: self.pool,
            lif: self.lif,
        }
    }

    fn annotate(&self, content: Content) -> Content {
        let neuron = self.lif.neuron();
        content
            .add("beta", &neuron.beta())
            .add("threshold", &neuron.threshold())
    }
}

transparent_module!(Spiking);

impl Spiking<Linear> {
    /// The spikes.
    ///
    /// # Shapes
    ///
    /// - `input`: `[steps, batch_size, d_input]`
    /// - output: `[steps, batch_size, d_output]`
    pub fn forward(&self, input: Tensor<3>) -> Tensor<3> {
        self.observe(input).0
    }

    /// The spikes that an input brings about that is the same at every step.
    ///
    /// # Shapes
    ///
    /// - `input`: `[batch_size, d_input]`
    /// - output: `[steps, batch_size, d_output]`
    pub fn forward_constant(&self, input: Tensor<2>, steps: usize) -> Tensor<3> {
        self.observe_constant(input, steps).0
    }

    /// [`forward`](Self::forward) with the membrane potentials, which have the spikes' shape.
    pub fn observe(&self, input: Tensor<3>) -> (Tensor<3>, Tensor<3>) {
        let [steps, batch, features] = input.dims();
        let currents = self.layer.forward(input.reshape([steps * batch, features]));
        let [_, neurons] = currents.dims();
        self.lif
            .forward(currents.reshape([steps, batch, neurons]), steps)
    }

    /// [`forward_constant`](Self::forward_constant) with the membrane potentials.
    pub fn observe_constant(&self, input: Tensor<2>, steps: usize) -> (Tensor<3>, Tensor<3>) {
        let current = self.layer.forward(input);
        self.lif.forward(current.unsqueeze_dim(0), steps)
    }
}

impl Spiking<Conv2d> {
    /// Takes the largest current of every window, without overlap; ties go to the first.
    #[must_use]
    pub fn with_max_pool(self, kernel: [usize; 2]) -> Self {
        let pool = MaxPool2dConfig::new(kernel).with_strides(kernel).init();
        Self {
            pool: Some(pool),
            ..self
        }
    }

    /// The spikes.
    ///
    /// # Shapes
    ///
    /// - `input`: `[steps, batch_size, channels_in, h_in, w_in]`
    /// - output: `[steps, batch_size, channels_out, h_out, w_out]`
    pub fn forward(&self, input: Tensor<5>) -> Tensor<5> {
        self.observe(input).0
    }

    /// The spikes that an input brings about that is the same at every step.
    ///
    /// # Shapes
    ///
    /// - `input`: `[batch_size, channels_in, h_in, w_in]`
    /// - output: `[steps, batch_size, channels_out, h_out, w_out]`
    pub fn forward_constant(&self, input: Tensor<4>, steps: usize) -> Tensor<5> {
        self.observe_constant(input, steps).0
    }

    /// [`forward`](Self::forward) with the membrane potentials, which have the spikes' shape.
    pub fn observe(&self, input: Tensor<5>) -> (Tensor<5>, Tensor<5>) {
        let [steps, batch, channels, height, width] = input.dims();
        let currents = self.currents(input.reshape([steps * batch, channels, height, width]));
        let [_, channels, height, width] = currents.dims();
        self.lif.forward(
            currents.reshape([steps, batch, channels, height, width]),
            steps,
        )
    }

    /// [`forward_constant`](Self::forward_constant) with the membrane potentials.
    pub fn observe_constant(&self, input: Tensor<4>, steps: usize) -> (Tensor<5>, Tensor<5>) {
        let current = self.currents(input);
        self.lif.forward(current.unsqueeze_dim(0), steps)
    }

    fn currents(&self, input: Tensor<4>) -> Tensor<4> {
        let currents = self.layer.forward(input);
        match &self.pool {
            Some(pool) => pool.forward(currents),
            None => currents,
        }
    }
}

//! A linear map and the spiking neurons that it feeds.

use burn::{
    module::{Content, DisplaySettings, Module, ModuleDisplay, ModuleDisplayDefault},
    nn::{
        Linear,
        conv::{Conv1d, Conv2d, Conv3d},
        pool::{MaxPool2d, MaxPool2dConfig},
    },
    tensor::{Device, Shape, Tensor},
};

use lfp_core::functions;

use super::Lif;
use crate::nn::{Hookable, transparent::transparent_module};

/// A layer of spiking neurons: a linear map, optional max pooling of its currents, and [`Lif`] neurons.
///
/// For Burn the wrapper is invisible: parameter paths, shapes and records are those of the linear map, which is
/// [`inner`](Self::inner).
#[derive(Clone, Debug)]
pub struct Spiking<M> {
    layer: M,
    pool: Option<MaxPool2d>,
    lif: Lif,
}

/// A linear map that can feed spiking neurons: its currents of one step have rank `D`, a sequence of them, with the steps
/// first, has rank `T`, one more.
///
/// Implement it, without content, for a [`Hookable`] layer of your own.
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
pub trait Spike<const D: usize, const T: usize>: Hookable<D> {
    /// The layer with neurons.
    fn spiking(self, lif: Lif) -> Spiking<Self> {
        const { assert!(T == D + 1, "a sequence has one dimension more than a step") };
        Spiking {
            layer: self,
            pool: None,
            lif,
        }
    }

    /// The currents of one step, or of several that lie in the batch. Default: the layer's
    /// [`forward_raw`](Hookable::forward_raw).
    ///
    /// # Shapes
    ///
    /// Those of the layer.
    fn currents(&self, input: Tensor<D>) -> Tensor<D> {
        self.forward_raw(input)
    }
}

/// By [`functions::linear`], which gains from spikes on some backends.
impl Spike<2, 3> for Linear {
    fn currents(&self, input: Tensor<2>) -> Tensor<2> {
        let bias = self.bias.as_ref().map(|bias| bias.val());
        functions::linear(input, self.weight.val(), bias)
    }
}
impl Spike<3, 4> for Conv1d {}
impl Spike<4, 5> for Conv2d {}
impl Spike<5, 6> for Conv3d {}

impl<M> Spiking<M> {
    /// The neurons.
    pub fn lif(&self) -> &Lif {
        &self.lif
    }

    /// The linear map, for its parameters and settings.
    pub fn inner(&self) -> &M {
        &self.layer
    }

    /// The spikes for an input at each step.
    ///
    /// # Shapes
    ///
    /// - `input`: `[steps, batch_size, d_input]` for `Linear`, `[steps, batch_size, channels_in, ...]` for convolutions
    /// - output: `[steps, batch_size, d_output]`, `[steps, batch_size, channels_out, ...]`
    pub fn forward<const D: usize, const T: usize>(&self, input: Tensor<T>) -> Tensor<T>
    where
        M: Spike<D, T>,
    {
        self.observe(input).0
    }

    /// The spikes for a constant input, the same at every step. The linear map runs once.
    ///
    /// # Shapes
    ///
    /// - `input`: `[batch_size, d_input]` for `Linear`, `[batch_size, channels_in, ...]` for convolutions
    /// - output: `[steps, batch_size, d_output]`, `[steps, batch_size, channels_out, ...]`
    pub fn forward_constant<const D: usize, const T: usize>(
        &self,
        input: Tensor<D>,
        steps: usize,
    ) -> Tensor<T>
    where
        M: Spike<D, T>,
    {
        self.observe_constant(input, steps).0
    }

    /// [`forward`](Self::forward) with the membrane potentials, which have the spikes' shape.
    pub fn observe<const D: usize, const T: usize>(
        &self,
        input: Tensor<T>,
    ) -> (Tensor<T>, Tensor<T>)
    where
        M: Spike<D, T>,
    {
        let shape = input.dims();
        let steps = shape[0];
        let mut folded = shape[1..].to_vec();
        folded[0] *= steps;
        let currents = self.currents(input.reshape::<D, _>(Shape::from(folded)));
        let mut sequence = vec![steps];
        sequence.extend(currents.dims());
        sequence[1] /= steps;
        self.lif
            .forward(currents.reshape::<T, _>(Shape::from(sequence)), steps)
    }

    /// [`forward_constant`](Self::forward_constant) with the membrane potentials.
    pub fn observe_constant<const D: usize, const T: usize>(
        &self,
        input: Tensor<D>,
        steps: usize,
    ) -> (Tensor<T>, Tensor<T>)
    where
        M: Spike<D, T>,
    {
        let current = self.currents(input);
        self.lif.forward(current.unsqueeze_dim(0), steps)
    }

    fn currents<const D: usize, const T: usize>(&self, input: Tensor<D>) -> Tensor<D>
    where
        M: Spike<D, T>,
    {
        let currents = self.layer.currents(input);
        match &self.pool {
            Some(pool) => {
                let shape: [usize; 4] = std::array::from_fn(|axis| currents.dims()[axis]);
                let pooled = pool.forward_raw(currents.reshape(shape));
                let shape = pooled.shape();
                pooled.reshape::<D, _>(shape)
            }
            None => currents,
        }
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

impl Spiking<Conv2d> {
    /// Max pooling of the currents in windows that do not overlap; the first maximum in row-major order wins a tie.
    #[must_use]
    pub fn with_max_pool(self, kernel: [usize; 2]) -> Self {
        let pool = MaxPool2dConfig::new(kernel).with_strides(kernel).init();
        Self {
            pool: Some(pool),
            ..self
        }
    }
}

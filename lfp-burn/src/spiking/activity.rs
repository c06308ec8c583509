//! The recorded activity of a layer.

use burn::tensor::Tensor;

/// Spikes and membrane potentials of a layer over one forward pass, off the tape.
#[derive(Clone, Debug)]
pub struct Activity {
    /// The name of the layer.
    pub layer: String,
    /// 1 or 0, `[steps, batch_size, neurons]`.
    pub spikes: Tensor<3>,
    /// `[steps, batch_size, neurons]`.
    pub membrane: Tensor<3>,
}

impl Activity {
    /// The activity of a layer, from the result of [`Lif::forward`](super::Lif::forward) or of a layer's `observe`.
    ///
    /// # Shapes
    ///
    /// - `spikes`, `membrane`: `[steps, batch_size, ...]`
    pub fn new<const D: usize>(layer: &str, spikes: Tensor<D>, membrane: Tensor<D>) -> Self {
        let [steps, batch] = [spikes.dims()[0], spikes.dims()[1]];
        let neurons = spikes.shape().num_elements() / (steps * batch).max(1);
        let flat = |tensor: Tensor<D>| tensor.inner().reshape([steps, batch, neurons]);
        Self {
            layer: layer.to_owned(),
            spikes: flat(spikes),
            membrane: flat(membrane),
        }
    }

    /// The number of spikes of every neuron, `[batch_size, neurons]`.
    pub fn spike_counts(&self) -> Tensor<2> {
        super::spike_counts(self.spikes.clone())
    }

    /// The mean firing rate over neurons and steps, from 0 to 1. Reads one number back from the device.
    pub fn firing_rate(&self) -> f64 {
        self.spikes.clone().mean().into_scalar::<f64>()
    }
}

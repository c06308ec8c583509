//! Leaky integrate-and-fire neurons as a module.

use burn::{config::Config, module::Module, tensor::Tensor};
use lfp_core::{LifError, LifNeuron, Normalization, Surrogate, functions};

/// Configures [`Lif`].
#[derive(Config, Debug, Copy, PartialEq)]
pub struct LifConfig {
    /// The factor by which the membrane potential decays at each step, from 0 (no memory) to 1 (no leak). Default: 0.9.
    #[config(default = 0.9)]
    pub beta: f64,
    /// The potential above which a neuron fires, positive. Default: 1.
    #[config(default = 1.0)]
    pub threshold: f64,
    /// The surrogate derivative of a spike in `loss.backward()`; `propagate` needs none. Default: the fast sigmoid with
    /// slope 25.
    #[config(default = "Surrogate::default()")]
    pub surrogate: Surrogate,
    /// How `loss.backward()` normalises the gradient that arrives at the spikes, over all steps, samples and neurons;
    /// `propagate` follows `LfpConfig::reward_normalization` instead. Default: not at all, the plain gradient.
    ///
    /// [`MaxAbs`](Normalization::MaxAbs) is the paper's (Appendix A.6.4), for layers below another one. Leave it off in the
    /// output layer, where it would remove the size of the loss.
    #[config(default = "Normalization::None")]
    pub gradient_normalization: Normalization,
}

/// Leaky integrate-and-fire neurons with reset by subtraction; see [`LifNeuron`]. No parameters.
///
/// Put it after a linear map **without** a hook, because a neuron divides its reward itself. [`Spiking`](super::Spiking) joins
/// the two.
#[derive(Module, Debug)]
pub struct Lif {
    #[module(skip)]
    neuron: LifNeuron,
}

impl LifConfig {
    /// Builds the neurons.
    ///
    /// # Errors
    ///
    /// [`LifError`] unless `beta` is from 0 to 1, and `threshold` and the surrogate's slope are positive
    /// and finite.
    pub fn init(&self) -> Result<Lif, LifError> {
        let neuron = LifNeuron::new(self.beta, self.threshold, self.surrogate)?;
        let neuron = neuron.with_gradient_normalization(self.gradient_normalization);
        Ok(Lif { neuron })
    }
}

impl Lif {
    /// The neurons' dynamics.
    pub fn neuron(&self) -> LifNeuron {
        self.neuron
    }

    /// Spikes, 1 or 0, and membrane potentials; the latter are off the tape.
    ///
    /// # Shapes
    ///
    /// - `currents`: `[steps, batch_size, ...]`, or `[1, batch_size, ...]` for a constant current
    /// - spikes and membrane potentials: `[steps, batch_size, ...]`
    ///
    /// # Panics
    ///
    /// If `steps` is zero, or the currents have neither one nor `steps` steps.
    pub fn forward<const D: usize>(
        &self,
        currents: Tensor<D>,
        steps: usize,
    ) -> (Tensor<D>, Tensor<D>) {
        functions::lif(currents, steps, self.neuron)
    }
}

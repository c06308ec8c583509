//! The networks of the policies.

use anyhow::Result;
use burn::{
    module::Module,
    nn::{Linear, LinearConfig},
    tensor::{Device, Tensor},
};
use lfp_burn::{
    nn::{Hook, Hooked},
    rl::PolicyNetwork,
    spiking::{LifConfig, Spike, Spiking, spike_counts},
};
use lfp_models::{Mlp, MlpConfig};

/// A network with one hidden layer.
#[derive(Module, Debug)]
#[expect(clippy::large_enum_variant, reason = "one policy is held at a time")]
pub enum Network {
    /// With ReLU.
    Dense(Mlp),
    /// With spiking neurons.
    Spiking(SpikingPolicy),
}

/// Spiking neurons under an observation that stays the same for some time, and a linear readout of their firing rates: the
/// potential of output neurons that neither leak nor fire.
#[derive(Module, Debug)]
pub struct SpikingPolicy {
    hidden: Spiking<Linear>,
    readout: Hooked<Linear>,
    steps: usize,
}

impl SpikingPolicy {
    /// Random weights.
    ///
    /// # Errors
    ///
    /// If the settings of the neurons are out of range.
    pub fn new(
        [inputs, hidden, outputs]: [usize; 3],
        steps: usize,
        device: &Device,
    ) -> Result<Self> {
        let lif = LifConfig::new().init()?;
        Ok(Self {
            hidden: LinearConfig::new(inputs, hidden).init(device).spiking(lif),
            readout: LinearConfig::new(hidden, outputs).init(device).hooked(),
            steps,
        })
    }
}

impl Network {
    /// A network with ReLU.
    pub fn dense(widths: [usize; 3], device: &Device) -> Self {
        Self::Dense(MlpConfig::new(widths.into()).init(device))
    }
}

impl PolicyNetwork for Network {
    fn logits(&self, observations: Tensor<2>) -> Tensor<2> {
        match self {
            Self::Dense(network) => network.forward(observations),
            Self::Spiking(network) => {
                let spikes = network.hidden.forward_constant(observations, network.steps);
                let rates = spike_counts(spikes) / network.steps as f64;
                network.readout.forward(rates)
            }
        }
    }
}

//! GPUs, through CubeCL: spiking neurons have kernels of their own. Everything else runs the default bodies, whose elementwise
//! chains Burn fuses.

mod lif;

use burn_core::backend::tensor::FloatTensor;
use burn_cubecl::CubeBackend;

use crate::{LfpConfig, LfpOps, LifNeuron};

impl LfpOps for CubeBackend {
    fn lfp_lif(
        currents: FloatTensor<Self>,
        steps: usize,
        neuron: LifNeuron,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        lif::forward(currents, steps, neuron)
    }

    fn lfp_lif_rewards(
        quotient: FloatTensor<Self>,
        membrane: FloatTensor<Self>,
        current_steps: usize,
        neuron: LifNeuron,
        config: LfpConfig,
        at_output: bool,
    ) -> FloatTensor<Self> {
        lif::rewards(quotient, membrane, current_steps, neuron, config, at_output)
    }

    fn lfp_lif_gradient(
        grad: FloatTensor<Self>,
        membrane: FloatTensor<Self>,
        current_steps: usize,
        neuron: LifNeuron,
    ) -> FloatTensor<Self> {
        lif::gradient(grad, membrane, current_steps, neuron)
    }
}

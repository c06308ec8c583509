//! Kernels and the default bodies that they replace, on the same values: one test body for every backend.

use burn_core::backend::{
    Backend, DType, Shape, TensorData, TensorMetadata, read_sync, tensor::FloatTensor,
};

use crate::{LfpConfig, LfpOps, LifDenominator, LifNeuron, Normalization, Surrogate, rules};

/// More than a block of neurons, and not a whole number of blocks or of thread groups.
const NEURONS: usize = 1536;

/// Checks the passes of spiking neurons: currents of each step, a constant one, a single step, and views, by every setting that
/// acts on them.
///
/// # Panics
///
/// If a result is further from that of the default body than `within`, relative to the larger of its magnitude and 1.
pub(super) fn lif<B: LfpOps>(device: &B::Device, dtype: DType, within: f64) {
    let values = |shape, scale| values::<B>(shape, scale, device, dtype);
    let compare = |currents, steps| Lif::<B>::new(currents, steps, within).compare();
    compare(values([6, 2, NEURONS], 2.0), 6);
    compare(values([1, 2, NEURONS], 2.0), 6);
    compare(values([1, 3, 5], 2.0), 1);
    // Parts of a larger tensor, and one whose axes are not in order.
    let larger = values([9, 2, 20], 2.0);
    let part = |dim, start, end| {
        let mut part = vec![(..).into(); 3];
        part[dim] = (start..end).into();
        B::float_slice(larger.clone(), &part)
    };
    compare(part(0, 2, 8), 6);
    compare(part(2, 3, 10), 9);
    compare(B::float_swap_dims(larger.clone(), 0, 2), 20);
}

/// Spiking neurons with their currents.
struct Lif<B: Backend> {
    currents: FloatTensor<B>,
    steps: usize,
    arriving: FloatTensor<B>,
    within: f64,
}

impl<B: LfpOps> Lif<B> {
    fn new(currents: FloatTensor<B>, steps: usize, within: f64) -> Self {
        let shape = currents.shape();
        let (device, dtype) = (currents.device(), currents.dtype());
        Self {
            arriving: values::<B>([steps, shape[1], shape[2]], 1.0, &device, dtype),
            currents,
            steps,
            within,
        }
    }

    fn compare(&self) {
        let neuron = LifNeuron::new(0.8, 0.6, Surrogate::default()).unwrap();
        let (spikes, membrane) = B::lfp_lif(self.currents.clone(), self.steps, neuron);
        let composed = rules::lif::forward::<B>(self.currents.clone(), self.steps, neuron);
        self.assert_same("spikes", spikes, composed.0);
        self.assert_same("membrane", membrane.clone(), composed.1);
        self.compare_gradients(&membrane);
        self.compare_rewards(&membrane, neuron);
    }

    fn compare_gradients(&self, membrane: &FloatTensor<B>) {
        let steps = self.currents.shape()[0];
        for surrogate in [Surrogate::default(), Surrogate::None] {
            for normalization in [Normalization::None, Normalization::MaxAbs] {
                let neuron = LifNeuron::new(0.8, 0.6, surrogate).unwrap();
                let neuron = neuron.with_gradient_normalization(normalization);
                let arriving = || (self.arriving.clone(), membrane.clone());
                let (grad, potentials) = arriving();
                let fused = B::lfp_lif_gradient(grad, potentials, steps, neuron);
                let (grad, potentials) = arriving();
                let composed = rules::lif::gradient::<B>(grad, potentials, steps, neuron);
                self.assert_same(&format!("{neuron:?}"), fused, composed);
            }
        }
    }

    fn compare_rewards(&self, membrane: &FloatTensor<B>, neuron: LifNeuron) {
        for denominator in [
            LifDenominator::SumOfMagnitudes,
            LifDenominator::MagnitudeOfSum,
            LifDenominator::SignedSum,
        ] {
            for normalization in [Normalization::None, Normalization::MaxAbs] {
                let config = LfpConfig::new()
                    .with_epsilon(1e-2)
                    .with_lif_denominator(denominator)
                    .with_reward_normalization(normalization);
                for at_output in [false, true] {
                    self.compare_rewards_of(membrane, neuron, config, at_output);
                }
            }
        }
    }

    fn compare_rewards_of(
        &self,
        membrane: &FloatTensor<B>,
        neuron: LifNeuron,
        config: LfpConfig,
        at_output: bool,
    ) {
        let steps = self.currents.shape()[0];
        let nothing = B::float_mul_scalar(self.arriving.clone(), 0.into());
        for quotient in [self.arriving.clone(), nothing] {
            let (a, m) = (quotient.clone(), membrane.clone());
            let fused = B::lfp_lif_rewards(a, m, steps, neuron, config, at_output);
            let (a, m) = (quotient, membrane.clone());
            let composed = rules::lif::rewards::<B>(a, m, steps, neuron, config, at_output);
            self.assert_same(&format!("{config:?} {at_output}"), fused, composed);
        }
    }

    fn assert_same(&self, name: &str, fused: FloatTensor<B>, composed: FloatTensor<B>) {
        assert_eq!(fused.shape(), composed.shape(), "{name}");
        let [fused, composed] = [fused, composed].map(|tensor| {
            let data = read_sync(B::float_into_data(tensor)).unwrap();
            data.iter::<f64>().collect::<Vec<_>>()
        });
        for (at, (fused, composed)) in fused.iter().zip(&composed).enumerate() {
            let bound = self.within * composed.abs().max(1.0);
            let near = (fused - composed).abs() <= bound;
            assert!(
                near,
                "{name}, element {at}: {fused} fused, {composed} composed"
            );
        }
    }
}

/// Values that are neither ordered nor repeated.
fn values<B: Backend>(
    shape: [usize; 3],
    scale: f64,
    device: &B::Device,
    dtype: DType,
) -> FloatTensor<B> {
    let elements: usize = shape.iter().product();
    let value = |index: usize| scale * ((index * index + 7) as f64 * 0.37).sin();
    let values: Vec<f64> = (0..elements).map(value).collect();
    let data = TensorData::new(values, Shape::new(shape)).convert_dtype(dtype);
    B::float_from_data(data, device)
}

//! Leaky integrate-and-fire neurons. A membrane potential is the sum of the decayed previous potential and the input
//! current, so a reward `R[t]` at a spike is decomposed between `U[t-1]` and the inputs in proportion to their
//! contributions; the share of `U[t-1]` joins the reward of step `t-1`.
//!
//! Tensors are time-major, `[steps, ...]`. A current with one step is constant: it enters every step.

use burn_core::backend::{
    Backend, Shape, TensorMetadata, get_or_init_device_settings, tensor::FloatTensor,
};

use super::epsilon::stabilized;
use crate::{LfpConfig, LifDenominator, LifNeuron, Normalization, Surrogate};

/// Spikes and membrane potentials of all steps.
pub(crate) fn forward<B: Backend>(
    currents: FloatTensor<B>,
    steps: usize,
    neuron: LifNeuron,
) -> (FloatTensor<B>, FloatTensor<B>) {
    let shape = with_steps(&currents.shape(), steps);
    let currents = Steps::<B>::new(currents);
    let mut membrane: Option<FloatTensor<B>> = None;
    let (mut all_spikes, mut all_membranes) = (Vec::new(), Vec::new());
    for t in 0..steps {
        let current = currents.at(t);
        let potential = match membrane {
            Some(before) => {
                let reset = scale::<B>(spikes::<B>(&before, neuron), neuron.threshold());
                let kept = B::float_add(scale::<B>(before, neuron.beta()), current);
                B::float_sub(kept, reset)
            }
            None => current,
        };
        all_spikes.push(spikes::<B>(&potential, neuron));
        all_membranes.push(potential.clone());
        membrane = Some(potential);
    }
    let join = |steps| B::float_reshape(B::float_cat(steps, 0), shape.clone());
    (join(all_spikes), join(all_membranes))
}

/// The quotients at the currents: `q[t] = R[t] / (|U[t-1]| + |D[t]| + epsilon)` with
/// `D[t] = U[t] + threshold S[t-1] - U[t-1]`, or the denominator that `config` chooses; summed over time for a constant
/// current. The share of `U[t-1]` joins the reward of step `t-1`.
///
/// `quotient` arrives at the spikes; `at_output` if it comes from the initial reward, which silent neurons receive, too.
pub(crate) fn rewards<B: Backend>(
    quotient: FloatTensor<B>,
    membrane: FloatTensor<B>,
    current_steps: usize,
    neuron: LifNeuron,
    config: LfpConfig,
    at_output: bool,
) -> FloatTensor<B> {
    let epsilon = config.epsilon_for(membrane.dtype());
    let arriving = arriving::<B>(quotient, &membrane, neuron, config, at_output);
    backwards::<B>(arriving, membrane, current_steps, |reward, now, before| {
        let reset = before
            .as_ref()
            .map(|before| scale::<B>(spikes::<B>(before, neuron), neuron.threshold()));
        let sum = match reset {
            Some(reset) => B::float_add(now, reset),
            None => now,
        };
        let divisor = match (config.lif_denominator, &before) {
            (LifDenominator::SumOfMagnitudes, Some(before)) => {
                let change = B::float_abs(B::float_sub(sum, before.clone()));
                plus::<B>(B::float_add(B::float_abs(before.clone()), change), epsilon)
            }
            (LifDenominator::SumOfMagnitudes, None) | (LifDenominator::MagnitudeOfSum, _) => {
                plus::<B>(B::float_abs(sum), epsilon)
            }
            (LifDenominator::SignedSum, _) => stabilized::<B>(sum, epsilon),
        };
        let share = B::float_div(reward, divisor);
        let Some(before) = before else {
            return (share, None);
        };
        let kept = B::float_mul(scale::<B>(before, neuron.beta()), share.clone());
        (share, Some(kept))
    })
}

/// The gradient at the currents for `backward()`: normalised at the spikes as the neuron says, then through a spike by its
/// surrogate, through time by `beta`, and not through the reset.
pub(crate) fn gradient<B: Backend>(
    grad: FloatTensor<B>,
    membrane: FloatTensor<B>,
    current_steps: usize,
    neuron: LifNeuron,
) -> FloatTensor<B> {
    let grad = normalized::<B>(grad, neuron.gradient_normalization());
    let through_spikes = match neuron.surrogate() {
        Surrogate::FastSigmoid { slope } => {
            let x = B::float_sub_scalar(membrane.clone(), neuron.threshold().into());
            let root = plus::<B>(scale::<B>(B::float_abs(x), slope), 1.0);
            B::float_div(grad, B::float_mul(root.clone(), root))
        }
        Surrogate::None => scale::<B>(grad, 0.0),
    };
    backwards::<B>(
        through_spikes,
        membrane,
        current_steps,
        |grad, _, before| {
            let kept = before.map(|_| scale::<B>(grad.clone(), neuron.beta()));
            (grad, kept)
        },
    )
}

/// The rewards that arrive at the spikes, normalised between layers but not at the outputs.
fn arriving<B: Backend>(
    quotient: FloatTensor<B>,
    membrane: &FloatTensor<B>,
    neuron: LifNeuron,
    config: LfpConfig,
    at_output: bool,
) -> FloatTensor<B> {
    let spikes = spikes::<B>(membrane, neuron);
    if at_output {
        let epsilon = config.epsilon_for(membrane.dtype());
        return B::float_mul(quotient, stabilized::<B>(spikes, epsilon));
    }
    normalized::<B>(B::float_mul(quotient, spikes), config.reward_normalization)
}

/// Rewards or gradients at the spikes of a layer, normalised over all steps, samples and neurons.
fn normalized<B: Backend>(values: FloatTensor<B>, normalization: Normalization) -> FloatTensor<B> {
    match normalization {
        Normalization::None => values,
        Normalization::MaxAbs => {
            let largest = B::float_max_abs(values.clone());
            // If nothing arrives, dividing by 1 keeps the zeros.
            let dtype = get_or_init_device_settings::<B>(&largest.device()).bool_dtype;
            let none = B::float_equal_elem(largest.clone(), 0.into(), dtype);
            let largest = B::float_mask_fill(largest, none, 1.into());
            let rank = values.shape().num_dims();
            let largest = B::float_reshape(largest, Shape::from(vec![1; rank]));
            B::float_div(values, largest)
        }
    }
}

/// Scans time backwards. `step` gets the sum of what arrives at step `t` and what step `t+1` passed back, and the membrane
/// potentials at `t` and `t-1` (`None` at the first step); it returns the part of the current and the part of step `t-1`.
fn backwards<B: Backend>(
    arriving: FloatTensor<B>,
    membrane: FloatTensor<B>,
    current_steps: usize,
    step: impl Fn(
        FloatTensor<B>,
        FloatTensor<B>,
        Option<FloatTensor<B>>,
    ) -> (FloatTensor<B>, Option<FloatTensor<B>>),
) -> FloatTensor<B> {
    let steps = membrane.shape()[0];
    let shape = with_steps(&membrane.shape(), current_steps);
    let (arriving, membrane) = (Steps::<B>::new(arriving), Steps::<B>::new(membrane));
    let mut passed_back: Option<FloatTensor<B>> = None;
    let mut to_currents = Vec::with_capacity(steps);
    for t in (0..steps).rev() {
        let here = arriving.at(t);
        let here = match passed_back {
            Some(later) => B::float_add(here, later),
            None => here,
        };
        let before = t.checked_sub(1).map(|before| membrane.at(before));
        let (to_current, kept) = step(here, membrane.at(t), before);
        to_currents.push(to_current);
        passed_back = kept;
    }
    to_currents.reverse();
    let joined = match current_steps < steps {
        true => to_currents
            .into_iter()
            .reduce(B::float_add)
            .expect("at least one step"),
        false => B::float_cat(to_currents, 0),
    };
    B::float_reshape(joined, shape)
}

/// A tensor as rows, one per step.
struct Steps<B: Backend> {
    rows: FloatTensor<B>,
    steps: usize,
}

impl<B: Backend> Steps<B> {
    fn new(tensor: FloatTensor<B>) -> Self {
        let shape = tensor.shape();
        let steps = shape[0];
        let neurons = shape.num_elements() / steps;
        Self {
            rows: B::float_reshape(tensor, Shape::new([steps, neurons])),
            steps,
        }
    }

    /// The row of a step, `[1, neurons]`; of a constant current its only row.
    fn at(&self, step: usize) -> FloatTensor<B> {
        if self.steps == 1 {
            return self.rows.clone();
        }
        B::float_slice(self.rows.clone(), &[(step..step + 1).into(), (..).into()])
    }
}

fn with_steps(shape: &Shape, steps: usize) -> Shape {
    let mut shape = shape.clone();
    shape[0] = steps;
    shape
}

/// 1 where the membrane is above the threshold, 0 elsewhere.
fn spikes<B: Backend>(membrane: &FloatTensor<B>, neuron: LifNeuron) -> FloatTensor<B> {
    let dtype = get_or_init_device_settings::<B>(&membrane.device()).bool_dtype;
    let fires = B::float_greater_elem(membrane.clone(), neuron.threshold().into(), dtype);
    B::bool_into_float(fires, membrane.dtype().into())
}

fn scale<B: Backend>(tensor: FloatTensor<B>, factor: f64) -> FloatTensor<B> {
    B::float_mul_scalar(tensor, factor.into())
}

fn plus<B: Backend>(tensor: FloatTensor<B>, summand: f64) -> FloatTensor<B> {
    B::float_add_scalar(tensor, summand.into())
}

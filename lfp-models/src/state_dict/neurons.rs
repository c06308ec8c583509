//! Constants of spiking neurons in the files of snnTorch and SpikingJelly, against those of the model.

use std::collections::{BTreeSet, HashMap};

use burn::tensor::DType;
use lfp_burn::LifNeuron;

use super::{file::File, names, values};

/// The most values of a constant: one per neuron of a layer.
const MOST_VALUES: usize = 1 << 20;

/// A constant that differs: PyTorch's name, the setting, the value in the file, the value of the model.
pub(super) type OtherConstant = (String, &'static str, f64, f64);

/// Whether a tensor of this name within a layer belongs to spiking neurons.
///
/// snnTorch saves `beta`, `threshold`, `graded_spikes_factor` and `reset_mechanism_val`, and of some neurons `alpha` or `V`;
/// SpikingJelly saves `w` of neurons that learn `tau`. Others save `tau` and `v_threshold` under these names.
pub(super) fn is_constant(leaf: &str) -> bool {
    setting(leaf).is_some()
}

/// A setting, and its value from that of a constant in a file.
type Setting = (&'static str, fn(f64) -> f64);

/// The setting that a constant corresponds to.
fn setting(leaf: &str) -> Option<Setting> {
    Some(match leaf {
        // snnTorch limits beta to this range before each step.
        "beta" => ("beta", |beta| beta.clamp(0.0, 1.0)),
        // SpikingJelly's membrane keeps 1 - 1/tau of its potential.
        "tau" => ("beta", |tau| 1.0 - 1.0 / tau),
        // Where tau is learned, its inverse is the sigmoid of w.
        "w" => ("beta", |w| 1.0 - 1.0 / (1.0 + (-w).exp())),
        "threshold" | "v_threshold" => ("threshold", |threshold| threshold),
        // 0 subtracts the threshold, 1 resets to zero, 2 does not reset.
        "reset_mechanism_val" => ("the reset mechanism (0: subtraction)", |reset| reset),
        "graded_spikes_factor" => ("the size of a spike", |factor| factor),
        // Neurons with a synaptic current or with recurrence; with 0, they are ours.
        "alpha" => ("the decay of a synaptic current", |alpha| alpha),
        "V" => ("the weight of a recurrence", |weight| weight),
        _ => return None,
    })
}

fn ours(neuron: &LifNeuron, setting: &str) -> f64 {
    match setting {
        "beta" => neuron.beta(),
        "threshold" => neuron.threshold(),
        "the size of a spike" => 1.0,
        _ => 0.0,
    }
}

/// The first constant that differs from those of `neurons`, one per layer of the model; or a tensor that cannot be read, and
/// why.
///
/// `constants` are names in the file. Layers are compared in their order if their numbers agree, and otherwise all with the
/// first one.
pub(super) fn first_difference(
    file: &File,
    constants: &[String],
    neurons: &[LifNeuron],
) -> Result<Option<OtherConstant>, (String, String)> {
    let layers: BTreeSet<&str> = constants.iter().map(|name| names::split(name).0).collect();
    let in_order = layers.len() == neurons.len();
    let mut layers = Vec::from_iter(layers);
    layers.sort_by_cached_key(|layer| names::natural(layer));
    let positions: HashMap<&str, usize> = layers.into_iter().zip(0..).collect();
    for name in constants {
        let (layer, leaf) = names::split(name);
        let position = positions.get(layer).filter(|_| in_order);
        let neuron = neurons.get(position.copied().unwrap_or(0));
        let (Some(tensor), Some((setting, value)), Some(neuron)) =
            (file.tensors.get(name), setting(leaf), neuron)
        else {
            continue;
        };
        let fault = |reason: String| (name.clone(), reason);
        if tensor.shape.iter().product::<usize>() > MOST_VALUES {
            return Err(fault("is too large for a constant of neurons".to_owned()));
        }
        // Rounding of the file's type.
        let tolerance = match tensor.dtype {
            DType::BF16 => 8e-3,
            DType::F16 => 1e-3,
            _ => 1e-6,
        };
        let ours = ours(neuron, setting);
        let theirs = values::numbers(tensor).map_err(fault)?;
        let mut theirs = theirs.into_iter().map(value);
        let differs = |theirs: &f64| (theirs - ours).abs() > tolerance * ours.abs().max(1.0);
        if let Some(theirs) = theirs.find(differs) {
            let theirs = (theirs * 1e6).round() / 1e6;
            return Ok(Some((name.clone(), setting, theirs, ours)));
        }
    }
    Ok(None)
}

//! Weights that are quantised in the forward pass, while training moves the latent weights behind them.

use burn::{
    module::{Module, Param, ParamGroup, Reparameterization, Reparameterizer},
    tensor::Tensor,
};
use lfp_core::functions::custom_activation;
use serde::{Deserialize, Serialize};
use strum::{Display, EnumString, VariantNames};

/// The largest number of bits of a weight.
pub const MOST_BITS: usize = 8;

/// How a reward passes from a quantised weight `Q(w)` to the latent weight `w` that training moves.
///
/// With `V` the quotient at `Q(w)`, Eq. 6 gives the weight the reward `r = Q(w) V`.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    Display,
    EnumString,
    VariantNames,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum LatentRule {
    /// The latent weight gets the reward of the quantised one, as an input gets that of its activation: its quotient is
    /// `V Q(w) / w`, and the update of Eq. 7 `|w| V Q(w) / w = |Q(w)| V` (`Q` keeps the sign). Nothing is estimated. The update
    /// does not shrink with the latent weight, so a weight can change its sign.
    #[default]
    Conserve,
    /// The latent weight gets the quotient of the quantised one, as by a straight-through estimator: the update is `|w| V`. It
    /// vanishes with the latent weight, so a sign hardly ever changes.
    StraightThrough,
}

/// A number of bits that no weight can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("weights of {0} bits; expected 1 to {MOST_BITS}")]
pub struct BitsError(usize);

/// Quantises the weights of a module in its forward pass, for
/// [`Module::apply_reparameterization`].
///
/// A weight of `b` bits takes one of `2^b` values, none of which is zero:
///
/// ```text
/// Q(w) = a sign(w)                                  b = 1, with a the mean of |w| (Rastegari et al. 2016)
/// Q(w) = s (floor(w / s) + 1/2),  s = max |w| / 2^(b - 1)    b > 1
/// ```
///
/// with `a` and `s` for each output channel: the last axis of a matrix (`[inputs, outputs]`, as in `Linear`), the first one of
/// a convolution's weights. Because no value is zero, each weight has a reward. A transposed convolution, `[inputs, outputs /
/// groups, ...]`, has its input channels there, so they share `a` and `s` instead: a quantiser sees weights without their
/// layers. [`with_param_group`](Self::with_param_group) can leave it out.
///
/// Parameters keep their paths and identifiers, and optimisers and records see the latent weights.
/// `model.valid().materialize()` is the model with the quantised weights. Tensors without a second axis, such as biases and the
/// parameters of normalisations, stay as they are. By `loss.backward()`, gradients pass straight through, whatever the rule.
///
/// # Example
///
/// ```
/// use burn::{module::Module, nn::LinearConfig, tensor::{Device, Tensor}};
/// use lfp_burn::{prelude::*, quantize::WeightQuantizer};
///
/// # fn main() -> Result<(), lfp_burn::quantize::BitsError> {
/// let device = Device::default().autodiff();
/// let layer = LinearConfig::new(3, 2).init(&device).hooked();
/// let binary = layer.apply_reparameterization(WeightQuantizer::new(1)?);
/// let outputs = binary.forward(Tensor::<2>::ones([4, 3], &device));
/// let updates = outputs.clone().propagate(outputs).into_grads(&binary);
/// assert!(updates.get::<2>(binary.inner().weight.id).is_some());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct WeightQuantizer {
    bits: usize,
    rule: LatentRule,
    group: ParamGroup,
}

impl WeightQuantizer {
    /// Weights of 1 to [`MOST_BITS`] bits, with [`LatentRule::Conserve`].
    ///
    /// # Errors
    ///
    /// If a weight cannot have that number of bits.
    pub fn new(bits: usize) -> Result<Self, BitsError> {
        match bits {
            1..=MOST_BITS => Ok(Self {
                bits,
                rule: LatentRule::default(),
                group: ParamGroup::all(),
            }),
            _ => Err(BitsError(bits)),
        }
    }

    /// Another rule for the latent weights.
    #[must_use]
    pub fn with_rule(self, rule: LatentRule) -> Self {
        Self { rule, ..self }
    }

    /// Only the parameters of a group. The default is all.
    #[must_use]
    pub fn with_param_group(self, group: ParamGroup) -> Self {
        Self { group, ..self }
    }
}

impl Reparameterizer for WeightQuantizer {
    type Reparam = QuantizedWeight;

    fn reparameterize<const D: usize>(
        &mut self,
        path: &str,
        param: Param<Tensor<D>>,
    ) -> (Param<Tensor<D>>, Option<QuantizedWeight>) {
        let is_quantized = D > 1 && self.group.matches(&param.id, Some(path));
        let quantized = is_quantized.then_some(QuantizedWeight {
            bits: self.bits,
            conserves: self.rule == LatentRule::Conserve,
        });
        (param, quantized)
    }
}

/// What [`WeightQuantizer`] attaches to a weight.
#[derive(Module, Debug)]
pub struct QuantizedWeight {
    bits: usize,
    conserves: bool,
}

impl Reparameterization for QuantizedWeight {
    const NAME: &'static str = "quantized";

    fn apply<const D: usize>(&self, base: Tensor<D>) -> Tensor<D> {
        let straight_through = |latent: Tensor<D>| {
            let difference =
                quantized(latent.clone().detach(), self.bits) - latent.clone().detach();
            latent + difference
        };
        match self.conserves {
            true => custom_activation(base, straight_through),
            false => straight_through(base),
        }
    }
}

/// The values of quantised weights.
fn quantized<const D: usize>(weight: Tensor<D>, bits: usize) -> Tensor<D> {
    // All axes but that of the output channels.
    let others: Vec<usize> = match D {
        2 => vec![0],
        _ => (1..D).collect(),
    };
    let magnitude = weight.clone().abs();
    if bits == 1 {
        let is_negative = weight.lower_elem(0.0);
        let mean = others.into_iter().fold(magnitude, Tensor::mean_dim);
        let mean = mean.expand(is_negative.dims());
        return mean.clone().mask_where(is_negative, -mean);
    }
    let half = 2_f64.powi(bits as i32 - 1);
    // A channel of zeros has any scale whose reciprocal is finite.
    let info = weight.dtype().finfo();
    let least = info.map_or(f32::MIN_POSITIVE.into(), |info| info.min_positive);
    let scale = others.into_iter().fold(magnitude, Tensor::max_dim);
    let scale = scale.clamp_min(least * half) / half;
    let level = (weight / scale.clone()).floor().clamp(-half, half - 1.0);
    (level + 0.5) * scale
}

#[cfg(test)]
mod tests {
    use burn::{
        nn::{LinearConfig, conv::Conv2dConfig},
        tensor::{Device, Distribution, FloatDType},
    };

    use super::*;
    use crate::prelude::*;

    fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
        tensor.into_data().iter().collect()
    }

    #[test]
    fn a_weight_takes_the_nearest_of_its_values_scaled_for_each_output() {
        let device = Device::default();
        let weight = Tensor::<2>::from_floats([[0.3, -4.0], [-0.1, 1.0], [0.8, 2.5]], &device);
        assert_eq!(
            values(quantized(weight.clone(), 1)),
            [0.4, -2.5, -0.4, 2.5, 0.4, 2.5]
        );
        // Steps of 0.4 and 2.
        assert_eq!(
            values(quantized(weight, 2)),
            [0.2, -3.0, -0.2, 1.0, 0.6, 3.0]
        );
        let zeros = Tensor::<2>::zeros([2, 1], &device);
        assert!(
            values(quantized(zeros, 3))
                .iter()
                .all(|value| value.abs() < 1e-30)
        );

        // Of half precision the smallest normal number is 2^-14.
        let channel = Tensor::<2>::from_floats([[0.0, 1.0], [0.0, -0.4]], &device);
        for dtype in [FloatDType::F16, FloatDType::BF16, FloatDType::F64] {
            for bits in 2..=MOST_BITS {
                let quantized = values(quantized(channel.clone().cast(dtype), bits));
                assert!(
                    quantized.iter().all(|value| value.is_finite())
                        && quantized[0].abs() < 1e-3
                        && quantized[2].abs() < 1e-3,
                    "{dtype:?}, {bits} bits: {quantized:?}"
                );
            }
        }

        let kernels = Tensor::<4>::from_floats([[[[1.0, -3.0]]], [[[10.0, 20.0]]]], &device);
        assert_eq!(values(quantized(kernels, 1)), [2.0, -2.0, 15.0, 15.0]);
    }

    #[test]
    fn quantised_weights_differ_by_at_most_half_a_step_and_have_as_many_values_as_bits_allow() {
        let device = Device::default();
        let weight = Tensor::<2>::random([400, 1], Distribution::Uniform(-1.0, 1.0), &device);
        for bits in 2..=MOST_BITS {
            let quantized = values(quantized(weight.clone(), bits));
            let step = 1.0 / 2_f32.powi(bits as i32 - 1);
            for (quantized, weight) in quantized.iter().zip(values(weight.clone())) {
                assert!((quantized - weight).abs() <= step / 2.0 + 1e-6);
                assert!(quantized * weight > 0.0, "the sign is kept");
            }
            let mut distinct = quantized.clone();
            distinct.sort_by(f32::total_cmp);
            distinct.dedup();
            assert!(distinct.len() <= 1 << bits, "{bits} bits");
        }
    }

    /// `o = x Q(w)` for one input and output: with reward `r`, the quotient at `Q(w)` is `V = x r / (o + epsilon)`.
    #[test]
    fn the_update_is_the_reward_of_the_quantised_weight_or_passes_straight_through() {
        let device = Device::default().autodiff();
        let x = Tensor::<2>::from_floats([[2.0, 1.0]], &device);
        for (rule, expected) in [
            // |Q(w)| V, with Q(w) = 0.5 sign(w), o = 0.5 and V = x r / o.
            (
                LatentRule::Conserve,
                [0.5 * 2.0 * 3.0 / 0.5, 0.5 * 3.0 / 0.5],
            ),
            (
                LatentRule::StraightThrough,
                [0.9 * 2.0 * 3.0 / 0.5, 0.1 * 3.0 / 0.5],
            ),
        ] {
            let mut layer = LinearConfig::new(2, 1).with_bias(false).init(&device);
            layer.weight = Param::from_tensor(Tensor::from_floats([[0.9], [-0.1]], &device));
            let quantizer = WeightQuantizer::new(1).unwrap().with_rule(rule);
            let layer = layer.hooked().apply_reparameterization(quantizer);
            let outputs = layer.forward(x.clone());
            assert_eq!(values(outputs.clone()), [0.5]);
            let reward = Tensor::from_floats([[3.0]], &device);
            let updates = outputs.propagate(reward).into_grads(&layer);
            let update = values(-updates.get::<2>(layer.inner().weight.id).unwrap());
            for (update, expected) in update.iter().zip(expected) {
                assert!(
                    (update - expected).abs() < 1e-4,
                    "{rule:?}: {update}, {expected}"
                );
            }
        }
    }

    #[test]
    fn gradients_pass_straight_through_by_either_rule() {
        let device = Device::default().autodiff();
        for rule in [LatentRule::Conserve, LatentRule::StraightThrough] {
            let layer = LinearConfig::new(3, 2).init(&device).hooked();
            let quantizer = WeightQuantizer::new(2).unwrap().with_rule(rule);
            let layer = layer.apply_reparameterization(quantizer);
            let x = Tensor::<2>::from_floats([[2.0, -1.0, 0.5]], &device);
            let gradients = layer.forward(x).sum().backward();
            let gradient = layer.inner().weight.base().grad(&gradients).unwrap();
            assert_eq!(values(gradient), [2.0, 2.0, -1.0, -1.0, 0.5, 0.5]);
        }
    }

    #[test]
    fn biases_stay_and_the_materialised_model_computes_the_same() {
        let device = Device::default().autodiff();
        let layer = Conv2dConfig::new([2, 3], [3, 3]).init(&device).hooked();
        let bias = values(layer.inner().bias.as_ref().unwrap().val());
        let layer = layer.apply_reparameterization(WeightQuantizer::new(1).unwrap());
        let x = Tensor::<4>::random([2, 2, 5, 5], Distribution::Default, &device);
        let expected = values(layer.forward(x.clone()));
        let plain = layer.valid().materialize();
        assert_eq!(values(plain.forward(x.inner())), expected);
        assert_eq!(values(plain.inner().bias.as_ref().unwrap().val()), bias);
        let weight = plain.inner().weight.val();
        let magnitudes: Vec<f32> = values(weight.abs().reshape([3, 18]));
        for channel in magnitudes.chunks(18) {
            assert!(channel.iter().all(|&value| value == channel[0]));
        }
    }

    #[test]
    fn only_one_to_eight_bits_are_weights() {
        for bits in [0, 9, usize::MAX] {
            let message = WeightQuantizer::new(bits).unwrap_err().to_string();
            assert_eq!(message, format!("weights of {bits} bits; expected 1 to 8"));
        }
    }
}

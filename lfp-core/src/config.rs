//! The settings of a propagation: every choice that the paper leaves open, declared once.
//!
//! To add a setting: add its field and its row in [`LfpConfig::OPTIONS`]. Command line, run folders and journals read
//! both; nothing else lists the settings.

use burn_core as burn;
use burn_core::{config::Config, tensor::DType};
use serde::{Deserialize, Serialize};
use strum::{Display, EnumString, VariantNames};

/// The settings of a propagation. They travel with the propagation, not with the model.
///
/// # Example
///
/// ```
/// use lfp_core::{DropoutRule, LfpConfig};
///
/// let config = LfpConfig::new().with_epsilon(1e-4).with_dropout(DropoutRule::Scale);
/// assert!(config.validate().is_ok());
/// assert!(LfpConfig::new().with_epsilon(0.0).validate().is_err());
/// ```
#[derive(Config, Debug, Copy, PartialEq)]
pub struct LfpConfig {
    /// The stabiliser `epsilon` of Eq. 6, positive and finite. Default: 1e-6.
    ///
    /// In half precision the smallest normal number replaces anything smaller; see
    /// [`epsilon_for`](Self::epsilon_for).
    #[config(default = 1e-6)]
    pub epsilon: f64,
    /// How rewards pass batch normalisation in training mode. Default: constant statistics (Eqs. 9, 10).
    #[config(default = "BatchNormRule::ConstantStatistics")]
    pub batch_norm: BatchNormRule,
    /// How rewards pass dropout. Default: conserve.
    #[config(default = "DropoutRule::Conserve")]
    pub dropout: DropoutRule,
    /// How rewards pass an activation that changes the sign, such as sigmoid. Default: unchanged.
    #[config(default = "SignChangeRule::Pass")]
    pub sign_change: SignChangeRule,
    /// What divides the reward of a spiking neuron. Default: the sum of magnitudes.
    #[config(default = "LifDenominator::SumOfMagnitudes")]
    pub lif_denominator: LifDenominator,
    /// How rewards are normalised between layers of spiking neurons. Default: by their largest magnitude.
    #[config(default = "Normalization::MaxAbs")]
    pub reward_normalization: Normalization,
}

/// How rewards pass batch normalisation in training mode.
///
/// In inference mode the statistics are constants either way.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Display, EnumString, VariantNames,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum BatchNormRule {
    /// Batch statistics are constants, as in the paper (Eqs. 9 and 10).
    ConstantStatistics,
    /// Rewards also flow through the batch statistics, as in the authors' package (`lfprop`).
    ThroughStatistics,
}

/// How rewards pass dropout.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Display, EnumString, VariantNames,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum DropoutRule {
    /// A kept unit passes its reward on unchanged, so dropout conserves rewards.
    Conserve,
    /// The reward of a kept unit is multiplied by `1 / (1 - p)`, as in the authors' package (`lfprop`).
    Scale,
}

/// How rewards pass an activation `a = phi(z)` where `a` and `z` differ in sign. Where they agree, or `a` is zero, the reward
/// passes unchanged.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Display, EnumString, VariantNames,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum SignChangeRule {
    /// Unchanged. The reward then asks `z` to move the opposite way, which is why the paper requires activations that keep
    /// the sign (section 3.4).
    Pass,
    /// With the opposite sign, the paper's heuristic (footnote 12).
    Negate,
}

/// What divides the reward of a leaky integrate-and-fire neuron at each step.
///
/// The potential before its reset is a sum of two contributions: the previous potential `U[t-1]` and the change
/// `D[t] = U[t] + threshold S[t-1] - U[t-1]`. The paper states the forward pass (Eqs. A.2 and A.3) and no rule for rewards.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Display, EnumString, VariantNames,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum LifDenominator {
    /// `|U[t-1]| + |D[t]|`, as in the authors' package (`lfprop` 1.0.0).
    SumOfMagnitudes,
    /// `|U[t-1] + D[t]|`, as in an earlier version of the package. Presumably the paper's figures were made by it: this is
    /// an inference, since the paper states no rule for rewards at spiking neurons.
    MagnitudeOfSum,
    /// `U[t-1] + D[t]` with its sign, as Eq. 6 divides by `z`: the shares of the previous potential and of the inputs then
    /// add up to the reward. A neuron with a negative potential receives its reward with the opposite sign.
    SignedSum,
}

/// How rewards or gradients are normalised between two layers of spiking neurons. What arrives at the network's output
/// spikes stays as it is.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Display, EnumString, VariantNames,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum Normalization {
    /// Not at all, as in the authors' package (`lfprop` 1.0.0).
    None,
    /// Divide by the largest magnitude over all steps, samples and neurons of the layer, as the paper does in all its
    /// experiments with spiking networks (Appendix A.6.4): deep layers then learn as fast as the last one.
    MaxAbs,
}

/// A setting that a propagation cannot use.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum ConfigError {
    /// The stabiliser is not positive and finite.
    #[error("the stabiliser epsilon must be a positive, finite number (such as 1e-6), got {0}")]
    Epsilon(f64),
}

/// The description of a setting, for command lines and tables.
#[derive(Clone, Copy, Debug)]
pub struct ConfigOption {
    /// The field of [`LfpConfig`], and its key in JSON.
    pub field: &'static str,
    /// One line of help, without its default.
    pub help: &'static str,
    /// The values it takes; empty for a number.
    pub values: &'static [&'static str],
    /// The part of a model that the setting acts on.
    pub acts_on: ActsOn,
}

/// The part of a model that a setting acts on. On a model without that part the setting has no effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ActsOn {
    /// Every model.
    Anything,
    /// Batch normalisation.
    BatchNorm,
    /// Dropout.
    Dropout,
    /// Activations that change the sign; see [`ActivationFn::keeps_sign`](crate::ActivationFn::keeps_sign).
    SignChanges,
    /// Spiking neurons.
    SpikingNeurons,
}

impl LfpConfig {
    /// A row for each field.
    pub const OPTIONS: &'static [ConfigOption] = &[
        ConfigOption {
            field: "epsilon",
            help: "Stabiliser of the LFP-epsilon rule, positive",
            values: &[],
            acts_on: ActsOn::Anything,
        },
        ConfigOption {
            field: "batch_norm",
            help: "How rewards pass batch normalisation in training mode",
            values: BatchNormRule::VARIANTS,
            acts_on: ActsOn::BatchNorm,
        },
        ConfigOption {
            field: "dropout",
            help: "How rewards pass dropout",
            values: DropoutRule::VARIANTS,
            acts_on: ActsOn::Dropout,
        },
        ConfigOption {
            field: "sign_change",
            help: "How rewards pass an activation whose output has another sign than its input",
            values: SignChangeRule::VARIANTS,
            acts_on: ActsOn::SignChanges,
        },
        ConfigOption {
            field: "lif_denominator",
            help: "What divides the reward of a spiking neuron",
            values: LifDenominator::VARIANTS,
            acts_on: ActsOn::SpikingNeurons,
        },
        ConfigOption {
            field: "reward_normalization",
            help: "How rewards are normalised between spiking layers",
            values: Normalization::VARIANTS,
            acts_on: ActsOn::SpikingNeurons,
        },
    ];

    /// Checks the settings. Every propagation does so itself.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] for the first setting that is out of range.
    pub fn validate(&self) -> Result<(), ConfigError> {
        match self.epsilon.is_finite() && self.epsilon > 0.0 {
            true => Ok(()),
            false => Err(ConfigError::Epsilon(self.epsilon)),
        }
    }

    /// The stabiliser for tensors of an element type: [`epsilon`](Self::epsilon), but at least the smallest normal number
    /// of the type, whose reciprocal is finite. In `f16` that is `2^-14`; below it `r / epsilon` overflows.
    pub fn epsilon_for(&self, dtype: DType) -> f64 {
        self.epsilon.max(smallest_normal(dtype))
    }
}

impl Default for LfpConfig {
    fn default() -> Self {
        Self::new()
    }
}

fn smallest_normal(dtype: DType) -> f64 {
    match dtype {
        DType::F64 => f64::MIN_POSITIVE,
        DType::F16 => 2f64.powi(-14),
        // bf16 has the exponents of f32.
        _ => f64::from(f32::MIN_POSITIVE),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_has_a_row_of_options_with_its_values() {
        let json = serde_json::to_value(LfpConfig::new()).unwrap();
        let fields = json.as_object().unwrap();
        let described: Vec<_> = LfpConfig::OPTIONS.iter().map(|of| of.field).collect();
        assert_eq!(described.len(), fields.len());
        for option in LfpConfig::OPTIONS {
            let default = &fields[option.field];
            match option.values {
                [] => assert!(default.is_number(), "{}", option.field),
                values => assert!(values.contains(&default.as_str().unwrap())),
            }
        }
    }

    #[test]
    fn choices_are_read_and_written_by_one_name() {
        let config = LfpConfig::new().with_lif_denominator(LifDenominator::MagnitudeOfSum);
        let json = serde_json::to_string(&config).unwrap();
        assert!(
            json.contains(r#""lif_denominator":"magnitude-of-sum""#),
            "{json}"
        );
        assert_eq!(serde_json::from_str::<LfpConfig>(&json).unwrap(), config);
        assert_eq!("max-abs".parse(), Ok(Normalization::MaxAbs));
        assert_eq!(
            BatchNormRule::ThroughStatistics.to_string(),
            "through-statistics"
        );
        assert!("praise".parse::<DropoutRule>().is_err());
    }

    #[test]
    fn a_reward_of_one_divided_by_the_stabiliser_is_finite_in_every_type() {
        for epsilon in [1e-300, 1e-6, 1e-2] {
            let config = LfpConfig::new().with_epsilon(epsilon);
            assert!(1.0 / config.epsilon_for(DType::F16) <= 65504.0);
            assert!(((1.0 / config.epsilon_for(DType::F32)) as f32).is_finite());
            assert!((1.0 / config.epsilon_for(DType::F64)).is_finite());
        }
        let config = LfpConfig::new();
        assert_eq!(config.epsilon_for(DType::F32), 1e-6);
        assert_eq!(config.epsilon_for(DType::BF16), 1e-6);
    }
}

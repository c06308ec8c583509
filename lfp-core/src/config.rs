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
    /// The stabiliser of sums of activations: residual sums (Eq. 11) and the addition of position embeddings. Positive.
    /// Default: [`epsilon`](Self::epsilon).
    pub sum_epsilon: Option<f64>,
    /// The stabiliser of products of two activations: attention scores, attended values, gates. Positive. Default: 1e-8.
    #[config(default = 1e-8)]
    pub product_epsilon: f64,
    /// The stabiliser of tables of parameters: embeddings, class and position tokens. Zero for none; the update is then
    /// the reward that arrives, times the sign of the parameter. Default: [`epsilon`](Self::epsilon).
    pub embedding_epsilon: Option<f64>,
    /// How rewards pass batch normalisation in training mode. Default: constant statistics (Eqs. 9, 10).
    #[config(default = "BatchNormRule::ConstantStatistics")]
    pub batch_norm: BatchNormRule,
    /// How rewards pass layer, RMS, group and instance normalisation. Default: through the statistics.
    #[config(default = "NormalizationRule::ThroughStatistics")]
    pub layer_norm: NormalizationRule,
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

/// How rewards pass a normalisation by each sample's own statistics: layer, RMS, group and instance normalisation.
///
/// The paper has none of these layers. With the quotients `u` at the normalised values `n = (x - mean) / sigma`:
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Display, EnumString, VariantNames,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum NormalizationRule {
    /// `(u - mean(u) - n mean(u n)) / sigma`: rewards also flow through the statistics. The rewards of all values that
    /// are normalised together then sum to zero.
    ThroughStatistics,
    /// `u / sigma`: mean and deviation are constants, as Eqs. 9 and 10 treat those of a batch.
    ConstantStatistics,
    /// `(u - mean(u)) / sigma`: only the deviation is a constant, as in AttnLRP (Achtibat et al., ICML 2024). Without
    /// shift parameters this conserves rewards.
    ConstantDeviation,
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
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    Deserialize,
    Display,
    EnumString,
    VariantNames,
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
    /// The stabiliser of sums is not positive and finite.
    #[error("the stabiliser of sums must be a positive, finite number (such as 1e-6), got {0}")]
    SumEpsilon(f64),
    /// The stabiliser of products is not positive and finite.
    #[error("the stabiliser of products must be a positive, finite number (such as 1e-8), got {0}")]
    ProductEpsilon(f64),
    /// The stabiliser of tables is negative or not finite.
    #[error(
        "the stabiliser of embeddings must be a finite number, zero or positive (such as 1e-6), got {0}"
    )]
    EmbeddingEpsilon(f64),
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
    /// Whether a number may be 0.
    pub zero: bool,
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
    /// Layer, RMS, group or instance normalisation.
    LayerNorm,
    /// Sums of activations, such as residual sums.
    Sums,
    /// Products of two activations: attention, gates.
    Products,
    /// Embeddings and other tables of parameters.
    Embeddings,
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
            zero: false,
            acts_on: ActsOn::Anything,
        },
        ConfigOption {
            field: "sum_epsilon",
            help: "Stabiliser of sums of activations, positive; without it that of --lfp-epsilon",
            values: &[],
            zero: false,
            acts_on: ActsOn::Sums,
        },
        ConfigOption {
            field: "product_epsilon",
            help: "Stabiliser of products of two activations, positive",
            values: &[],
            zero: false,
            acts_on: ActsOn::Products,
        },
        ConfigOption {
            field: "embedding_epsilon",
            help: "Stabiliser of embeddings and position tables, 0 for none; without it that of --lfp-epsilon",
            values: &[],
            zero: true,
            acts_on: ActsOn::Embeddings,
        },
        ConfigOption {
            field: "batch_norm",
            help: "How rewards pass batch normalisation in training mode",
            values: BatchNormRule::VARIANTS,
            zero: false,
            acts_on: ActsOn::BatchNorm,
        },
        ConfigOption {
            field: "layer_norm",
            help: "How rewards pass layer, RMS, group and instance normalisation",
            values: NormalizationRule::VARIANTS,
            zero: false,
            acts_on: ActsOn::LayerNorm,
        },
        ConfigOption {
            field: "dropout",
            help: "How rewards pass dropout",
            values: DropoutRule::VARIANTS,
            zero: false,
            acts_on: ActsOn::Dropout,
        },
        ConfigOption {
            field: "sign_change",
            help: "How rewards pass an activation whose output has another sign than its input",
            values: SignChangeRule::VARIANTS,
            zero: false,
            acts_on: ActsOn::SignChanges,
        },
        ConfigOption {
            field: "lif_denominator",
            help: "What divides the reward of a spiking neuron",
            values: LifDenominator::VARIANTS,
            zero: false,
            acts_on: ActsOn::SpikingNeurons,
        },
        ConfigOption {
            field: "reward_normalization",
            help: "How rewards are normalised between spiking layers",
            values: Normalization::VARIANTS,
            zero: false,
            acts_on: ActsOn::SpikingNeurons,
        },
    ];

    /// Checks the settings. Every propagation does so itself.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] for the first setting that is out of range.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let positive =
            |value: f64, error: fn(f64) -> ConfigError| match value.is_finite() && value > 0.0 {
                true => Ok(()),
                false => Err(error(value)),
            };
        positive(self.epsilon, ConfigError::Epsilon)?;
        if let Some(epsilon) = self.sum_epsilon {
            positive(epsilon, ConfigError::SumEpsilon)?;
        }
        positive(self.product_epsilon, ConfigError::ProductEpsilon)?;
        match self.embedding_epsilon {
            None | Some(0.0) => Ok(()),
            Some(epsilon) => positive(epsilon, ConfigError::EmbeddingEpsilon),
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
                // Null stands for a number that another setting gives.
                [] => assert!(default.is_number() || default.is_null(), "{}", option.field),
                values => assert!(values.contains(&default.as_str().unwrap())),
            }
        }
    }

    #[test]
    fn every_stabiliser_is_checked() {
        let config = LfpConfig::new();
        for epsilon in [-1e-6, f64::NAN, f64::INFINITY] {
            for changed in [
                config.with_epsilon(epsilon),
                config.with_sum_epsilon(Some(epsilon)),
                config.with_product_epsilon(epsilon),
                config.with_embedding_epsilon(Some(epsilon)),
            ] {
                assert!(changed.validate().is_err(), "{changed:?}");
            }
        }
        assert!(config.with_sum_epsilon(Some(0.0)).validate().is_err());
        assert!(config.with_product_epsilon(0.0).validate().is_err());
        assert!(config.with_embedding_epsilon(Some(0.0)).validate().is_ok());
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

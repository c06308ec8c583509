//! What one propagation does where the paper leaves a choice.

/// The settings of one propagation: they travel with the propagation, not with the model.
///
/// # Example
///
/// ```
/// use lfp_core::{DropoutRule, Rule};
///
/// let rule = Rule::new(1e-4).unwrap().with_dropout(DropoutRule::Scale);
/// assert_eq!(rule.epsilon(), 1e-4);
/// assert!(Rule::new(0.0).is_err());
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rule {
    epsilon: f64,
    batch_norm: BatchNormRule,
    dropout: DropoutRule,
    lif: LifRule,
    lif_reward: LifReward,
}

/// A rule that cannot be applied.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum RuleError {
    /// The stabiliser must be positive and finite.
    #[error("the stabiliser epsilon must be a positive, finite number (such as 1e-6), got {0}")]
    Epsilon(f64),
}

/// How rewards pass batch normalisation in training mode.
///
/// In inference mode the statistics are constants either way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BatchNormRule {
    /// Batch statistics are constants, as the paper has it (Eqs. 9 and 10).
    #[default]
    ConstantStatistics,
    /// The propagation runs through the batch statistics, as in the authors' package (`lfprop`).
    ThroughStatistics,
}

/// How rewards pass dropout.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DropoutRule {
    /// A kept unit passes on the reward it received: dropout conserves rewards.
    #[default]
    Conserve,
    /// A kept unit's reward is multiplied by `1 / (1 - p)`, as in the authors' package (`lfprop`).
    Scale,
}

/// What the reward of a leaky integrate-and-fire neuron is divided by, at every step.
///
/// The potential `U[t]` is a sum: of what the membrane held, `U[t-1]`, and of what came since,
/// `D[t] = U[t] + threshold S[t-1] - U[t-1]`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LifRule {
    /// `|U[t-1]| + |D[t]|`, as in the authors' package (`lfprop` 1.0.0): both count as if they agreed.
    #[default]
    SumOfMagnitudes,
    /// `|U[t-1] + D[t]|`, the potential before its reset, as in the version that the paper's figures were made with.
    MagnitudeOfSum,
}

/// What becomes of rewards between two layers of spiking neurons.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LifReward {
    /// They stay as they are.
    #[default]
    AsItArrives,
    /// They are divided by the largest magnitude among them, over all steps, samples and neurons of the layer, as for
    /// the paper's figures: deep layers learn as fast as the last.
    OfLargest,
}

impl Rule {
    /// The LFP-epsilon rule with the given stabiliser (the epsilon of Eq. 6).
    ///
    /// # Errors
    ///
    /// [`RuleError::Epsilon`] unless `epsilon` is positive and finite.
    pub fn new(epsilon: f64) -> Result<Self, RuleError> {
        if !(epsilon.is_finite() && epsilon > 0.0) {
            return Err(RuleError::Epsilon(epsilon));
        }
        Ok(Self {
            epsilon,
            ..Self::default()
        })
    }

    /// Chooses how rewards pass batch normalisation. Default: the paper's, constant statistics.
    #[must_use]
    pub fn with_batch_norm(self, batch_norm: BatchNormRule) -> Self {
        Self { batch_norm, ..self }
    }

    /// Chooses how rewards pass dropout. Default: conserving.
    #[must_use]
    pub fn with_dropout(self, dropout: DropoutRule) -> Self {
        Self { dropout, ..self }
    }

    /// Chooses what rewards of spiking neurons are divided by. Default: the package's sum of magnitudes.
    #[must_use]
    pub fn with_lif(self, lif: LifRule) -> Self {
        Self { lif, ..self }
    }

    /// Chooses what becomes of rewards between spiking layers. Default: they stay as they are.
    #[must_use]
    pub fn with_lif_reward(self, lif_reward: LifReward) -> Self {
        Self { lif_reward, ..self }
    }

    /// The stabiliser, which is positive.
    pub fn epsilon(&self) -> f64 {
        self.epsilon
    }

    /// How rewards pass batch normalisation.
    pub fn batch_norm(&self) -> BatchNormRule {
        self.batch_norm
    }

    /// How rewards pass dropout.
    pub fn dropout(&self) -> DropoutRule {
        self.dropout
    }

    /// What rewards of spiking neurons are divided by.
    pub fn lif(&self) -> LifRule {
        self.lif
    }

    /// What becomes of rewards between spiking layers.
    pub fn lif_reward(&self) -> LifReward {
        self.lif_reward
    }
}

impl Default for Rule {
    /// Epsilon 1e-6, constant batch statistics, conserving dropout, spiking neurons as in the package.
    fn default() -> Self {
        Self {
            epsilon: 1e-6,
            batch_norm: BatchNormRule::default(),
            dropout: DropoutRule::default(),
            lif: LifRule::default(),
            lif_reward: LifReward::default(),
        }
    }
}

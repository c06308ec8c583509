//! Methods to compare.

use std::fmt;

use lfp_burn::Surrogate;
use plotters::prelude::RGBColor;
use serde::{Deserialize, Serialize};

use crate::{
    objective::{Method, RewardKind},
    plot::{GRADIENT, LFP, Look, SURROGATE},
    train::Settings,
};

/// A method that a study compares: a training method, and for spiking networks the surrogate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MethodVariant {
    /// Layer-wise feedback propagation.
    Lfp,
    /// Gradient descent. The derivative of a spike is zero.
    Gradient,
    /// Gradient descent with a surrogate for the derivative of a spike.
    #[serde(rename = "surrogate")]
    SurrogateGradient,
}

impl MethodVariant {
    /// LFP and gradient, for networks that emit logits.
    pub const LFP_AND_GRADIENT: [Self; 2] = [Self::Lfp, Self::Gradient];

    /// Name in file names and reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Lfp => "lfp",
            Self::Gradient => "gradient",
            Self::SurrogateGradient => "surrogate",
        }
    }

    /// Name in figures and tables.
    pub fn title(self) -> &'static str {
        match self {
            Self::Lfp => "LFP",
            Self::Gradient => "gradient",
            Self::SurrogateGradient => "surrogate gradient",
        }
    }

    /// Colour, mark and line in all figures.
    pub fn look(self) -> Look {
        match self {
            Self::Lfp => LFP,
            Self::Gradient => GRADIENT,
            Self::SurrogateGradient => SURROGATE,
        }
    }

    /// Colour in all figures.
    pub fn colour(self) -> RGBColor {
        self.look().colour
    }

    /// The training method.
    pub fn method(self) -> Method {
        match self {
            Self::Lfp => Method::Lfp,
            Self::Gradient | Self::SurrogateGradient => Method::Gradient,
        }
    }

    /// `settings` with this method.
    pub(super) fn applied_to(self, mut settings: Settings) -> Settings {
        settings.method = self.method();
        if settings.method == Method::Gradient {
            settings.reward = RewardKind::default();
            settings.spike_reward = None;
        }
        if let Some(spiking) = &mut settings.spiking {
            spiking.lif.surrogate = match self {
                Self::Lfp | Self::SurrogateGradient => Surrogate::default(),
                Self::Gradient => Surrogate::None,
            };
        }
        settings
    }
}

impl fmt::Display for MethodVariant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

//! One condition of a study.

use serde::{Deserialize, Serialize};

use super::MethodVariant;
use crate::train::{Accuracy, Outcome, Settings};

/// A network on a data set, with everything that the compared methods share.
#[derive(Clone, Debug)]
pub struct Condition {
    /// Name in file names and reports, unique in a study.
    pub name: String,
    /// Name in figures and tables.
    pub title: String,
    /// Settings of all runs. The study fills in method, learning rate, seed, device, number of classes and the
    /// weights to start from.
    pub settings: Settings,
    /// Methods to compare.
    pub methods: Vec<MethodVariant>,
    /// Learning rates to try, in ascending order.
    pub learning_rates: Vec<f64>,
    /// One run per seed.
    pub seeds: Vec<u64>,
    /// Number of training and test samples to use; `None` for all.
    pub samples: Option<[usize; 2]>,
    /// The accuracy to report.
    pub measure: Measure,
    /// Whether training starts from torchvision's ImageNet weights.
    pub imagenet: bool,
    /// Whether the runs are left to a larger profile.
    pub deferred: bool,
}

/// Which test accuracy is reported.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Measure {
    /// Fraction of samples that are classified correctly.
    #[default]
    #[serde(rename = "top 1")]
    Top1,
    /// Average over the classes of the accuracy on the samples of a class.
    #[serde(rename = "class mean")]
    ClassMean,
}

impl Condition {
    /// LFP and gradient at the learning rate and seed of `settings`, on all samples.
    pub fn new(name: impl Into<String>, title: impl Into<String>, settings: Settings) -> Self {
        Self {
            name: name.into(),
            title: title.into(),
            methods: MethodVariant::LFP_AND_GRADIENT.into(),
            learning_rates: vec![settings.lr],
            seeds: vec![settings.seed],
            samples: None,
            measure: Measure::Top1,
            imagenet: false,
            deferred: false,
            settings,
        }
    }

    /// The same with another number of epochs.
    #[must_use]
    pub fn with_epochs(mut self, epochs: usize) -> Self {
        self.settings.epochs = epochs;
        self
    }

    /// The paper's transfer from ImageNet weights: 100 epochs of batches of 32, weight decay 1e-4, no clipping.
    #[must_use]
    pub fn from_imagenet(mut self, learning_rate: f64) -> Self {
        self.settings = Settings {
            epochs: 100,
            clip: 0.0,
            weight_decay: 1e-4,
            batch: 32,
            ..self.settings
        };
        self.learning_rates = vec![learning_rate];
        self.imagenet = true;
        self
    }
}

impl Measure {
    /// Name in tables.
    pub fn title(self) -> &'static str {
        match self {
            Self::Top1 => "top 1",
            Self::ClassMean => "class mean",
        }
    }

    /// The accuracy of one evaluation.
    pub(crate) fn of_accuracy(self, accuracy: Accuracy) -> f64 {
        match self {
            Self::Top1 => accuracy.top1,
            Self::ClassMean => accuracy.class_mean,
        }
    }

    /// The test accuracy after each epoch.
    pub(super) fn of(self, outcome: &Outcome) -> &[f64] {
        match self {
            Self::Top1 => &outcome.test_accuracy,
            Self::ClassMean => &outcome.test_class_mean,
        }
    }
}

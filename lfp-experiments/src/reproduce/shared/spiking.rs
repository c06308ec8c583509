//! Spiking networks on MNIST, for Figures 7 and A.3.

use lfp_burn::{Normalization, spiking::LifConfig};
use lfp_models::{Model, SpikingConfig};

use crate::{
    data::DataSet,
    objective::Method,
    reproduce::Context,
    study::{Condition, MethodVariant},
    train::Settings,
};

/// The networks.
pub(in crate::reproduce) const MODELS: [Model; 2] = [Model::SNN_MLP, Model::SNN_LENET];

/// The limit of adaptive clipping.
const ADAPTIVE_CLIP: f64 = 0.06;

/// Maximum learning rates of the paper.
const LEARNING_RATES: [f64; 8] = [1e-3, 1e-2, 5e-2, 7.5e-2, 0.1, 0.25, 0.5, 0.8];

/// The grid of a figure.
pub(in crate::reproduce) struct Grid {
    /// Methods to compare.
    pub(in crate::reproduce) methods: Vec<MethodVariant>,
    /// Learning rates of the quick profile.
    pub(in crate::reproduce) quick_rates: Vec<f64>,
    /// Number of seeds.
    pub(in crate::reproduce) seeds: usize,
}

impl Grid {
    /// The condition of a network that sees each image for `steps` time steps, with membrane decay `beta`.
    pub(in crate::reproduce) fn condition(
        &self,
        context: &Context,
        model: Model,
        steps: usize,
        beta: f64,
    ) -> Condition {
        let name = format!("{model}-steps{steps}-beta{beta}");
        let network = match model == Model::SNN_LENET {
            true => "spiking LeNet",
            false => "spiking dense",
        };
        let title = format!("{network}, T = {steps}, \u{3b2} = {beta}");
        let settings = Settings {
            epochs: context.by_profile(1, 3),
            clip: 0.0,
            adaptive_clip: ADAPTIVE_CLIP,
            spiking: Some(SpikingConfig {
                steps,
                // Appendix A.6.4 normalises the backward pass of every method; rewards are by default.
                lif: LifConfig::new()
                    .with_beta(beta)
                    .with_gradient_normalization(Normalization::MaxAbs),
            }),
            ..Settings::new(model, DataSet::MNIST, Method::Lfp, 0)
        };
        Condition {
            methods: self.methods.clone(),
            learning_rates: context.by_profile(self.quick_rates.clone(), LEARNING_RATES.into()),
            seeds: context.seeds(self.seeds),
            samples: context.by_profile(Some([5_120, 1_000]), None),
            ..Condition::new(name, title, settings)
        }
    }
}

//! Spiking networks on MNIST, for Figures 7 and A.3.

mod raster;

use anyhow::Result;
use lfp_burn::{Normalization, spiking::LifConfig};
use lfp_models::{Model, SpikingConfig};

use crate::{
    data::DataSet,
    objective::Method,
    reproduce::{Context, args::Profile},
    study::{Condition, MethodVariant, Results, Study},
    train::Settings,
};

pub(in crate::reproduce) use raster::{Rasters, draw as draw_rasters};

/// The networks, from left to right.
pub(in crate::reproduce) const MODELS: [Model; 2] = [Model::SNN_MLP, Model::SNN_LENET];

/// The decay of membranes while the number of steps varies, and in Figure 7. The paper does not state it.
pub(in crate::reproduce) const BETA: f64 = 0.9;

/// The decays of Figure A.3.
pub(in crate::reproduce) const BETAS: [f64; 3] = [0.3, 0.6, 0.9];

/// The limit of adaptive clipping. The paper does not state it; the authors' package has this one.
const ADAPTIVE_CLIP: f64 = 0.06;

/// Maximum learning rates of the paper.
const LEARNING_RATES: [f64; 8] = [1e-3, 1e-2, 5e-2, 7.5e-2, 0.1, 0.25, 0.5, 0.8];

/// The number of steps while the decay varies, and in Figure 7. The paper does not state it.
pub(in crate::reproduce) fn steps(profile: Profile) -> usize {
    profile.choose(10, 15)
}

/// The numbers of steps of Figure A.3.
pub(in crate::reproduce) fn all_steps(profile: Profile) -> [usize; 3] {
    profile.choose([5, 10, 15], [5, 15, 25])
}

/// The grid of a figure in the quick profile.
pub(in crate::reproduce) struct Quick {
    /// Learning rates.
    pub(in crate::reproduce) rates: Vec<f64>,
    /// Number of seeds.
    pub(in crate::reproduce) seeds: usize,
}

/// Name of the condition of a network that sees each image for `steps` time steps, with membrane decay `beta`.
pub(in crate::reproduce) fn name(model: Model, steps: usize, beta: f64) -> String {
    format!("{model}-steps{steps}-beta{beta}")
}

/// Name of a network in figures.
pub(in crate::reproduce) fn title(model: Model) -> &'static str {
    match model == Model::SNN_LENET {
        true => "LeNet",
        false => "MLP",
    }
}

/// The three methods on a network that sees each image for `steps` time steps, with membrane decay `beta`.
pub(in crate::reproduce) fn condition(
    context: &Context,
    quick: &Quick,
    model: Model,
    steps: usize,
    beta: f64,
) -> Condition {
    let title = format!("{}, n = {steps}, \u{3b2} = {beta}", title(model));
    let settings = settings(context.profile, model, steps, beta);
    Condition {
        methods: vec![
            MethodVariant::Lfp,
            MethodVariant::SurrogateGradient,
            MethodVariant::Gradient,
        ],
        learning_rates: context.by_profile(quick.rates.clone(), LEARNING_RATES.into()),
        seeds: context.seeds(context.by_profile(quick.seeds, 3)),
        samples: context.by_profile(Some([5_120, 1_000]), None),
        ..Condition::new(name(model, steps, beta), title, settings)
    }
}

/// The settings of all runs of a condition.
fn settings(profile: Profile, model: Model, steps: usize, beta: f64) -> Settings {
    Settings {
        epochs: profile.choose(1, 3),
        // Smaller batches make more steps of the same images.
        batch: profile.choose(32, 128),
        clip: 0.0,
        adaptive_clip: ADAPTIVE_CLIP,
        spiking: Some(SpikingConfig {
            steps,
            // Appendix A.6.4 normalises the backward pass of every method; rewards are by default.
            lif: LifConfig::new()
                .with_beta(beta)
                .with_gradient_normalization(Normalization::MaxAbs),
            ..SpikingConfig::new()
        }),
        ..Settings::new(model, DataSet::MNIST, Method::Lfp, 0)
    }
}

/// The study of `conditions`. Figures 7 and A.3 share the runs that they have in common.
pub(in crate::reproduce) fn study(context: &Context, conditions: Vec<Condition>) -> Study {
    context.shared_study("spiking", conditions)
}

/// Trains what is not trained yet, and writes the report.
pub(in crate::reproduce) fn run(context: &Context, study: Study) -> Result<Results<Rasters>> {
    let results = study.run(&context.resources, |trained| Rasters::of(&trained))?;
    context.report(&results)?;
    Ok(results)
}

/// What the profile changes and the paper leaves open, for the note below a figure.
pub(in crate::reproduce) fn note(context: &Context) -> String {
    let steps = context.by_profile(
        "160 steps of 32 digits (paper: 1407 of 128)",
        "three epochs",
    );
    format!("{steps}; not stated, ours: fixed n and \u{3b2}, momentum 0.9, clipping 0.06")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::{Optimizer, Schedule};

    #[test]
    fn the_paper_profile_trains_as_appendix_a_6_4_says() {
        assert_eq!(all_steps(Profile::Paper), [5, 15, 25]);
        assert!(
            BETAS.contains(&BETA) && all_steps(Profile::Paper).contains(&steps(Profile::Paper))
        );
        for model in MODELS {
            let settings = settings(Profile::Paper, model, 25, 0.3);
            assert_eq!((settings.epochs, settings.batch), (3, 128));
            assert_eq!(settings.schedule, Schedule::OneCycle);
            assert_eq!(settings.optimizer, Optimizer::Sgd);
            // Clipping and normalisation are said of all runs, not of LFP alone.
            assert_eq!((settings.clip, settings.adaptive_clip), (0.0, 0.06));
            let spiking = settings.spiking.expect("a spiking network");
            assert_eq!((spiking.steps, spiking.hidden_layer), (25, false));
            let lif = spiking.lif;
            assert_eq!((lif.beta, lif.threshold), (0.3, 1.0));
            assert_eq!(lif.gradient_normalization, Normalization::MaxAbs);
            assert_eq!(settings.lfp.reward_normalization, Normalization::MaxAbs);
        }
    }
}

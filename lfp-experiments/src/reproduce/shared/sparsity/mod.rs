//! Networks for the figures on sparsity, 5, 6 and A.5 to A.8, which share their runs.

mod analysis;

use anyhow::Result;
use lfp_models::Model;

use crate::{
    data::DataSet,
    objective::Method,
    reproduce::{Context, Profile, args::check_any_run},
    study::{Condition, Measure, Results, Study},
    train::Settings,
};

pub(in crate::reproduce) use analysis::{GINI, Normalization, Sparsity, pruned_accuracy};

/// A network and its data.
type Pair = (Model, DataSet);

/// Figure 5 of the paper. Its text does not say which network Figure 6 shows; this reproduction takes the same.
const MAIN: Pair = (Model::RESNET18, DataSet::CUB);
/// What the profile `quick` trains in place of it, and of the additional networks.
const QUICK_MAIN: Pair = (Model::LENET, DataSet::MNIST);
const QUICK_ADDITIONAL: Pair = (Model::LENET, DataSet::CIFAR10);

/// Which networks a figure shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::reproduce) enum Extent {
    /// That of Figure 5.
    Main,
    /// The additional ones of Figures A.5, A.7 and A.8.
    Additional,
}

/// The study of a figure. All figures on sparsity share its folder.
pub(in crate::reproduce) fn study(context: &Context, extent: Extent) -> Study {
    context
        .shared_study("sparsity", conditions(context, extent))
        .with_test_passes(Sparsity::test_passes())
}

/// Trains what is not trained yet, analyses it, and writes the report. Returns the results of the conditions that were run,
/// and a note on what the paper shows and these do not.
pub(in crate::reproduce) fn run(
    context: &Context,
    extent: Extent,
) -> Result<(Results<Sparsity>, String)> {
    let results = study(context, extent).run(&context.resources, |trained| {
        let measure = measure(trained.settings.dataset);
        Sparsity::of(trained, measure)
    })?;
    check_any_run(context, &results)?;
    context.report(&results)?;
    let note = match context.profile {
        Profile::Quick => quick_note(extent),
        Profile::Paper => missing(&results),
    };
    let results = results.complete();
    Ok((results, note))
}

fn quick_note(extent: Extent) -> String {
    let (quick, paper) = match extent {
        Extent::Main => (QUICK_MAIN, format!("{} on {}", MAIN.0, MAIN.1)),
        Extent::Additional => (
            QUICK_ADDITIONAL,
            format!("the paper's {} additional networks", additional().len()),
        ),
    };
    format!(
        "{} on {} in place of {paper}, which --profile paper trains.",
        quick.0, quick.1
    )
}

/// The data sets of the conditions that were not run.
fn missing(results: &Results<Sparsity>) -> String {
    let not_run = results.cells.iter().filter(|cell| cell.outcome.is_err());
    let mut names: Vec<&str> = not_run
        .map(|cell| cell.condition.settings.dataset.name())
        .collect();
    names.sort_unstable();
    names.dedup();
    match names.is_empty() {
        true => String::new(),
        false => format!("Not run for lack of data or weights: {}.", names.join(", ")),
    }
}

fn conditions(context: &Context, extent: Extent) -> Vec<Condition> {
    let pairs = match (context.profile, extent) {
        (Profile::Quick, Extent::Main) => vec![QUICK_MAIN],
        (Profile::Quick, Extent::Additional) => vec![QUICK_ADDITIONAL],
        (Profile::Paper, Extent::Main) => vec![MAIN],
        (Profile::Paper, Extent::Additional) => additional(),
    };
    let seeds = context.seeds(3);
    let condition = |pair| {
        let condition = condition(pair);
        let condition = Condition {
            seeds: seeds.clone(),
            ..condition
        };
        match context.profile {
            Profile::Quick => quick(condition),
            Profile::Paper => condition,
        }
    };
    pairs.into_iter().map(condition).collect()
}

/// The networks and data of A.6.3 except those of Figure 5. The fourth network on photographs is "ResNet-32" there and
/// "ResNet-34" in section 4.1; of the two, ImageNet weights exist for ResNet-34.
fn additional() -> Vec<Pair> {
    let on = |model: Model, data: &[DataSet]| -> Vec<Pair> {
        data.iter().map(|&dataset| (model, dataset)).collect()
    };
    let photographs = [DataSet::CUB, DataSet::ISIC, DataSet::FOOD11];
    let mut pairs = on(Model::VGG_LIKE, &[DataSet::CIFAR10, DataSet::CIFAR100]);
    for model in [
        Model::VGG16,
        Model::VGG16_BN,
        Model::RESNET18,
        Model::RESNET34,
    ] {
        pairs.extend(on(model, &photographs));
    }
    pairs.retain(|pair| *pair != MAIN);
    pairs
}

/// How the paper trains a network, with one seed.
fn condition((model, dataset): Pair) -> Condition {
    let settings = Settings::new(model, dataset, Method::Lfp, 0);
    let condition = Condition {
        measure: measure(dataset),
        ..Condition::new(
            format!("{model}-{dataset}"),
            format!("{model} on {dataset}"),
            settings,
        )
    };
    let is_resnet = [Model::RESNET18, Model::RESNET34].contains(&model);
    match dataset.has_image_files() {
        true => condition.from_imagenet(if is_resnet { 5e-3 } else { 1e-3 }),
        false => condition.with_epochs(50),
    }
}

/// The classes of ISIC differ much in size, so the paper reports their mean accuracy in Figure A.8.
fn measure(dataset: DataSet) -> Measure {
    match dataset == DataSet::ISIC {
        true => Measure::ClassMean,
        false => Measure::Top1,
    }
}

/// Few epochs, and few images to test pruned networks on.
fn quick(condition: Condition) -> Condition {
    let train = match condition.settings.dataset == DataSet::CIFAR10 {
        true => 25_000,
        false => usize::MAX,
    };
    Condition {
        samples: Some([train, 2_000]),
        ..condition.with_epochs(3)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_network_of_the_paper_is_trained_with_its_learning_rate() {
        let pairs: Vec<Pair> = std::iter::once(MAIN).chain(additional()).collect();
        assert_eq!(pairs.len(), 2 + 4 * 3, "each once");
        for pair in pairs {
            let condition = condition(pair);
            // A.6.3: 0.1 on CIFAR, 1e-3 for VGG-16 with and without batch normalisation, 5e-3 for ResNets.
            let (lr, epochs, batch) = match condition.name.as_str() {
                name if name.contains("cifar") => (0.1, 50, 128),
                name if name.starts_with("vgg16") => (1e-3, 100, 32),
                _ => (5e-3, 100, 32),
            };
            let settings = &condition.settings;
            assert_eq!(condition.learning_rates, [lr], "{}", condition.name);
            assert_eq!((settings.epochs, settings.batch), (epochs, batch));
            let weighted = condition.name.ends_with("isic");
            assert_eq!(condition.measure == Measure::ClassMean, weighted);
        }
    }
}

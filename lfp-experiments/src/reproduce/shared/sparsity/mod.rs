//! Networks for the figures on sparsity, 5, 6 and A.5 to A.8, which share their runs.

mod analysis;

use anyhow::{Result, bail};
use lfp_models::Model;

use crate::{
    data::DataSet,
    objective::Method,
    reproduce::{Context, Profile},
    study::{Condition, Results, Study},
    train::Settings,
};

pub(in crate::reproduce) use analysis::{
    GINI, QUANTILES, Sparsity, pruned_accuracy, quantile_name,
};

/// Which conditions of the profile a figure shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::reproduce) enum Extent {
    /// The first of the paper profile, all of the quick one.
    First,
    /// All.
    All,
}

/// The study of a figure. All figures on sparsity share its folder.
pub(in crate::reproduce) fn study(context: &Context, extent: Extent) -> Study {
    let mut conditions = conditions(context);
    if (extent, context.profile) == (Extent::First, Profile::Paper) {
        conditions.truncate(1);
    }
    context.shared_study("sparsity", conditions)
}

/// Trains what is not trained yet, analyses it, and writes the report. Returns the results of the conditions that were run.
pub(in crate::reproduce) fn run(context: &Context, extent: Extent) -> Result<Results<Sparsity>> {
    let results = study(context, extent).run(&context.resources, Sparsity::of)?;
    context.report(&results)?;
    let results = results.complete();
    if results.cells.is_empty() {
        bail!(
            "nothing was run: there are neither its data nor the weights to start from; name their folders with \
             --data-dir and --pretrained"
        );
    }
    Ok(results)
}

fn conditions(context: &Context) -> Vec<Condition> {
    let pairs: Vec<(Model, DataSet)> = match context.profile {
        Profile::Quick => vec![
            (Model::LENET, DataSet::MNIST),
            (Model::VGG_LIKE, DataSet::CIFAR10),
        ],
        Profile::Paper => {
            let all = |models: &'static [Model], data: &'static [DataSet]| {
                let pair = |&dataset| models.iter().map(move |&model| (model, dataset));
                data.iter().flat_map(pair)
            };
            const TRANSFER: [Model; 4] = [
                Model::VGG16,
                Model::VGG16_BN,
                Model::RESNET18,
                Model::RESNET34,
            ];
            let cifar = all(
                &[Model::VGG_LIKE, Model::VGG_LIKE_BN],
                &[DataSet::CIFAR10, DataSet::CIFAR100],
            );
            let transfer = all(&TRANSFER, &[DataSet::CUB, DataSet::ISIC, DataSet::FOOD11]);
            cifar.chain(transfer).collect()
        }
    };
    let condition = |(model, dataset)| condition(context, model, dataset);
    pairs.into_iter().map(condition).collect()
}

fn condition(context: &Context, model: Model, dataset: DataSet) -> Condition {
    let settings = Settings::new(model, dataset, Method::Lfp, 0);
    let epochs = context.by_profile(settings.epochs, 50);
    let name = format!("{model}-{dataset}");
    let title = format!("{model} on {dataset}");
    let condition = Condition::new(name, title, settings).with_epochs(epochs);
    let (samples, seeds) = match context.profile {
        Profile::Quick if dataset == DataSet::MNIST => (Some([usize::MAX, 2_000]), 3),
        Profile::Quick => (Some([5_120, 500]), 1),
        Profile::Paper => (None, 3),
    };
    let condition = Condition {
        samples,
        seeds: context.seeds(seeds),
        ..condition
    };
    let is_resnet = [Model::RESNET18, Model::RESNET34].contains(&model);
    match dataset.has_image_files() {
        true => condition.from_imagenet(if is_resnet { 5e-3 } else { 1e-3 }),
        false => condition,
    }
}

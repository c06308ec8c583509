//! Figures 5, 6 and A.5 to A.8: weight distributions and pruning.

mod analysis;
mod condition;
mod panels;
mod report;

use std::path::Path;

use burn::tensor::Device;

use super::{Profile, ReproduceError, Request, imagenet_weights};
use crate::{
    data::DataError,
    files,
    plot::Figure,
    pruning::Criterion,
    sweep::{self, Job, Record},
};
use analysis::Analysis;
use condition::{Condition, METHODS};

/// The runs of all these figures, which share them.
const RUNS: &str = "sparsity";

/// What a figure shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shown {
    /// How weights are distributed.
    Weights,
    /// Accuracy over the share that is pruned.
    Pruning(&'static [Criterion]),
}

/// A condition, and the analyses of its networks: by method, then by seed.
struct Analysed {
    condition: Condition,
    analyses: [Vec<Analysis>; 2],
}

/// Trains what is not trained yet, and draws: the first condition of the profile's, or `all` of them.
pub(super) fn figure(
    request: &Request,
    folder: &Path,
    device: &Device,
    shown: Shown,
    all: bool,
) -> Result<(), ReproduceError> {
    let name = request.figure.to_string();
    let conditions = condition::of(request.profile);
    let count = if all || request.profile == Profile::Quick {
        conditions.len()
    } else {
        1
    };
    let mut analysed = Vec::new();
    for condition in conditions.into_iter().take(count) {
        match run(request, condition, device) {
            Ok(Some(found)) => analysed.push(found),
            Ok(None) => println!("{}: not run: no weights", condition.title()),
            Err(ReproduceError::Data(DataError::NoFolder(_) | DataError::NoDataSet { .. })) => {
                println!("{}: not run: no data", condition.title());
            }
            Err(error) => return Err(error),
        }
    }
    if analysed.is_empty() {
        return Err(ReproduceError::NothingRan);
    }
    let columns = match shown {
        Shown::Weights => full_rows(analysed.len()),
        Shown::Pruning(criteria) => criteria.len().max(analysed.len().min(2)),
    };
    let panels: Vec<_> = match shown {
        // A row of distributions, and below it one of their Gini coefficients.
        Shown::Weights => analysed
            .chunks(columns)
            .flat_map(|row| {
                let distributions = row.iter().map(panels::distribution);
                distributions.chain(row.iter().map(panels::gini))
            })
            .collect(),
        Shown::Pruning(criteria) => analysed
            .iter()
            .flat_map(|found| criteria.iter().map(|&of| panels::pruning(found, of)))
            .collect(),
    };
    let figure = Figure {
        columns,
        panel_size: (560, 380),
        panels,
    };
    figure.write(folder, &name)?;
    report::write(request, folder, &analysed, shown)
}

/// Columns, at most four, that leave no row unfinished.
fn full_rows(count: usize) -> usize {
    let fits = |columns: &usize| count.is_multiple_of(*columns);
    (1..=4).rev().find(fits).unwrap_or(1)
}

/// Nothing where the weights to start from are not there.
fn run(
    request: &Request,
    condition: Condition,
    device: &Device,
) -> Result<Option<Analysed>, ReproduceError> {
    let data = condition.data(request)?;
    let pretrained = request.table.pretrained.as_deref();
    let weights = match condition.starts_from_imagenet() {
        false => None,
        true => match imagenet_weights(pretrained, condition.model)? {
            Some(file) => Some(file),
            None => return Ok(None),
        },
    };
    let runs = request.out.join(RUNS).join(condition.name());
    files::create_folder(&runs)?;
    let seeds = request.seeds_or(condition.seeds(request.profile));
    let mut jobs = Vec::new();
    for method in METHODS {
        let (profile, train) = (request.profile, data.train.as_ref());
        let settings = condition.settings(profile, method, train, weights.as_deref())?;
        jobs.extend(seeds.iter().map(|&seed| {
            let mut settings = settings.clone();
            settings.seed = seed;
            settings.device = request.device_names();
            let name = format!("{method}-{seed}");
            Job { name, settings }
        }));
    }
    println!("{}", condition.title());
    let analyse = |network| analysis::analyse(network, &data, device);
    let records = sweep::run_and_analyse(&runs, &jobs, &data, device, analyse)?;
    let mut analyses = records
        .into_iter()
        .map(|record: Record<Analysis>| record.analysis);
    let mut next = || analyses.by_ref().take(seeds.len()).flatten().collect();
    Ok(Some(Analysed {
        condition,
        analyses: [next(), next()],
    }))
}

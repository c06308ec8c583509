//! Training on toy data, for Figures 3, A.1 and A.2.
//!
//! Every seed draws a data set of its own.

mod analysis;
mod boundary;
mod shares;

use anyhow::Result;
use lfp_models::Model;

use crate::{
    data::DataSet,
    objective::{Method, RewardKind},
    plot::Panel,
    reproduce::Context,
    study::{Cell, Condition, Results, Spread, Study, panels},
    train::{Optimizer, Schedule, Settings},
};

pub(in crate::reproduce) use analysis::Toy;
pub(in crate::reproduce) use boundary::boundary;
pub(in crate::reproduce) use shares::{Weights, shares};

/// The data sets, in the order of the figures.
pub(in crate::reproduce) const DATA_SETS: [DataSet; 3] =
    [DataSet::BLOBS, DataSet::CIRCLES, DataSet::SWIRL];

/// Lowest accuracy of the axes: below that of guessing one of three classes.
const LOWEST: f64 = 0.3;

/// The study on the data sets. All figures on toy data share its folder.
pub(in crate::reproduce) fn study(
    context: &Context,
    datasets: &[DataSet],
    reward: RewardKind,
) -> Study {
    let condition = |&dataset| condition(context, dataset, reward);
    let conditions = datasets.iter().map(condition).collect();
    context.shared_study("toy", conditions).in_parallel()
}

/// Trains what is not trained yet on the data sets, and writes the report.
pub(in crate::reproduce) fn run(
    context: &Context,
    datasets: &[DataSet],
    reward: RewardKind,
) -> Result<Results<Toy>> {
    let study = study(context, datasets, reward);
    let results = study.run(&context.resources, Toy::of)?;
    context.report(&results)?;
    Ok(results)
}

fn condition(context: &Context, dataset: DataSet, reward: RewardKind) -> Condition {
    let settings = Settings {
        reward,
        epochs: if dataset == DataSet::SWIRL { 15 } else { 10 },
        batch: 128,
        optimizer: Optimizer::Sgd,
        momentum: 0.95,
        schedule: Schedule::Constant,
        clip: 0.0,
        ..Settings::new(Model::MLP_TOY, dataset, Method::Lfp, 0)
    };
    let name = match reward == RewardKind::default() {
        true => dataset.to_string(),
        false => format!("{dataset}-{reward}"),
    };
    Condition {
        learning_rates: learning_rates(context),
        seeds: context.seeds(context.by_profile(3, 5)),
        ..Condition::new(name, dataset.name(), settings)
    }
}

/// `a * 10^b` with b from -5 to -1; a is 1, 2, 5, or 1 to 9 in the paper profile.
fn learning_rates(context: &Context) -> Vec<f64> {
    let factors: &[u32] = context.by_profile(&[1, 2, 5], &[1, 2, 3, 4, 5, 6, 7, 8, 9]);
    let exponents = -5_i32..=-1;
    // Parsing rounds once; the product of factor and power rounds twice, and 3e-4 would become 0.00030000000000000003.
    let rate = |factor: &u32, exponent| format!("{factor}e{exponent}").parse();
    let rates = exponents.flat_map(|exponent| factors.iter().map(move |of| rate(of, exponent)));
    rates
        .collect::<Result<_, _>>()
        .expect("numbers in scientific notation")
}

/// Test accuracy over the learning rate.
pub(in crate::reproduce) fn over_learning_rate(cells: &[Cell<Toy>]) -> Panel {
    let title = format!("{}: by learning rate", cells[0].condition.title);
    panels::over_learning_rate(title, cells, LOWEST)
}

/// Test accuracy during training at the best learning rate.
pub(in crate::reproduce) fn over_epochs(cells: &[Cell<Toy>]) -> Panel {
    let title = format!("{}: training", cells[0].condition.title);
    panels::over_epochs(title, cells, LOWEST, |point| {
        Some(Spread::of(point.analyses().map(Toy::initial_accuracy)))
    })
}

/// Decision boundary, accuracies and weights, from left to right.
pub(in crate::reproduce) fn row(context: &Context, cells: &[Cell<Toy>]) -> Result<Vec<Panel>> {
    let device = &context.resources.device;
    let boundaries = cells.iter().map(|cell| boundary(cell, device));
    let mut row: Vec<Panel> = boundaries.collect::<Result<_>>()?;
    row.extend([over_learning_rate(cells), over_epochs(cells)]);
    row.push(shares("weights: initial", &cells[0], Weights::Initial));
    for cell in cells {
        let title = format!("weights: {}", cell.method.title());
        row.push(shares(title, cell, Weights::Trained));
    }
    Ok(row)
}

//! What figures 3, A.1 and A.2 write beside the picture.

use std::{collections::BTreeMap, path::Path};

use serde::Serialize;

use super::{
    Profile, Request,
    toy::{AtRate, Sweep},
    weights::{Shares, mean_neutral, shares},
    write_csv, write_result,
};
use crate::{files::FileError, train::Versions};

/// `result.json`.
#[derive(Serialize)]
struct Report {
    figure: String,
    profile: Profile,
    seeds: Vec<u64>,
    learning_rates: Vec<f64>,
    seconds: f64,
    versions: Versions,
    data: BTreeMap<String, BTreeMap<String, Learned>>,
}

/// What one method made of one kind of data.
#[derive(Serialize)]
struct Learned {
    best_lr: f64,
    /// Mean over the data sets, at the best learning rate.
    test_accuracy: f64,
    deviation: f64,
    /// Share of weights in `[-theta, theta]`, averaged over theta: before training, and after.
    initial_neutral_share: f64,
    neutral_share: f64,
    test_accuracy_by_lr: Vec<f64>,
}

/// Weight distributions before and after training, at the best learning rate.
pub(super) fn distributions(best: &AtRate) -> (Vec<Shares>, Vec<Shares>) {
    let initial = shares(best.runs.iter().map(|run| &run.initial));
    let trained = shares(best.runs.iter().map(|run| &run.network));
    (initial, trained)
}

pub(super) fn write(
    request: &Request,
    folder: &Path,
    sweeps: &[Sweep],
    seconds: f64,
) -> Result<(), FileError> {
    let mut data = BTreeMap::<String, BTreeMap<String, Learned>>::new();
    for sweep in sweeps {
        let learned = write_sweep(folder, sweep)?;
        let of_cloud = data.entry(sweep.cloud.to_string()).or_default();
        of_cloud.insert(sweep.method.to_string(), learned);
    }
    let report = Report {
        figure: request.figure.to_string(),
        profile: request.profile,
        seeds: request.seeds(),
        learning_rates: request.learning_rates(),
        seconds,
        versions: Versions::default(),
        data,
    };
    write_result(folder, &report)
}

fn write_sweep(folder: &Path, sweep: &Sweep) -> Result<Learned, FileError> {
    let Sweep { cloud, method, .. } = sweep;
    let best = sweep.best();
    let (initial, trained) = distributions(best);

    let by_rate = sweep.rates.iter().map(|rate| {
        let (mean, deviation) = rate.accuracy();
        [rate.lr, mean, deviation]
    });
    let columns = ["lr", "test_accuracy", "deviation"];
    write_csv(
        folder,
        &format!("{cloud}-{method}-learning-rate"),
        columns,
        by_rate,
    )?;

    let by_epoch = best.curve().into_iter().enumerate();
    let by_epoch = by_epoch.map(|(epoch, (mean, deviation))| [epoch as f64, mean, deviation]);
    let columns = ["epoch", "test_accuracy", "deviation"];
    write_csv(
        folder,
        &format!("{cloud}-{method}-training"),
        columns,
        by_epoch,
    )?;

    write_shares(folder, &format!("{cloud}-initial-weights"), &initial)?;
    write_shares(folder, &format!("{cloud}-{method}-weights"), &trained)?;

    let (test_accuracy, deviation) = best.accuracy();
    Ok(Learned {
        best_lr: best.lr,
        test_accuracy,
        deviation,
        initial_neutral_share: mean_neutral(&initial),
        neutral_share: mean_neutral(&trained),
        test_accuracy_by_lr: sweep.rates.iter().map(|rate| rate.accuracy().0).collect(),
    })
}

fn write_shares(folder: &Path, name: &str, shares: &[Shares]) -> Result<(), FileError> {
    let rows = shares
        .iter()
        .map(|at| [at.theta, at.positive, at.neutral, at.negative]);
    let columns = ["theta", "positive", "neutral", "negative"];
    write_csv(folder, name, columns, rows)
}

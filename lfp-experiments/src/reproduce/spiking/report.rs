//! What the figures write beside the picture.

use std::{collections::BTreeMap, path::Path};

use serde::Serialize;

use super::grid::{Curve, Grid};
use crate::{
    files::FileError,
    reproduce::{Profile, Request, write_csv, write_result},
    train::Versions,
};

/// `result.json`.
#[derive(Serialize)]
struct Report {
    figure: String,
    profile: Profile,
    seeds: Vec<u64>,
    learning_rates: Vec<f64>,
    versions: Versions,
    /// By condition, then by learner.
    networks: BTreeMap<String, BTreeMap<&'static str, Learned>>,
}

#[derive(Serialize)]
struct Learned {
    best_lr: f64,
    /// Mean over the seeds, at the best learning rate.
    test_accuracy: f64,
    deviation: f64,
    test_accuracy_by_lr: Vec<f64>,
}

/// Writes `result.json` and a CSV per curve, and prints the best of each.
pub(super) fn write(
    request: &Request,
    folder: &Path,
    grid: &Grid,
    curves: &[Vec<Curve>],
) -> Result<(), FileError> {
    let mut networks = BTreeMap::<_, BTreeMap<_, _>>::new();
    for (condition, curves) in grid.conditions.iter().zip(curves) {
        for curve in curves {
            let rows = curve.points.iter();
            let rows = rows.map(|point| [point.lr, point.accuracy.0, point.accuracy.1]);
            let learner = curve.learner.name();
            let columns = ["lr", "test_accuracy", "deviation"];
            write_csv(
                folder,
                &format!("{}-{learner}", condition.name()),
                columns,
                rows,
            )?;
            let best = curve.best();
            let (mean, deviation) = best.accuracy;
            println!(
                "{:40} {:18} {:6.2}% \u{b1} {:.2} at a learning rate of {}",
                condition.title(),
                curve.learner.title(),
                100.0 * mean,
                100.0 * deviation,
                best.lr
            );
            let learned = Learned {
                best_lr: best.lr,
                test_accuracy: mean,
                deviation,
                test_accuracy_by_lr: curve.points.iter().map(|point| point.accuracy.0).collect(),
            };
            let of_condition = networks.entry(condition.name()).or_default();
            of_condition.insert(learner, learned);
        }
    }
    let report = Report {
        figure: request.figure.to_string(),
        profile: request.profile,
        seeds: grid.seeds.clone(),
        learning_rates: grid.rates.clone(),
        versions: Versions::default(),
        networks,
    };
    write_result(folder, &report)
}

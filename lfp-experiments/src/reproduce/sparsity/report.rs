//! What the figures write beside the picture.

use std::path::Path;

use serde::Serialize;

use super::{
    Analysed, Shown,
    analysis::{Analysis, QUANTILES},
    condition::METHODS,
};
use crate::{
    pruning::Criterion,
    reproduce::{
        Profile, ReproduceError, Request,
        curves::{Spread, mean_and_deviation},
        write_csv, write_result,
    },
    train::Versions,
};

#[derive(Serialize)]
struct Report {
    figure: String,
    profile: Profile,
    quantiles: [f64; 5],
    versions: Versions,
    networks: Vec<Reported>,
}

#[derive(Serialize)]
struct Reported {
    network: String,
    method: String,
    seeds: usize,
    /// Mean and deviation over the seeds of the Gini coefficient, averaged over layers.
    gini: Spread,
    /// By criterion: mean and deviation of the area under the pruning curve.
    areas: Vec<(Criterion, Spread)>,
}

pub(super) fn write(
    request: &Request,
    folder: &Path,
    analysed: &[Analysed],
    shown: Shown,
) -> Result<(), ReproduceError> {
    let mut networks = Vec::new();
    for found in analysed {
        for (method, analyses) in METHODS.iter().zip(&found.analyses) {
            let name = format!("{}-{method}", found.condition.name());
            match shown {
                Shown::Weights => write_weights(folder, &name, analyses)?,
                Shown::Pruning(criteria) => {
                    for &criterion in criteria {
                        write_curve(folder, &name, analyses, criterion)?;
                    }
                }
            }
            let reported = reported(found, &method.to_string(), analyses);
            print(&reported);
            networks.push(reported);
        }
    }
    let report = Report {
        figure: request.figure.to_string(),
        profile: request.profile,
        quantiles: QUANTILES,
        versions: Versions::default(),
        networks,
    };
    Ok(write_result(folder, &report)?)
}

fn reported(found: &Analysed, method: &str, analyses: &[Analysis]) -> Reported {
    let area = |criterion: Criterion| {
        let areas = analyses.iter().map(|of| of.curve(criterion).area());
        (criterion, mean_and_deviation(areas))
    };
    Reported {
        network: found.condition.name(),
        method: method.to_owned(),
        seeds: analyses.len(),
        gini: mean_and_deviation(analyses.iter().map(Analysis::mean_gini)),
        areas: Criterion::ALL.map(area).into(),
    }
}

fn print(reported: &Reported) {
    let Reported {
        network,
        method,
        seeds,
        gini,
        areas,
    } = reported;
    if *seeds == 0 {
        println!("{network:20} {method:9} every run diverged");
        return;
    }
    let mut line = format!(
        "{network:20} {method:9} Gini {:.3} \u{b1} {:.3}; area",
        gini.0, gini.1
    );
    for (criterion, (mean, deviation)) in areas {
        line += &format!("  {criterion} {mean:.3} \u{b1} {deviation:.3}");
    }
    println!("{line}");
}

fn write_weights(folder: &Path, name: &str, analyses: &[Analysis]) -> Result<(), ReproduceError> {
    let layers = analyses.first().map_or(0, |of| of.layers.len());
    let rows = (0..layers).map(|layer| {
        let mean = |value: &dyn Fn(&super::analysis::LayerStatistics) -> f64| {
            mean_and_deviation(analyses.iter().map(|of| value(&of.layers[layer])))
        };
        let quantile = |which: usize| mean(&|of| of.quantiles[which]).0;
        let (gini, deviation) = mean(&|of| of.gini);
        [
            (layer + 1) as f64,
            quantile(0),
            quantile(1),
            quantile(2),
            quantile(3),
            quantile(4),
            gini,
            deviation,
        ]
    });
    let columns = [
        "layer",
        "q10",
        "q25",
        "q50",
        "q75",
        "q90",
        "gini",
        "gini_deviation",
    ];
    Ok(write_csv(
        folder,
        &format!("{name}-weights"),
        columns,
        rows,
    )?)
}

fn write_curve(
    folder: &Path,
    name: &str,
    analyses: &[Analysis],
    criterion: Criterion,
) -> Result<(), ReproduceError> {
    let points = analyses
        .first()
        .map_or(&[][..], |of| &of.curve(criterion).points);
    let rows = points.iter().enumerate().map(|(index, point)| {
        let accuracies = analyses
            .iter()
            .map(|of| of.curve(criterion).points[index].accuracy);
        let (mean, deviation) = mean_and_deviation(accuracies);
        [point.rate, mean, deviation]
    });
    let columns = ["rate", "test_accuracy", "deviation"];
    Ok(write_csv(
        folder,
        &format!("{name}-{criterion}"),
        columns,
        rows,
    )?)
}

//! Figures 3, A.1 and A.2: LFP and gradient on toy data.

use std::{path::Path, sync::Arc, time::Instant};

use burn::tensor::Device;
use lfp_burn::LfpConfig;
use plotters::prelude::RGBColor;

use super::{
    ReproduceError, Request, boundary,
    curves::{accuracy_axis, band},
    report::{self, distributions},
    toy::{Experiment, Sweep, sweep},
    weights::Shares,
};
use crate::{
    data::PointCloud,
    objective::{Method, Objective, RewardKind},
    plot::{Axis, Figure, GRADIENT, LFP, LegendAt, NEGATIVE, NEUTRAL, POSITIVE, Panel, Shape},
};

/// Where axes of accuracies start: at the accuracy of guessing one of three classes.
const LOWEST: f64 = 0.3;

const METHODS: [Method; 2] = [Method::Lfp, Method::Gradient];

/// Figure 3: a row for each kind of data.
pub(super) fn fig3(
    request: &Request,
    folder: &Path,
    device: &Device,
) -> Result<(), ReproduceError> {
    let pairs = run(request, folder, &PointCloud::ALL, Objective::of, device)?;
    let panels = pairs.iter().flat_map(|pair| row(pair, request, device));
    let figure = Figure {
        columns: 7,
        panel_size: (330, 330),
        panels: panels.collect(),
    };
    Ok(figure.write(folder, "fig3")?)
}

/// Figure A.1: the curves of Figure 3, larger.
pub(super) fn figa1(
    request: &Request,
    folder: &Path,
    device: &Device,
) -> Result<(), ReproduceError> {
    let pairs = run(request, folder, &PointCloud::ALL, Objective::of, device)?;
    let panels = pairs
        .iter()
        .flat_map(|pair| [by_rate(pair), by_epoch(pair)]);
    let figure = Figure {
        columns: 2,
        panel_size: (600, 380),
        panels: panels.collect(),
    };
    Ok(figure.write(folder, "figa1")?)
}

/// Figure A.2: as Figure 3 on blobs, with a reward that is a count of mistakes and has no derivative.
pub(super) fn figa2(
    request: &Request,
    folder: &Path,
    device: &Device,
) -> Result<(), ReproduceError> {
    let reward = RewardKind::Misclassification;
    let objective = |method| Objective::new(method, reward, None, LfpConfig::new());
    let pairs = run(request, folder, &[PointCloud::Blobs], objective, device)?;
    let panels = pairs.iter().flat_map(|pair| row(pair, request, device));
    let figure = Figure {
        columns: 4,
        panel_size: (400, 400),
        panels: panels.collect(),
    };
    Ok(figure.write(folder, "figa2")?)
}

/// The two methods on one kind of data, in the order of [`METHODS`].
type Pair = [Sweep; 2];

fn run(
    request: &Request,
    folder: &Path,
    clouds: &[PointCloud],
    objective: impl Fn(Method) -> Objective,
    device: &Device,
) -> Result<Vec<Pair>, ReproduceError> {
    let start = Instant::now();
    let objectives = METHODS.map(|method| (method, Arc::new(objective(method))));
    let experiments: Vec<_> = clouds
        .iter()
        .flat_map(|&cloud| {
            objectives.clone().map(|(method, objective)| Experiment {
                cloud,
                method,
                objective,
            })
        })
        .collect();
    let rates = request.learning_rates();
    let sweeps = sweep(&experiments, &rates, &request.seeds(), device);
    report::write(request, folder, &sweeps, start.elapsed().as_secs_f64())?;
    let mut sweeps = sweeps.into_iter();
    let mut pairs = Vec::new();
    while let (Some(lfp), Some(gradient)) = (sweeps.next(), sweeps.next()) {
        print(&lfp);
        print(&gradient);
        pairs.push([lfp, gradient]);
    }
    Ok(pairs)
}

fn print(sweep: &Sweep) {
    let best = sweep.best();
    let (mean, deviation) = best.accuracy();
    println!(
        "{:8} {:8} {:6.2}% \u{b1} {:.2} at a learning rate of {}",
        sweep.cloud,
        sweep.method,
        100.0 * mean,
        100.0 * deviation,
        best.lr
    );
}

/// Decision boundaries, curves, and weight distributions.
fn row(pair: &Pair, request: &Request, device: &Device) -> Vec<Panel> {
    let seed = request.seeds()[0];
    let boundary = |sweep: &Sweep| {
        let (train, _) = sweep.cloud.train_and_test(seed);
        let title = format!("{}: {}", sweep.cloud, name(sweep.method));
        boundary::panel(title, &sweep.best().runs[0].network, &train, device)
    };
    let [lfp, gradient] = pair;
    let (initial, by_lfp) = distributions(lfp.best());
    let (_, by_gradient) = distributions(gradient.best());
    vec![
        boundary(lfp),
        boundary(gradient),
        by_rate(pair),
        by_epoch(pair),
        by_theta("weights: initial", &initial),
        by_theta("weights: LFP", &by_lfp),
        by_theta("weights: gradient", &by_gradient),
    ]
}

/// Final accuracy over the learning rate.
fn by_rate(pair: &Pair) -> Panel {
    let mut shapes = Vec::new();
    for sweep in pair {
        let points = sweep
            .rates
            .iter()
            .map(|rate| (rate.lr.log10(), rate.accuracy()));
        shapes.extend(band(points.collect(), colour(sweep.method)));
    }
    let rates = &pair[0].rates;
    let exponent = |lr: f64| lr.log10();
    let range = exponent(rates[0].lr)..exponent(rates[rates.len() - 1].lr);
    Panel {
        title: format!("{}: by learning rate", pair[0].cloud),
        x: Axis::logarithmic("learning rate", range),
        y: accuracy_axis(LOWEST),
        shapes,
        legend: legend(),
        legend_at: LegendAt::LowerRight,
    }
}

/// Accuracy during training, at each method's best learning rate.
fn by_epoch(pair: &Pair) -> Panel {
    let mut shapes = Vec::new();
    let mut last = 0;
    for sweep in pair {
        let curve = sweep.best().curve();
        last = curve.len() - 1;
        let points = curve.into_iter().enumerate();
        let points = points.map(|(epoch, accuracy)| (epoch as f64, accuracy));
        shapes.extend(band(points.collect(), colour(sweep.method)));
    }
    Panel {
        title: format!("{}: training", pair[0].cloud),
        x: Axis::new("epoch", 0.0..last as f64),
        y: accuracy_axis(LOWEST),
        shapes,
        legend: legend(),
        legend_at: LegendAt::LowerRight,
    }
}

/// Shares of positive, neutral and negative weights, one on top of the other.
fn by_theta(title: &str, shares: &[Shares]) -> Panel {
    let area = |colour, between: fn(&Shares) -> (f64, f64)| Shape::Band {
        points: shares
            .iter()
            .map(|at| {
                let (lower, upper) = between(at);
                (at.theta, lower, upper)
            })
            .collect(),
        colour,
        opacity: 1.0,
    };
    let last = shares.last().map_or(1.0, |at| at.theta);
    Panel {
        title: title.to_owned(),
        x: Axis::new("\u{3b8}", 0.0..last),
        y: Axis::new("share of weights", 0.0..1.0),
        shapes: vec![
            area(NEGATIVE, |at| (0.0, at.negative)),
            area(NEUTRAL, |at| (at.negative, at.negative + at.neutral)),
            area(POSITIVE, |at| (at.negative + at.neutral, 1.0)),
        ],
        legend: vec![
            ("above \u{3b8}", POSITIVE),
            ("within \u{b1}\u{3b8}", NEUTRAL),
            ("below \u{2212}\u{3b8}", NEGATIVE),
        ],
        legend_at: LegendAt::MiddleRight,
    }
}

fn legend() -> Vec<(&'static str, RGBColor)> {
    METHODS.map(|method| (name(method), colour(method))).into()
}

fn name(method: Method) -> &'static str {
    match method {
        Method::Lfp => "LFP",
        Method::Gradient => "gradient",
    }
}

fn colour(method: Method) -> RGBColor {
    match method {
        Method::Lfp => LFP,
        Method::Gradient => GRADIENT,
    }
}

//! Figures 7 and A.3: spiking networks on MNIST.

mod grid;
mod raster;
mod report;

use std::path::Path;

use burn::tensor::Device;
use lfp_models::Model;
use plotters::prelude::RGBColor;

use super::{
    Profile, ReproduceError, Request,
    curves::{accuracy_axis, band},
};
use crate::{
    data::{DataSet, Reading, Split},
    plot::{Axis, Figure, GRADIENT, LFP, LegendAt, PLAIN, Panel},
};
use grid::{Condition, Curve, Grid, Learner};

const MODELS: [Model; 2] = [Model::SNN_MLP, Model::SNN_LENET];
/// The lowest accuracy drawn, below that of guessing.
const LOWEST: f64 = 0.0;

/// Figure 7: accuracy over the learning rate.
pub(super) fn fig7(
    request: &Request,
    folder: &Path,
    device: &Device,
) -> Result<(), ReproduceError> {
    let (steps, rates): (_, &[f64]) = match request.profile {
        Profile::Quick => (10, &[1e-3, 1e-2, 0.1, 0.5]),
        Profile::Paper => (25, &PAPER_RATES),
    };
    let grid = Grid {
        conditions: MODELS.map(|model| Condition::new(model, steps, 0.9)).into(),
        learners: Learner::ALL.into(),
        rates: rates.into(),
        seeds: request.seeds_or(3),
        device: request.device_names(),
    };
    let data = Data::load(request)?;
    let curves = grid.run(folder, &data, device)?;
    report::write(request, folder, &grid, &curves)?;
    let figure = Figure {
        columns: 2,
        panel_size: (520, 400),
        panels: panels(&grid, &curves),
    };
    figure.write(folder, "fig7")?;
    raster::draw(folder, &grid, &curves[0], &data, device)
}

/// Figure A.3: the same over the number of steps (rows) and beta (columns).
pub(super) fn figa3(
    request: &Request,
    folder: &Path,
    device: &Device,
) -> Result<(), ReproduceError> {
    let (steps, betas, rates, seeds): (&[usize], &[f64], &[f64], usize) = match request.profile {
        Profile::Quick => (&[5, 15], &[0.3, 0.9], &[0.1, 0.5], 1),
        Profile::Paper => (&[5, 15, 25], &[0.3, 0.6, 0.9], &PAPER_RATES, 3),
    };
    let conditions = MODELS.iter().flat_map(|&model| {
        let of_steps = move |&steps| {
            betas
                .iter()
                .map(move |&beta| Condition::new(model, steps, beta))
        };
        steps.iter().flat_map(of_steps)
    });
    let grid = Grid {
        conditions: conditions.collect(),
        learners: vec![Learner::Lfp, Learner::Surrogate],
        rates: rates.into(),
        seeds: request.seeds_or(seeds),
        device: request.device_names(),
    };
    let curves = grid.run(folder, &Data::load(request)?, device)?;
    report::write(request, folder, &grid, &curves)?;
    let figure = Figure {
        columns: betas.len(),
        panel_size: (420, 300),
        panels: panels(&grid, &curves),
    };
    Ok(figure.write(folder, "figa3")?)
}

/// The learning rates of the paper.
const PAPER_RATES: [f64; 8] = [1e-3, 1e-2, 5e-2, 7.5e-2, 0.1, 0.25, 0.5, 0.8];

/// MNIST, or as much of it as the profile takes.
struct Data {
    split: Split,
    epochs: usize,
}

impl Data {
    fn load(request: &Request) -> Result<Self, ReproduceError> {
        let data = DataSet::MNIST.load(request.data_dir.as_deref(), Reading::default())?;
        Ok(match request.profile {
            Profile::Quick => Self {
                split: data.first(5_120, 1_000),
                epochs: 1,
            },
            Profile::Paper => Self {
                split: data,
                epochs: 3,
            },
        })
    }
}

/// A panel for each condition: accuracy over the learning rate.
fn panels(grid: &Grid, curves: &[Vec<Curve>]) -> Vec<Panel> {
    let conditions = grid.conditions.iter().zip(curves);
    conditions
        .map(|(condition, curves)| {
            let shapes = curves.iter().flat_map(|curve| {
                let points = curve.points.iter();
                let points = points.map(|point| (point.lr.log10(), point.accuracy));
                band(points.collect(), colour(curve.learner))
            });
            let exponents = |index: usize| grid.rates[index].log10();
            Panel {
                title: condition.title(),
                x: Axis::logarithmic(
                    "learning rate",
                    exponents(0)..exponents(grid.rates.len() - 1),
                ),
                y: accuracy_axis(LOWEST),
                shapes: shapes.collect(),
                legend: grid
                    .learners
                    .iter()
                    .map(|&learner| (learner.title(), colour(learner)))
                    .collect(),
                legend_at: LegendAt::UpperLeft,
            }
        })
        .collect()
}

fn colour(learner: Learner) -> RGBColor {
    match learner {
        Learner::Lfp => LFP,
        Learner::Surrogate => GRADIENT,
        Learner::Gradient => PLAIN,
    }
}

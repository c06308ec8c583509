//! Figure 4: a neuron with two weights and no bias, from seven starts.

use std::{path::Path, sync::Arc};

use burn::{
    module::{Module, Param},
    nn::{Linear, loss::BinaryCrossEntropyLossConfig},
    optim::{GradientsParams, SgdConfig},
    tensor::{Device, Tensor},
};
use lfp_burn::{
    Propagate,
    nn::{Hook, Hooked},
    reward::{Reward, SigmoidReward},
};
use plotters::prelude::RGBColor;
use rand::{SeedableRng, rngs::StdRng};
use serde::Serialize;

use super::{ReproduceError, Request, write_csv, write_result};
use crate::{
    data::{Batch, Batches, Order, Points, Samples},
    files::FileError,
    objective::Method,
    plot::{
        Axis, Figure, GRADIENT, INK, LFP, LegendAt, Panel, Point, Shape, cells, contours, shade,
    },
    train::Versions,
};

const LEARNING_RATE: f64 = 0.5;
const BATCH: usize = 8;
const SAMPLES: usize = 1_000;
/// Of the two clouds of points, in both directions.
const CENTRES: [f64; 2] = [-1.0, 1.0];
const STARTS: [[f32; 2]; 7] = [
    [0.0, 4.0],
    [4.0, 0.0],
    [2.0, 4.0],
    [4.0, 2.0],
    [-4.0, -4.0],
    [-4.0, 4.0],
    [4.0, -4.0],
];
/// Cells of the plane of weights along each side, and how far it reaches beyond the ways.
const CELLS: usize = 150;
const MARGIN: f64 = 1.0;
/// Values of the objective at which a contour is drawn.
const LEVELS: [f64; 9] = [0.001, 0.01, 0.05, 0.2, 0.7, 2.0, 4.0, 8.0, 12.0];

/// Trains from every start by both methods and draws the ways over the objective.
pub(super) fn fig4(
    request: &Request,
    folder: &Path,
    device: &Device,
) -> Result<(), ReproduceError> {
    let seed = request.seeds()[0];
    let points = points(seed);
    let samples: Arc<dyn Samples> = Arc::new(points.clone());
    let methods = [
        (Method::Lfp, "LFP", LFP),
        (Method::Gradient, "gradient", GRADIENT),
    ];
    let ways = methods
        .map(|(method, ..)| STARTS.map(|start| train(method, start, &samples, seed, device)));
    let extent = extent(ways.as_flattened());
    let objective_shapes = objective_shapes(&points, extent);
    let mut panels = Vec::new();
    let mut trajectories = Vec::new();
    for ((method, name, colour), ways) in methods.into_iter().zip(&ways) {
        for (index, way) in ways.iter().enumerate() {
            write_way(folder, &format!("{method}-{}", index + 1), way, &points)?;
            trajectories.push(Trajectory::new(method, way, &points));
        }
        let ways = ways.iter().flat_map(|way| way_shapes(way, colour));
        panels.push(Panel {
            title: format!("{name}: seven starts, learning rate {LEARNING_RATE}"),
            x: Axis::new("first weight", extent.0..extent.1),
            y: Axis::new("second weight", extent.0..extent.1),
            shapes: objective_shapes.iter().cloned().chain(ways).collect(),
            legend: vec![(name, colour), ("start", INK)],
            legend_at: LegendAt::LowerRight,
        });
    }
    let report = Report {
        figure: "fig4",
        seed,
        learning_rate: LEARNING_RATE,
        batch: BATCH,
        trajectories,
        versions: Versions::default(),
    };
    write_result(folder, &report)?;
    let figure = Figure {
        columns: 2,
        panel_size: (620, 620),
        panels,
    };
    Ok(figure.write(folder, "fig4")?)
}

/// `result.json`.
#[derive(Serialize)]
struct Report {
    figure: &'static str,
    seed: u64,
    learning_rate: f64,
    batch: usize,
    trajectories: Vec<Trajectory>,
    versions: Versions,
}

#[derive(Serialize)]
struct Trajectory {
    method: Method,
    start: Point,
    end: Point,
    initial_objective: f64,
    final_objective: f64,
}

impl Trajectory {
    fn new(method: Method, way: &[Point], points: &Points) -> Self {
        let (start, end) = (way[0], way[way.len() - 1]);
        Self {
            method,
            start,
            end,
            initial_objective: objective(start.0, start.1, points),
            final_objective: objective(end.0, end.1, points),
        }
    }
}

fn write_way(folder: &Path, name: &str, way: &[Point], points: &Points) -> Result<(), FileError> {
    let row = |&(first, second): &Point| [first, second, objective(first, second, points)];
    write_csv(folder, name, ["w1", "w2", "objective"], way.iter().map(row))
}

/// From where to where the weights go, in both directions.
fn extent(ways: &[Vec<Point>]) -> (f64, f64) {
    let weights = ways
        .iter()
        .flatten()
        .flat_map(|&(first, second)| [first, second]);
    let (low, high) = weights.fold((f64::MAX, f64::MIN), |(low, high), weight| {
        (low.min(weight), high.max(weight))
    });
    (low - MARGIN, high + MARGIN)
}

fn points(seed: u64) -> Points {
    Points::blobs(CENTRES, SAMPLES, &mut StdRng::seed_from_u64(seed))
}

/// The neuron: its weights before the first step and after each of an epoch.
fn train(
    method: Method,
    start: [f32; 2],
    samples: &Arc<dyn Samples>,
    seed: u64,
    device: &Device,
) -> Vec<Point> {
    let device = device.clone().autodiff();
    let mut neuron = Neuron::new(start, &device);
    let mut optimizer = SgdConfig::new().init();
    let mut way = vec![neuron.weights()];
    let batches = Batches {
        data: samples,
        size: BATCH,
        order: Order::Shuffled(seed),
        workers: 1,
    };
    for batch in batches.iter(&device) {
        let batch = batch.expect("points are in memory");
        let grads = neuron.updates(method, batch);
        neuron = optimizer.step(LEARNING_RATE, neuron, grads);
        way.push(neuron.weights());
    }
    way
}

#[derive(Module, Debug)]
struct Neuron {
    layer: Hooked<Linear>,
}

impl Neuron {
    fn new([first, second]: [f32; 2], device: &Device) -> Self {
        let weight = Tensor::<2>::from_floats([[first], [second]], device);
        let layer = Linear {
            weight: Param::from_tensor(weight),
            bias: None,
        };
        Self {
            layer: layer.hooked(),
        }
    }

    fn updates(&self, method: Method, batch: Batch) -> GradientsParams {
        let Batch { inputs, targets } = batch;
        let logits = self.layer.forward(inputs.flatten::<2>(1, 3));
        match method {
            Method::Lfp => {
                let reward = SigmoidReward::new().forward(logits.clone(), targets);
                logits.propagate(reward).into_grads(self)
            }
            Method::Gradient => {
                let loss = BinaryCrossEntropyLossConfig::new()
                    .with_logits(true)
                    .init(&logits.device());
                let loss = loss.forward(logits.squeeze_dim::<1>(1), targets);
                GradientsParams::from_grads(loss.backward(), self)
            }
        }
    }

    fn weights(&self) -> Point {
        let weights: Vec<f32> = self.layer.inner().weight.val().into_data().iter().collect();
        (weights[0].into(), weights[1].into())
    }
}

/// The mean binary cross-entropy of a neuron with these weights.
fn objective(first: f64, second: f64, points: &Points) -> f64 {
    let losses = points.iter().map(|([x, y], label)| {
        let z = first * f64::from(x) + second * f64::from(y);
        let towards = if label == 1 { z } else { -z };
        // ln(1 + exp(-t)), which does not overflow.
        (-towards).max(0.0) + (-towards.abs()).exp().ln_1p()
    });
    losses.sum::<f64>() / points.iter().count() as f64
}

/// The objective as shades and contours.
fn objective_shapes(points: &Points, extent: (f64, f64)) -> Vec<Shape> {
    let (low, high) = extent;
    let at = |index: usize| low + (high - low) * (index as f64 + 0.5) / CELLS as f64;
    let field: Vec<f64> = (0..CELLS * CELLS)
        .map(|cell| objective(at(cell % CELLS), at(cell / CELLS), points))
        .collect();
    // As many shades as there are spaces between contours.
    let shades: Vec<_> = field
        .iter()
        .map(|&value| LEVELS.iter().filter(|&&level| level < value).count())
        .map(|level| shade(level as f64 / LEVELS.len() as f64))
        .collect();
    let mut shapes = cells(&shades, CELLS, extent, extent);
    for level in LEVELS {
        for line in contours(&field, CELLS, level, extent, extent) {
            shapes.push(Shape::Hairline(line.into(), INK));
        }
    }
    shapes
}

/// A way, its steps, and where it starts.
fn way_shapes(way: &[Point], colour: RGBColor) -> [Shape; 3] {
    [
        Shape::Line(way.to_vec(), colour),
        Shape::Dots(way.to_vec(), colour, 2),
        Shape::Dots(vec![way[0]], INK, 5),
    ]
}

//! Figure 4: trajectories of the two weights of a neuron, from seven starting points.

mod objective;

use std::sync::Arc;

use anyhow::Result;
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

use super::{
    Context, Output, Reproduce,
    args::{Layout, SEEDS},
};
use crate::{
    data::{Batch, Batches, Order, Points, Samples},
    files::{self, to_json},
    objective::Method,
    plot::{Axis, Key, Mark, Panel, Point, Shape},
    study::{MethodVariant, report::Header},
};
use objective::{LOSS, Objective, REWARD};

/// Seed of the points and their order.
const SEED: u64 = SEEDS[0];
const LEARNING_RATE: f64 = 0.5;
const BATCH: usize = 8;
const SAMPLES: usize = 1_000;
/// Centres of the two point clouds, on the diagonal.
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
/// Margin around the trajectories.
const MARGIN: f64 = 1.0;
const ORANGE: RGBColor = RGBColor(255, 160, 0);

pub struct Fig4;

/// The weights before the first step and after each step.
struct Trajectory {
    method: MethodVariant,
    points: Vec<Point>,
}

/// `result.json`.
#[derive(Serialize)]
struct Report {
    #[serde(flatten)]
    header: Header,
    seed: u64,
    learning_rate: f64,
    batch: usize,
    trajectories: Vec<Summary>,
}

#[derive(Serialize)]
struct Summary {
    method: &'static str,
    start: Point,
    end: Point,
    initial_reward: f64,
    final_reward: f64,
    initial_loss: f64,
    final_loss: f64,
}

impl Reproduce for Fig4 {
    const NAME: &'static str = "fig4";

    type Options = Output;

    fn draw(context: &Context) -> Result<()> {
        let points = points();
        let trajectories = trajectories(&points, &context.resources.device)?;
        write(context, &trajectories, &points)?;
        let extent = extent(&trajectories);
        let panel = |method: MethodVariant| {
            let trajectories = trajectories.iter().filter(|of| of.method == method);
            let objective = Objective::of_method(method);
            let mut panel = Panel::new(
                format!("{}: contours of the {}", method.title(), objective.name),
                Axis::new("w1", extent.0..extent.1),
                Axis::new("w2", extent.0..extent.1),
            );
            panel.shapes = objective.shapes(&points, extent);
            panel
                .shapes
                .extend(trajectories.flat_map(Trajectory::shapes));
            panel.bar = Some(objective.bar());
            panel.legend = vec![
                Key::mark("start", Mark::Circle, ORANGE),
                Key::line("weights during training, a dot per step", ORANGE),
            ];
            panel
        };
        let layout = Layout {
            columns: 2,
            panel_size: (620, 560),
            panels: MethodVariant::LFP_AND_GRADIENT.map(panel).into(),
            ..Layout::default()
        };
        let figure = layout.with_corner(format!(
            "the paper's settings; blobs; learning rate {LEARNING_RATE}; seed {SEED}"
        ));
        figure.write(&context.folder, Self::NAME)
    }
}

/// All starts by both methods.
fn trajectories(points: &Points, device: &Device) -> Result<Vec<Trajectory>> {
    let samples: Arc<dyn Samples> = Arc::new(points.clone());
    let mut trajectories = Vec::new();
    for method in MethodVariant::LFP_AND_GRADIENT {
        for start in STARTS {
            let points = train(method.method(), start, &samples, device)?;
            trajectories.push(Trajectory { method, points });
        }
    }
    Ok(trajectories)
}

/// Writes `result.json`, and `results.csv` with all trajectories.
fn write(context: &Context, trajectories: &[Trajectory], points: &Points) -> Result<()> {
    let report = Report {
        header: context.header(),
        seed: SEED,
        learning_rate: LEARNING_RATE,
        batch: BATCH,
        trajectories: trajectories.iter().map(|of| of.summary(points)).collect(),
    };
    files::write(&context.folder.join("result.json"), &to_json(&report))?;
    let rows = trajectories.iter().enumerate().flat_map(|(index, of)| {
        let start = index % STARTS.len() + 1;
        let steps = of.points.iter().enumerate();
        steps.map(move |(step, &(first, second))| {
            [
                of.method.to_string(),
                start.to_string(),
                step.to_string(),
                first.to_string(),
                second.to_string(),
                REWARD.at((first, second), points).to_string(),
                LOSS.at((first, second), points).to_string(),
            ]
        })
    });
    let columns = ["method", "start", "step", "w1", "w2", "reward", "loss"];
    Ok(files::write_csv(
        &context.folder.join("results.csv"),
        columns,
        rows,
    )?)
}

impl Trajectory {
    fn ends(&self) -> [Point; 2] {
        [self.points[0], self.points[self.points.len() - 1]]
    }

    fn summary(&self, points: &Points) -> Summary {
        let [start, end] = self.ends();
        Summary {
            method: self.method.name(),
            start,
            end,
            initial_reward: REWARD.at(start, points),
            final_reward: REWARD.at(end, points),
            initial_loss: LOSS.at(start, points),
            final_loss: LOSS.at(end, points),
        }
    }

    /// A line, a dot per step, and a larger dot at the start.
    fn shapes(&self) -> [Shape; 3] {
        let [start, _] = self.ends();
        [
            Shape::Line(self.points.clone(), ORANGE),
            Shape::Dots(self.points.clone(), ORANGE, 2),
            Shape::Dots(vec![start], ORANGE, 6),
        ]
    }
}

/// Lowest and highest weight of all trajectories, with a margin.
fn extent(trajectories: &[Trajectory]) -> (f64, f64) {
    let points = trajectories.iter().flat_map(|of| &of.points);
    let weights = points.flat_map(|&(first, second)| [first, second]);
    let (low, high) = weights.fold((f64::MAX, f64::MIN), |(low, high), weight| {
        (low.min(weight), high.max(weight))
    });
    (low - MARGIN, high + MARGIN)
}

fn points() -> Points {
    Points::blobs(CENTRES, SAMPLES, &mut StdRng::seed_from_u64(SEED))
}

/// Trains the neuron for an epoch. Returns its weights before the first step and after each step.
fn train(
    method: Method,
    start: [f32; 2],
    samples: &Arc<dyn Samples>,
    device: &Device,
) -> Result<Vec<Point>> {
    let device = device.clone().autodiff();
    let mut neuron = Neuron::new(start, &device);
    let mut optimizer = SgdConfig::new().init();
    let mut trajectory = vec![neuron.weights()];
    let batches = Batches {
        data: samples,
        size: BATCH,
        order: Order::Shuffled(SEED),
        workers: 1,
    };
    for batch in batches.iter(&device) {
        let grads = neuron.updates(method, batch?);
        neuron = optimizer.step(LEARNING_RATE, neuron, grads);
        trajectory.push(neuron.weights());
    }
    Ok(trajectory)
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

//! `bench`: what a training step costs.
//!
//! The methods take turns in one process, step by step, so that a machine that is slow for a while is
//! slow for all of them; of each the median counts.

use std::time::Instant;

use burn::{
    optim::{ModuleOptimizer, SgdConfig, momentum::MomentumConfig},
    tensor::{Device, Distribution, Int, Tensor},
};
use lfp_models::{Classifier, Model, Network, NetworkConfig};
use serde::Serialize;

use crate::{
    allocator::Peak,
    objective::{Method, Objective},
};

const LEARNING_RATE: f64 = 1e-3;
const CLASSES: usize = 10;
/// Steps of each method before any is counted.
const WARM_UP: usize = 3;

/// What to measure.
#[derive(Clone, Debug)]
pub struct Request {
    /// The networks.
    pub models: Vec<Model>,
    /// Samples per step; if not given 128, or 8 for networks that take images of 224x224 pixels.
    pub batch: Option<usize>,
    /// What takes turns.
    pub methods: Vec<Method>,
    /// Steps of each method.
    pub steps: usize,
    /// Steps that a spiking network is shown an image for.
    pub time_steps: usize,
}

/// Medians over all steps of a method.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Cost {
    /// The network.
    pub model: Model,
    /// Samples per step.
    pub batch: usize,
    /// The method.
    pub method: Method,
    /// Milliseconds of the whole step.
    pub step_ms: f64,
    /// Milliseconds of the forward pass.
    pub forward_ms: f64,
    /// Milliseconds of reward or loss and the backward pass.
    pub backward_ms: f64,
    /// Milliseconds from what the backward pass left to the moved weights.
    pub update_ms: f64,
    /// The most host memory that a step needed beyond what was there before it.
    pub peak_mib: f64,
}

impl Request {
    /// Measures every model in turn.
    pub fn run(&self, device: &Device) -> Vec<Cost> {
        let device = device.clone().autodiff();
        let of_model = |&model: &Model| self.measure(model, &device);
        self.models.iter().flat_map(of_model).collect()
    }

    fn measure(&self, model: Model, device: &Device) -> Vec<Cost> {
        let mut config = NetworkConfig::new(model.spec().image_shape, CLASSES);
        config.spiking.steps = self.time_steps;
        let batch = self.batch.unwrap_or(model.spec().batch);
        let [channels, height, width] = config.image_shape;
        let images = [batch, channels, height, width];
        let images = Tensor::<4>::random(images, Distribution::Normal(0.0, 1.0), device);
        let labels = Distribution::Uniform(0.0, CLASSES as f64);
        let labels = Tensor::<1, Int>::random([batch], labels, device);
        let mut contenders: Vec<_> = self
            .methods
            .iter()
            .map(|&method| Contender::new(model, &config, method, device))
            .collect();
        for turn in 0..WARM_UP + self.steps {
            if turn == WARM_UP {
                contenders.iter_mut().for_each(|one| one.laps.clear());
            }
            // Whoever goes first finds other caches than who comes after.
            if turn % 2 == 0 {
                contenders
                    .iter_mut()
                    .for_each(|one| one.step(&images, &labels));
            } else {
                contenders
                    .iter_mut()
                    .rev()
                    .for_each(|one| one.step(&images, &labels));
            }
        }
        contenders
            .iter()
            .map(|one| one.cost(model, batch))
            .collect()
    }
}

/// A network that learns by one method.
struct Contender {
    method: Method,
    objective: Objective,
    network: Option<Network>,
    optimizer: ModuleOptimizer,
    laps: Vec<Lap>,
}

#[derive(Clone, Copy)]
struct Lap {
    forward: f64,
    backward: f64,
    update: f64,
    peak: f64,
}

impl Contender {
    fn new(model: Model, config: &NetworkConfig, method: Method, device: &Device) -> Self {
        let momentum = MomentumConfig::new().with_dampening(0.0);
        let network = model.init(config, device);
        let network = network.expect("the default settings are valid, and the images large enough");
        Self {
            method,
            objective: Objective::of(method),
            network: Some(network),
            optimizer: SgdConfig::new().with_momentum(Some(momentum)).init(),
            laps: Vec::new(),
        }
    }

    fn step(&mut self, images: &Tensor<4>, labels: &Tensor<1, Int>) {
        let device = images.device();
        let network = self.network.take().expect("put back after every step");
        let (images, labels) = (images.clone(), labels.clone());
        wait(&device);
        let peak = Peak::start();
        let start = Instant::now();
        let outputs = network.outputs(images);
        wait(&device);
        let forward = milliseconds(start);
        let pass = self.objective.backward(outputs, labels);
        wait(&device);
        let backward = milliseconds(start);
        let grads = pass.into_grads(&network);
        self.network = Some(self.optimizer.step(LEARNING_RATE, network, grads));
        wait(&device);
        let update = milliseconds(start);
        self.laps.push(Lap {
            forward,
            backward: backward - forward,
            update: update - backward,
            peak: peak.mebibytes(),
        });
    }

    fn cost(&self, model: Model, batch: usize) -> Cost {
        let median = |value: fn(&Lap) -> f64| median(self.laps.iter().map(value).collect());
        Cost {
            model,
            batch,
            method: self.method,
            step_ms: median(|lap| lap.forward + lap.backward + lap.update),
            forward_ms: median(|lap| lap.forward),
            backward_ms: median(|lap| lap.backward),
            update_ms: median(|lap| lap.update),
            peak_mib: median(|lap| lap.peak),
        }
    }
}

/// Until the device has done what it was asked to.
fn wait(device: &Device) {
    device.sync().expect("the device answers");
}

fn milliseconds(start: Instant) -> f64 {
    start.elapsed().as_secs_f64() * 1e3
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() % 2 {
        0 => f64::midpoint(values[middle - 1], values[middle]),
        _ => values[middle],
    }
}

/// A table for people, with the ratio to the last method of the same model.
pub fn table(costs: &[Cost]) -> String {
    let mut text = format!(
        "{:9} {:>5} {:9} {:>10} {:>10} {:>11} {:>10} {:>9}\n",
        "model", "batch", "method", "step ms", "forward ms", "backward ms", "update ms", "peak MiB"
    );
    for cost in costs {
        let Cost {
            model,
            batch,
            method,
            step_ms,
            forward_ms,
            backward_ms,
            update_ms,
            peak_mib,
        } = cost;
        text += &format!(
            "{model:9} {batch:5} {method:9} {step_ms:10.3} {forward_ms:10.3} {backward_ms:11.3} \
             {update_ms:10.3} {peak_mib:9.2}\n"
        );
    }
    for pair in costs.chunk_by(|a, b| a.model == b.model) {
        if let [first, .., last] = pair {
            text += &format!(
                "{}: {} / {} = {:.3} in time, {:.3} in memory\n",
                first.model,
                first.method,
                last.method,
                first.step_ms / last.step_ms,
                first.peak_mib / last.peak_mib
            );
        }
    }
    text
}

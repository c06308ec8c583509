//! `bench`: time and memory of a training step.
//!
//! The methods alternate step by step in one process, so that load from other processes slows all of them alike; the
//! result is the median over the steps.

mod launches;
mod scaling;
mod torch;

use std::time::Instant;

use burn::{
    optim::{ModuleOptimizer, SgdConfig, momentum::MomentumConfig},
    tensor::{Device, Distribution, Int, Tensor},
};
use lfp_models::{Classifier, Model, Network, NetworkConfig};
use serde::{Deserialize, Serialize};

use self::launches::Launches;
use crate::{
    allocator::Peak,
    objective::{Method, Objective},
};
pub use scaling::{Measurement, Request as ScalingRequest, Scaled, table as scaling_table};
pub use torch::{MODELS as TORCH_MODELS, beside_torch};

const LEARNING_RATE: f64 = 1e-3;
const CLASSES: usize = 10;
/// Steps of each method before the measurement.
const WARM_UP: usize = 3;

/// Models and methods to compare.
#[derive(Clone, Debug)]
pub struct Request {
    /// Networks.
    pub models: Vec<Model>,
    /// Samples per step; `None` for the typical batch of each model.
    pub batch: Option<usize>,
    /// Methods to compare.
    pub methods: Vec<Method>,
    /// Measured steps of each method.
    pub steps: usize,
    /// Time steps per image of spiking networks.
    pub time_steps: usize,
}

/// Medians over the steps of a method.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
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
    /// Milliseconds of the optimiser's step.
    pub update_ms: f64,
    /// Peak host memory of a step in MiB, above the memory in use before it.
    pub peak_mib: f64,
    /// Kernels that a step launches on a GPU; 0 on a CPU.
    #[serde(default)]
    pub launches: f64,
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
        let mut runs: Vec<_> = self
            .methods
            .iter()
            .map(|&method| MethodRun::new(model, &config, method, device))
            .collect();
        for turn in 0..WARM_UP + self.steps {
            if turn == WARM_UP {
                runs.iter_mut().for_each(|run| run.timings.clear());
            }
            // The order alternates, because the first method of a turn finds other data in the caches.
            if turn % 2 == 0 {
                runs.iter_mut().for_each(|run| run.step(&images, &labels));
            } else {
                runs.iter_mut()
                    .rev()
                    .for_each(|run| run.step(&images, &labels));
            }
        }
        runs.iter().map(|run| run.cost(model, batch)).collect()
    }
}

/// The network and the timings of one method.
struct MethodRun {
    method: Method,
    objective: Objective,
    network: Option<Network>,
    optimizer: ModuleOptimizer,
    timings: Vec<Timing>,
}

#[derive(Clone, Copy)]
struct Timing {
    forward: f64,
    backward: f64,
    update: f64,
    peak: f64,
    launches: f64,
}

impl MethodRun {
    fn new(model: Model, config: &NetworkConfig, method: Method, device: &Device) -> Self {
        let momentum = MomentumConfig::new().with_dampening(0.0);
        let network = model.init(config, device);
        let network = network.expect("the default settings are valid, and the images large enough");
        Self {
            method,
            objective: Objective::of(method),
            network: Some(network),
            optimizer: SgdConfig::new().with_momentum(Some(momentum)).init(),
            timings: Vec::new(),
        }
    }

    fn step(&mut self, images: &Tensor<4>, labels: &Tensor<1, Int>) {
        let device = images.device();
        let network = self.network.take().expect("put back after every step");
        let (images, labels) = (images.clone(), labels.clone());
        wait(&device);
        let (peak, launches) = (Peak::start(), Launches::start());
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
        self.timings.push(Timing {
            forward,
            backward: backward - forward,
            update: update - backward,
            peak: peak.mebibytes(),
            launches: launches.count() as f64,
        });
    }

    fn cost(&self, model: Model, batch: usize) -> Cost {
        let median = |value: fn(&Timing) -> f64| median(self.timings.iter().map(value).collect());
        Cost {
            model,
            batch,
            method: self.method,
            step_ms: median(|timing| timing.forward + timing.backward + timing.update),
            forward_ms: median(|timing| timing.forward),
            backward_ms: median(|timing| timing.backward),
            update_ms: median(|timing| timing.update),
            peak_mib: median(|timing| timing.peak),
            launches: median(|timing| timing.launches),
        }
    }
}

/// Waits until the device is idle.
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

/// The results as a table, followed by the ratios of the first method to the last of each model.
pub fn table(costs: &[Cost]) -> String {
    let on_gpu = costs.iter().any(|cost| cost.launches > 0.0);
    let mut text = format!(
        "{:9} {:>5} {:9} {:>10} {:>10} {:>11} {:>10} {:>9} {:>11}{}\n",
        "model",
        "batch",
        "method",
        "step ms",
        "forward ms",
        "backward ms",
        "update ms",
        "peak MiB",
        "samples / s",
        if on_gpu { " launches" } else { "" }
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
            launches,
        } = cost;
        text += &format!(
            "{model:9} {batch:5} {method:9} {step_ms:10.3} {forward_ms:10.3} {backward_ms:11.3} \
             {update_ms:10.3} {peak_mib:9.2} {:11.1}{}\n",
            *batch as f64 / step_ms * 1e3,
            if on_gpu {
                format!(" {launches:8.0}")
            } else {
                String::new()
            }
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

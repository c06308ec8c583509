//! `bench scaling`: training steps over the number of threads, the size of the batch or the number of time steps.

use std::{env, ops::RangeInclusive, path::Path, process::Command};

use anyhow::{Context, Result, bail};
use clap::ValueEnum;
use lfp_models::Model;
use serde::{Deserialize, Serialize};

use super::{Cost, median};
use crate::{
    files::{self, to_json},
    limits,
    objective::Method,
    plot::{Axis, Figure, GRADIENT, Key, LFP, Panel, Shape},
};

/// What changes from one measurement to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scaled {
    /// Threads of the CPU backend.
    Threads,
    /// Samples per step.
    Batch,
    /// Time steps per image, of a spiking network.
    TimeSteps,
}

/// Measurements of one network.
#[derive(Clone, Debug)]
pub struct Request {
    /// The network.
    pub model: Model,
    /// What changes.
    pub over: Scaled,
    /// Its values, in order.
    pub values: Vec<usize>,
    /// Methods to compare.
    pub methods: Vec<Method>,
    /// Steps of each method in a round.
    pub steps: usize,
    /// Rounds, in which all values take turns.
    pub rounds: usize,
    /// Device, as on the command line.
    pub device: String,
}

/// Cost of a step at one value.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Measurement {
    /// Threads, samples, or time steps.
    pub value: usize,
    /// Median over the rounds of a step.
    #[serde(flatten)]
    pub cost: Cost,
    /// Samples per second.
    pub samples_per_second: f64,
}

impl Scaled {
    /// Values where none are given.
    pub fn default_values(self) -> Vec<usize> {
        match self {
            Self::Threads => {
                let cores = std::thread::available_parallelism().map_or(1, usize::from);
                let powers = (0..).map(|power| 1 << power);
                let below = powers.take_while(|&threads| threads < cores);
                below.chain([cores]).collect()
            }
            Self::Batch => vec![1, 8, 32, 128],
            Self::TimeSteps => vec![1, 5, 15, 25],
        }
    }

    /// The values that it takes.
    pub(crate) fn range(self) -> RangeInclusive<usize> {
        match self {
            Self::Threads => limits::WORKERS,
            Self::Batch => limits::BENCH_BATCH,
            Self::TimeSteps => limits::TIME_STEPS,
        }
    }

    /// Its name in tables and figures.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Threads => "threads",
            Self::Batch => "batch",
            Self::TimeSteps => "time steps",
        }
    }
}

impl Request {
    /// Measures each value in a process of its own, because a process has one pool of threads, and memory that one measurement
    /// leaves would serve the next.
    ///
    /// # Errors
    ///
    /// If a process fails.
    pub fn run(&self) -> Result<Vec<Measurement>> {
        let mut rounds: Vec<Vec<Vec<Cost>>> = Vec::new();
        for _ in 0..self.rounds {
            let of_value = self.values.iter().map(|&value| self.measure(value));
            rounds.push(of_value.collect::<Result<_>>()?);
        }
        let mut measurements = Vec::new();
        for (index, &value) in self.values.iter().enumerate() {
            for method in 0..self.methods.len() {
                let costs = rounds
                    .iter()
                    .filter_map(|round| round.get(index)?.get(method));
                measurements.push(Measurement::new(value, costs.cloned().collect())?);
            }
        }
        Ok(measurements)
    }

    fn measure(&self, value: usize) -> Result<Vec<Cost>> {
        let methods: Vec<String> = self.methods.iter().map(ToString::to_string).collect();
        let mut command = Command::new(env::current_exe().context("the path of this program")?);
        command
            .args(["bench", "step", "--json", "--device", &self.device])
            .args(["--model", &self.model.to_string()])
            .args(["--method", &methods.join(",")])
            .args(["--steps", &self.steps.to_string()]);
        let value = value.to_string();
        match self.over {
            Scaled::Threads => command.env("RAYON_NUM_THREADS", value),
            Scaled::Batch => command.args(["--batch", &value]),
            Scaled::TimeSteps => command.args(["--time-steps", &value]),
        };
        let output = command.output().context("the measuring process")?;
        if !output.status.success() {
            bail!("{}", String::from_utf8_lossy(&output.stderr).trim());
        }
        serde_json::from_slice(&output.stdout).context("the output of the measuring process")
    }

    /// Draws samples per second over the values.
    ///
    /// # Errors
    ///
    /// If the figure cannot be written.
    pub fn plot(&self, measurements: &[Measurement], folder: &Path) -> Result<()> {
        let most = measurements.iter().map(|one| one.samples_per_second);
        let most = most.fold(0.0, f64::max) * 1.1;
        let names = self.values.iter().map(ToString::to_string).collect();
        let mut panel = Panel::new(
            self.model.to_string(),
            Axis::named(self.over.label(), names),
            Axis::new("samples per second", 0.0..most),
        );
        for &method in &self.methods {
            let look = match method {
                Method::Lfp => LFP,
                Method::Gradient => GRADIENT,
            };
            let of_method = measurements.iter().filter(|one| one.cost.method == method);
            let points = of_method.enumerate();
            let points = points.map(|(index, one)| (index as f64, one.samples_per_second));
            panel.shapes.push(Shape::Curve(points.collect(), look));
            panel.legend.push(Key::curve(method.to_string(), look));
        }
        let figure = Figure {
            columns: 1,
            panel_size: (420, 300),
            panels: vec![panel],
            corner: String::new(),
            note: format!("Medians of {} rounds of {} steps", self.rounds, self.steps),
        };
        figure.write(folder, "scaling")?;
        files::write(&folder.join("scaling.json"), &to_json(&measurements))?;
        Ok(())
    }
}

impl Measurement {
    /// The medians over rounds.
    fn new(value: usize, costs: Vec<Cost>) -> Result<Self> {
        let of = |part: fn(&Cost) -> f64| median(costs.iter().map(part).collect());
        let first = costs.first().context("a measurement without rounds")?;
        let cost = Cost {
            step_ms: of(|cost| cost.step_ms),
            forward_ms: of(|cost| cost.forward_ms),
            backward_ms: of(|cost| cost.backward_ms),
            update_ms: of(|cost| cost.update_ms),
            peak_mib: of(|cost| cost.peak_mib),
            ..first.clone()
        };
        Ok(Self {
            value,
            samples_per_second: cost.batch as f64 / cost.step_ms * 1e3,
            cost,
        })
    }
}

/// The measurements as a table; the last column compares with the first value of the same method.
pub fn table(over: Scaled, measurements: &[Measurement]) -> String {
    let mut text = format!(
        "{:>10} {:9} {:>10} {:>9} {:>13} {:>9}\n",
        over.label(),
        "method",
        "step ms",
        "peak MiB",
        "samples / s",
        "speed-up"
    );
    for one in measurements {
        let Measurement {
            value,
            cost,
            samples_per_second,
        } = one;
        let of_method = measurements
            .iter()
            .find(|other| other.cost.method == cost.method);
        let first = of_method.map_or(*samples_per_second, |other| other.samples_per_second);
        text += &format!(
            "{value:10} {:9} {:10.3} {:9.2} {samples_per_second:13.1} {:9.2}\n",
            cost.method,
            cost.step_ms,
            cost.peak_mib,
            samples_per_second / first
        );
    }
    text
}

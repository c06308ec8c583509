//! `bench`.

use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::{Args, Subcommand, ValueEnum};
use lfp_models::{Model, SpikingConfig};

use super::{DeviceArgs, values};
use crate::{
    bench::{self, Scaled},
    destination,
    files::{self, to_json},
    limits,
    objective::Method,
    output,
    train::spiking_models,
};

#[derive(Debug, Subcommand)]
pub(super) enum BenchCommand {
    /// Time a training step: forward pass, backward pass, update
    Step(StepArgs),
    /// Time training steps over threads, batch sizes or time steps, and draw samples per second
    Scaling(ScalingArgs),
}

impl BenchCommand {
    pub(super) fn run(self) -> Result<bool> {
        match self {
            Self::Step(args) => args.run(),
            Self::Scaling(args) => args.run(),
        }
    }
}

/// Another library to compare with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Other {
    /// PyTorch's gradient step; for spiking networks, by a surrogate gradient
    Torch,
}

#[derive(Debug, Args)]
struct Methods {
    /// Methods to compare, separated by commas
    #[arg(
        long,
        value_enum,
        value_delimiter = ',',
        default_value = "lfp,gradient"
    )]
    method: Vec<Method>,
}

impl Methods {
    fn distinct(self) -> Result<Vec<Method>> {
        values::distinct("method", &self.method)?;
        Ok(self.method)
    }
}

#[derive(Debug, Args)]
pub(super) struct StepArgs {
    /// Networks, separated by commas
    #[arg(long, value_delimiter = ',', default_value = "mlp,lenet,vgg-like", value_parser = values::model())]
    model: Vec<Model>,
    /// Samples per step [default: 128; 8 for networks of 224x224 pixels]
    #[arg(long, value_parser = values::whole(limits::BENCH_BATCH))]
    batch: Option<usize>,
    #[command(flatten)]
    methods: Methods,
    /// Steps of each method
    #[arg(long, default_value_t = 30, value_parser = values::whole(limits::BENCH_STEPS))]
    steps: usize,
    /// Time steps per image of spiking networks [default: 15]
    #[arg(long, value_parser = values::whole(limits::TIME_STEPS))]
    time_steps: Option<usize>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    device: DeviceArgs,
    /// Take turns with another library on the CPU, with the same networks and batches
    #[arg(long, value_enum, conflicts_with_all = ["batch", "method", "time_steps", "json", "device"])]
    vs: Option<Other>,
    /// With --vs: rounds, in each of which both sides take all their steps
    #[arg(long, default_value_t = 5, requires = "vs", value_parser = values::whole(limits::BENCH_STEPS))]
    rounds: usize,
    /// With --vs: the Python that has PyTorch
    #[arg(
        long,
        value_name = "PROGRAM",
        default_value = "python3",
        requires = "vs"
    )]
    python: String,
}

impl StepArgs {
    fn run(self) -> Result<bool> {
        values::distinct("model", &self.model)?;
        if let Some(Other::Torch) = self.vs {
            return self.beside_torch();
        }
        if self.time_steps.is_some() && !self.model.iter().any(|model| model.spikes()) {
            let spiking = spiking_models();
            bail!("--time-steps has no effect: it acts on spiking networks ({spiking})");
        }
        let device = self.device.device.open()?;
        let request = bench::Request {
            models: self.model,
            batch: self.batch,
            methods: self.methods.distinct()?,
            steps: self.steps,
            time_steps: self.time_steps.unwrap_or(SpikingConfig::new().steps),
        };
        let costs = request.run(&device);
        match self.json {
            true => output::lines(String::from_utf8_lossy(&to_json(&costs)))?,
            false => output::lines(bench::table(&costs))?,
        }
        Ok(true)
    }

    fn beside_torch(self) -> Result<bool> {
        let unknown = self.model.iter();
        let unknown = unknown.filter(|model| !bench::TORCH_MODELS.contains(model));
        let unknown: Vec<String> = unknown.map(ToString::to_string).collect();
        if !unknown.is_empty() {
            let known = bench::TORCH_MODELS.map(|model| model.to_string());
            bail!(
                "--vs torch has no {}; it has {}",
                unknown.join(", "),
                known.join(", ")
            );
        }
        bench::beside_torch(&self.python, &self.model, self.rounds, self.steps)?;
        Ok(true)
    }
}

#[derive(Debug, Args)]
pub(super) struct ScalingArgs {
    /// Network
    #[arg(long, default_value = "vgg-like", value_parser = values::model())]
    model: Model,
    /// What changes
    #[arg(long, value_enum, default_value = "threads")]
    over: Scaled,
    /// Its values, separated by commas [default: threads: powers of 2 up to the cores; batch: 1,8,32,128; time-steps:
    /// 1,5,15,25]
    #[arg(long, value_delimiter = ',', value_parser = values::at_least_one)]
    values: Vec<usize>,
    #[command(flatten)]
    methods: Methods,
    /// Steps of each method in a round
    #[arg(long, default_value_t = 5, value_parser = values::whole(limits::BENCH_STEPS))]
    steps: usize,
    /// Rounds, in which all values take turns
    #[arg(long, default_value_t = 3, value_parser = values::whole(limits::BENCH_STEPS))]
    rounds: usize,
    /// Folder of the figure and its numbers
    #[arg(long, value_name = "FOLDER", default_value = "results/scaling")]
    out: PathBuf,
    #[command(flatten)]
    device: DeviceArgs,
}

impl ScalingArgs {
    fn run(self) -> Result<bool> {
        values::distinct("values", &self.values)?;
        let range = self.over.range();
        for &value in &self.values {
            if !range.contains(&value) {
                let (first, last) = (range.start(), range.end());
                bail!(
                    "--values of {}: expected numbers from {first} to {last}, found {value}",
                    self.over.label()
                );
            }
        }
        if self.over == Scaled::TimeSteps && !self.model.spikes() {
            let spiking = spiking_models();
            bail!("--over time-steps has no effect: it acts on spiking networks ({spiking})");
        }
        let device = self.device.device;
        device.open()?;
        if self.over == Scaled::Threads && !device.is_cpu() {
            bail!("--over threads has no effect: it acts on the CPU, found device {device}");
        }
        let request = bench::ScalingRequest {
            model: self.model,
            over: self.over,
            values: match self.values.is_empty() {
                true => self.over.default_values(),
                false => self.values,
            },
            methods: self.methods.distinct()?,
            steps: self.steps,
            rounds: self.rounds,
            device: device.to_string(),
        };
        destination::check(&self.out, None)?;
        files::create_folder(&self.out)?;
        let measurements = request.run()?;
        output::lines(bench::scaling_table(request.over, &measurements))?;
        request.plot(&measurements, &self.out)?;
        output::line(format_args!("drawn in {}", self.out.display()))?;
        Ok(true)
    }
}

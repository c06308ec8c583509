//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use lfp_burn::Activation;

use crate::{
    bench,
    conformance::{self, CaseError},
    data::{Mnist, MnistError},
    device::{DeviceError, DeviceName},
    files::to_json,
    network::{LifRewardName, LifRuleName, Model, SpikingSettings, SurrogateName},
    objective::Method,
    reproduce::{FigureName, Profile, ReproduceError, Request},
    train::{self, DataSet, Optimizer, Schedule, Settings, TrainError},
};

/// Layer-wise feedback propagation: the experiments of the paper, training, and checks.
#[derive(Debug, Parser)]
#[command(name = "lfp-experiments", version)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Measure what a training step costs.
    Bench {
        #[command(subcommand)]
        what: BenchCommand,
    },
    /// Compare with reference results of the authors' own package.
    Conformance(ConformanceArgs),
    /// Reproduce a figure of the paper.
    Reproduce(ReproduceArgs),
    /// Train a network on real data.
    Train(TrainArgs),
}

#[derive(Debug, Subcommand)]
enum BenchCommand {
    /// A step of training: forward pass, backward pass, update.
    Step(BenchStepArgs),
}

#[derive(Debug, Args)]
struct BenchStepArgs {
    /// The networks, separated by commas.
    #[arg(long, value_delimiter = ',', default_value = "mlp,lenet,vgg-like")]
    model: Vec<Model>,
    /// Samples per step.
    #[arg(long, default_value_t = 128, value_parser = at_least_one)]
    batch: usize,
    /// What takes turns, separated by commas.
    #[arg(long, value_delimiter = ',', default_value = "lfp,gradient")]
    method: Vec<Method>,
    /// Steps of each method.
    #[arg(long, default_value_t = 30, value_parser = at_least_one)]
    steps: usize,
    /// Steps that a spiking network is shown an image for.
    #[arg(long, default_value_t = 15, value_parser = at_least_one)]
    time_steps: usize,
    /// Print JSON and nothing else.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    device: DeviceArgs,
}

#[derive(Debug, Args)]
struct DeviceArgs {
    /// Where to compute: auto, flex, ndarray, cuda, cuda:N, wgpu, vulkan, metal, webgpu or rocm.
    #[arg(long, default_value = "auto")]
    device: DeviceName,
}

#[derive(Debug, Args)]
struct ConformanceArgs {
    /// Cases, or folders of cases.
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    device: DeviceArgs,
}

#[derive(Debug, Args)]
struct ReproduceArgs {
    /// Which.
    figure: FigureName,
    /// How thoroughly: a thinned grid of learning rates, or the paper's.
    #[arg(long, value_enum, default_value = "quick")]
    profile: Profile,
    /// Number of data sets to draw [default: 3 quick, 5 as in the paper].
    #[arg(long, value_parser = at_least_one)]
    seeds: Option<usize>,
    /// The folder with the data, for figures on images; without it a cache, filled from the network.
    #[arg(long)]
    data_dir: Option<PathBuf>,
    /// The folder of the results.
    #[arg(long, default_value = "results")]
    out: PathBuf,
    #[command(flatten)]
    device: DeviceArgs,
}

#[derive(Debug, Args)]
#[command(allow_negative_numbers = true)]
struct TrainArgs {
    /// The network.
    #[arg(long, default_value_t = Model::LeNet)]
    model: Model,
    /// The data.
    #[arg(long, value_enum, default_value = "mnist")]
    dataset: DataSet,
    /// How it learns.
    #[arg(long, default_value_t = Method::Lfp)]
    method: Method,
    /// What follows every layer but the last.
    #[arg(long, default_value = "relu", value_parser = activation)]
    activation: Activation,
    /// Passes over the data.
    #[arg(long, default_value_t = 3, value_parser = at_least_one)]
    epochs: usize,
    /// The learning rate; with OneCycle the largest [default: 0.05; of spiking networks 0.07 by LFP, 0.5 by gradient].
    #[arg(long, value_parser = positive)]
    lr: Option<f64>,
    /// How the learning rate changes.
    #[arg(long, value_enum, default_value = "onecycle")]
    schedule: Schedule,
    /// The optimiser.
    #[arg(long, value_enum, default_value = "sgd")]
    optimizer: Optimizer,
    /// Its momentum.
    #[arg(long, default_value_t = 0.9, value_parser = fraction)]
    momentum: f64,
    /// Largest global norm of an update; 0 for no limit [default: 3; of spiking networks by LFP 0].
    #[arg(long, value_parser = not_negative)]
    clip: Option<f64>,
    /// Largest update of a neuron relative to its weights; 0 for no limit [default: 0; of spiking networks by LFP 0.06].
    #[arg(long, value_parser = not_negative)]
    adaptive_clip: Option<f64>,
    /// L2 penalty.
    #[arg(long, default_value_t = 0.0, value_parser = not_negative)]
    weight_decay: f64,
    /// Samples per step.
    #[arg(long, default_value_t = 128, value_parser = at_least_one)]
    batch: usize,
    /// Decides weights, order and dropout.
    #[arg(long, default_value_t = 7240)]
    seed: u64,
    /// The folder with the data; without it a cache, filled from the network.
    #[arg(long)]
    data_dir: Option<PathBuf>,
    #[command(flatten)]
    spiking: SpikingArgs,
    #[command(flatten)]
    device: DeviceArgs,
    /// The folder of the run [default: runs/MODEL-DATASET-METHOD-SEED].
    #[arg(long)]
    out: Option<PathBuf>,
    /// Go on with the run in that folder.
    #[arg(long)]
    resume: bool,
}

/// Of spiking networks.
#[derive(Debug, Args)]
struct SpikingArgs {
    /// Number of steps that an image is shown for [default: 15].
    #[arg(long, value_parser = at_least_one)]
    steps: Option<usize>,
    /// The share of its potential that a membrane keeps from step to step [default: 0.9].
    #[arg(long, value_parser = share)]
    beta: Option<f64>,
    /// The potential above which a neuron fires [default: 1].
    #[arg(long, value_parser = positive)]
    threshold: Option<f64>,
    /// What the gradient takes for the derivative of a spike [default: fast-sigmoid].
    #[arg(long, value_enum)]
    surrogate: Option<SurrogateName>,
    /// What a neuron's reward is divided by [default: sum-of-magnitudes].
    #[arg(long, value_enum)]
    lif_rule: Option<LifRuleName>,
    /// What becomes of rewards between layers [default: of-largest].
    #[arg(long, value_enum)]
    lif_reward: Option<LifRewardName>,
}

impl SpikingArgs {
    /// The settings of `model`, if it spikes.
    fn settings(&self, model: Model) -> Result<Option<SpikingSettings>, CliError> {
        let Self {
            steps,
            beta,
            threshold,
            surrogate,
            lif_rule,
            lif_reward,
        } = *self;
        if !model.spikes() {
            let given = [
                (steps.is_some(), "steps"),
                (beta.is_some(), "beta"),
                (threshold.is_some(), "threshold"),
                (surrogate.is_some(), "surrogate"),
                (lif_rule.is_some(), "lif-rule"),
                (lif_reward.is_some(), "lif-reward"),
            ];
            return match given.into_iter().find(|(given, _)| *given) {
                Some((_, name)) => Err(CliError::NotSpiking { name, model }),
                None => Ok(None),
            };
        }
        let default = SpikingSettings::default();
        Ok(Some(SpikingSettings {
            steps: steps.unwrap_or(default.steps),
            beta: beta.unwrap_or(default.beta),
            threshold: threshold.unwrap_or(default.threshold),
            surrogate: surrogate.unwrap_or(default.surrogate),
            lif_rule: lif_rule.unwrap_or(default.lif_rule),
            lif_reward: lif_reward.unwrap_or(default.lif_reward),
        }))
    }
}

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// A setting of spiking networks for another.
    #[error("--{name} is for spiking networks (snn-mlp, snn-lenet), and {model} is none")]
    NotSpiking {
        /// The setting.
        name: &'static str,
        /// The network.
        model: Model,
    },
    /// The device.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// The data.
    #[error(transparent)]
    Mnist(#[from] MnistError),
    /// A conformance case.
    #[error(transparent)]
    Case(#[from] CaseError),
    /// A figure.
    #[error(transparent)]
    Reproduce(#[from] ReproduceError),
    /// A training run.
    #[error(transparent)]
    Train(#[from] TrainError),
}

impl Cli {
    /// Runs the command. Returns whether what it checked was right.
    ///
    /// # Errors
    ///
    /// A line that says what to do.
    pub fn run(self) -> Result<bool, CliError> {
        match self.command {
            Command::Bench {
                what: BenchCommand::Step(args),
            } => args.run(),
            Command::Conformance(args) => args.run(),
            Command::Reproduce(args) => args.run(),
            Command::Train(args) => args.run(),
        }
    }
}

impl BenchStepArgs {
    fn run(self) -> Result<bool, CliError> {
        let device = self.device.device.open()?;
        let request = bench::Request {
            models: self.model,
            batch: self.batch,
            methods: self.method,
            steps: self.steps,
            time_steps: self.time_steps,
        };
        let costs = request.run(&device);
        match self.json {
            true => print!("{}", String::from_utf8_lossy(&to_json(&costs))),
            false => print!("{}", bench::table(&costs)),
        }
        Ok(true)
    }
}

impl ConformanceArgs {
    fn run(self) -> Result<bool, CliError> {
        let device = self.device.device.open()?;
        let mut files = Vec::new();
        for path in &self.paths {
            files.extend(conformance::find(path)?);
        }
        Ok(conformance::run(&files, &device)?)
    }
}

impl ReproduceArgs {
    fn run(self) -> Result<bool, CliError> {
        let device = self.device.device.open()?;
        let request = Request {
            figure: self.figure,
            profile: self.profile,
            seeds: self.seeds,
            data_dir: self.data_dir,
            out: self.out,
        };
        let folder = request.run(&device)?;
        println!("written to {}", folder.display());
        Ok(true)
    }
}

impl TrainArgs {
    fn run(self) -> Result<bool, CliError> {
        let settings = self.settings()?;
        let Settings {
            model,
            method,
            seed,
            ..
        } = settings;
        let device = self.device.device.open()?;
        let data = Mnist::load(self.data_dir.as_deref())?;
        let out = self
            .out
            .unwrap_or_else(|| format!("runs/{model}-mnist-{method}-{seed}").into());
        let outcome = train::run(
            &settings,
            &data.train,
            &data.test,
            &device,
            &out,
            self.resume,
        )?;
        let last = outcome.test_accuracy.last().copied().unwrap_or_default();
        println!(
            "test accuracy {:.2}% after {} epochs; see {}",
            100.0 * last,
            settings.epochs,
            out.display()
        );
        Ok(true)
    }

    fn settings(&self) -> Result<Settings, CliError> {
        let default = StepSize::of(self.model, self.method);
        Ok(Settings {
            model: self.model,
            dataset: self.dataset,
            method: self.method,
            activation: self.activation.name().to_owned(),
            epochs: self.epochs,
            lr: self.lr.unwrap_or(default.lr),
            schedule: self.schedule,
            optimizer: self.optimizer,
            momentum: self.momentum,
            clip: self.clip.unwrap_or(default.clip),
            adaptive_clip: self.adaptive_clip.unwrap_or(default.adaptive_clip),
            weight_decay: self.weight_decay,
            batch: self.batch,
            seed: self.seed,
            device: self.device.device.to_string(),
            spiking: self.spiking.settings(self.model)?,
        })
    }
}

/// How far a step goes unless it is said: what reaches the accuracies in the book.
struct StepSize {
    lr: f64,
    clip: f64,
    adaptive_clip: f64,
}

impl StepSize {
    fn of(model: Model, method: Method) -> Self {
        let (lr, clip, adaptive_clip) = match (model.spikes(), method) {
            (false, _) => (0.05, 3.0, 0.0),
            (true, Method::Lfp) => (0.07, 0.0, 0.06),
            (true, Method::Gradient) => (0.5, 3.0, 0.0),
        };
        Self {
            lr,
            clip,
            adaptive_clip,
        }
    }
}

fn activation(text: &str) -> Result<Activation, String> {
    text.parse()
        .map_err(|error: lfp_burn::UnknownActivation| error.to_string())
}

fn at_least_one(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(number) if number > 0 => Ok(number),
        _ => Err("expected a whole number from 1".to_owned()),
    }
}

fn number(text: &str, expected: &str, accept: impl FnOnce(f64) -> bool) -> Result<f64, String> {
    match text.parse() {
        Ok(number) if f64::is_finite(number) && accept(number) => Ok(number),
        _ => Err(format!("expected {expected}")),
    }
}

fn positive(text: &str) -> Result<f64, String> {
    number(text, "a positive number", |number| number > 0.0)
}

fn not_negative(text: &str) -> Result<f64, String> {
    number(text, "0 or a positive number", |number| number >= 0.0)
}

fn share(text: &str) -> Result<f64, String> {
    number(text, "a number from 0 to 1", |number| {
        (0.0..=1.0).contains(&number)
    })
}

fn fraction(text: &str) -> Result<f64, String> {
    number(text, "a number from 0 to below 1", |number| {
        (0.0..1.0).contains(&number)
    })
}

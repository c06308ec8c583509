//! The command line.

use std::path::PathBuf;

use burn::tensor::Device;
use clap::{
    Args, Parser, Subcommand, ValueEnum,
    builder::{PossibleValue, PossibleValuesParser, TypedValueParser},
};
use lfp_burn::{Activation, Surrogate, nn::FoldError, prune::Layers, spiking::LifConfig};
use lfp_models::{Classifier, Model, Network, SpikingConfig};

use crate::{
    bench,
    conformance::{self, CaseError},
    data::{DataError, DataSet, Reading, Split},
    device::{DeviceError, DeviceName},
    explain::{ExplainError, explain},
    files::{FileError, to_json},
    objective::Method,
    plot::PlotError,
    pruning::{self, Criterion, Curve, PruningError, Subject},
    reproduce::{FigureName, Profile, ReproduceError, Request, Table3Choice},
    train::{
        self, BatchNormRuleName, Computing, DropoutRuleName, FinishedRun, LifRewardName,
        LifRuleName, Optimizer, Pretrained, Schedule, Settings, TrainError,
    },
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
    /// Draw what in images spoke for their class, as heat maps.
    Explain(ExplainArgs),
    /// Prune the network of a finished run, and measure what is left of it.
    Prune(PruneArgs),
    /// Reproduce a figure or a table of the paper.
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
    #[arg(long, value_delimiter = ',', default_value = "mlp,lenet,vgg-like", value_parser = model_names())]
    model: Vec<Model>,
    /// Samples per step [default: 128; 8 for networks that take images of 224x224 pixels].
    #[arg(long, value_parser = at_least_one)]
    batch: Option<usize>,
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
    /// Number of seeds, or of data sets to draw [default: the profile's].
    #[arg(long, value_parser = at_least_one)]
    seeds: Option<usize>,
    /// The folder with the data, for figures on images; without it a cache, filled from the network.
    #[arg(long)]
    data_dir: Option<PathBuf>,
    #[command(flatten)]
    table: Table3Choice,
    /// The folder of the results.
    #[arg(long, default_value = "results")]
    out: PathBuf,
    #[command(flatten)]
    device: DeviceArgs,
}

/// The network of a run, and the data that it was trained on.
#[derive(Debug, Args)]
struct FinishedArgs {
    /// The folder of a run that has ended.
    #[arg(long)]
    checkpoint: PathBuf,
    /// The folder with its data; MNIST can do without.
    #[arg(long)]
    data_dir: Option<PathBuf>,
    #[command(flatten)]
    device: DeviceArgs,
}

#[derive(Debug, Args)]
struct PruneArgs {
    #[command(flatten)]
    run: FinishedArgs,
    /// What decides which connections go first, separated by commas.
    #[arg(long, value_delimiter = ',', default_value = "local,global,relevance")]
    criteria: Vec<Criterion>,
    /// Shares of connections to prune, separated by commas, or from..to in steps of 0.05.
    #[arg(long, default_value = "0..1", value_parser = rates)]
    rates: Rates,
    /// Which layers lose connections.
    #[arg(long, value_enum, default_value = "convolutions")]
    layers: LayersName,
    /// Test on that many samples [default: all].
    #[arg(long, value_parser = at_least_one)]
    samples: Option<usize>,
    /// The folder of the results.
    #[arg(long, default_value = "results/prune")]
    out: PathBuf,
}

/// Which layers lose connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum LayersName {
    /// Convolutions.
    Convolutions,
    /// Linear maps.
    Linear,
    /// Both.
    All,
}

#[derive(Debug, Args)]
struct ExplainArgs {
    #[command(flatten)]
    run: FinishedArgs,
    /// How many test images.
    #[arg(long, default_value_t = 10, value_parser = at_least_one)]
    count: usize,
    /// The folder of the pictures.
    #[arg(long, default_value = "results/explain")]
    out: PathBuf,
}

#[derive(Debug, Args)]
#[command(allow_negative_numbers = true)]
struct TrainArgs {
    /// The network.
    #[arg(long, default_value_t = Model::LENET, value_parser = model_names())]
    model: Model,
    /// The data.
    #[arg(long, default_value_t = DataSet::Mnist)]
    dataset: DataSet,
    /// The folder with the data; MNIST can do without, and is then fetched into a cache.
    #[arg(long)]
    data_dir: Option<PathBuf>,
    /// Number of classes that the data must have [default: as many as they have].
    #[arg(long, value_parser = at_least_one)]
    classes: Option<usize>,
    /// Height and width that photographs in files are brought to [default: 224].
    #[arg(long, value_parser = image_size)]
    image_size: Option<u32>,
    /// Keep photographs in memory, decoded and brought to size.
    #[arg(long)]
    cache: bool,
    /// Threads that read samples [default: as many as there are cores]; the result is the same for any number.
    #[arg(long, value_parser = at_least_one)]
    workers: Option<usize>,
    /// How it learns.
    #[arg(long, default_value_t = Method::Lfp)]
    method: Method,
    /// What follows every layer but the last.
    #[arg(long, default_value = "relu")]
    activation: Activation,
    /// The probability of dropout [default: the network's own].
    #[arg(long, value_parser = fraction)]
    dropout: Option<f64>,
    /// Weights to start from: torchvision's .pth, or .safetensors. A last layer of another number of classes is drawn.
    #[arg(long)]
    pretrained: Option<PathBuf>,
    /// How rewards pass batch normalisation.
    #[arg(long, value_enum, default_value = "constant")]
    batch_norm_rule: BatchNormRuleName,
    /// How rewards pass dropout.
    #[arg(long, value_enum, default_value = "conserve")]
    dropout_rule: DropoutRuleName,
    /// Let samples of rare classes count for more, so that all classes count the same.
    #[arg(long)]
    class_weights: bool,
    /// Passes over the data.
    #[arg(long, default_value_t = 3, value_parser = at_least_one)]
    epochs: usize,
    /// The learning rate; with OneCycle the largest [default: 0.05; of VGG and ResNet 0.1; of spiking networks 0.07 by LFP, 0.5 by gradient].
    #[arg(long, value_parser = positive)]
    lr: Option<f64>,
    /// How the learning rate changes.
    #[arg(long, value_enum, default_value = "onecycle")]
    schedule: Schedule,
    /// The optimiser.
    #[arg(long, value_enum, default_value = "sgd")]
    optimizer: Optimizer,
    /// Its momentum, the same at every step [default: 0.9, but of VGG and ResNet with OneCycle].
    #[arg(long, value_parser = fraction)]
    momentum: Option<f64>,
    /// Its momentum with OneCycle, which goes against the learning rate: at the top, at both ends [default of VGG and ResNet: 0.85 0.95].
    #[arg(long, num_args = 2, value_names = ["BASE", "MAX"], value_parser = fraction, conflicts_with = "momentum")]
    cycle_momentum: Option<Vec<f64>>,
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
    /// Passes that each step is shared out over, to need less memory for the same update.
    #[arg(long, default_value_t = 1, value_parser = at_least_one)]
    accumulate: usize,
    /// Compute again in the backward pass what Burn counts as cheap, instead of keeping it.
    #[arg(long)]
    checkpointing: bool,
    /// Decides weights, order and dropout.
    #[arg(long, default_value_t = 7240)]
    seed: u64,
    #[command(flatten)]
    spiking: SpikingArgs,
    #[command(flatten)]
    device: DeviceArgs,
    /// Several devices, separated by commas, which share every batch.
    #[arg(long, value_delimiter = ',', conflicts_with = "device")]
    devices: Vec<DeviceName>,
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

/// A surrogate by the name that `--surrogate` takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum SurrogateName {
    /// Fast sigmoid with slope 25.
    FastSigmoid,
    /// The true derivative, which is zero.
    None,
}

impl From<SurrogateName> for Surrogate {
    fn from(name: SurrogateName) -> Self {
        match name {
            SurrogateName::FastSigmoid => Self::FastSigmoid { slope: 25.0 },
            SurrogateName::None => Self::None,
        }
    }
}

/// Parses the name of a model; `--help` and errors list all names.
pub(crate) fn model_names() -> impl TypedValueParser<Value = Model> {
    let names =
        Model::all().map(|model| PossibleValue::new(model.name()).help(model.spec().summary));
    PossibleValuesParser::new(names).try_map(|name| name.parse::<Model>())
}

impl SpikingArgs {
    /// The settings of `model`, if it spikes.
    fn settings(&self, model: Model) -> Result<Option<SpikingConfig>, CliError> {
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
        let SpikingConfig {
            steps: default_steps,
            lif,
        } = SpikingConfig::new();
        Ok(Some(SpikingConfig {
            steps: steps.unwrap_or(default_steps),
            lif: LifConfig {
                beta: beta.unwrap_or(lif.beta),
                threshold: threshold.unwrap_or(lif.threshold),
                surrogate: surrogate.map_or(lif.surrogate, Surrogate::from),
            },
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
    /// A part of a figure that has none.
    #[error(
        "--models, --datasets, --activations and --methods are for table3, --pretrained for it and for pruning; this is {0}"
    )]
    NotATable(FigureName),
    /// A size for images that have theirs.
    #[error(
        "--image-size is for photographs in files (cub, isic, food11, folder), and the images of {0} have a size"
    )]
    FixedSize(DataSet),
    /// The file of weights.
    #[error(transparent)]
    File(#[from] FileError),
    /// The device.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// The data.
    #[error(transparent)]
    Data(#[from] DataError),
    /// A conformance case.
    #[error(transparent)]
    Case(#[from] CaseError),
    /// Batch normalisation that cannot be folded.
    #[error(transparent)]
    Fold(#[from] FoldError),
    /// Pruning.
    #[error(transparent)]
    Pruning(#[from] PruningError),
    /// The drawing of a curve.
    #[error(transparent)]
    Plot(#[from] PlotError),
    /// A heat map.
    #[error(transparent)]
    Explain(#[from] ExplainError),
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
            Command::Explain(args) => args.run(),
            Command::Prune(args) => args.run(),
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

impl FinishedArgs {
    /// The network, ready to be pruned and explained, its data, and where it computes.
    fn open(&self) -> Result<(FinishedRun, Network, Split, Device), CliError> {
        let run = FinishedRun::open(&self.checkpoint).map_err(TrainError::from)?;
        let device = self.device.device.open()?.autodiff();
        let settings = run.settings();
        let default = Reading::default();
        let reading = Reading {
            size: settings.image_size.unwrap_or(default.size),
            ..default
        };
        let data = settings.dataset.load(self.data_dir.as_deref(), reading)?;
        let network = run.network(data.test.as_ref(), &device)?;
        Ok((run, network.merge_batch_norm()?, data, device))
    }
}

impl PruneArgs {
    fn run(self) -> Result<bool, CliError> {
        let (run, network, data, device) = self.run.open()?;
        let data = data.subset(usize::MAX, self.samples.unwrap_or(usize::MAX));
        let subject = Subject {
            network: &network,
            data: &data.test,
            layers: match self.layers {
                LayersName::Convolutions => Layers::Convolutions,
                LayersName::Linear => Layers::LinearMaps,
                LayersName::All => Layers::All,
            },
            device,
        };
        let curves = self.criteria.iter();
        let curves = curves.map(|&of| subject.curve(of, &self.rates.0));
        let curves: Vec<Curve> = curves.collect::<Result<_, _>>()?;
        let report = pruning::Report {
            settings: run.settings(),
            samples: data.test.count(),
            curves: &curves,
        };
        print!("{}", report.write(&self.out)?);
        Ok(true)
    }
}

impl ExplainArgs {
    fn run(self) -> Result<bool, CliError> {
        let (_, network, data, device) = self.run.open()?;
        let written = explain(&network, &data.test, self.count, &device, &self.out)?;
        println!(
            "{} heat maps written to {}",
            written.len(),
            self.out.display()
        );
        Ok(true)
    }
}

impl ReproduceArgs {
    fn run(self) -> Result<bool, CliError> {
        if !self.figure.takes(&self.table) {
            return Err(CliError::NotATable(self.figure));
        }
        let device = self.device.device.open()?;
        let request = Request {
            table: self.table,
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
        // What is wrong with the settings is said before the data are read.
        let mut settings = self.settings()?;
        let names = self.device_names();
        let devices = names.iter().map(DeviceName::open);
        let computing = Computing {
            devices: devices.collect::<Result<_, _>>()?,
            workers: self.workers.unwrap_or(0),
        };
        let data = self.load(&mut settings)?;
        let Settings {
            model,
            dataset,
            method,
            seed,
            ..
        } = settings;
        let out = self
            .out
            .unwrap_or_else(|| format!("runs/{model}-{dataset}-{method}-{seed}").into());
        let outcome = train::run(&settings, &data, &computing, &out, self.resume)?;
        let last = outcome.test_accuracy.last().copied().unwrap_or_default();
        println!(
            "test accuracy {:.2}% after {} epochs; see {}",
            100.0 * last,
            settings.epochs,
            out.display()
        );
        Ok(true)
    }

    fn device_names(&self) -> Vec<DeviceName> {
        match self.devices.is_empty() {
            true => vec![self.device.device.clone()],
            false => self.devices.clone(),
        }
    }

    /// Reads the data, and completes the settings by their number of classes.
    fn load(&self, settings: &mut Settings) -> Result<Split, CliError> {
        let reading = Reading {
            size: settings.image_size.unwrap_or(Reading::default().size),
            cached: self.cache,
        };
        let data = self.dataset.load(self.data_dir.as_deref(), reading)?;
        let found = data.train.num_classes();
        match self.classes {
            Some(expected) if expected != found => Err(DataError::Classes {
                folder: self
                    .data_dir
                    .clone()
                    .unwrap_or_else(|| self.dataset.to_string().into()),
                expected,
                found,
            })?,
            _ => settings.classes = found,
        }
        Ok(data)
    }

    fn settings(&self) -> Result<Settings, CliError> {
        let default = Settings::new(self.model, self.dataset, self.method, 0);
        let image_size = match (default.image_size, self.image_size) {
            (None, Some(_)) => return Err(CliError::FixedSize(self.dataset)),
            (default, asked) => asked.or(default),
        };
        let cycles = self.momentum.is_none() && self.schedule == Schedule::OneCycle;
        let cycle = self.cycle_momentum.as_ref().map(|of| [of[0], of[1]]);
        let pretrained = self.pretrained.as_deref().map(Pretrained::read);
        let names = self.device_names();
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        Ok(Settings {
            image_size,
            activation: self.activation.name().to_owned(),
            dropout: self.dropout,
            pretrained: pretrained.transpose()?,
            batch_norm_rule: self.batch_norm_rule,
            dropout_rule: self.dropout_rule,
            class_weights: self.class_weights,
            epochs: self.epochs,
            lr: self.lr.unwrap_or(default.lr),
            schedule: self.schedule,
            optimizer: self.optimizer,
            momentum: self.momentum.unwrap_or(default.momentum),
            cycle_momentum: cycle.or(default.cycle_momentum.filter(|_| cycles)),
            clip: self.clip.unwrap_or(default.clip),
            adaptive_clip: self.adaptive_clip.unwrap_or(default.adaptive_clip),
            weight_decay: self.weight_decay,
            batch: self.batch,
            accumulate: self.accumulate,
            checkpointing: self.checkpointing,
            seed: self.seed,
            device: names.join(","),
            lif_rule: self.spiking.lif_rule.unwrap_or_default(),
            lif_reward: self.spiking.lif_reward.unwrap_or_default(),
            spiking: self.spiking.settings(self.model)?,
            ..default
        })
    }
}

fn at_least_one(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(number) if number > 0 => Ok(number),
        _ => Err("expected a whole number from 1".to_owned()),
    }
}

/// Five halvings leave a pixel of 32.
fn image_size(text: &str) -> Result<u32, String> {
    match text.parse() {
        Ok(size) if (32..=4096).contains(&size) => Ok(size),
        _ => Err("expected a whole number from 32 to 4096".to_owned()),
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

/// Rates of pruning.
#[derive(Clone, Debug)]
struct Rates(Vec<f64>);

/// `0.1,0.5` or `0..1`, in steps of 0.05.
fn rates(text: &str) -> Result<Rates, String> {
    let rates: Vec<f64> = match text.split_once("..") {
        None => text.split(',').map(share).collect::<Result<_, _>>()?,
        Some((from, to)) => {
            let (from, to) = (share(from)?, share(to)?);
            // What 0.05 cannot hold exactly must not lose the last of them.
            let steps = ((to - from) / 0.05 + 1e-9).floor() as i32;
            let rate = |step| ((from + f64::from(step) * 0.05) * 1e6).round() / 1e6;
            (0..=steps).map(rate).collect()
        }
    };
    match rates.is_sorted() && !rates.is_empty() {
        true => Ok(Rates(rates)),
        false => Err("expected rates in ascending order".to_owned()),
    }
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

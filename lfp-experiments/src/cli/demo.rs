//! `demo`.

mod control;
mod f1;
mod heaviside;
mod levenshtein;
mod quantized;
mod verdict;

use std::path::{Path, PathBuf};

use anyhow::Result;
use burn::tensor::Device;
use clap::{Arg, Args, Subcommand, ValueEnum};

use super::{DeviceArgs, values};
use crate::{
    demo::{
        Compared,
        control::{Acrobot, CartPole},
    },
    destination, files, output,
};

#[derive(Debug, Subcommand)]
pub(super) enum DemoCommand {
    /// A rare digit, and F1 as the objective: LFP by a reward from F1, beside the usual recipes
    #[command(mut_arg("out", by_default("results/f1")))]
    F1(f1::F1Args),
    /// A cart that learns to balance a pole: LFP by what actions lead to, beside the policy gradient; also with spikes
    #[command(mut_arg("out", by_default("results/cartpole")))]
    Cartpole(control::ControlArgs),
    /// The same for two links that swing up: three actions, and a reward that comes late
    #[command(mut_arg("out", by_default("results/acrobot")))]
    Acrobot(control::ControlArgs),
    /// Weights of 1 to 8 bits: LFP, gradients with a straight-through estimator, and rounding after training
    #[command(mut_arg("out", by_default("results/quantized")))]
    Quantized(quantized::QuantizedArgs),
    /// Networks of step functions, and what helps them to learn by LFP: epsilon, momentum, biases, homeostasis
    #[command(mut_arg("out", by_default("results/heaviside")))]
    Heaviside(heaviside::HeavisideArgs),
    /// Strings of digits, and the edit distance as the objective: LFP without an alignment, beside the usual recipes
    #[command(mut_arg("out", by_default("results/levenshtein")))]
    Levenshtein(levenshtein::LevenshteinArgs),
    /// Guesses of digits, and a person who says right or wrong: LFP by the verdicts, beside the same number of labels
    #[command(mut_arg("out", |out| {
        let round = "Folder of the round, where it goes on if it was left, and of the figure and its numbers";
        by_default("results/verdict")(out).help(round)
    }))]
    Verdict(verdict::VerdictArgs),
}

/// Gives `--out` its default.
fn by_default(folder: &'static str) -> impl FnOnce(Arg) -> Arg {
    move |out| out.required(false).default_value(folder)
}

impl DemoCommand {
    pub(super) fn run(self) -> Result<bool> {
        match self {
            Self::F1(args) => args.run(),
            Self::Cartpole(args) => args.run::<CartPole>(),
            Self::Acrobot(args) => args.run::<Acrobot>(),
            Self::Quantized(args) => args.run(),
            Self::Heaviside(args) => args.run(),
            Self::Levenshtein(args) => args.run(),
            Self::Verdict(args) => args.run(),
        }
    }
}

/// What a demo compares.
#[derive(Debug, Args)]
struct WaysArgs<W: Compared> {
    /// Ways to train, separated by commas [default: all]
    #[arg(long, value_enum, value_delimiter = ',')]
    ways: Vec<W>,
}

impl<W: Compared> WaysArgs<W> {
    /// The ways in the order of figures.
    ///
    /// # Errors
    ///
    /// If one is named twice.
    fn chosen(&self) -> Result<Vec<W>> {
        let names = self.ways.iter().filter_map(ValueEnum::to_possible_value);
        let names: Vec<String> = names.map(|value| value.get_name().to_owned()).collect();
        values::distinct("ways", &names)?;
        let is_chosen = |way: &W| self.ways.is_empty() || self.ways.contains(way);
        Ok(W::value_variants()
            .iter()
            .copied()
            .filter(is_chosen)
            .collect())
    }
}

/// Where a demo writes, and what it computes on.
#[derive(Debug, Args)]
struct PlaceArgs {
    /// Folder of the figure and its numbers
    #[arg(long, value_name = "FOLDER")]
    out: PathBuf,
    #[command(flatten)]
    device: DeviceArgs,
}

impl PlaceArgs {
    /// Opens the device, and creates the folder, which is none of the data.
    ///
    /// # Errors
    ///
    /// If there is no such device, or the folder cannot be used.
    fn open(&self, data_dir: Option<&Path>) -> Result<Device> {
        let device = self.device.device.open()?;
        destination::check(&self.out, data_dir)?;
        files::create_folder(&self.out)?;
        Ok(device)
    }

    /// Prints where the figure is.
    ///
    /// # Errors
    ///
    /// If standard output is full or closed.
    fn say(&self) -> Result<bool> {
        output::line(format_args!("drawn in {}", self.out.display()))?;
        Ok(true)
    }
}

/// The data of a demo, and its place.
#[derive(Debug, Args)]
struct DataArgs {
    /// Folder of the data; without it MNIST is downloaded into a cache
    #[arg(long, value_name = "FOLDER")]
    data_dir: Option<PathBuf>,
    #[command(flatten)]
    place: PlaceArgs,
}

//! `demo`.

mod control;
mod levenshtein;
mod quantized;
mod verdict;

use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, Subcommand};

use super::{DeviceArgs, values};
use crate::{
    demo::{
        control::{Acrobot, CartPole},
        f1,
    },
    files, limits, output,
    train::refuse_run_folder,
};

#[derive(Debug, Subcommand)]
pub(super) enum DemoCommand {
    /// A rare digit, and F1 as the objective: LFP by a reward from F1, beside the usual recipes
    F1(F1Args),
    /// A cart that learns to balance a pole: LFP by what actions lead to, beside the policy gradient; also with spikes
    Cartpole(control::ControlArgs),
    /// The same for two links that swing up: three actions, and a reward that comes late
    Acrobot(control::ControlArgs),
    /// Weights of 1 to 8 bits: LFP, gradients with a straight-through estimator, and rounding after training
    Quantized(quantized::QuantizedArgs),
    /// Strings of digits, and the edit distance as the objective: LFP without an alignment, beside the usual recipes
    Levenshtein(levenshtein::LevenshteinArgs),
    /// Guesses of digits, and a person who says right or wrong: LFP by the verdicts, beside the same number of labels
    Verdict(verdict::VerdictArgs),
}

impl DemoCommand {
    pub(super) fn run(self) -> Result<bool> {
        match self {
            Self::F1(args) => args.run(),
            Self::Cartpole(args) => args.run::<CartPole>(),
            Self::Acrobot(args) => args.run::<Acrobot>(),
            Self::Quantized(args) => args.run(),
            Self::Levenshtein(args) => args.run(),
            Self::Verdict(args) => args.run(),
        }
    }
}

#[derive(Debug, Args)]
pub(super) struct F1Args {
    /// The digit that is rare
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u32).range(0..10))]
    digit: u32,
    /// Its share of the samples, above 0 and at most 0.1
    #[arg(long, default_value_t = 0.02, value_parser = share)]
    share: f64,
    /// Training samples
    #[arg(long, default_value_t = 6000, value_parser = values::whole(100..=60_000))]
    samples: usize,
    /// Passes over them
    #[arg(long, default_value_t = 8, value_parser = values::whole(1..=1000))]
    epochs: usize,
    /// Runs of each way to train
    #[arg(long, default_value_t = 3, value_parser = values::whole(limits::SEEDS))]
    seeds: usize,
    /// Folder of MNIST; without it MNIST is downloaded into a cache
    #[arg(long, value_name = "FOLDER")]
    data_dir: Option<PathBuf>,
    /// Folder of the figure and its numbers
    #[arg(long, value_name = "FOLDER", default_value = "results/f1")]
    out: PathBuf,
    #[command(flatten)]
    device: DeviceArgs,
}

fn share(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(share) if share > 0.0 && share <= 0.1 => Ok(share),
        _ => Err("expected a number above 0 and at most 0.1, a digit's own share".to_owned()),
    }
}

impl F1Args {
    fn run(self) -> Result<bool> {
        let request = f1::Request {
            digit: self.digit,
            share: self.share,
            samples: self.samples,
            epochs: self.epochs,
            seeds: self.seeds,
        };
        let device = self.device.device.open()?;
        refuse_run_folder(&self.out)?;
        files::create_folder(&self.out)?;
        let curves = request.run(self.data_dir.as_deref(), &device)?;
        output::lines(f1::table(&curves))?;
        request.draw(&curves, &self.out)?;
        output::line(format_args!("drawn in {}", self.out.display()))?;
        Ok(true)
    }
}

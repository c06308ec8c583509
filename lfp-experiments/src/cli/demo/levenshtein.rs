//! `demo levenshtein`.

use anyhow::{Result, ensure};
use clap::Args;

use super::{DataArgs, WaysArgs};
use crate::{
    cli::{given::Given, values},
    demo::levenshtein::{self, Way},
    limits, output,
};

#[derive(Debug, Args)]
pub(in crate::cli) struct LevenshteinArgs {
    #[command(flatten)]
    given: Given,
    /// Digits of a string, at most
    #[arg(long, default_value_t = 5, value_parser = values::whole(limits::DIGITS))]
    longest: usize,
    /// Pictures of a pass
    #[arg(long, default_value_t = 6000, value_parser = values::whole(limits::DEMO_SAMPLES))]
    samples: usize,
    /// Passes
    #[arg(long, default_value_t = 10, value_parser = values::whole(limits::DEMO_EPOCHS))]
    epochs: usize,
    /// Draws of the decisions whose edit distances are averaged
    #[arg(long, default_value_t = 8, value_parser = values::whole(limits::DRAWS))]
    draws: usize,
    #[command(flatten)]
    ways: WaysArgs<Way>,
    /// Runs of each way to train
    #[arg(long, default_value_t = 3, value_parser = values::whole(limits::SEEDS))]
    seeds: usize,
    #[command(flatten)]
    data: DataArgs,
}

impl LevenshteinArgs {
    pub(super) fn run(self) -> Result<bool> {
        let ways = self.ways.chosen()?;
        ensure!(
            !self.given.contains("draws") || ways.contains(&Way::EditDistance),
            "--draws has no effect: --ways leaves out the edit distance"
        );
        let request = levenshtein::Request {
            longest: self.longest,
            samples: self.samples,
            epochs: self.epochs,
            ways,
            draws: self.draws,
            seeds: self.seeds,
        };
        let DataArgs { data_dir, place } = self.data;
        let device = place.open(data_dir.as_deref())?;
        let curves = request.run(data_dir.as_deref(), &device)?;
        output::lines(levenshtein::table(&curves))?;
        request.draw(&curves, &place.out)?;
        place.say()
    }
}

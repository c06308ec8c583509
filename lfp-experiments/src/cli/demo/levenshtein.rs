//! `demo levenshtein`.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;

use crate::{
    cli::{DeviceArgs, values},
    demo::levenshtein,
    files, limits, output,
    train::refuse_run_folder,
};

#[derive(Debug, Args)]
pub(crate) struct LevenshteinArgs {
    /// Digits of a string, at most
    #[arg(long, default_value_t = 5, value_parser = values::whole(limits::DIGITS))]
    longest: usize,
    /// Pictures of a pass
    #[arg(long, default_value_t = 6000, value_parser = values::whole(limits::DEMO_SAMPLES))]
    samples: usize,
    /// Passes
    #[arg(long, default_value_t = 10, value_parser = values::whole(limits::DEMO_EPOCHS))]
    epochs: usize,
    /// Runs of each way to train
    #[arg(long, default_value_t = 3, value_parser = values::whole(limits::SEEDS))]
    seeds: usize,
    /// Folder of MNIST; without it MNIST is downloaded into a cache
    #[arg(long, value_name = "FOLDER")]
    data_dir: Option<PathBuf>,
    /// Folder of the figure and its numbers
    #[arg(long, value_name = "FOLDER", default_value = "results/levenshtein")]
    out: PathBuf,
    #[command(flatten)]
    device: DeviceArgs,
}

impl LevenshteinArgs {
    pub(super) fn run(self) -> Result<bool> {
        let request = levenshtein::Request {
            longest: self.longest,
            samples: self.samples,
            epochs: self.epochs,
            seeds: self.seeds,
        };
        let device = self.device.device.open()?;
        refuse_run_folder(&self.out)?;
        files::create_folder(&self.out)?;
        let curves = request.run(self.data_dir.as_deref(), &device)?;
        output::lines(levenshtein::table(&curves))?;
        request.draw(&curves, &self.out)?;
        output::line(format_args!("drawn in {}", self.out.display()))?;
        Ok(true)
    }
}

//! `demo verdict`.

use std::path::PathBuf;

use anyhow::{Result, ensure};
use clap::Args;

use crate::{
    cli::{DeviceArgs, values},
    demo::verdict::{self, Ended},
    files, interrupt, limits, output,
    train::refuse_run_folder,
};

#[derive(Debug, Args)]
pub(crate) struct VerdictArgs {
    /// Verdicts of a round. The network learns after every ten
    #[arg(long, default_value_t = 1000, value_parser = values::whole(limits::VERDICTS))]
    verdicts: usize,
    /// Let a simulated person answer
    #[arg(long)]
    oracle: bool,
    /// Share of false verdicts of the simulated person
    #[arg(long, requires = "oracle", default_value_t = 0.0, value_parser = values::from_zero_to_one)]
    error_rate: f64,
    /// Rounds, with --oracle
    #[arg(long, default_value_t = 1, value_parser = values::whole(limits::SEEDS))]
    seeds: usize,
    /// Folder of MNIST; without it MNIST is downloaded into a cache
    #[arg(long, value_name = "FOLDER")]
    data_dir: Option<PathBuf>,
    /// Folder of the round, where it goes on if it was left, and of the figure and its numbers
    #[arg(long, value_name = "FOLDER", default_value = "results/verdict")]
    out: PathBuf,
    #[command(flatten)]
    device: DeviceArgs,
}

const GO_ON: &str = "the same command goes on";

impl VerdictArgs {
    pub(super) fn run(self) -> Result<bool> {
        ensure!(
            self.oracle || self.seeds == 1,
            "--seeds has no effect without --oracle: a person has one round"
        );
        let request = verdict::Request {
            verdicts: self.verdicts,
            seeds: self.seeds,
            error_rate: self.oracle.then_some(self.error_rate),
            out: self.out,
        };
        let device = self.device.device.open()?;
        refuse_run_folder(&request.out)?;
        files::create_folder(&request.out)?;
        let _resumable = interrupt::Resumable::new(GO_ON.to_owned());
        match request.run(self.data_dir.as_deref(), &device)? {
            Ended::Complete(curves) => {
                output::lines(verdict::table(&curves, request.verdicts))?;
                request.draw(&curves)?;
                output::line(format_args!("drawn in {}", request.out.display()))?;
            }
            Ended::Left { verdicts, right } => output::line(format_args!(
                "left after {verdicts} verdicts, {right} of them for the guess; {GO_ON}, and with --oracle a simulated person \
                 answers in another --out"
            ))?,
        }
        Ok(true)
    }
}

//! `demo verdict`.

use anyhow::{Result, ensure};
use clap::Args;

use super::{DataArgs, WaysArgs};
use crate::{
    cli::values,
    demo::verdict::{self, Ended, Way},
    interrupt, limits, output,
    text::counted,
};

#[derive(Debug, Args)]
pub(in crate::cli) struct VerdictArgs {
    /// Verdicts of a round. The network learns after every ten
    #[arg(long, default_value_t = 1000, value_parser = values::whole(limits::VERDICTS))]
    verdicts: usize,
    /// Let a simulated person answer
    #[arg(long)]
    oracle: bool,
    /// Share of false verdicts of the simulated person
    #[arg(long, requires = "oracle", default_value_t = 0.0, value_parser = values::from_zero_to_one)]
    error_rate: f64,
    #[command(flatten)]
    ways: WaysArgs<Way>,
    /// Rounds, unless a person answers
    #[arg(long, default_value_t = 1, value_parser = values::whole(limits::SEEDS))]
    seeds: usize,
    #[command(flatten)]
    data: DataArgs,
}

const GO_ON: &str = "the same command goes on";

impl VerdictArgs {
    pub(super) fn run(self) -> Result<bool> {
        let ways = self.ways.chosen()?;
        let asks = ways.contains(&Way::Verdicts);
        ensure!(
            asks || !self.oracle,
            "--oracle has no effect: --ways leaves out the verdicts"
        );
        ensure!(
            self.oracle || !asks || self.seeds == 1,
            "--seeds has no effect without --oracle: a person has one round"
        );
        let DataArgs { data_dir, place } = self.data;
        let request = verdict::Request {
            verdicts: self.verdicts,
            ways,
            seeds: self.seeds,
            error_rate: self.oracle.then_some(self.error_rate),
            out: place.out.clone(),
            device: place.device.device.resolved(),
        };
        let device = place.open(data_dir.as_deref())?;
        // Without verdicts the command begins again.
        let _resumable = asks.then(|| interrupt::Resumable::new(GO_ON.to_owned()));
        match request.run(data_dir.as_deref(), &device)? {
            Ended::Complete(curves) => {
                output::lines(verdict::table(&curves, request.verdicts))?;
                request.draw(&curves)?;
                place.say()
            }
            Ended::Left { verdicts, right } => {
                output::line(format_args!(
                    "left after {}, {right} of them for the guess; {GO_ON}, and with --oracle a simulated person answers in \
                     another --out",
                    counted(verdicts, "verdict")
                ))?;
                Ok(true)
            }
        }
    }
}

//! `demo f1`.

use anyhow::Result;
use clap::Args;

use super::{DataArgs, WaysArgs};
use crate::{
    cli::values,
    demo::f1::{self, Way},
    limits, output,
};

#[derive(Debug, Args)]
pub(in crate::cli) struct F1Args {
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
    #[arg(long, default_value_t = 8, value_parser = values::whole(limits::DEMO_EPOCHS))]
    epochs: usize,
    #[command(flatten)]
    ways: WaysArgs<Way>,
    /// Runs of each way to train
    #[arg(long, default_value_t = 3, value_parser = values::whole(limits::SEEDS))]
    seeds: usize,
    #[command(flatten)]
    data: DataArgs,
}

fn share(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(share) if share > 0.0 && share <= 0.1 => Ok(share),
        _ => Err("expected a number above 0 and at most 0.1, a digit's own share".to_owned()),
    }
}

impl F1Args {
    pub(super) fn run(self) -> Result<bool> {
        let request = f1::Request {
            digit: self.digit,
            share: self.share,
            samples: self.samples,
            epochs: self.epochs,
            ways: self.ways.chosen()?,
            seeds: self.seeds,
        };
        let DataArgs { data_dir, place } = self.data;
        let device = place.open(data_dir.as_deref())?;
        let curves = request.run(data_dir.as_deref(), &device)?;
        output::lines(f1::table(&curves))?;
        request.draw(&curves, &place.out)?;
        place.say()
    }
}

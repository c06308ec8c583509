//! `demo heaviside`.

use anyhow::{Result, ensure};
use clap::Args;

use super::{DataArgs, WaysArgs};
use crate::{
    cli::{given::Given, values},
    demo::heaviside::{Request, Way},
    limits, output,
};

#[derive(Debug, Args)]
pub(in crate::cli) struct HeavisideArgs {
    #[command(flatten)]
    given: Given,
    /// Training samples
    #[arg(long, default_value_t = 6000, value_parser = values::whole(100..=60_000))]
    samples: usize,
    /// Passes over them
    #[arg(long, default_value_t = 4, value_parser = values::whole(limits::DEMO_EPOCHS))]
    epochs: usize,
    /// Epsilons of the propagation, separated by commas
    #[arg(long, value_delimiter = ',', default_value = "1e-6,0.1", value_parser = values::positive)]
    epsilons: Vec<f64>,
    /// Learning rates, separated by commas
    #[arg(long, value_delimiter = ',', default_value = "0.001,0.003,0.01,0.03,0.1,0.3,1", value_parser = values::positive)]
    rates: Vec<f64>,
    /// Share of the images for which set biases and homeostasis let a neuron fire, between 0 and 1
    #[arg(long, default_value_t = 0.2, value_parser = firing_rate)]
    firing_rate: f64,
    #[command(flatten)]
    ways: WaysArgs<Way>,
    /// Runs of each way to train
    #[arg(long, default_value_t = 3, value_parser = values::whole(limits::SEEDS))]
    seeds: usize,
    #[command(flatten)]
    data: DataArgs,
}

fn firing_rate(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(rate) if rate > 0.0 && rate < 1.0 => Ok(rate),
        _ => Err("expected a number above 0 and below 1".to_owned()),
    }
}

impl HeavisideArgs {
    pub(super) fn run(self) -> Result<bool> {
        values::distinct("epsilons", &self.epsilons)?;
        values::distinct("rates", &self.rates)?;
        let ways = self.ways.chosen()?;
        ensure!(
            !self.given.contains("firing-rate") || ways.iter().any(|way| way.has_firing_rate()),
            "--firing-rate has no effect: --ways leaves out set biases and homeostasis"
        );
        ensure!(
            !self.given.contains("epsilons") || ways.iter().any(|way| way.propagates()),
            "--epsilons has no effect: --ways leaves out LFP"
        );
        let mut rates = self.rates;
        rates.sort_by(f64::total_cmp);
        let request = Request {
            samples: self.samples,
            epochs: self.epochs,
            epsilons: self.epsilons,
            rates,
            firing_rate: self.firing_rate,
            ways,
            seeds: self.seeds,
        };
        let DataArgs { data_dir, place } = self.data;
        let device = place.open(data_dir.as_deref())?;
        let curves = request.run(data_dir.as_deref(), &device)?;
        output::lines(request.table(&curves))?;
        request.draw(&curves, &place.out)?;
        place.say()
    }
}

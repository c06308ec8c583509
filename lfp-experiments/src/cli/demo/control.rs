//! `demo cartpole` and `demo acrobot`.

use anyhow::{Result, ensure};
use clap::Args;

use super::{PlaceArgs, WaysArgs};
use crate::{
    cli::{given::Given, values},
    demo::control::{self, Mechanism, Request, Way},
    limits, output,
};

#[derive(Debug, Args)]
pub(in crate::cli) struct ControlArgs {
    #[command(flatten)]
    given: Given,
    /// Updates of each run
    #[arg(long, default_value_t = 150, value_parser = values::whole(limits::UPDATES))]
    updates: usize,
    /// Episodes before each update
    #[arg(long, default_value_t = 16, value_parser = values::whole(limits::EPISODES))]
    episodes: usize,
    /// Hidden neurons
    #[arg(long, default_value_t = 64, value_parser = values::whole(limits::NEURONS))]
    hidden: usize,
    /// Time steps of the spiking networks for each observation
    #[arg(long, default_value_t = 8, value_parser = values::whole(limits::TIME_STEPS))]
    steps: usize,
    /// Learning rate of Adam
    #[arg(long, default_value_t = 0.01, value_parser = values::positive)]
    lr: f64,
    /// What a reward of the next step is worth now
    #[arg(long, default_value_t = 0.99, value_parser = values::from_zero_to_one)]
    discount: f64,
    #[command(flatten)]
    ways: WaysArgs<Way>,
    /// Runs of each way to train
    #[arg(long, default_value_t = 5, value_parser = values::whole(limits::SEEDS))]
    seeds: usize,
    #[command(flatten)]
    place: PlaceArgs,
}

impl ControlArgs {
    pub(super) fn run<M: Mechanism>(self) -> Result<bool> {
        let ways = self.ways.chosen()?;
        ensure!(
            !self.given.contains("steps") || ways.iter().any(|way| way.is_spiking()),
            "--steps has no effect: --ways leaves out the spiking networks"
        );
        let request = Request {
            updates: self.updates,
            episodes: self.episodes,
            hidden: self.hidden,
            steps: self.steps,
            learning_rate: self.lr,
            discount: self.discount,
            ways,
            seeds: self.seeds,
        };
        let device = self.place.open(None)?;
        let curves = request.run::<M>(&device)?;
        output::lines(control::table(&curves))?;
        control::draw::<M>(&request, &curves, &self.place.out)?;
        self.place.say()
    }
}

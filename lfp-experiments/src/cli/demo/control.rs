//! `demo cartpole` and `demo acrobot`.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;

use super::super::{DeviceArgs, values};
use crate::{
    demo::control::{self, Request, Task},
    files, limits, output,
    train::refuse_run_folder,
};

#[derive(Debug, Args)]
pub(in super::super) struct ControlArgs {
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
    /// Runs of each way to train
    #[arg(long, default_value_t = 5, value_parser = values::whole(limits::SEEDS))]
    seeds: usize,
    /// Folder of the figure and its numbers; results/cartpole or results/acrobot by default
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
    #[command(flatten)]
    device: DeviceArgs,
}

impl ControlArgs {
    pub(super) fn run<T: Task + Send>(self) -> Result<bool> {
        let request = Request {
            updates: self.updates,
            episodes: self.episodes,
            hidden: self.hidden,
            steps: self.steps,
            learning_rate: self.lr,
            discount: self.discount,
            seeds: self.seeds,
        };
        let device = self.device.device.open()?;
        let out = self
            .out
            .unwrap_or_else(|| PathBuf::from("results").join(T::NAME));
        refuse_run_folder(&out)?;
        files::create_folder(&out)?;
        let curves = request.run::<T>(&device)?;
        output::lines(control::table(&curves))?;
        control::draw::<T>(&request, &curves, &out)?;
        output::line(format_args!("drawn in {}", out.display()))?;
        Ok(true)
    }
}

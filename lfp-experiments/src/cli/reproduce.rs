//! `reproduce`.

use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::Args;

use super::{DeviceArgs, values};
use crate::reproduce::{FigureName, Profile, Request, Table3Choice};

#[derive(Debug, Args)]
pub(super) struct ReproduceArgs {
    /// Figure or table
    figure: FigureName,
    /// Grid: a coarse one in minutes, or the paper's
    #[arg(long, value_enum, default_value = "quick")]
    profile: Profile,
    /// Number of seeds [default: the profile's]
    #[arg(long, value_parser = values::at_least_one)]
    seeds: Option<usize>,
    /// Folder of the data sets; without it MNIST is downloaded into a cache
    #[arg(long)]
    data_dir: Option<PathBuf>,
    #[command(flatten)]
    table: Table3Choice,
    /// Folder of the results
    #[arg(long, default_value = "results")]
    out: PathBuf,
    #[command(flatten)]
    device: DeviceArgs,
}

impl ReproduceArgs {
    pub(super) fn run(self) -> Result<bool> {
        if !self.figure.takes(&self.table) {
            bail!(
                "--models, --datasets, --activations and --methods are for table3, --pretrained for it and for pruning; this is {}",
                self.figure
            );
        }
        let request = Request {
            table: self.table,
            figure: self.figure,
            profile: self.profile,
            seeds: self.seeds,
            data_dir: self.data_dir,
            device: self.device.device,
            out: self.out,
        };
        let folder = request.run()?;
        println!("written to {}", folder.display());
        Ok(true)
    }
}

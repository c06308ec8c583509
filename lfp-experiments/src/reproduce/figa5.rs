//! Figure A.5: Figure 5 for all networks and data sets.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;

use super::{PhotographArgs, Reproduce, fig5, shared::sparsity::Extent};

#[derive(Debug, Args)]
pub struct FigA5 {
    #[command(flatten)]
    options: PhotographArgs,
}

impl Reproduce for FigA5 {
    const NAME: &'static str = "figa5";

    fn run(&self) -> Result<PathBuf> {
        let context = self.options.open(Self::NAME)?;
        fig5::draw(&context, Extent::All)?;
        Ok(context.folder)
    }
}

//! Figure A.7: pruning by global magnitude, for all networks and data sets.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;

use super::{PhotographArgs, Reproduce, fig6, shared::sparsity::Extent};
use crate::prune::Criterion;

#[derive(Debug, Args)]
pub struct FigA7 {
    #[command(flatten)]
    options: PhotographArgs,
}

impl Reproduce for FigA7 {
    const NAME: &'static str = "figa7";

    fn run(&self) -> Result<PathBuf> {
        let context = self.options.open(Self::NAME)?;
        fig6::draw(&context, Extent::All, &[Criterion::Global])?;
        Ok(context.folder)
    }
}

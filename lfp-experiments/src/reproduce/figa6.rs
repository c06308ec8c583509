//! Figure A.6: pruning by local magnitude, for all networks and data sets.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;

use super::{PhotographArgs, Reproduce, fig6, shared::sparsity::Extent};
use crate::prune::Criterion;

#[derive(Debug, Args)]
pub struct FigA6 {
    #[command(flatten)]
    options: PhotographArgs,
}

impl Reproduce for FigA6 {
    const NAME: &'static str = "figa6";

    fn run(&self) -> Result<PathBuf> {
        let context = self.options.open(Self::NAME)?;
        fig6::draw(&context, Extent::All, &[Criterion::Local])?;
        Ok(context.folder)
    }
}

//! Figure A.8: pruning by global relevance, for all networks and data sets.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;

use super::{PhotographArgs, Reproduce, fig6, shared::sparsity::Extent};
use crate::prune::Criterion;

#[derive(Debug, Args)]
pub struct FigA8 {
    #[command(flatten)]
    options: PhotographArgs,
}

impl Reproduce for FigA8 {
    const NAME: &'static str = "figa8";

    fn run(&self) -> Result<PathBuf> {
        let context = self.options.open(Self::NAME)?;
        fig6::draw(&context, Extent::All, &[Criterion::Relevance])?;
        Ok(context.folder)
    }
}

//! Figure A.7: pruning by global magnitude, for all networks and data sets.

use anyhow::Result;

use super::{
    Context, PhotographArgs, Reproduce, fig6,
    shared::sparsity::{self, Extent},
};
use crate::{prune::Criterion, study::Study};

pub struct FigA7;

impl Reproduce for FigA7 {
    const NAME: &'static str = "figa7";

    type Options = PhotographArgs;

    fn studies(context: &Context) -> Vec<Study> {
        vec![sparsity::study(context, Extent::All)]
    }

    fn draw(context: &Context) -> Result<()> {
        fig6::draw(context, Extent::All, &[Criterion::Global])
    }
}

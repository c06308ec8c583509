//! Figure A.6: pruning by local magnitude, for all networks and data sets.

use anyhow::Result;

use super::{
    Context, PhotographArgs, Reproduce, fig6,
    shared::sparsity::{self, Extent},
};
use crate::{prune::Criterion, study::Study};

pub struct FigA6;

impl Reproduce for FigA6 {
    const NAME: &'static str = "figa6";

    type Options = PhotographArgs;

    fn studies(context: &Context) -> Vec<Study> {
        vec![sparsity::study(context, Extent::All)]
    }

    fn draw(context: &Context) -> Result<()> {
        fig6::draw(context, Extent::All, &[Criterion::Local])
    }
}

//! Figure A.8: Figure 6 for the additional networks and data sets.

use anyhow::Result;

use super::{
    Context, PhotographArgs, Reproduce, fig6,
    shared::sparsity::{self, Extent},
};
use crate::study::Study;

pub struct FigA8;

impl Reproduce for FigA8 {
    const NAME: &'static str = "figa8";

    type Options = PhotographArgs;

    fn studies(context: &Context) -> Vec<Study> {
        vec![sparsity::study(context, Extent::Additional)]
    }

    fn draw(context: &Context) -> Result<()> {
        fig6::draw(context, Extent::Additional)
    }
}

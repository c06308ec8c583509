//! Figure A.5: Figure 5 for the additional networks and data sets.

use anyhow::Result;

use super::{
    Context, PhotographArgs, Reproduce, fig5,
    shared::sparsity::{self, Extent, Normalization},
};
use crate::study::Study;

pub struct FigA5;

impl Reproduce for FigA5 {
    const NAME: &'static str = "figa5";

    type Options = PhotographArgs;

    fn studies(context: &Context) -> Vec<Study> {
        vec![sparsity::study(context, Extent::Additional)]
    }

    fn draw(context: &Context) -> Result<()> {
        fig5::draw(context, Extent::Additional, Normalization::Maximum)
    }
}

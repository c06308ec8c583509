//! Figure A.6: the distributions of Figure 5 without normalisation.

use anyhow::Result;

use super::{
    Context, PhotographArgs, Reproduce, fig5,
    shared::sparsity::{self, Extent, Normalization},
};
use crate::study::Study;

pub struct FigA6;

impl Reproduce for FigA6 {
    const NAME: &'static str = "figa6";

    type Options = PhotographArgs;

    fn studies(context: &Context) -> Vec<Study> {
        vec![sparsity::study(context, Extent::Main)]
    }

    fn draw(context: &Context) -> Result<()> {
        fig5::draw(context, Extent::Main, Normalization::None)
    }
}

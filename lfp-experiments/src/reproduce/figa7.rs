//! Figure A.7: the distributions of Figure A.5 without normalisation.

use anyhow::Result;

use super::{
    Context, PhotographArgs, Reproduce, fig5,
    shared::sparsity::{self, Extent, Normalization},
};
use crate::study::Study;

pub struct FigA7;

impl Reproduce for FigA7 {
    const NAME: &'static str = "figa7";

    type Options = PhotographArgs;

    fn studies(context: &Context) -> Vec<Study> {
        vec![sparsity::study(context, Extent::Additional)]
    }

    fn draw(context: &Context) -> Result<()> {
        fig5::draw(context, Extent::Additional, Normalization::None)
    }
}

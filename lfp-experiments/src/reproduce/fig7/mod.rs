//! Figure 7: spiking networks on MNIST, accuracy over the learning rate.

mod raster;

use anyhow::Result;

use super::{
    Context, ImageArgs, Reproduce,
    args::Layout,
    shared::spiking::{Grid, MODELS},
};
use crate::study::{Cell, MethodVariant, Study, panels};
use raster::Rasters;

pub struct Fig7;

impl Reproduce for Fig7 {
    const NAME: &'static str = "fig7";

    type Options = ImageArgs;

    fn studies(context: &Context) -> Vec<Study> {
        vec![study(context)]
    }

    fn draw(context: &Context) -> Result<()> {
        let results = study(context).run(&context.resources, |trained| Rasters::of(&trained))?;
        context.report(&results)?;
        let panel = |cells: &[Cell<Rasters>]| {
            panels::over_learning_rate(&cells[0].condition.title, cells, 0.0)
        };
        let layout = Layout {
            columns: 2,
            panel_size: (520, 400),
            panels: results.conditions().map(panel).collect(),
            ..Layout::default()
        };
        context.draw(&results, layout)?;
        raster::draw(context, &results)
    }
}

fn study(context: &Context) -> Study {
    let grid = Grid {
        methods: vec![
            MethodVariant::Lfp,
            MethodVariant::SurrogateGradient,
            MethodVariant::Gradient,
        ],
        quick_rates: vec![1e-3, 1e-2, 0.1, 0.5],
        seeds: 3,
    };
    let steps = context.by_profile(10, 25);
    let conditions = MODELS.map(|model| grid.condition(context, model, steps, 0.9));
    context.study(conditions.into())
}

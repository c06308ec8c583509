//! Figure 7: spiking networks on MNIST, accuracy over the learning rate.

use anyhow::Result;

use super::{
    Context, ImageArgs, Reproduce,
    args::Layout,
    shared::spiking::{self, BETA, MODELS, Quick, Rasters},
};
use crate::study::{Cell, Study, panels};

pub struct Fig7;

impl Reproduce for Fig7 {
    const NAME: &'static str = "fig7";

    type Options = ImageArgs;

    fn studies(context: &Context) -> Vec<Study> {
        vec![study(context)]
    }

    fn draw(context: &Context) -> Result<()> {
        let results = spiking::run(context, study(context))?;
        let panel = |cells: &[Cell<Rasters>]| {
            panels::over_learning_rate(&cells[0].condition.title, cells, 0.0)
        };
        let layout = Layout {
            columns: 2,
            panel_size: (520, 400),
            panels: results.conditions().map(panel).collect(),
            note: note(context),
        };
        context.draw(&results, layout)?;
        spiking::draw_rasters(context, &results)
    }
}

fn note(context: &Context) -> String {
    let after = "; after three epochs the paper has the surrogate gradient slightly ahead";
    format!(
        "{}{}",
        spiking::note(context),
        context.by_profile(after, "")
    )
}

fn study(context: &Context) -> Study {
    let quick = Quick {
        rates: vec![1e-2, 5e-2, 0.1, 0.5],
        seeds: 2,
    };
    let steps = spiking::steps(context.profile);
    let conditions = MODELS.map(|model| spiking::condition(context, &quick, model, steps, BETA));
    spiking::study(context, conditions.into())
}

//! Figure A.3: spiking networks over the number of time steps (rows) and the decay of membranes (columns).

use anyhow::Result;

use super::{
    Context, ImageArgs, Reproduce,
    args::Layout,
    shared::spiking::{Grid, MODELS},
};
use crate::study::{MethodVariant, Study, panels};

pub struct FigA3;

impl Reproduce for FigA3 {
    const NAME: &'static str = "figa3";

    type Options = ImageArgs;

    fn studies(context: &Context) -> Vec<Study> {
        vec![study(context)]
    }

    fn draw(context: &Context) -> Result<()> {
        let results = study(context).run(&context.resources, |_| Ok(()))?;
        context.report(&results)?;
        let panels = results
            .conditions()
            .map(|cells| panels::over_learning_rate(&cells[0].condition.title, cells, 0.0));
        let layout = Layout {
            columns: betas(context).len(),
            panel_size: (420, 300),
            panels: panels.collect(),
            ..Layout::default()
        };
        context.draw(&results, layout)
    }
}

fn betas(context: &Context) -> &'static [f64] {
    context.by_profile(&[0.3, 0.9], &[0.3, 0.6, 0.9])
}

fn study(context: &Context) -> Study {
    let steps: &[usize] = context.by_profile(&[5, 15], &[5, 15, 25]);
    let grid = Grid {
        methods: vec![MethodVariant::Lfp, MethodVariant::SurrogateGradient],
        quick_rates: vec![0.1, 0.5],
        seeds: context.by_profile(1, 3),
    };
    let mut conditions = Vec::new();
    for model in MODELS {
        for &steps in steps {
            for &beta in betas(context) {
                conditions.push(grid.condition(context, model, steps, beta));
            }
        }
    }
    context.study(conditions)
}

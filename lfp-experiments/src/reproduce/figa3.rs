//! Figure A.3: spiking networks over the number of time steps (rows) and the decay of membranes (columns).

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;

use super::{
    Common, DataArgs, Reproduce,
    args::Layout,
    shared::spiking::{Grid, MODELS},
};
use crate::study::{MethodVariant, Study, panels};

#[derive(Debug, Args)]
pub struct FigA3 {
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    data: DataArgs,
}

impl Reproduce for FigA3 {
    const NAME: &'static str = "figa3";

    fn run(&self) -> Result<PathBuf> {
        let context = self.common.open_with_data(Self::NAME, &self.data)?;
        let steps: &[usize] = context.by_profile(&[5, 15], &[5, 15, 25]);
        let betas: &[f64] = context.by_profile(&[0.3, 0.9], &[0.3, 0.6, 0.9]);
        let grid = Grid {
            methods: vec![MethodVariant::Lfp, MethodVariant::SurrogateGradient],
            quick_rates: vec![0.1, 0.5],
            seeds: context.by_profile(1, 3),
        };
        let mut conditions = Vec::new();
        for model in MODELS {
            for &steps in steps {
                for &beta in betas {
                    conditions.push(grid.condition(&context, model, steps, beta));
                }
            }
        }
        let study = Study::new(context.folder.clone(), conditions);
        let results = study.run(&context.resources, |_| Ok(()))?;
        context.report(&results)?;
        let panels = results
            .conditions()
            .map(|cells| panels::over_learning_rate(&cells[0].condition.title, cells, 0.0));
        let layout = Layout {
            columns: betas.len(),
            panel_size: (420, 300),
            panels: panels.collect(),
            ..Layout::default()
        };
        context.draw(&results, layout)?;
        Ok(context.folder)
    }
}

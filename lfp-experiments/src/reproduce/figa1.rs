//! Figure A.1: the curves of Figure 3, enlarged.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;

use super::{Common, Reproduce, args::Layout, shared::toy};
use crate::objective::RewardKind;

#[derive(Debug, Args)]
pub struct FigA1 {
    #[command(flatten)]
    common: Common,
}

impl Reproduce for FigA1 {
    const NAME: &'static str = "figa1";

    fn run(&self) -> Result<PathBuf> {
        let context = self.common.open(Self::NAME)?;
        let results = toy::run(&context, &toy::DATA_SETS, RewardKind::Softmax)?;
        let curves = |cells: &[_]| [toy::over_learning_rate(cells), toy::over_epochs(cells)];
        let layout = Layout {
            columns: 2,
            panel_size: (600, 380),
            panels: results.conditions().flat_map(curves).collect(),
            ..Layout::default()
        };
        context.draw(&results, layout)?;
        Ok(context.folder)
    }
}

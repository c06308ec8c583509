//! Figure 3: LFP and gradient on toy data, a row per data set.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;

use super::{Common, Reproduce, args::Layout, shared::toy};
use crate::objective::RewardKind;

#[derive(Debug, Args)]
pub struct Fig3 {
    #[command(flatten)]
    common: Common,
}

impl Reproduce for Fig3 {
    const NAME: &'static str = "fig3";

    fn run(&self) -> Result<PathBuf> {
        let context = self.common.open(Self::NAME)?;
        let results = toy::run(&context, &toy::DATA_SETS, RewardKind::Softmax)?;
        let mut panels = Vec::new();
        for cells in results.conditions() {
            panels.extend(toy::row(&context, cells)?);
        }
        let layout = Layout {
            columns: 7,
            panel_size: (330, 330),
            panels,
            ..Layout::default()
        };
        context.draw(&results, layout)?;
        Ok(context.folder)
    }
}

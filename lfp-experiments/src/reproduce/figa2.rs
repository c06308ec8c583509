//! Figure A.2: blobs with the reward of Eq. 14, which has no derivative.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;

use super::{Common, Reproduce, args::Layout, shared::toy};
use crate::{data::DataSet, objective::RewardKind};

#[derive(Debug, Args)]
pub struct FigA2 {
    #[command(flatten)]
    common: Common,
}

impl Reproduce for FigA2 {
    const NAME: &'static str = "figa2";

    fn run(&self) -> Result<PathBuf> {
        let context = self.common.open(Self::NAME)?;
        let results = toy::run(&context, &[DataSet::BLOBS], RewardKind::Misclassification)?;
        let mut panels = Vec::new();
        for cells in results.conditions() {
            panels.extend(toy::row(&context, cells)?);
        }
        let layout = Layout {
            columns: 4,
            panel_size: (400, 400),
            panels,
            ..Layout::default()
        };
        context.draw(&results, layout)?;
        Ok(context.folder)
    }
}

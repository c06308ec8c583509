//! Figure 3: LFP and gradient on toy data, a row per data set.

use anyhow::Result;

use super::{Common, Context, Reproduce, args::Layout, shared::toy};
use crate::{objective::RewardKind, study::Study};

pub struct Fig3;

impl Reproduce for Fig3 {
    const NAME: &'static str = "fig3";

    type Options = Common;

    fn studies(context: &Context) -> Vec<Study> {
        vec![toy::study(context, &toy::DATA_SETS, RewardKind::Softmax)]
    }

    fn draw(context: &Context) -> Result<()> {
        let results = toy::run(context, &toy::DATA_SETS, RewardKind::Softmax)?;
        let mut panels = Vec::new();
        for cells in results.conditions() {
            panels.extend(toy::row(context, cells)?);
        }
        let layout = Layout {
            columns: 7,
            panel_size: (330, 330),
            panels,
            ..Layout::default()
        };
        context.draw(&results, layout)
    }
}

//! Figure A.1: the curves of Figure 3, enlarged.

use anyhow::Result;

use super::{Common, Context, Reproduce, args::Layout, shared::toy};
use crate::{objective::RewardKind, study::Study};

pub struct FigA1;

impl Reproduce for FigA1 {
    const NAME: &'static str = "figa1";

    type Options = Common;

    fn studies(context: &Context) -> Vec<Study> {
        vec![toy::study(context, &toy::DATA_SETS, RewardKind::Softmax)]
    }

    fn draw(context: &Context) -> Result<()> {
        let results = toy::run(context, &toy::DATA_SETS, RewardKind::Softmax)?;
        let curves = |cells: &[_]| [toy::over_learning_rate(cells), toy::over_epochs(cells)];
        let layout = Layout {
            columns: 2,
            panel_size: (600, 380),
            panels: results.conditions().flat_map(curves).collect(),
            ..Layout::default()
        };
        context.draw(&results, layout)
    }
}

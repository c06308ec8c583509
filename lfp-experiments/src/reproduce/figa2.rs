//! Figure A.2: blobs with the reward of Eq. 14, which has no derivative.

use anyhow::Result;

use super::{Common, Context, Reproduce, args::Layout, shared::toy};
use crate::{data::DataSet, objective::RewardKind, study::Study};

pub struct FigA2;

impl Reproduce for FigA2 {
    const NAME: &'static str = "figa2";

    type Options = Common;

    fn studies(context: &Context) -> Vec<Study> {
        vec![toy::study(
            context,
            &[DataSet::BLOBS],
            RewardKind::Misclassification,
        )]
    }

    fn draw(context: &Context) -> Result<()> {
        let results = toy::run(context, &[DataSet::BLOBS], RewardKind::Misclassification)?;
        let mut panels = Vec::new();
        for cells in results.conditions() {
            panels.extend(toy::row(context, cells)?);
        }
        let layout = Layout {
            columns: 4,
            panel_size: (400, 400),
            panels,
            ..Layout::default()
        };
        context.draw(&results, layout)
    }
}

//! Figure A.2: blobs with the reward of Eq. 14, which has no derivative.

use anyhow::Result;

use super::{Common, Context, Reproduce, args::Layout, shared::toy};
use crate::{
    data::DataSet,
    objective::RewardKind,
    study::{Condition, MethodVariant, Study},
    train::Settings,
};

pub struct FigA2;

impl Reproduce for FigA2 {
    const NAME: &'static str = "figa2";

    type Options = Common;

    fn studies(context: &Context) -> Vec<Study> {
        vec![study(context)]
    }

    fn draw(context: &Context) -> Result<()> {
        let results = toy::run(context, study(context))?;
        let mut panels = Vec::new();
        for cell in &results.cells {
            let title = format!("{}: {}", cell.condition.title, cell.method.title());
            panels.push(toy::boundary(title, cell, &context.resources.device)?);
            let cells = std::slice::from_ref(cell);
            panels.extend([toy::over_learning_rate(cells), toy::over_iterations(cells)]);
        }
        let layout = Layout {
            columns: 3,
            panel_size: (380, 380),
            panels,
            ..Layout::default()
        };
        context.draw(&results, layout)
    }
}

/// That of Figure 3 by LFP, with reward #2 of Table 2.
fn study(context: &Context) -> Study {
    let reward = RewardKind::Misclassification;
    let condition = toy::condition(context, DataSet::BLOBS);
    let condition = Condition {
        name: format!("{}-{reward}", condition.name),
        methods: vec![MethodVariant::Lfp],
        settings: Settings {
            reward,
            ..condition.settings.clone()
        },
        ..condition
    };
    toy::study(context, vec![condition])
}

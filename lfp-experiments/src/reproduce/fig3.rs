//! Figure 3: LFP and gradient on toy data, a row per data set.

use anyhow::Result;

use super::{
    Common, Context, Reproduce,
    args::Layout,
    shared::toy::{self, Toy, Weights},
};
use crate::{
    plot::Panel,
    study::{Cell, MethodVariant, Study},
};

pub struct Fig3;

impl Reproduce for Fig3 {
    const NAME: &'static str = "fig3";

    type Options = Common;

    fn studies(context: &Context) -> Vec<Study> {
        vec![study(context)]
    }

    fn draw(context: &Context) -> Result<()> {
        let results = toy::run(context, study(context))?;
        let mut panels = Vec::new();
        for cells in results.conditions() {
            panels.extend(row(context, cells)?);
        }
        let layout = Layout {
            columns: 3 * LARGE.0 + SHARES.0 + DIAGRAM.0,
            panel_size: (76, 155),
            panels,
            note: "Networks: colours for \u{3b8} = 0.25; the number is the neutral share, averaged over \u{3b8}."
                .to_owned(),
        };
        context.draw(&results, layout)
    }
}

fn study(context: &Context) -> Study {
    let conditions = toy::DATA_SETS.map(|dataset| toy::condition(context, dataset));
    toy::study(context, conditions.into())
}

/// Columns and rows of the panels of a data set: three large ones, and beside them three rows of small ones.
const LARGE: (usize, usize) = (4, 3);
const SHARES: (usize, usize) = (3, 1);
const DIAGRAM: (usize, usize) = (2, 1);

/// Decision boundary, accuracies and weights of a data set.
fn row(context: &Context, cells: &[Cell<Toy>]) -> Result<Vec<Panel>> {
    let name = &cells[0].condition.title;
    let with_span = |panel: Panel, span| Panel { span, ..panel };
    let mut row = Vec::new();
    for lfp in cells
        .iter()
        .filter(|cell| cell.method == MethodVariant::Lfp)
    {
        let title = format!("{name}: LFP");
        row.push(toy::boundary(title, lfp, &context.resources.device)?);
    }
    row.extend([toy::over_learning_rate(cells), toy::over_iterations(cells)]);
    let mut row: Vec<_> = row.into_iter().map(|of| with_span(of, LARGE)).collect();
    let initial = cells
        .first()
        .map(|cell| ("initial", cell, Weights::Initial));
    let trained = cells
        .iter()
        .map(|cell| (cell.method.title(), cell, Weights::Trained));
    for (title, cell, weights) in initial.into_iter().chain(trained) {
        row.push(with_span(toy::shares(title, cell, weights), SHARES));
        row.push(with_span(toy::diagram(cell, weights), DIAGRAM));
    }
    Ok(row)
}

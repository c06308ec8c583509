//! Figure 6: accuracy over the percentage of pruned connections, by three criteria.

use anyhow::Result;

use super::{
    Context, PhotographArgs, Reproduce,
    args::Layout,
    shared::sparsity::{self, Extent, Sparsity, pruned_accuracy},
};
use crate::{
    plot::{Axis, Panel},
    prune::Criterion,
    study::{Cell, Measure, Study, panels},
};

pub struct Fig6;

impl Reproduce for Fig6 {
    const NAME: &'static str = "fig6";

    type Options = PhotographArgs;

    fn studies(context: &Context) -> Vec<Study> {
        vec![sparsity::study(context, Extent::Main)]
    }

    fn draw(context: &Context) -> Result<()> {
        draw(context, Extent::Main)
    }
}

/// Draws a row per condition, with a panel per criterion.
pub(super) fn draw(context: &Context, extent: Extent) -> Result<()> {
    let (results, note) = sparsity::run(context, extent)?;
    let row = |cells| Criterion::ALL.map(|criterion| panel(cells, criterion));
    let layout = Layout {
        columns: Criterion::ALL.len(),
        panel_size: (440, 380),
        panels: results.conditions().flat_map(row).collect(),
        note,
    };
    context.draw(&results, layout)
}

fn panel(cells: &[Cell<Sparsity>], criterion: Criterion) -> Panel {
    let condition = &cells[0].condition;
    let quantity = pruned_accuracy(criterion);
    let curve = |cell: &Cell<Sparsity>| {
        let points = cell.best().map(|best| best.curve(&quantity));
        let percent = |(rate, accuracy)| (100.0 * rate, accuracy);
        points
            .unwrap_or_default()
            .into_iter()
            .map(percent)
            .collect()
    };
    let mut y = panels::accuracy_axis(0.0);
    if condition.measure == Measure::ClassMean {
        y.label += ", mean over classes";
    }
    let title = format!("{}: {}", condition.title, criterion.title());
    let mut panel = Panel::new(title, Axis::new("connections pruned (%)", 0.0..100.0), y);
    panel.shapes = panels::curves(cells, curve);
    panel.legend = panels::legend(cells);
    panel
}

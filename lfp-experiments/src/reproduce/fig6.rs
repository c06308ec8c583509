//! Figure 6: accuracy over the pruning rate.

use anyhow::Result;

use super::{
    Context, PhotographArgs, Reproduce,
    args::Layout,
    shared::sparsity::{self, Extent, Sparsity, pruned_accuracy},
};
use crate::{
    plot::{Axis, Panel},
    prune::Criterion,
    study::{Cell, Study, panels},
};

pub struct Fig6;

impl Reproduce for Fig6 {
    const NAME: &'static str = "fig6";

    type Options = PhotographArgs;

    fn studies(context: &Context) -> Vec<Study> {
        vec![sparsity::study(context, Extent::First)]
    }

    fn draw(context: &Context) -> Result<()> {
        draw(context, Extent::First, &Criterion::ALL)
    }
}

/// Draws a panel per condition and criterion.
pub(super) fn draw(context: &Context, extent: Extent, criteria: &[Criterion]) -> Result<()> {
    let results = sparsity::run(context, extent)?;
    let conditions = results.conditions().count();
    let panels = results.conditions().flat_map(|cells| {
        criteria
            .iter()
            .map(move |&criterion| panel(cells, criterion))
    });
    let layout = Layout {
        columns: criteria.len().max(conditions.min(2)),
        panel_size: (560, 380),
        panels: panels.collect(),
        ..Layout::default()
    };
    context.draw(&results, layout)
}

fn panel(cells: &[Cell<Sparsity>], criterion: Criterion) -> Panel {
    let quantity = pruned_accuracy(criterion);
    let curve = |cell: &Cell<Sparsity>| {
        cell.best()
            .map(|best| best.curve(&quantity))
            .unwrap_or_default()
    };
    let mut panel = Panel::new(
        format!("{}: {}", cells[0].condition.title, criterion.title()),
        Axis::new("share of connections pruned", 0.0..1.0),
        panels::accuracy_axis(0.0),
    );
    panel.shapes = panels::curves(cells, curve);
    panel.legend = panels::legend(cells);
    panel
}

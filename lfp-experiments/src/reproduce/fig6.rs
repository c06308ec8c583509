//! Figure 6: accuracy over the pruning rate.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;

use super::{
    Context, PhotographArgs, Reproduce,
    args::Layout,
    shared::sparsity::{self, Extent, Sparsity, pruned_accuracy},
};
use crate::{
    plot::{Axis, Panel},
    prune::Criterion,
    study::{Cell, panels},
};

#[derive(Debug, Args)]
pub struct Fig6 {
    #[command(flatten)]
    options: PhotographArgs,
}

impl Reproduce for Fig6 {
    const NAME: &'static str = "fig6";

    fn run(&self) -> Result<PathBuf> {
        let context = self.options.open(Self::NAME)?;
        draw(&context, Extent::First, &Criterion::ALL)?;
        Ok(context.folder)
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

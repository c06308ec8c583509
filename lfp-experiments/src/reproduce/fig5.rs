//! Figure 5: distribution of weights by LFP and by gradient.

use anyhow::Result;

use super::{
    Context, PhotographArgs, Reproduce,
    args::Layout,
    shared::sparsity::{self, Extent, GINI, QUANTILES, Sparsity, quantile_name},
};
use crate::{
    plot::{Axis, INK, Key, Panel, Shape, tint},
    study::{Cell, Spread, Study},
};

pub struct Fig5;

impl Reproduce for Fig5 {
    const NAME: &'static str = "fig5";

    type Options = PhotographArgs;

    fn studies(context: &Context) -> Vec<Study> {
        vec![sparsity::study(context, Extent::First)]
    }

    fn draw(context: &Context) -> Result<()> {
        draw(context, Extent::First)
    }
}

/// Draws a row of distributions, and below it the Gini coefficients.
pub(super) fn draw(context: &Context, extent: Extent) -> Result<()> {
    let results = sparsity::run(context, extent)?;
    let conditions: Vec<&[Cell<Sparsity>]> = results.conditions().collect();
    let columns = full_rows(conditions.len());
    let panels = conditions.chunks(columns).flat_map(|row| {
        let distributions = row.iter().map(|cells| distribution(cells));
        distributions.chain(row.iter().map(|cells| gini(cells)))
    });
    let layout = Layout {
        columns,
        panel_size: (560, 380),
        panels: panels.collect(),
        ..Layout::default()
    };
    context.draw(&results, layout)
}

/// The largest number of columns up to four that fills all rows.
fn full_rows(count: usize) -> usize {
    let fills = |columns: &usize| count.is_multiple_of(*columns);
    (1..=4).rev().find(fills).unwrap_or(1)
}

/// Quantiles of magnitudes as bars, layer by layer.
fn distribution(cells: &[Cell<Sparsity>]) -> Panel {
    let title = format!("{}: |w| / max |w|", cells[0].condition.title);
    let highest = over_layers(cells, &quantile_name(QUANTILES[4]))
        .into_iter()
        .flat_map(|(_, layers)| layers)
        .map(|(_, spread)| spread.mean)
        .fold(0.0, f64::max);
    let y = Axis::new(
        "quantiles 0.1 to 0.9",
        0.0..(1.25 * highest).clamp(0.1, 1.25),
    );
    let quantiles = QUANTILES.map(|level| over_layers(cells, &quantile_name(level)));
    let mut shapes = Vec::new();
    for (lower, strength) in [(0, 0.4), (1, 0.8), (2, 0.8), (3, 0.4)] {
        let pairs = quantiles[lower].iter().zip(&quantiles[lower + 1]);
        for (method, ((cell, lower), (_, upper))) in pairs.enumerate() {
            let colour = tint(cell.method.colour(), strength);
            for (&(layer, low), &(_, high)) in lower.iter().zip(upper) {
                let (left, right) = bar(layer, method);
                shapes.push(Shape::Cell((left, low.mean), (right, high.mean), colour));
            }
        }
    }
    for (method, (_, medians)) in quantiles[2].iter().enumerate() {
        for &(layer, median) in medians {
            let (left, right) = bar(layer, method);
            let line = vec![(left, median.mean), (right, median.mean)];
            shapes.push(Shape::Line(line, INK));
        }
    }
    by_layer(title, y, shapes, cells)
}

/// Gini coefficients, layer by layer.
fn gini(cells: &[Cell<Sparsity>]) -> Panel {
    let title = format!("{}: Gini", cells[0].condition.title);
    let mut shapes = Vec::new();
    for (method, (cell, layers)) in over_layers(cells, GINI).into_iter().enumerate() {
        for (layer, spread) in layers {
            let Spread {
                mean,
                standard_deviation,
            } = spread;
            let (left, right) = bar(layer, method);
            let colour = cell.method.colour();
            shapes.push(Shape::Cell((left, 0.0), (right, mean), colour));
            let middle = f64::midpoint(left, right);
            let ends = [mean - standard_deviation, mean + standard_deviation];
            shapes.push(Shape::Hairline(ends.map(|y| (middle, y)).into(), INK));
        }
    }
    by_layer(
        title,
        Axis::new("Gini coefficient", 0.0..1.0),
        shapes,
        cells,
    )
}

fn by_layer(title: String, y: Axis, shapes: Vec<Shape>, cells: &[Cell<Sparsity>]) -> Panel {
    let layers = over_layers(cells, GINI).into_iter();
    let count = layers.map(|(_, layers)| layers.len()).max().unwrap_or(0);
    let methods = cells.iter().map(|cell| cell.method);
    let mut panel = Panel::new(title, Axis::whole("layer", 0.4..count as f64 + 0.6), y);
    panel.shapes = shapes;
    panel.legend = methods
        .map(|method| Key::area(method.title(), method.colour()))
        .collect();
    panel
}

/// A statistic of the layers, counted from 1.
type OverLayers = Vec<(f64, Spread)>;

/// A statistic of the weights for each method.
fn over_layers<'a>(
    cells: &'a [Cell<Sparsity>],
    quantity: &str,
) -> Vec<(&'a Cell<Sparsity>, OverLayers)> {
    let layers = |cell: &Cell<Sparsity>| {
        cell.best()
            .map(|best| best.curve(quantity))
            .unwrap_or_default()
    };
    cells.iter().map(|cell| (cell, layers(cell))).collect()
}

/// Left and right of a method's bar.
fn bar(layer: f64, method: usize) -> (f64, f64) {
    let left = layer + 0.35 * (method as f64 - 1.0);
    (left + 0.02, left + 0.33)
}

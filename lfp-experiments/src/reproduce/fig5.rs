//! Figure 5: distribution of weight magnitudes by LFP and by gradient, relative to the largest of each layer.

use anyhow::Result;

use super::{
    Context, PhotographArgs, Reproduce,
    args::Layout,
    shared::sparsity::{self, Extent, GINI, Normalization, Sparsity},
};
use crate::{
    plot::{Axis, INK, Key, Panel, Shape, tint},
    study::{Cell, Point, Study},
    train::{MagnitudeBin, PERCENTILES},
};

pub struct Fig5;

impl Reproduce for Fig5 {
    const NAME: &'static str = "fig5";

    type Options = PhotographArgs;

    fn studies(context: &Context) -> Vec<Study> {
        vec![sparsity::study(context, Extent::Main)]
    }

    fn draw(context: &Context) -> Result<()> {
        draw(context, Extent::Main, Normalization::Maximum)
    }
}

/// Draws a distribution per condition, and below it the Gini coefficients, which do not depend on the normalisation.
pub(super) fn draw(context: &Context, extent: Extent, normalization: Normalization) -> Result<()> {
    let (results, note) = sparsity::run(context, extent)?;
    let conditions: Vec<&[Cell<Sparsity>]> = results.conditions().collect();
    let columns = conditions.len().min(2);
    let mut panels = Vec::new();
    for row in conditions.chunks(columns) {
        panels.extend(row.iter().map(|cells| distribution(cells, normalization)));
        if normalization == Normalization::Maximum {
            panels.extend(row.iter().map(|cells| gini(cells)));
        }
    }
    let layout = Layout {
        columns,
        panel_size: (760, 420),
        panels,
        note,
    };
    context.draw(&results, layout)
}

/// The distribution of the magnitudes as a bar per layer and method, with black lines at the percentiles. The dark part
/// of a bar is as wide as its interval of magnitudes is frequent.
fn distribution(cells: &[Cell<Sparsity>], normalization: Normalization) -> Panel {
    let mut shapes = Vec::new();
    let mut highest = 0.0;
    for (method, cell) in cells.iter().enumerate() {
        let Some(best) = cell.best() else { continue };
        let [lowest, rest @ ..] =
            PERCENTILES.map(|level| best.curve(&normalization.percentile(level)));
        for (layer, (_, lowest)) in lowest.iter().enumerate() {
            let [a, b, c, d] = rest.each_ref().map(|curve| curve[layer].1.mean);
            let values = [lowest.mean, a, b, c, d];
            let bar = Bar::new(layer + 1, method);
            let colour = cell.method.colour();
            let (bottom, top) = ((bar.left, values[0]), (bar.right, values[4]));
            shapes.push(Shape::Cell(bottom, top, tint(colour, 0.25)));
            let bins = mean_magnitudes(best, layer);
            let steps = bar.histogram(&bins, values[4]);
            shapes.extend(steps.map(|(from, to)| Shape::Cell(from, to, tint(colour, 0.8))));
            let line = |y| Shape::Line(vec![(bar.left, y), (bar.right, y)], INK);
            shapes.extend(values.map(line));
            highest = f64::max(highest, values[4]);
        }
    }
    let (label, title) = match normalization {
        Normalization::Maximum => ("|w| / max |w|", "relative magnitudes"),
        Normalization::None => ("|w|", "magnitudes"),
    };
    let title = format!("{}: {title}", cells[0].condition.title);
    by_layer(title, Axis::new(label, 0.0..1.02 * highest), shapes, cells)
}

/// The distribution of the magnitudes of a layer, averaged over the seeds.
fn mean_magnitudes(best: &Point<Sparsity>, layer: usize) -> Vec<MagnitudeBin> {
    let mut runs = best.analyses().map(|analysis| analysis.magnitudes(layer));
    let mut bins = runs.next().unwrap_or_default();
    let mut count = 1.0;
    for run in runs {
        let pairs = bins.iter_mut().zip(run);
        pairs.for_each(|(sum, bin)| sum.density += bin.density);
        count += 1.0;
    }
    bins.iter_mut().for_each(|bin| bin.density /= count);
    bins
}

/// Gini coefficients, layer by layer.
fn gini(cells: &[Cell<Sparsity>]) -> Panel {
    let mut shapes = Vec::new();
    for (method, cell) in cells.iter().enumerate() {
        let layers = cell.best().map(|best| best.curve(GINI)).unwrap_or_default();
        for (layer, (_, spread)) in (1..).zip(layers) {
            let (mean, deviation) = (spread.mean, spread.width());
            let bar = Bar::new(layer, method);
            let colour = cell.method.colour();
            shapes.push(Shape::Cell((bar.left, 0.0), (bar.right, mean), colour));
            let ends = [mean - deviation, mean + deviation];
            let middle = bar.middle();
            shapes.push(Shape::Hairline(ends.map(|y| (middle, y)).into(), INK));
        }
    }
    let title = format!("{}: sparsity", cells[0].condition.title);
    by_layer(
        title,
        Axis::new("Gini coefficient", 0.0..1.0),
        shapes,
        cells,
    )
}

fn by_layer(title: String, y: Axis, shapes: Vec<Shape>, cells: &[Cell<Sparsity>]) -> Panel {
    let mut analyses = cells
        .iter()
        .filter_map(|cell| cell.best()?.analyses().next());
    let names = analyses.next().map(Sparsity::layer_names);
    let x = Axis::named("layer", names.unwrap_or_default());
    let methods = cells.iter().map(|cell| cell.method);
    let mut panel = Panel::new(title, x, y);
    panel.shapes = shapes;
    panel.legend = methods
        .map(|method| Key::area(method.title(), method.colour()))
        .collect();
    panel
}

/// Left and right of a method's bar.
struct Bar {
    left: f64,
    right: f64,
}

impl Bar {
    fn new(layer: usize, method: usize) -> Self {
        let left = layer as f64 + 0.38 * (method as f64 - 1.0);
        Self {
            left: left + 0.02,
            right: left + 0.36,
        }
    }

    fn middle(&self) -> f64 {
        f64::midpoint(self.left, self.right)
    }

    /// Opposite corners of the rectangles of a distribution from 0 to `highest`, around the middle. The densest interval
    /// is as wide as the bar.
    fn histogram(
        &self,
        bins: &[MagnitudeBin],
        highest: f64,
    ) -> impl Iterator<Item = ((f64, f64), (f64, f64))> {
        let densities = bins.iter().map(|bin| bin.density);
        let largest = densities.fold(f64::MIN_POSITIVE, f64::max);
        let (middle, half) = (self.middle(), (self.right - self.left) / 2.0);
        bins.iter().map(move |bin| {
            let width = half * bin.density / largest;
            let ends = [bin.from, bin.to].map(|magnitude| highest * magnitude);
            ((middle - width, ends[0]), (middle + width, ends[1]))
        })
    }
}

//! The panels of the figures.

use plotters::prelude::RGBColor;

use super::{Analysed, analysis::Analysis};
use crate::{
    plot::{Axis, GRADIENT, LFP, LegendAt, Panel, Shape, tint},
    pruning::Criterion,
    reproduce::curves::{accuracy_axis, band, mean_and_deviation},
};

const COLOURS: [RGBColor; 2] = [LFP, GRADIENT];
const NAMES: [&str; 2] = ["LFP", "gradient"];

fn legend() -> Vec<(&'static str, RGBColor)> {
    NAMES.into_iter().zip(COLOURS).collect()
}

/// Quantiles of magnitudes as bars, layer by layer.
pub(super) fn distribution(analysed: &Analysed) -> Panel {
    Panel {
        title: format!("{}: |w| / max |w|", analysed.condition.title()),
        x: layer_axis(analysed),
        y: Axis::new("quantiles 0.1 to 0.9", 0.0..quantile_top(analysed)),
        shapes: quantile_bars(analysed),
        legend: legend(),
        legend_at: LegendAt::UpperLeft,
    }
}

/// Gini coefficients, layer by layer.
pub(super) fn gini(analysed: &Analysed) -> Panel {
    Panel {
        title: format!("{}: Gini", analysed.condition.title()),
        x: layer_axis(analysed),
        y: Axis::new("Gini coefficient", 0.0..1.0),
        shapes: gini_bars(analysed),
        legend: legend(),
        legend_at: LegendAt::UpperLeft,
    }
}

fn layer_axis(analysed: &Analysed) -> Axis {
    Axis::new("layer", 0.4..layer_count(analysed) as f64 + 0.6)
}

fn layer_count(analysed: &Analysed) -> usize {
    let analyses = analysed.analyses.iter().flatten();
    analyses
        .map(|analysis| analysis.layers.len())
        .max()
        .unwrap_or(0)
}

/// Mean and deviation over the seeds of what is asked of a layer.
fn over_seeds(
    analyses: &[Analysis],
    layer: usize,
    value: impl Fn(&super::analysis::LayerStatistics) -> f64,
) -> (f64, f64) {
    let values: Vec<f64> = analyses.iter().map(|of| value(&of.layers[layer])).collect();
    mean_and_deviation(values.into_iter())
}

fn quantile_top(analysed: &Analysed) -> f64 {
    let statistics = analysed.analyses.iter().flatten().flat_map(|of| &of.layers);
    let largest = statistics
        .map(|layer| layer.quantiles[4])
        .fold(0.0, f64::max);
    (1.25 * largest).clamp(0.1, 1.25)
}

/// For each layer a bar for each method, from one quantile to the next darker towards the median.
fn quantile_bars(analysed: &Analysed) -> Vec<Shape> {
    let mut shapes = Vec::new();
    for layer in 0..layer_count(analysed) {
        for (method, analyses) in analysed.analyses.iter().enumerate() {
            let (left, right) = bar(layer, method);
            let quantile = |which: usize| over_seeds(analyses, layer, |of| of.quantiles[which]).0;
            for (lower, shade) in [(0, 0.4), (1, 0.8), (2, 0.8), (3, 0.4)] {
                let (low, high) = (quantile(lower), quantile(lower + 1));
                let colour = tint(COLOURS[method], shade);
                shapes.push(Shape::Cell((left, low), (right, high), colour));
            }
            let median = quantile(2);
            let line = vec![(left, median), (right, median)];
            shapes.push(Shape::Line(line, crate::plot::INK));
        }
    }
    shapes
}

fn gini_bars(analysed: &Analysed) -> Vec<Shape> {
    let mut shapes = Vec::new();
    for layer in 0..layer_count(analysed) {
        for (method, analyses) in analysed.analyses.iter().enumerate() {
            let (left, right) = bar(layer, method);
            let (mean, deviation) = over_seeds(analyses, layer, |of| of.gini);
            shapes.push(Shape::Cell((left, 0.0), (right, mean), COLOURS[method]));
            let middle = f64::midpoint(left, right);
            let whisker = vec![(middle, mean - deviation), (middle, mean + deviation)];
            shapes.push(Shape::Hairline(whisker, crate::plot::INK));
        }
    }
    shapes
}

/// Left and right of a method's bar; layers are counted from 1.
fn bar(layer: usize, method: usize) -> (f64, f64) {
    let left = layer as f64 + 1.0 + 0.35 * (method as f64 - 1.0);
    (left + 0.02, left + 0.33)
}

/// Accuracy over the pruning rate.
pub(super) fn pruning(analysed: &Analysed, criterion: Criterion) -> Panel {
    let methods = analysed.analyses.iter().zip(COLOURS);
    let shapes = methods.flat_map(|(analyses, colour)| {
        let rates = analyses
            .first()
            .map_or(&[][..], |of| &of.curve(criterion).points);
        let points = rates.iter().enumerate().map(|(index, point)| {
            let accuracies = analyses
                .iter()
                .map(|of| of.curve(criterion).points[index].accuracy);
            (point.rate, mean_and_deviation(accuracies))
        });
        band(points.collect(), colour)
    });
    Panel {
        title: format!("{}: {}", analysed.condition.title(), criterion.title()),
        x: Axis::new("share of connections pruned", 0.0..1.0),
        y: accuracy_axis(0.0),
        shapes: shapes.collect(),
        legend: legend(),
        legend_at: LegendAt::LowerLeft,
    }
}

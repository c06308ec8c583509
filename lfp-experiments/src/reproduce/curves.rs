//! What curves of several figures share.

use plotters::prelude::RGBColor;

use crate::plot::{Axis, Shape};

/// Mean and deviation.
pub(super) type Spread = (f64, f64);

/// The mean, and the deviation over all values.
pub(super) fn mean_and_deviation(values: impl Iterator<Item = f64> + Clone) -> Spread {
    let count = values.clone().count().max(1) as f64;
    let mean = values.clone().sum::<f64>() / count;
    let variance = values.map(|value| (value - mean).powi(2)).sum::<f64>() / count;
    (mean, variance.sqrt())
}

/// A line through the means within a band of the deviation.
pub(super) fn band(points: Vec<(f64, Spread)>, colour: RGBColor) -> [Shape; 2] {
    let within = |&(x, (mean, deviation)): &(f64, Spread)| {
        (x, (mean - deviation).max(0.0), (mean + deviation).min(1.0))
    };
    let line = points.iter().map(|&(x, (mean, _))| (x, mean)).collect();
    [
        Shape::Band {
            points: points.iter().map(within).collect(),
            colour,
            opacity: 0.2,
        },
        Shape::Line(line, colour),
    ]
}

/// Of test accuracies, from `lowest` on.
pub(super) fn accuracy_axis(lowest: f64) -> Axis {
    Axis::new("test accuracy", lowest..1.02)
}

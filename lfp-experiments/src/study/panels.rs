//! Panels that several figures share.

use plotters::prelude::RGBColor;

use super::{Cell, Point, Spread};
use crate::plot::{Axis, LegendAt, Panel, Shape, band};

/// Name and colour of each method.
pub fn legend<A>(cells: &[Cell<A>]) -> Vec<(&'static str, RGBColor)> {
    let methods = cells.iter().map(|cell| cell.method);
    methods
        .map(|method| (method.title(), method.colour()))
        .collect()
}

/// An axis of test accuracies from `lowest` to 1.
pub fn accuracy_axis(lowest: f64) -> Axis {
    Axis::new("test accuracy", lowest..1.02)
}

/// The curve of each method: its mean within a band of one standard deviation.
pub fn curves<A>(cells: &[Cell<A>], curve: impl Fn(&Cell<A>) -> Vec<(f64, Spread)>) -> Vec<Shape> {
    let shapes = |cell: &Cell<A>| {
        let points = curve(cell).into_iter();
        let points = points.map(|(x, spread)| (x, (spread.mean, spread.standard_deviation)));
        band(&points.collect::<Vec<_>>(), cell.method.colour())
    };
    cells.iter().flat_map(shapes).collect()
}

/// Test accuracy over the learning rate, one curve per method.
pub fn over_learning_rate<A>(title: impl Into<String>, cells: &[Cell<A>], lowest: f64) -> Panel {
    let curve = |cell: &Cell<A>| {
        let point = |point: &Point<A>| (point.lr.log10(), point.accuracy());
        cell.points().iter().map(point).collect()
    };
    let rates = cells.first().map(|cell| &cell.condition.learning_rates);
    let exponents = rates.map_or(-1.0..0.0, |rates| {
        let exponent = |rate: Option<&f64>| rate.map_or(0.0, |rate| rate.log10());
        exponent(rates.first())..exponent(rates.last())
    });
    Panel {
        title: title.into(),
        x: Axis::logarithmic("learning rate", exponents),
        y: accuracy_axis(lowest),
        shapes: curves(cells, curve),
        legend: legend(cells),
        legend_at: LegendAt::UpperLeft,
    }
}

/// Test accuracy during training at each method's best learning rate; `initial` is the accuracy before training.
pub fn over_epochs<A>(
    title: impl Into<String>,
    cells: &[Cell<A>],
    lowest: f64,
    initial: impl Fn(&Point<A>) -> Option<Spread>,
) -> Panel {
    let curve = |cell: &Cell<A>| {
        let Some(best) = cell.best() else {
            return Vec::new();
        };
        let initial = initial(best).map(|accuracy| (0.0, accuracy));
        initial
            .into_iter()
            .chain(best.accuracy_by_epoch())
            .collect()
    };
    let epochs = cells.first().map(|cell| cell.condition.settings.epochs);
    Panel {
        title: title.into(),
        x: Axis::new("epoch", 0.0..epochs.unwrap_or(1) as f64),
        y: accuracy_axis(lowest),
        shapes: curves(cells, curve),
        legend: legend(cells),
        legend_at: LegendAt::LowerRight,
    }
}

//! Panels that several figures share.

use std::ops::Range;

use super::{Cell, Point, Spread};
use crate::plot::{Axis, INK, Key, Mark, Panel, Shape, band};

/// The values that accuracies can have.
pub const SHARES: Range<f64> = 0.0..1.0;

/// The key of each method.
pub fn legend<A>(cells: &[Cell<A>]) -> Vec<Key> {
    let methods = cells.iter().map(|cell| cell.method);
    methods
        .map(|method| Key::curve(method.title(), method.look()))
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
        let points = points.map(|(x, spread)| (x, (spread.mean, spread.width())));
        band(&points.collect::<Vec<_>>(), &SHARES, cell.method.look())
    };
    cells.iter().flat_map(shapes).collect()
}

/// Test accuracy over the learning rate, one curve per method, with a diamond at the best learning rate of each.
pub fn over_learning_rate<A>(title: impl Into<String>, cells: &[Cell<A>], lowest: f64) -> Panel {
    let at = |point: &Point<A>| (point.lr.log10(), point.accuracy());
    let curve = |cell: &Cell<A>| cell.points().iter().map(at).collect();
    let best = |cell: &Cell<A>| {
        let (lr, accuracy) = at(cell.best()?);
        Some(Shape::Best((lr, accuracy.mean), cell.method.colour()))
    };
    let mut panel = Panel::new(
        title,
        Axis::logarithmic("learning rate", exponents(cells)),
        accuracy_axis(lowest),
    );
    panel.shapes = curves(cells, curve);
    panel.shapes.extend(cells.iter().filter_map(best));
    panel.legend = legend(cells);
    panel
        .legend
        .push(Key::mark("best learning rate", Mark::Diamond, INK));
    panel
}

/// The exponents of 10 of all learning rates, with a margin for the marks at both ends.
fn exponents<A>(cells: &[Cell<A>]) -> Range<f64> {
    let rates = cells.iter().flat_map(|cell| &cell.condition.learning_rates);
    let exponents = rates.map(|rate| rate.log10());
    let (low, high) = exponents.fold((f64::MAX, f64::MIN), |(low, high), exponent| {
        (low.min(exponent), high.max(exponent))
    });
    match low <= high {
        true => {
            let margin = (0.03 * (high - low)).max(0.1);
            low - margin..high + margin
        }
        false => -1.0..0.0,
    }
}

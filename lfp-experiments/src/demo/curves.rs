//! Curves of several runs: means within bands.

use super::Compared;
use crate::{
    plot::{Axis, Key, Look, Panel, band},
    study::{Spread, average_curves},
};

/// The points of a way to train, run by run, with the same x values in all runs.
pub(super) struct Runs {
    title: &'static str,
    look: Look,
    points: Vec<Vec<(f64, f64)>>,
}

impl Runs {
    pub(super) fn new(
        way: impl Compared,
        points: impl IntoIterator<Item = Vec<(f64, f64)>>,
    ) -> Self {
        Self {
            title: way.title(),
            look: way.look(),
            points: points.into_iter().collect(),
        }
    }

    /// The largest value of all runs; 0 if there is none above.
    pub(super) fn largest(&self) -> f64 {
        let points = self.points.iter().flatten();
        points.map(|&(_, value)| value).fold(0.0, f64::max)
    }

    fn averaged(&self) -> Vec<(f64, Spread)> {
        average_curves(self.points.iter().map(Vec::as_slice))
    }
}

/// Values after 1, 2, 3, ... times `each`, such as epochs.
pub(super) fn after_each(each: usize, values: impl IntoIterator<Item = f64>) -> Vec<(f64, f64)> {
    let numbered = (1..).zip(values);
    numbered
        .map(|(number, value)| ((number * each) as f64, value))
        .collect()
}

/// A panel of curves whose values can be those of the vertical axis.
pub(super) fn panel(title: &str, [x, y]: [Axis; 2], ways: &[Runs]) -> Panel {
    let possible = y.range.clone();
    let mut panel = Panel::new(title, x, y);
    for runs in ways {
        let points = runs.averaged().into_iter();
        let points = points.map(|(x, spread)| (x, (spread.mean, spread.width())));
        let points: Vec<_> = points.collect();
        panel.shapes.extend(band(&points, &possible, runs.look));
        panel.legend.push(Key::curve(runs.title, runs.look));
    }
    panel
}

/// An axis of shares.
pub(super) fn shares() -> Axis {
    Axis::new("", 0.0..1.0)
}

//! Curves of several runs: means within bands.

use crate::{
    plot::{Axis, Key, Look, Panel, band},
    study::{Spread, average_curves},
};

/// The points of a way to train, run by run, with the same x values in all runs.
pub(super) struct Runs {
    pub(super) title: &'static str,
    pub(super) look: Look,
    pub(super) points: Vec<Vec<(f64, f64)>>,
}

impl Runs {
    fn averaged(&self) -> Vec<(f64, Spread)> {
        average_curves(self.points.iter().map(Vec::as_slice))
    }
}

/// A panel of shares, from 0 to 1.
pub(super) fn panel(title: &str, x: Axis, ways: &[Runs]) -> Panel {
    let mut panel = Panel::new(title, x, Axis::new("", 0.0..1.0));
    for runs in ways {
        let points = runs.averaged().into_iter();
        let points = points.map(|(x, spread)| (x, (spread.mean, spread.standard_deviation)));
        let points: Vec<_> = points.collect();
        panel.shapes.extend(band(&points, runs.look));
        panel.legend.push(Key::curve(runs.title, runs.look));
    }
    panel
}

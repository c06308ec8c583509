//! Shares of positive, neutral and negative weights over a threshold.

use super::{Toy, analysis::INITIAL};
use crate::{
    plot::{Axis, Key, NEGATIVE, NEUTRAL, POSITIVE, Panel, Shape},
    study::{Cell, Spread},
};

/// The weights to draw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::reproduce) enum Weights {
    /// Before training.
    Initial,
    /// After training.
    Trained,
}

/// The shares of the weights above theta, within theta, and below minus theta at the best learning rate, stacked.
pub(in crate::reproduce) fn shares(
    title: impl Into<String>,
    cell: &Cell<Toy>,
    weights: Weights,
) -> Panel {
    let prefix = match weights {
        Weights::Initial => INITIAL,
        Weights::Trained => "",
    };
    let share = |name: &str| {
        let best = cell.best();
        let curve = best.map(|best| best.curve(&format!("{prefix}share_{name}")));
        curve.unwrap_or_default()
    };
    let (negative, neutral) = (share("negative"), share("neutral"));
    let borders = negative.iter().zip(&neutral);
    let borders = borders.map(|(&(theta, negative), &(_, neutral))| {
        (theta, sum(&[negative]), sum(&[negative, neutral]))
    });
    let borders: Vec<(f64, f64, f64)> = borders.collect();
    let area = |colour, points: Vec<(f64, f64, f64)>| Shape::Band {
        points,
        colour,
        opacity: 1.0,
    };
    let lower = borders.iter().map(|&(theta, first, _)| (theta, 0.0, first));
    let upper = borders
        .iter()
        .map(|&(theta, _, second)| (theta, second, 1.0));
    let last = borders.last().map_or(1.0, |&(theta, ..)| theta);
    let mut panel = Panel::new(
        title,
        Axis::new("\u{3b8}", 0.0..last),
        Axis::new("share of weights", 0.0..1.0),
    );
    panel.shapes = vec![
        area(NEGATIVE, lower.collect()),
        area(NEUTRAL, borders.clone()),
        area(POSITIVE, upper.collect()),
    ];
    panel.legend = vec![
        Key::area("above \u{3b8}", POSITIVE),
        Key::area("within \u{b1}\u{3b8}", NEUTRAL),
        Key::area("below \u{2212}\u{3b8}", NEGATIVE),
    ];
    panel
}

fn sum(shares: &[Spread]) -> f64 {
    shares.iter().map(|share| share.mean).sum()
}

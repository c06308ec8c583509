//! Shares of positive, neutral and negative weights over a threshold.

use super::{Toy, Weights};
use crate::{
    plot::{Axis, INK, Key, NEGATIVE, NEUTRAL, POSITIVE, Panel, Shape},
    study::Cell,
};

/// The shares of the weights above theta, within theta, and below minus theta at the best learning rate: stacked from top
/// to bottom, with a line at each border. Means over the seeds.
pub(in crate::reproduce) fn shares(
    title: impl Into<String>,
    cell: &Cell<Toy>,
    weights: Weights,
) -> Panel {
    let share = |name: &str| {
        let best = cell.best();
        let curve = best.map(|best| best.curve(&weights.quantity(name)));
        curve.unwrap_or_default()
    };
    let (negative, neutral) = (share("share_negative"), share("share_neutral"));
    let borders = negative.iter().zip(&neutral);
    let borders = borders.map(|(&(theta, negative), &(_, neutral))| {
        (theta, negative.mean, negative.mean + neutral.mean)
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
    let first = borders.iter().map(|&(theta, first, _)| (theta, first));
    let second = borders.iter().map(|&(theta, _, second)| (theta, second));
    let mut panel = Panel::new(
        title,
        Axis::new("\u{3b8}", 0.0..1.0),
        Axis::new("share", 0.0..1.0),
    );
    panel.shapes = vec![
        area(NEGATIVE, lower.collect()),
        area(NEUTRAL, borders.clone()),
        area(POSITIVE, upper.collect()),
        Shape::Hairline(first.collect(), INK),
        Shape::Hairline(second.collect(), INK),
    ];
    panel.legend = vec![
        Key::area("weights above \u{3b8}", POSITIVE),
        Key::area("within \u{b1}\u{3b8}", NEUTRAL),
        Key::area("below \u{2212}\u{3b8}", NEGATIVE),
    ];
    panel
}

//! A drawing of the network.

use plotters::prelude::RGBColor;

use super::{Toy, Weights, analysis::Layer};
use crate::{
    plot::{Axis, INK, NEGATIVE, NEUTRAL, POSITIVE, Panel, Point, Shape},
    study::Cell,
};

/// The threshold of the colours (Figure 3).
const THETA: f32 = 0.25;

/// The network of the first seed that did not diverge at the best learning rate, from the inputs on the left to the
/// outputs on the right. A connection is coloured by its weight over the largest magnitude of its layer: positive above
/// 0.25, negative below -0.25, else neutral. The number is the mean neutral share over the seeds.
pub(in crate::reproduce) fn diagram(cell: &Cell<Toy>, weights: Weights) -> Panel {
    let layers = cell
        .best()
        .and_then(|best| best.analyses().next())
        .map(|toy| toy.parameters(weights).layers())
        .unwrap_or_default();
    let last = layers.len().max(1) as f64;
    let mut panel = Panel::new("", Axis::hidden(-0.1..last + 0.1), Axis::hidden(-0.05..1.2));
    for (index, layer) in layers.iter().enumerate() {
        panel.shapes.extend(connections(index, layer));
    }
    let widths = layers.iter().map(|layer| layer.inputs);
    let widths = widths.chain(layers.last().map(|layer| layer.outputs));
    for (column, width) in widths.enumerate() {
        let nodes = (0..width).map(|index| node(column, index, width));
        panel.shapes.push(Shape::Dots(nodes.collect(), INK, 2));
    }
    let neutral = cell.best().map(|best| best.scalars()).unwrap_or_default();
    let name = weights.quantity("neutral_share");
    let neutral = neutral.into_iter().find(|(found, _)| *found == name);
    if let Some((_, share)) = neutral {
        panel.corner = format!("{:.3}", share.mean);
    }
    panel
}

/// The connections of a layer, the smallest behind. Neither sign covers the other: only magnitudes decide.
fn connections(column: usize, layer: &Layer) -> Vec<Shape> {
    let Layer {
        inputs, outputs, ..
    } = *layer;
    let mut weights: Vec<(usize, f32)> = layer.weights.iter().copied().enumerate().collect();
    weights.sort_by(|(_, a), (_, b)| a.abs().total_cmp(&b.abs()));
    let line = |(index, weight): (usize, f32)| {
        let from = node(column, index / outputs, inputs);
        let to = node(column + 1, index % outputs, outputs);
        Shape::Hairline(vec![from, to], colour_of(weight))
    };
    weights.into_iter().map(line).collect()
}

fn colour_of(weight: f32) -> RGBColor {
    match weight {
        weight if weight > THETA => POSITIVE,
        weight if weight < -THETA => NEGATIVE,
        _ => NEUTRAL,
    }
}

/// The position of a neuron; the first is at the top.
fn node(column: usize, index: usize, width: usize) -> Point {
    (column as f64, 1.0 - (index as f64 + 0.5) / width as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_is_coloured_by_its_relative_weight_and_joins_its_neurons() {
        let layer = Layer {
            inputs: 2,
            outputs: 3,
            weights: vec![1.0, -0.9, 0.25, 0.26, -0.27, 0.0],
        };
        let lines = connections(0, &layer);
        let line = |shape: &Shape| match shape {
            Shape::Hairline(ends, colour) => (ends.clone(), *colour),
            _ => panic!("a connection is a line"),
        };
        let colours: Vec<RGBColor> = lines.iter().map(|shape| line(shape).1).collect();
        // From the smallest magnitude, behind, to the largest: 0, 0.25, 0.26, -0.27, -0.9, 1.
        let by_magnitude = [NEUTRAL, NEUTRAL, POSITIVE, NEGATIVE, NEGATIVE, POSITIVE];
        assert_eq!(colours, by_magnitude);
        assert_eq!(line(&lines[4]).0, [node(0, 0, 2), node(1, 1, 3)]);
    }
}

//! Decision boundaries over the plane.

use burn::tensor::{Device, Tensor, TensorData};
use lfp_models::{Classifier, Network};

use crate::{
    data::Points,
    plot::{Axis, CLASSES, INK, LegendAt, Panel, Shape, cells, contours, tint},
};

/// Cells along each side.
const SIZE: usize = 120;
/// Space around the outermost points.
const MARGIN: f64 = 0.3;
/// Points drawn of each data set.
const POINTS: usize = 300;

/// What `network` makes of the plane around `points`, and the points.
pub(super) fn panel(title: String, network: &Network, points: &Points, device: &Device) -> Panel {
    let (x, y) = extent(points);
    let classes = classify(network, x, y, device);
    let colours: Vec<_> = classes
        .iter()
        .map(|&class| tint(CLASSES[class], 0.35))
        .collect();
    let mut shapes = cells(&colours, SIZE, x, y);
    for class in 0..CLASSES.len() {
        let inside = |&found: &usize| if found == class { 1.0 } else { 0.0 };
        let field: Vec<f64> = classes.iter().map(inside).collect();
        for line in contours(&field, SIZE, 0.5, x, y) {
            shapes.push(Shape::Hairline(line.into(), INK));
        }
    }
    let step = (points.iter().count() / POINTS).max(1);
    for (class, &colour) in CLASSES.iter().enumerate() {
        let of_class = points.iter().step_by(step).filter_map(|([x, y], label)| {
            (usize::from(label) == class).then_some((x.into(), y.into()))
        });
        shapes.push(Shape::Dots(of_class.collect(), colour, 2));
    }
    Panel {
        title,
        x: Axis::new("", x.0..x.1),
        y: Axis::new("", y.0..y.1),
        shapes,
        legend: Vec::new(),
        legend_at: LegendAt::LowerRight,
    }
}

/// The smallest square around the points, with a margin.
fn extent(points: &Points) -> ((f64, f64), (f64, f64)) {
    let range = |axis: usize| {
        let values = points.iter().map(|(point, _)| f64::from(point[axis]));
        values.fold((f64::MAX, f64::MIN), |(low, high), value| {
            (low.min(value), high.max(value))
        })
    };
    let (x, y) = (range(0), range(1));
    let half = ((x.1 - x.0).max(y.1 - y.0)) / 2.0 + MARGIN;
    let around = |(low, high): (f64, f64)| {
        let centre = (low + high) / 2.0;
        (centre - half, centre + half)
    };
    (around(x), around(y))
}

/// The class of every cell, row by row from the lowest y.
fn classify(network: &Network, x: (f64, f64), y: (f64, f64), device: &Device) -> Vec<usize> {
    let at = |index: usize, (from, to): (f64, f64)| {
        (from + (to - from) * (index as f64 + 0.5) / SIZE as f64) as f32
    };
    let plane: Vec<f32> = (0..SIZE * SIZE)
        .flat_map(|cell| [at(cell % SIZE, x), at(cell / SIZE, y)])
        .collect();
    let plane = Tensor::<4>::from_data(TensorData::new(plane, [SIZE * SIZE, 2, 1, 1]), device);
    let classes = network.outputs(plane).scores().argmax(1).into_data();
    classes.iter::<i64>().map(|class| class as usize).collect()
}

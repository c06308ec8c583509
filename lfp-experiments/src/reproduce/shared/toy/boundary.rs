//! Decision boundaries in the plane.

use anyhow::Result;
use burn::tensor::{Device, Tensor, TensorData};
use lfp_models::{Classifier, Network};

use super::Toy;
use crate::{
    data::Samples,
    plot::{Axis, CLASSES, INK, Panel, Shape, cells, contours, tint},
    study::Cell,
};

/// Cells along each side of the plane.
const SIZE: usize = 120;
/// Margin around the outermost points.
const MARGIN: f64 = 0.3;
/// Approximate number of points to draw.
const POINTS: usize = 300;

/// A point of the plane and its class.
type Labelled = ([f32; 2], usize);

/// The classes of the plane by the network of the first seed that did not diverge, at the best learning rate, with training
/// points, and the test accuracy of this network in the corner. Empty if all runs diverged.
pub(in crate::reproduce) fn boundary(
    title: impl Into<String>,
    cell: &Cell<Toy>,
    device: &Device,
) -> Result<Panel> {
    let records = cell.best().map_or(&[][..], |best| &best.records);
    let mut trained = records.iter().filter_map(|record| {
        let (outcome, toy) = (record.outcome.as_ref()?, record.analysis.as_ref()?);
        Some((&record.settings, outcome, toy))
    });
    let Some((settings, outcome, toy)) = trained.next() else {
        return Ok(panel(title.into(), None, &[], device));
    };
    let data = settings.dataset.draw(settings.seed);
    let points = data.map(|data| read(data.train.as_ref())).transpose()?;
    let network = toy.network(settings, device)?;
    let points = points.unwrap_or_default();
    let mut panel = panel(title.into(), Some(&network), &points, device);
    if let Some(accuracy) = outcome.test_accuracy.last() {
        panel.corner = format!("{:.1}%", 100.0 * accuracy);
    }
    Ok(panel)
}

fn read(data: &dyn Samples) -> Result<Vec<Labelled>> {
    let points = (0..data.len()).map(|index| {
        let sample = data.read(index, 0)?;
        let point = [sample.values[0], sample.values[1]];
        Ok((point, sample.label as usize))
    });
    points.collect()
}

fn panel(title: String, network: Option<&Network>, points: &[Labelled], device: &Device) -> Panel {
    let (x, y) = extent(points);
    let mut shapes = Vec::new();
    if let Some(network) = network {
        let classes = classify(network, x, y, device);
        let colours: Vec<_> = classes
            .iter()
            .map(|&class| tint(CLASSES[class], 0.35))
            .collect();
        shapes.extend(cells(&colours, SIZE, x, y));
        for class in 0..CLASSES.len() {
            let inside = |&found: &usize| if found == class { 1.0 } else { 0.0 };
            let field: Vec<f64> = classes.iter().map(inside).collect();
            for line in contours(&field, SIZE, 0.5, x, y) {
                shapes.push(Shape::Hairline(line.into(), INK));
            }
        }
    }
    let step = (points.len() / POINTS).max(1);
    for (class, &colour) in CLASSES.iter().enumerate() {
        let of_class = points.iter().step_by(step).filter_map(|&([x, y], label)| {
            (label == class).then_some((f64::from(x), f64::from(y)))
        });
        shapes.push(Shape::Dots(of_class.collect(), colour, 2));
    }
    let mut panel = Panel::new(title, Axis::new("", x.0..x.1), Axis::new("", y.0..y.1));
    panel.shapes = shapes;
    panel
}

/// The smallest square around the points, with a margin; the unit square without points.
fn extent(points: &[Labelled]) -> ((f64, f64), (f64, f64)) {
    if points.is_empty() {
        return ((0.0, 1.0), (0.0, 1.0));
    }
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

//! Output spikes of a few digits, before and after training.

use std::path::Path;

use burn::{
    module::Module,
    tensor::{Device, Tensor, TensorData},
};
use indicatif::MultiProgress;
use lfp_models::{Classifier, Network, Outputs};

use super::{
    Data,
    grid::{Curve, Grid, Learner, Training},
};
use crate::{
    data::Sample,
    plot::{Axis, Figure, INK, LFP, LegendAt, Panel, Shape},
    reproduce::ReproduceError,
    train::{initial_network, run_in_memory},
};

/// How many digits are shown.
const DIGITS: u32 = 5;

/// Trains the grid's first network by LFP once more, at its best learning rate, and draws what its outputs say of the first
/// test image of each of a few classes, before (above) and after (below).
pub(super) fn draw(
    folder: &Path,
    grid: &Grid,
    curves: &[Curve],
    data: &Data,
    device: &Device,
) -> Result<(), ReproduceError> {
    let Some(curve) = curves.iter().find(|curve| curve.learner == Learner::Lfp) else {
        return Ok(());
    };
    let training = Training {
        condition: grid.conditions[0],
        learner: Learner::Lfp,
        lr: curve.best().lr,
        seed: grid.seeds[0],
        epochs: data.epochs,
    };
    let settings = training.settings(&grid.device);
    let before = initial_network(&settings, data.split.train.as_ref(), device)?;
    let bars = MultiProgress::new();
    let (_, after) = run_in_memory(&settings, &data.split, device, &bars)?;
    let test = &data.split.test;
    let digits = (0..DIGITS).filter_map(|class| {
        let first = (0..test.len()).find(|&index| test.label(index) == class)?;
        Some(test.read(first, 0))
    });
    let digits: Vec<Sample> = digits.collect::<Result<_, _>>()?;
    let mut panels = Vec::new();
    for (when, network) in [("before", before), ("after", after)] {
        let network = network.valid();
        let panel = |digit| panel(when, &network, digit, test.shape(), device);
        panels.extend(digits.iter().map(panel));
    }
    let figure = Figure {
        columns: digits.len(),
        panel_size: (300, 260),
        panels,
    };
    Ok(figure.write(folder, "raster")?)
}

fn panel(
    when: &str,
    network: &Network,
    digit: &Sample,
    [channels, height, width]: [usize; 3],
    device: &Device,
) -> Panel {
    let pixels = TensorData::new(digit.values.clone(), [1, channels, height, width]);
    let outputs = network.outputs(Tensor::from_data(pixels, device));
    let (steps, spikes) = match outputs {
        Outputs::Spikes(spikes) => (spikes.dims()[0], spikes.into_data()),
        Outputs::Logits(logits) => (1, logits.into_data()),
    };
    let classes = spikes.num_elements() / steps;
    let fired = spikes.iter::<f32>().enumerate();
    let fired = fired.filter(|(_, spike)| *spike > 0.0);
    let points = fired.map(|(index, _)| (1.0 + (index / classes) as f64, (index % classes) as f64));
    let true_class = f64::from(digit.label);
    let (right, wrong) = points.partition(|&(_, class)| class == true_class);
    Panel {
        title: format!("a {}, {when} training", digit.label),
        x: Axis::new("step", 0.0..steps as f64 + 1.0),
        y: Axis::new("output", -0.5..classes as f64 - 0.5),
        shapes: vec![Shape::Dots(wrong, INK, 3), Shape::Dots(right, LFP, 3)],
        legend: Vec::new(),
        legend_at: LegendAt::LowerRight,
    }
}

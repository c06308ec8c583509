//! Output spikes for a few digits, before and after training.

use anyhow::Result;
use burn::{
    module::Module,
    tensor::{Device, Tensor, TensorData},
};
use lfp_models::{Classifier, Network, Outputs};
use serde::{Deserialize, Serialize};

use crate::{
    data::Sample,
    plot::{Axis, INK, Key, LFP, Mark, Panel, Shape},
    reproduce::{Context, args::Layout},
    study::{Analysis, MethodVariant, Results, Trained},
};

/// Number of digits to show.
const DIGITS: u32 = 5;

/// The output spikes for the first test image of each of a few classes.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::reproduce) struct Rasters {
    /// Before training.
    before: Vec<Raster>,
    /// After training.
    after: Vec<Raster>,
}

/// The output spikes for an image.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Raster {
    /// The class of the image.
    class: u32,
    steps: usize,
    outputs: usize,
    /// Time step and output neuron of each spike, from 0.
    spikes: Vec<(usize, usize)>,
}

impl Analysis for Rasters {}

impl Rasters {
    /// Presents the images to the network, and to the network before training.
    pub(super) fn of(trained: &Trained) -> Result<Self> {
        let test = trained.data.test.as_ref();
        let first = |class| (0..test.len()).find(|&index| test.label(index) == class);
        let images = (0..DIGITS)
            .filter_map(first)
            .map(|index| test.read(index, 0));
        let images: Vec<Sample> = images.collect::<Result<_, _>>()?;
        let rasters = |network: &Network| {
            let network = network.valid();
            let raster = |image| Raster::of(&network, image, test.shape(), trained.device);
            images.iter().map(raster).collect()
        };
        Ok(Self {
            before: rasters(&trained.initial_network()?),
            after: rasters(&trained.network),
        })
    }
}

impl Raster {
    fn of(
        network: &Network,
        image: &Sample,
        [channels, height, width]: [usize; 3],
        device: &Device,
    ) -> Self {
        let pixels = TensorData::new(image.values.clone(), [1, channels, height, width]);
        let outputs = network.outputs(Tensor::from_data(pixels, device));
        let (steps, values) = match outputs {
            Outputs::Spikes(spikes) => (spikes.dims()[0], spikes.into_data()),
            Outputs::Logits(logits) => (1, logits.into_data()),
        };
        let outputs = values.num_elements() / steps;
        let spikes = values.iter::<f32>().enumerate();
        let spikes = spikes.filter(|&(_, value)| value > 0.0);
        Self {
            class: image.label,
            steps,
            outputs,
            spikes: spikes
                .map(|(index, _)| (index / outputs, index % outputs))
                .collect(),
        }
    }

    fn panel(&self, when: &str) -> Panel {
        let is_true = |(_, output): &(usize, usize)| *output == self.class as usize;
        let (right, wrong): (Vec<_>, Vec<_>) = self.spikes.iter().partition(|spike| is_true(spike));
        let dots = |spikes: Vec<(usize, usize)>, colour| {
            let spikes = spikes.into_iter();
            let points = spikes.map(|(step, output)| ((step + 1) as f64, output as f64));
            Shape::Dots(points.collect(), colour, 3)
        };
        let mut panel = Panel::new(
            format!("a {}, {when} training", self.class),
            Axis::whole("time step", 0.0..self.steps as f64 + 1.0),
            Axis::whole("output", -0.5..self.outputs as f64 - 0.5),
        );
        panel.shapes = vec![dots(wrong, INK), dots(right, LFP.colour)];
        panel.legend = vec![
            Key::mark("spike of the true class", Mark::Circle, LFP.colour),
            Key::mark("spike of another class", Mark::Circle, INK),
        ];
        panel
    }
}

/// Draws `raster.png`: the first network trained by LFP at its best learning rate, before (above) and after (below)
/// training. Nothing is drawn if all of these runs diverged.
pub(in crate::reproduce) fn draw(context: &Context, results: &Results<Rasters>) -> Result<()> {
    let mut cells = results.cells.iter();
    let lfp = cells.find(|cell| cell.method == MethodVariant::Lfp);
    let Some(best) = lfp.and_then(|cell| cell.best()) else {
        return Ok(());
    };
    let Some(rasters) = best.analyses().next() else {
        return Ok(());
    };
    let before = rasters.before.iter().map(|raster| raster.panel("before"));
    let after = rasters.after.iter().map(|raster| raster.panel("after"));
    let layout = Layout {
        columns: rasters.before.len().max(1),
        panel_size: (300, 260),
        panels: before.chain(after).collect(),
        note: format!(
            "{}, LFP at a learning rate of {}",
            best.condition.title, best.lr
        ),
    };
    context.draw_as("raster", results, layout)
}

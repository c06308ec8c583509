//! The forward pass: weights times patches.

use rayon::prelude::*;

use super::{
    matrix::{Matrix, multiply},
    patches::{Block, Window, blocks},
};
use crate::backends::flex::{convolution::geometry::Geometry, shared::Shared};

/// Floats of the patches of a product: they stay in the cache of a core.
const PATCHES: usize = 1 << 17;
/// Columns of a product, at least, where the images suffice: the weights are laid out anew for each.
const COLUMNS: usize = 512;
/// Tasks that are aimed at.
const TASKS: usize = 4;
/// Output channels of a task, at least, but for the last of a group: with fewer, patches would be written too often.
const CHANNELS: usize = 128;

/// The output, `[samples, to, out_height, out_width]`.
pub(in super::super) fn forward(
    geometry: &Geometry,
    x: &[f32],
    weight: &[f32],
    bias: Option<&[f32]>,
    output: &mut [f32],
) {
    let window = Window::new(geometry);
    let pass = Forward {
        geometry,
        x: &window.ordered(x),
        window: &window,
        weight,
        bias,
        output: Shared::new(output),
    };
    pass.tasks()
        .par_iter()
        .for_each_init(Buffers::default, |buffers, task| pass.run(task, buffers));
}

struct Forward<'a> {
    geometry: &'a Geometry,
    window: &'a Window,
    x: &'a [f32],
    weight: &'a [f32],
    bias: Option<&'a [f32]>,
    output: Shared<'a>,
}

/// The output rows `rows` of successive samples, for output channels of one group.
struct Task {
    samples: Block,
    rows: Block,
    group: usize,
    /// Within the group.
    channels: Block,
}

/// Memory of a thread.
#[derive(Default)]
struct Buffers {
    patches: Vec<f32>,
    product: Vec<f32>,
}

impl Forward<'_> {
    /// Input and output channels of a group.
    fn channels(&self) -> [usize; 2] {
        [self.geometry.from, self.geometry.to].map(|channels| channels / self.geometry.groups)
    }

    /// Terms of a sum.
    fn terms(&self) -> usize {
        self.channels()[0] * self.geometry.taps()
    }

    fn tasks(&self) -> Vec<Task> {
        let [height, width] = self.geometry.out_size;
        let pixels = (PATCHES / self.terms()).max(COLUMNS);
        let bands = blocks(height, (pixels / width).clamp(1, height));
        // Several samples only where they are small, and where patches are written anyway.
        let together = match self.window.is_identity() || bands.len() > 1 {
            true => 1,
            false => (pixels / (height * width)).max(1),
        };
        let (samples, groups) = (
            blocks(self.geometry.samples, together),
            self.geometry.groups,
        );
        let [_, to] = self.channels();
        let parts = TASKS.div_ceil(samples.len() * bands.len() * groups);
        let channels = blocks(to, to.div_ceil(parts).max(CHANNELS));
        let mut tasks = Vec::new();
        for &samples in &samples {
            for &rows in &bands {
                for group in 0..groups {
                    tasks.extend(channels.iter().map(|&channels| Task {
                        samples,
                        rows,
                        group,
                        channels,
                    }));
                }
            }
        }
        tasks
    }

    fn run(&self, task: &Task, buffers: &mut Buffers) {
        let to = task.channels.count;
        let pixels = task.rows.count * self.geometry.out_size[1];
        let columns = task.samples.count * pixels;
        let weights = &self.weight[self.first_channel(task) * self.terms()..];
        let weights = Matrix::new(weights, [to, self.terms()], self.terms());
        let patches = match self.window.is_identity() {
            true => {
                let planes = self.planes(task.samples.start, task.group);
                let start = task.rows.start * self.geometry.out_size[1];
                let shape = [self.terms(), pixels];
                Matrix::new(&planes[start..], shape, self.geometry.pixels())
            }
            false => {
                buffers.patches.resize(self.terms() * columns, 0.0);
                for index in 0..task.samples.count {
                    let planes = self.planes(task.samples.start + index, task.group);
                    let at = [columns, index * pixels];
                    self.window
                        .lower(planes, task.rows, &mut buffers.patches, at);
                }
                Matrix::new(&buffers.patches, [self.terms(), columns], columns)
            }
        };
        buffers.product.resize(to * columns, 0.0);
        multiply(weights, patches, false, &mut buffers.product);
        self.put(task, &buffers.product);
    }

    /// The first output channel of a task.
    fn first_channel(&self, task: &Task) -> usize {
        let [_, to] = self.channels();
        task.group * to + task.channels.start
    }

    /// The input planes of a group of channels.
    fn planes(&self, sample: usize, group: usize) -> &[f32] {
        let [from, _] = self.channels();
        let plane = sample * self.geometry.from + group * from;
        let pixels = self.geometry.pixels();
        &self.x[plane * pixels..][..from * pixels]
    }

    /// Writes a product, `[to, samples * pixels]`, to the output, with the bias.
    #[allow(unsafe_code, reason = "threads write disjoint parts of the output")]
    fn put(&self, task: &Task, product: &[f32]) {
        let width = self.geometry.out_size[1];
        let mut bands = product.chunks_exact(task.rows.count * width);
        let first = self.first_channel(task);
        for channel in first..first + task.channels.count {
            let bias = self.bias.map_or(0.0, |bias| bias[channel]);
            for sample in task.samples.start..task.samples.start + task.samples.count {
                let plane = sample * self.geometry.to + channel;
                let start = plane * self.geometry.out_pixels() + task.rows.start * width;
                let band = bands.next().unwrap_or_default();
                // SAFETY: the task alone writes these rows of these channels.
                let output = unsafe { self.output.part(start, band.len()) };
                let sums = output.iter_mut().zip(band);
                sums.for_each(|(output, sum)| *output = sum + bias);
            }
        }
    }
}

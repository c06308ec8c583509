//! The weight gradient: incoming gradient times patches.
//!
//! Blocks of input channels are lowered to patches, so that each product has about [`COLUMNS`] columns. (With the incoming
//! gradient as a kernel, as Flex has it, products have about nine, which leave most vector registers idle.)

use rayon::prelude::*;

use super::{
    matrix::{Matrix, multiply},
    patches::{Block, Window, blocks},
};
use crate::backends::flex::convolution::geometry::Geometry;

/// Columns of a product: enough to fill the registers of the micro-kernel.
const COLUMNS: usize = 128;
/// Output pixels of a product: the patches of that many stay in the cache.
const PIXELS: usize = 1024;
/// Parallel tasks, at least. It is the same on every machine, so that sums have the same order.
const TASKS: usize = 8;

/// The gradient of the weights, `[to, from / groups, kernel_height, kernel_width]`, into `output`. `grad` is `[samples, to,
/// out_height, out_width]`.
pub(in super::super) fn weight_gradient(
    geometry: &Geometry,
    x: &[f32],
    grad: &[f32],
    output: &mut [f32],
) {
    let to = geometry.to / geometry.groups;
    let from = geometry.from / geometry.groups;
    let window = Window::new(geometry);
    let x = window.ordered(x);
    let output = output.chunks_mut(to * from * geometry.taps());
    for (group, output) in output.enumerate() {
        let group = Group {
            geometry,
            window: &window,
            x: &x,
            grad,
            first_to: group * to,
            first_from: group * from,
            to,
            from,
        };
        group.weights(output);
    }
}

/// One group of channels.
struct Group<'a> {
    geometry: &'a Geometry,
    window: &'a Window,
    x: &'a [f32],
    grad: &'a [f32],
    first_to: usize,
    first_from: usize,
    to: usize,
    from: usize,
}

impl Group<'_> {
    fn weights(&self, weights: &mut [f32]) {
        let taps = self.geometry.taps();
        let channels = blocks(self.from, (COLUMNS / taps).max(1));
        let samples = self.geometry.samples;
        let chunks = TASKS.div_ceil(channels.len()).min(samples);
        let samples = blocks(samples, samples.div_ceil(chunks));
        let tasks: Vec<_> = samples
            .iter()
            .flat_map(|&samples| channels.iter().map(move |&channels| (samples, channels)))
            .collect();
        let sums: Vec<_> = tasks
            .par_iter()
            .map(|&(samples, channels)| self.sum(samples, channels))
            .collect();
        weights.fill(0.0);
        let row = self.from * taps;
        for ((_, channels), sum) in tasks.iter().zip(sums) {
            let columns = channels.count * taps;
            for (row, sum) in weights.chunks_mut(row).zip(sum.chunks(columns)) {
                let row = &mut row[channels.start * taps..][..columns];
                row.iter_mut()
                    .zip(sum)
                    .for_each(|(weight, sum)| *weight += sum);
            }
        }
    }

    /// The sum `[to, channels * taps]` over a block of samples, for a block of input channels.
    fn sum(&self, samples: Block, channels: Block) -> Vec<f32> {
        let mut sum = vec![0.0; self.to * channels.count * self.geometry.taps()];
        let channels = Block {
            start: self.first_from + channels.start,
            ..channels
        };
        match PIXELS / self.geometry.out_pixels() {
            0 | 1 => self.add_in_bands(samples, channels, &mut sum),
            together => self.add_together(samples, channels, together, &mut sum),
        }
        sum
    }

    /// Large images: one band of output rows per product.
    fn add_in_bands(&self, samples: Block, channels: Block, sum: &mut [f32]) {
        let [height, width] = self.geometry.out_size;
        let rows = (PIXELS / width).clamp(1, height);
        let mut patches = vec![0.0; channels.count * self.geometry.taps() * rows * width];
        for sample in samples.start..samples.start + samples.count {
            for band in blocks(height, rows) {
                let pixels = band.count * width;
                let planes = self.planes(sample, channels);
                self.window.lower(planes, band, &mut patches, [pixels, 0]);
                let grad = &self.plane(sample, 0)[band.start * width..];
                self.add(grad, self.geometry.out_pixels(), &patches, pixels, sum);
            }
        }
    }

    /// Small images: several samples per product.
    fn add_together(&self, samples: Block, channels: Block, together: usize, sum: &mut [f32]) {
        let out_pixels = self.geometry.out_pixels();
        let whole = Block {
            start: 0,
            count: self.geometry.out_size[0],
        };
        let most = together.min(samples.count) * out_pixels;
        let mut patches = vec![0.0; channels.count * self.geometry.taps() * most];
        let mut grads = Vec::new();
        for group in blocks(samples.count, together) {
            let first = samples.start + group.start;
            let pixels = group.count * out_pixels;
            for index in 0..group.count {
                let at = [pixels, index * out_pixels];
                let planes = self.planes(first + index, channels);
                self.window.lower(planes, whole, &mut patches, at);
            }
            self.gather(first, group.count, &mut grads);
            self.add(&grads, pixels, &patches, pixels, sum);
        }
    }

    /// The incoming gradient of several samples, side by side: `[to, samples * pixels]`.
    fn gather(&self, first: usize, samples: usize, grads: &mut Vec<f32>) {
        grads.clear();
        for channel in 0..self.to {
            for sample in first..first + samples {
                grads.extend_from_slice(&self.plane(sample, channel)[..self.geometry.out_pixels()]);
            }
        }
    }

    /// The incoming gradient from one channel of the group on.
    fn plane(&self, sample: usize, channel: usize) -> &[f32] {
        let plane = sample * self.geometry.to + self.first_to + channel;
        &self.grad[plane * self.geometry.out_pixels()..]
    }

    /// Planes of the input.
    fn planes(&self, sample: usize, channels: Block) -> &[f32] {
        let pixels = self.geometry.pixels();
        let plane = sample * self.geometry.from + channels.start;
        &self.x[plane * pixels..][..channels.count * pixels]
    }

    /// Adds `grad * patches^T`: `[to, pixels]`, whose rows are `stride` apart, and `[columns, pixels]`.
    fn add(&self, grad: &[f32], stride: usize, patches: &[f32], pixels: usize, sum: &mut [f32]) {
        let columns = sum.len() / self.to;
        let grad = Matrix::new(grad, [self.to, pixels], stride);
        let patches = Matrix::new(patches, [columns, pixels], pixels).transposed();
        multiply(grad, patches, true, sum);
    }
}

//! The input gradient: weights times incoming gradient are patches, which are added up where they overlap.

use rayon::prelude::*;

use super::{
    matrix::{Matrix, multiply},
    patches::{Window, blocks},
};
use crate::backends::flex::convolution::geometry::Geometry;

/// Floats of the patches of a product: they stay in the cache of a core.
const PATCHES: usize = 1 << 17;

/// The gradient of the input, `[samples, from, height, width]`. `grad` is `[samples, to, out_height, out_width]`.
pub(in super::super) fn input_gradient(
    geometry: &Geometry,
    grad: &[f32],
    weight: &[f32],
    output: &mut [f32],
) {
    let window = Window::new(geometry);
    let pass = InputGradient {
        geometry,
        window,
        grad,
        weight,
    };
    let samples = output.par_chunks_mut(geometry.from * geometry.pixels());
    samples
        .enumerate()
        .for_each_init(Buffers::default, |buffers, (sample, output)| {
            pass.sample(sample, buffers, output);
        });
}

struct InputGradient<'a> {
    geometry: &'a Geometry,
    window: Window,
    grad: &'a [f32],
    weight: &'a [f32],
}

/// Memory of a thread.
#[derive(Default)]
struct Buffers {
    patches: Vec<f32>,
    planes: Vec<f32>,
}

impl InputGradient<'_> {
    fn sample(&self, sample: usize, buffers: &mut Buffers, output: &mut [f32]) {
        let Geometry { from, groups, .. } = *self.geometry;
        let most = PATCHES / (self.geometry.taps() * self.geometry.out_pixels());
        let output = output.chunks_mut(from / groups * self.geometry.pixels());
        for (group, output) in output.enumerate() {
            for channels in blocks(from / groups, most.max(1)) {
                let pixels = self.geometry.pixels();
                let output = &mut output[channels.start * pixels..][..channels.count * pixels];
                self.channels(sample, group, channels.start, buffers, output);
            }
        }
    }

    /// The channels of a group from `first` on, as many as `output` has planes.
    fn channels(
        &self,
        sample: usize,
        group: usize,
        first: usize,
        buffers: &mut Buffers,
        output: &mut [f32],
    ) {
        let Geometry {
            from, to, groups, ..
        } = *self.geometry;
        let (taps, outputs) = (self.geometry.taps(), self.geometry.out_pixels());
        let (from, to_group) = (from / groups, to / groups);
        let rows = output.len() / self.geometry.pixels() * taps;
        let weights = &self.weight[group * to_group * from * taps + first * taps..];
        let weights = Matrix::new(weights, [to_group, rows], from * taps).transposed();
        let grad = &self.grad[(sample * to + group * to_group) * outputs..];
        let grad = Matrix::new(grad, [to_group, outputs], outputs);
        if self.window.is_identity() {
            return multiply(weights, grad, false, output);
        }
        buffers.patches.resize(rows * outputs, 0.0);
        multiply(weights, grad, false, &mut buffers.patches);
        if self.window.horizontal.is_ordered() {
            self.window.raise(&buffers.patches, output);
            return;
        }
        buffers.planes.clear();
        buffers.planes.resize(output.len(), 0.0);
        self.window.raise(&buffers.patches, &mut buffers.planes);
        self.window.restore(&buffers.planes, output);
    }
}

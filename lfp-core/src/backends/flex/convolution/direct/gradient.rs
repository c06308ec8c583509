//! The weight gradient.

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use super::planes::{Band, Planes, bands, most_band_rows};
use crate::backends::flex::{
    buffer::Buffer,
    convolution::{geometry::Geometry, product::for_rows},
    vectors::with_widest_vectors,
};

/// Floats of the planes of a band.
const PLANES: usize = 1 << 15;
/// Floats of the bands that are summed together: they stay in the cache of a core.
const TOGETHER: usize = 1 << 17;
/// Parallel tasks, at most. It is the same on every machine, so that sums have the same order.
const TASKS: usize = 16;
/// Taps whose sums are in registers together.
const TAPS: usize = 4;

/// The output channels whose sums are in registers together.
#[inline(always)]
const fn most_rows<S: Simd>() -> usize {
    // A sum for each tap and row, beside the operands.
    (S::REGISTER_COUNT - TAPS - 2) / TAPS
}

/// The gradient of the weights, from the inputs and the incoming gradient.
pub(in super::super) struct WeightGradient<'a> {
    pub geometry: Geometry,
    pub input: &'a [f32],
    /// `[samples, to, out_height, out_width]`
    pub gradient: &'a [f32],
}

impl WeightGradient<'_> {
    /// Computes the gradient, `[to, from / groups, kernel_height, kernel_width]`.
    pub fn compute(&self, output: &mut [f32]) {
        with_widest_vectors(Compute {
            problem: self,
            output,
        });
    }
}

struct Compute<'a> {
    problem: &'a WeightGradient<'a>,
    output: &'a mut [f32],
}

impl WithSimd for Compute<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let geometry = &self.problem.geometry;
        let bands = bands(geometry, geometry.from, PLANES);
        let of_task = bands.len().div_ceil(TASKS);
        let sums: Vec<Vec<f32>> = bands
            .par_chunks(of_task)
            .map(|bands| {
                let mut sums = vec![0.0; geometry.weight_shape().iter().product()];
                simd.vectorize(BandsTask {
                    problem: self.problem,
                    bands,
                    sums: &mut sums,
                });
                sums
            })
            .collect();
        self.output.fill(0.0);
        for sums in sums {
            let sums = self.output.iter_mut().zip(sums);
            sums.for_each(|(output, sum)| *output += sum);
        }
    }
}

/// The sums over some bands.
struct BandsTask<'a> {
    problem: &'a WeightGradient<'a>,
    bands: &'a [Band],
    sums: &'a mut [f32],
}

impl WithSimd for BandsTask<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let geometry = &self.problem.geometry;
        let layout = Layout::new::<S>(geometry, most_band_rows(self.bands));
        let of_band = layout.inputs + layout.gradients;
        let together = (TOGETHER / of_band).max(1);
        let (mut inputs, mut gradients) = (Buffer::default(), Buffer::default());
        for bands in self.bands.chunks(together) {
            // Vectors at the end of the last plane read beyond it: numbers that are multiplied by zero.
            inputs.reserve(bands.len() * layout.inputs + layout.plane);
            inputs[bands.len() * layout.inputs..][..layout.plane].fill(0.0);
            gradients.reserve(bands.len() * layout.gradients);
            for (index, &band) in bands.iter().enumerate() {
                let inputs = &mut inputs[index * layout.inputs..];
                layout.fill_inputs(band, self.problem.input, inputs);
                let gradients = &mut gradients[index * layout.gradients..];
                layout.fill_gradients(band, self.problem.gradient, gradients);
            }
            layout.add_products(simd, bands.len(), [&inputs, &gradients], self.sums);
        }
    }
}

/// The buffers of a band: padded planes of all input channels, and the incoming gradient of all output channels in lines of
/// the same length, with zeros where no output is.
struct Layout<'a> {
    geometry: &'a Geometry,
    planes: Planes<'a>,
    /// Floats of an output channel, a multiple of the lanes.
    plane: usize,
    inputs: usize,
    gradients: usize,
    offsets: Vec<usize>,
}

impl<'a> Layout<'a> {
    fn new<S: Simd>(geometry: &'a Geometry, rows: usize) -> Self {
        let planes = Planes::new(geometry, rows);
        let plane = (rows * planes.columns).next_multiple_of(S::F32_LANES);
        Self {
            geometry,
            planes,
            plane,
            inputs: geometry.from * planes.len(),
            gradients: geometry.to * plane,
            offsets: planes.offsets(geometry.from / geometry.groups),
        }
    }

    #[inline(always)]
    fn fill_inputs(&self, band: Band, input: &[f32], output: &mut [f32]) {
        let pixels = self.geometry.pixels();
        for channel in 0..self.geometry.from {
            let plane = &input[(band.sample * self.geometry.from + channel) * pixels..];
            let output = &mut output[channel * self.planes.len()..];
            self.planes.fill(band, &plane[..pixels], output);
        }
    }

    #[inline(always)]
    fn fill_gradients(&self, band: Band, gradient: &[f32], output: &mut [f32]) {
        let [height, width] = self.geometry.out_size;
        for channel in 0..self.geometry.to {
            let plane = band.sample * self.geometry.to + channel;
            let lines = &gradient[(plane * height + band.first) * width..][..band.rows * width];
            let output = &mut output[channel * self.plane..][..self.plane];
            let (inside, behind) = output.split_at_mut(band.rows * self.planes.columns);
            behind.fill(0.0);
            let outputs = inside.chunks_exact_mut(self.planes.columns);
            for (output, line) in outputs.zip(lines.chunks_exact(width)) {
                output[..width].copy_from_slice(line);
                output[width..].fill(0.0);
            }
        }
    }

    /// Adds the products of all weights over `bands` bands to `sums`.
    #[inline(always)]
    fn add_products<S: Simd>(
        &self,
        simd: S,
        bands: usize,
        [inputs, gradients]: [&[f32]; 2],
        sums: &mut [f32],
    ) {
        let groups = self.geometry.groups;
        let [from, to] = [self.geometry.from, self.geometry.to].map(|channels| channels / groups);
        let terms = self.offsets.len();
        for group in 0..groups {
            let inputs = &inputs[group * from * self.planes.len()..];
            let tiles = to.div_ceil(most_rows::<S>());
            for tile in 0..tiles {
                let [start, end] = [tile, tile + 1].map(|tile| tile * to / tiles);
                let first = group * to + start;
                let problem = Tile {
                    inputs,
                    gradients: &gradients[first * self.plane..],
                    offsets: &self.offsets,
                    bands,
                    distances: [self.inputs, self.gradients],
                    plane: self.plane,
                };
                let sums = &mut sums[first * terms..][..(end - start) * terms];
                for_rows!(end - start, S, multiply(simd, &problem, sums));
            }
        }
    }
}

/// Some output channels of some bands.
struct Tile<'a> {
    inputs: &'a [f32],
    gradients: &'a [f32],
    offsets: &'a [usize],
    bands: usize,
    /// Floats between bands, of inputs and gradients.
    distances: [usize; 2],
    /// Floats of an output channel.
    plane: usize,
}

/// Adds the products of `ROWS` output channels to `sums`, `[rows, terms]`.
#[inline(always)]
fn multiply<S: Simd, const ROWS: usize>(simd: S, tile: &Tile<'_>, sums: &mut [f32]) {
    let terms = tile.offsets.len();
    for first in (0..terms).step_by(TAPS) {
        let count = TAPS.min(terms - first);
        let mut offsets = [tile.offsets[first]; TAPS];
        offsets[..count].copy_from_slice(&tile.offsets[first..][..count]);
        let mut totals = [[simd.splat_f32s(0.0); TAPS]; ROWS];
        for band in 0..tile.bands {
            tile.add_band(simd, band, offsets, &mut totals);
        }
        for (row, totals) in totals.into_iter().enumerate() {
            for (tap, total) in totals.into_iter().enumerate().take(count) {
                sums[row * terms + first + tap] += simd.reduce_sum_f32s(total);
            }
        }
    }
}

impl Tile<'_> {
    /// Adds the products of one band, for taps at `offsets`.
    #[inline(always)]
    fn add_band<S: Simd, const ROWS: usize>(
        &self,
        simd: S,
        band: usize,
        offsets: [usize; TAPS],
        totals: &mut [[S::f32s; TAPS]; ROWS],
    ) {
        let vectors = self.plane / S::F32_LANES;
        let inputs = &self.inputs[band * self.distances[0]..];
        let gradients = &self.gradients[band * self.distances[1]..];
        let mut taps = [S::as_simd_f32s(&[]).0; TAPS];
        for (tap, offset) in taps.iter_mut().zip(offsets) {
            *tap = &S::as_simd_f32s(&inputs[offset..]).0[..vectors];
        }
        let mut rows = [S::as_simd_f32s(&[]).0; ROWS];
        for (index, row) in rows.iter_mut().enumerate() {
            *row = &S::as_simd_f32s(&gradients[index * self.plane..]).0[..vectors];
        }
        for position in 0..vectors {
            let mut values = [simd.splat_f32s(0.0); TAPS];
            for (value, tap) in values.iter_mut().zip(taps) {
                *value = tap[position];
            }
            for (totals, row) in totals.iter_mut().zip(rows) {
                let gradient = row[position];
                for (total, value) in totals.iter_mut().zip(values) {
                    *total = simd.mul_add_e_f32s(gradient, value, *total);
                }
            }
        }
    }
}

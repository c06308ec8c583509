//! Convolutions of spikes: each spike adds the weights that it meets to the outputs that it reaches.
//!
//! Channels of outputs and weights lie in the lanes of vectors, and weights are mirrored from left to right. So what a spike
//! meets in one row of the kernel, and what it reaches in one row of outputs, are two contiguous pieces of the same length.
//! Sums run in the order of samples and spikes: results do not depend on the number of threads.

use std::ops::Range;

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use super::geometry::Geometry;
use crate::backends::flex::{
    buffer::Buffer,
    spikes::{Ones, Pass},
    transpose::transpose_matrix,
    vectors::with_widest_vectors,
};

/// Samples of a parallel task.
const SAMPLES: usize = 8;
/// Parallel tasks of a weight gradient, at most, and floats of the sums of all of them. Both are the same on every machine, so
/// that sums have the same order.
const TASKS: usize = 16;
const SUMS: usize = 1 << 23;

/// Whether spikes reach contiguous pieces.
pub(super) fn applies(geometry: &Geometry) -> bool {
    [geometry.stride, geometry.dilation, [geometry.groups; 2]] == [[1; 2]; 3]
}

/// A convolution of spikes, to which [`applies`] applies.
pub(super) struct Gather<'a> {
    pub geometry: Geometry,
    /// `[samples, from, height, width]`, zeros and ones.
    pub spikes: &'a [f32],
}

impl Gather<'_> {
    /// The output, `[samples, to, out_height, out_width]`.
    pub fn forward(&self, weights: &[f32], bias: Option<&[f32]>, output: &mut [f32]) {
        let pass = Pass::Forward { weights, bias };
        self.run(pass, output);
    }

    /// The quotients of the input at its spikes, `[samples, from, height, width]`; zero at the other pixels.
    pub fn input_rewards(&self, weights: &[f32], quotient: &[f32], output: &mut [f32]) {
        self.run(Pass::InputRewards { weights, quotient }, output);
    }

    /// The gradient of the weights, `[to, from, kernel_height, kernel_width]`.
    pub fn weight_gradient(&self, grad: &[f32], output: &mut [f32]) {
        self.run(Pass::WeightGradient { grad }, output);
    }

    fn run(&self, pass: Pass, output: &mut [f32]) {
        with_widest_vectors(Run {
            spikes: self.spikes,
            reaches: Reaches::new(&self.geometry),
            pass,
            output,
        });
    }
}

struct Run<'a> {
    spikes: &'a [f32],
    reaches: Reaches,
    pass: Pass<'a>,
    output: &'a mut [f32],
}

impl WithSimd for Run<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let reaches = &self.reaches;
        let Sizes {
            inputs, outputs, ..
        } = reaches.sizes::<S>();
        match self.pass {
            Pass::Forward { weights, bias } => {
                let weights = reaches.turn_weights::<S>(weights);
                let output = self.output.par_chunks_mut(SAMPLES * outputs);
                let tasks = output.zip(self.spikes.par_chunks(SAMPLES * inputs));
                tasks.for_each(|(output, spikes)| {
                    simd.vectorize(Forward {
                        reaches,
                        spikes,
                        weights: &weights,
                        bias,
                        output,
                    });
                });
            }
            Pass::InputRewards { weights, quotient } => {
                let weights = reaches.turn_weights::<S>(weights);
                let output = self.output.par_chunks_mut(SAMPLES * inputs);
                let operands = self
                    .spikes
                    .par_chunks(SAMPLES * inputs)
                    .zip(quotient.par_chunks(SAMPLES * outputs));
                output
                    .zip(operands)
                    .for_each(|(output, (spikes, quotient))| {
                        simd.vectorize(InputRewards {
                            reaches,
                            spikes,
                            weights: &weights,
                            quotient,
                            output,
                        });
                    });
            }
            Pass::WeightGradient { grad } => {
                let len = reaches.weight_vectors::<S>() * S::F32_LANES;
                let all = reaches.geometry.samples;
                let samples = all.div_ceil((SUMS / len).clamp(1, TASKS));
                let len_of_all = all.div_ceil(samples) * len;
                let mut sums = Buffer::new(len_of_all);
                let sums = &mut sums[..len_of_all];
                let operands = self
                    .spikes
                    .par_chunks(samples * inputs)
                    .zip(grad.par_chunks(samples * outputs));
                let tasks = sums.par_chunks_exact_mut(len).zip(operands);
                tasks.for_each(|(sums, (spikes, grad))| {
                    simd.vectorize(WeightGradient {
                        reaches,
                        spikes,
                        grad,
                        sums,
                    });
                });
                reaches.add_weights::<S>(sums, len, self.output);
            }
        }
    }
}

/// What a spike meets in a row of the kernel, and what it reaches in a row of outputs.
#[derive(Clone, Copy)]
struct Piece {
    /// The first tap of the mirrored kernel.
    tap: usize,
    /// The first output.
    output: usize,
    /// Taps, and outputs.
    len: usize,
}

impl Piece {
    /// One for each row of the kernel that a spike meets.
    fn of_pixel(geometry: &Geometry, [y, x]: [usize; 2]) -> impl Iterator<Item = Self> {
        let [out_height, out_width] = geometry.out_size;
        let [kernel_height, kernel_width] = geometry.kernel;
        let [y, x] = [y + geometry.padding[0], x + geometry.padding[1]];
        // A mirrored column of the kernel reaches the output at `x - before + column`.
        let before = kernel_width - 1;
        let first = before.saturating_sub(x);
        let end = (out_width + before).saturating_sub(x).min(kernel_width);
        let rows = (y + 1).saturating_sub(out_height)..kernel_height.min(y + 1);
        let rows = rows.filter(move |_| first < end);
        rows.map(move |row| Self {
            tap: row * kernel_width + first,
            output: (y - row) * out_width + x + first - before,
            len: end - first,
        })
    }

    /// The vectors of taps and of outputs, with so many for each.
    #[inline(always)]
    fn vectors(&self, width: usize) -> [Range<usize>; 2] {
        [self.tap, self.output].map(|first| first * width..(first + self.len) * width)
    }
}

/// Sizes of a sample, in floats and in vectors of output channels.
#[derive(Clone, Copy)]
struct Sizes {
    /// Floats of the input.
    inputs: usize,
    /// Floats of the output.
    outputs: usize,
    /// Vectors of a pixel of the output.
    width: usize,
    /// Vectors of the output.
    output_vectors: usize,
    /// Vectors of the weights of an input channel.
    kernel: usize,
}

struct Reaches {
    geometry: Geometry,
    pieces: Vec<Piece>,
    /// For each pixel its pieces.
    of_pixels: Vec<Range<usize>>,
}

impl Reaches {
    fn new(geometry: &Geometry) -> Self {
        let [height, width] = geometry.size;
        let mut pieces = Vec::new();
        let pixels = (0..height).flat_map(|y| (0..width).map(move |x| [y, x]));
        let of_pixels = pixels.map(|pixel| {
            let start = pieces.len();
            pieces.extend(Piece::of_pixel(geometry, pixel));
            start..pieces.len()
        });
        Self {
            geometry: *geometry,
            of_pixels: of_pixels.collect(),
            pieces,
        }
    }

    fn of_pixel(&self, pixel: u32) -> &[Piece] {
        &self.pieces[self.of_pixels[pixel as usize].clone()]
    }

    /// Vectors of a pixel of the output.
    fn width<S: Simd>(&self) -> usize {
        self.geometry.to.div_ceil(S::F32_LANES)
    }

    fn sizes<S: Simd>(&self) -> Sizes {
        let geometry = &self.geometry;
        Sizes {
            inputs: geometry.from * geometry.pixels(),
            outputs: geometry.to * geometry.out_pixels(),
            width: self.width::<S>(),
            output_vectors: geometry.out_pixels() * self.width::<S>(),
            kernel: geometry.taps() * self.width::<S>(),
        }
    }

    /// The float of each weight, in the order of `[to, from, kernel_height, kernel_width]`, in vectors of output channels,
    /// `[from, kernel_height, mirrored kernel_width, width]`.
    fn places<S: Simd>(&self) -> impl Iterator<Item = usize> {
        let distance = self.width::<S>() * S::F32_LANES;
        let kernel_width = self.geometry.kernel[1];
        let terms = self.geometry.from * self.geometry.taps();
        (0..self.geometry.to).flat_map(move |to| {
            (0..terms).map(move |term| {
                let (line, column) = (term / kernel_width, term % kernel_width);
                (line * kernel_width + kernel_width - 1 - column) * distance + to
            })
        })
    }

    fn weight_vectors<S: Simd>(&self) -> usize {
        self.geometry.from * self.geometry.taps() * self.width::<S>()
    }

    /// Weights in vectors of output channels, with zeros behind the last.
    fn turn_weights<S: Simd>(&self, weights: &[f32]) -> Buffer {
        let mut turned = Buffer::new(self.weight_vectors::<S>() * S::F32_LANES);
        turned.fill(0.0);
        for (place, &weight) in self.places::<S>().zip(weights) {
            turned[place] = weight;
        }
        turned
    }

    /// The sum of weights in vectors of output channels, `len` floats each.
    fn add_weights<S: Simd>(&self, sums: &[f32], len: usize, output: &mut [f32]) {
        for (place, output) in self.places::<S>().zip(output) {
            *output = sums.chunks_exact(len).map(|sums| sums[place]).sum();
        }
    }

    /// Puts the channels of a sample, `[to, out_pixels]`, into the lanes of vectors, `[out_pixels, width]`.
    #[inline(always)]
    fn turn_channels<S: Simd>(&self, simd: S, sample: &[f32], turned: &mut [S::f32s]) {
        let (to, pixels) = (self.geometry.to, self.geometry.out_pixels());
        let strides = [pixels, self.width::<S>() * S::F32_LANES];
        let turned = bytemuck::cast_slice_mut(turned);
        transpose_matrix(simd, sample, [to, pixels], strides, turned);
    }
}

struct Forward<'a> {
    reaches: &'a Reaches,
    spikes: &'a [f32],
    weights: &'a Buffer,
    bias: Option<&'a [f32]>,
    output: &'a mut [f32],
}

impl WithSimd for Forward<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let geometry = &self.reaches.geometry;
        let sizes = self.reaches.sizes::<S>();
        let weights = S::as_simd_f32s(self.weights).0;
        let (mut bias, mut sums) = (Buffer::default(), Buffer::default());
        let bias_vectors = bias.vectors::<S>(sizes.width);
        bias_vectors.fill(simd.splat_f32s(0.0));
        if let Some(bias) = self.bias {
            let floats: &mut [f32] = bytemuck::cast_slice_mut(bias_vectors);
            floats[..bias.len()].copy_from_slice(bias);
        }
        let sums = sums.vectors::<S>(sizes.output_vectors);
        let samples = self.spikes.chunks_exact(sizes.inputs);
        let outputs = self.output.chunks_exact_mut(sizes.outputs);
        for (sample, output) in samples.zip(outputs) {
            for sums in sums.chunks_exact_mut(sizes.width) {
                sums.copy_from_slice(bias_vectors);
            }
            let channels = Ones::of_rows(sample, geometry.pixels());
            for (channel, ones) in channels.lines().enumerate() {
                let weights = &weights[channel * sizes.kernel..][..sizes.kernel];
                for &pixel in ones {
                    for piece in self.reaches.of_pixel(pixel) {
                        let [met, reached] = piece.vectors(sizes.width);
                        add(simd, &mut sums[reached], &weights[met]);
                    }
                }
            }
            let sums: &[f32] = bytemuck::cast_slice(sums);
            let pixels = geometry.out_pixels();
            let strides = [sizes.width * S::F32_LANES, pixels];
            transpose_matrix(simd, sums, [pixels, geometry.to], strides, output);
        }
    }
}

struct InputRewards<'a> {
    reaches: &'a Reaches,
    spikes: &'a [f32],
    weights: &'a Buffer,
    quotient: &'a [f32],
    /// Zeros before.
    output: &'a mut [f32],
}

impl WithSimd for InputRewards<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let geometry = &self.reaches.geometry;
        let sizes = self.reaches.sizes::<S>();
        let weights = S::as_simd_f32s(self.weights).0;
        let mut turned = Buffer::default();
        let turned = turned.vectors::<S>(sizes.output_vectors);
        // Zeros behind the last channel: these lanes enter the sums.
        turned.fill(simd.splat_f32s(0.0));
        let samples = self.spikes.chunks_exact(sizes.inputs);
        let quotients = self.quotient.chunks_exact(sizes.outputs);
        let outputs = self.output.chunks_exact_mut(sizes.inputs);
        for ((sample, quotient), output) in samples.zip(quotients).zip(outputs) {
            self.reaches.turn_channels(simd, quotient, turned);
            let channels = Ones::of_rows(sample, geometry.pixels());
            let planes = output.chunks_exact_mut(geometry.pixels());
            for (channel, (plane, ones)) in planes.zip(channels.lines()).enumerate() {
                let weights = &weights[channel * sizes.kernel..][..sizes.kernel];
                for &pixel in ones {
                    let mut sums = [simd.splat_f32s(0.0); 4];
                    for piece in self.reaches.of_pixel(pixel) {
                        let [met, reached] = piece.vectors(sizes.width);
                        sums = add_products(simd, &turned[reached], &weights[met], sums);
                    }
                    let [a, b, c, d] = sums;
                    let sum = simd.add_f32s(simd.add_f32s(a, b), simd.add_f32s(c, d));
                    plane[pixel as usize] = simd.reduce_sum_f32s(sum);
                }
            }
        }
    }
}

/// Adds a piece to another.
#[inline(always)]
fn add<S: Simd>(simd: S, sums: &mut [S::f32s], piece: &[S::f32s]) {
    for (sum, &value) in sums.iter_mut().zip(piece) {
        *sum = simd.add_f32s(*sum, value);
    }
}

/// Adds the products of two pieces. There are four sums because each addition waits for the one before.
#[inline(always)]
fn add_products<S: Simd>(
    simd: S,
    left: &[S::f32s],
    right: &[S::f32s],
    [mut a, mut b, mut c, mut d]: [S::f32s; 4],
) -> [S::f32s; 4] {
    let (left, left_rest) = left.as_chunks::<4>();
    let (right, right_rest) = right.as_chunks::<4>();
    for (left, right) in left.iter().zip(right) {
        a = simd.mul_add_e_f32s(left[0], right[0], a);
        b = simd.mul_add_e_f32s(left[1], right[1], b);
        c = simd.mul_add_e_f32s(left[2], right[2], c);
        d = simd.mul_add_e_f32s(left[3], right[3], d);
    }
    for (&left, &right) in left_rest.iter().zip(right_rest) {
        a = simd.mul_add_e_f32s(left, right, a);
    }
    [a, b, c, d]
}

struct WeightGradient<'a> {
    reaches: &'a Reaches,
    spikes: &'a [f32],
    grad: &'a [f32],
    /// Weights in vectors of output channels.
    sums: &'a mut [f32],
}

impl WithSimd for WeightGradient<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let geometry = &self.reaches.geometry;
        let sizes = self.reaches.sizes::<S>();
        let mut turned = Buffer::default();
        let turned = turned.vectors::<S>(sizes.output_vectors);
        let sums = S::as_mut_simd_f32s(self.sums).0;
        sums.fill(simd.splat_f32s(0.0));
        let samples = self.spikes.chunks_exact(sizes.inputs);
        let grads = self.grad.chunks_exact(sizes.outputs);
        for (sample, grad) in samples.zip(grads) {
            self.reaches.turn_channels(simd, grad, turned);
            let channels = Ones::of_rows(sample, geometry.pixels());
            for (channel, ones) in channels.lines().enumerate() {
                let sums = &mut sums[channel * sizes.kernel..][..sizes.kernel];
                for &pixel in ones {
                    for piece in self.reaches.of_pixel(pixel) {
                        let [met, reached] = piece.vectors(sizes.width);
                        add(simd, &mut sums[met], &turned[reached]);
                    }
                }
            }
        }
    }
}

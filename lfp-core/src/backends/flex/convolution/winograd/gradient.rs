//! The weight gradient.

use std::ops::Range;

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use super::{
    few,
    tiles::{Grid, Images, Kind, Source, first_vector},
    transform::{PRODUCTS, SCALE, SPAN, TAPS, Transform},
    transformed::Transformed,
};
use crate::backends::flex::{
    buffer::Buffer,
    convolution::product::{Operand, VECTORS, for_rows, most_rows, multiply_add},
    vectors::with_widest_vectors,
};

/// Floats of the sums at a time: larger ones are taken in groups of output channels.
const SUMS: usize = 3 << 20;
/// Floats of the transformed tiles of a block.
const TILES: usize = 3 << 19;
/// Tiles whose vectors stay in the innermost cache.
const TERMS: usize = 128;

/// The gradient of weights `[to, from, 3, 3]`, from the inputs and the incoming gradient.
pub(in super::super) struct WeightGradient<'a> {
    pub input: Images<'a>,
    pub gradient: Images<'a>,
    pub samples: usize,
    pub padding: [usize; 2],
}

impl WeightGradient<'_> {
    /// Computes the gradient.
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
        let WeightGradient {
            input, gradient, ..
        } = *self.problem;
        let lanes = S::F32_LANES;
        let pairs = input.channels.div_ceil(VECTORS * lanes);
        let blocks_to = gradient.channels.div_ceil(lanes);
        let group = (SUMS / (PRODUCTS * pairs * VECTORS * lanes * lanes)).clamp(1, blocks_to);
        let vectors_of_tile = PRODUCTS * (pairs * VECTORS + group) * lanes;
        let grid = Grid::new(self.problem.samples, gradient.size);
        let mut memory = Memory::default();
        let of_gradient = Source {
            images: gradient,
            kind: Kind::Gradient,
        };
        let of_input = Source {
            images: input,
            kind: Kind::Input {
                padding: self.problem.padding,
            },
        };
        let whole = grid.whole();
        if few::is_fused(whole.tiles, [input.channels, gradient.channels]) {
            let Memory { input, gradient } = &mut memory;
            input.fill(simd, of_input, &whole, 0..pairs * VECTORS);
            gradient.fill(simd, of_gradient, &whole, 0..blocks_to);
            return few::weights(simd, &memory, self.problem.input.channels, self.output);
        }
        let blocks = grid.blocks((TILES / vectors_of_tile).max(1));
        for start in (0..blocks_to).step_by(group) {
            let count = group.min(blocks_to - start);
            let mut sums = Sums::new::<S>(count, pairs);
            for (index, block) in blocks.iter().enumerate() {
                // With a single block, its transformed input serves all groups.
                if start == 0 || blocks.len() > 1 {
                    memory.input.fill(simd, of_input, block, 0..pairs * VECTORS);
                }
                let channels = start..start + count;
                memory.gradient.fill(simd, of_gradient, block, channels);
                sums.add(simd, &memory, index == 0);
            }
            let row = input.channels * TAPS * TAPS;
            let output = &mut self.output[start * lanes * row..];
            let rows = (count * lanes).min(gradient.channels - start * lanes);
            let finish = |(to, output): (usize, &mut [f32])| {
                simd.vectorize(Finish {
                    sums: &sums,
                    to,
                    output,
                });
            };
            output[..rows * row]
                .par_chunks_mut(row)
                .enumerate()
                .for_each(finish);
        }
    }
}

/// Transformed tiles of a block.
#[derive(Default)]
pub(super) struct Memory {
    pub input: Transformed,
    pub gradient: Transformed,
}

/// The sums over all tiles, `[products, to, from]`.
struct Sums {
    values: Buffer,
    /// Padded channels.
    to: usize,
    from: usize,
}

impl Sums {
    fn new<S: Simd>(blocks_to: usize, pairs: usize) -> Self {
        let (to, from) = (blocks_to * S::F32_LANES, pairs * VECTORS * S::F32_LANES);
        Self {
            values: Buffer::new(PRODUCTS * to * from),
            to,
            from,
        }
    }

    /// Adds the products over a block of tiles.
    fn add<S: Simd>(&mut self, simd: S, memory: &Memory, is_first: bool) {
        let (to, from) = (self.to, self.from);
        self.values[..PRODUCTS * to * from]
            .par_chunks_mut(to * from)
            .enumerate()
            .for_each(|(product, sums)| {
                simd.vectorize(AddTask {
                    memory,
                    product,
                    is_first,
                    sums,
                    from,
                });
            });
    }
}

/// One of the products.
struct AddTask<'a> {
    memory: &'a Memory,
    product: usize,
    is_first: bool,
    /// `[to, from]`
    sums: &'a mut [f32],
    from: usize,
}

impl WithSimd for AddTask<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let lanes = S::F32_LANES;
        let parts = lanes.div_ceil(most_rows::<S>());
        let tiles = self.memory.input.tiles();
        for start in (0..tiles).step_by(TERMS) {
            let terms = start..(start + TERMS).min(tiles);
            for pair in 0..self.from / (VECTORS * lanes) {
                for channels in 0..self.sums.len() / self.from / lanes {
                    for part in 0..parts {
                        let [first, end] = [part, part + 1].map(|part| part * lanes / parts);
                        let first = channels * lanes + first;
                        let rows = end - first % lanes;
                        for_rows!(
                            rows,
                            S,
                            add_rows(simd, &mut self, terms.clone(), pair, first)
                        );
                    }
                }
            }
        }
    }
}

/// The sums of `ROWS` output channels from `first` on, with a pair of blocks of input channels.
#[inline(always)]
fn add_rows<S: Simd, const ROWS: usize>(
    simd: S,
    task: &mut AddTask<'_>,
    terms: Range<usize>,
    pair: usize,
    first: usize,
) {
    let at = |row: usize, half: usize| {
        (first + row) * task.from + (pair * VECTORS + half) * S::F32_LANES
    };
    let mut sums = [[simd.splat_f32s(0.0); VECTORS]; ROWS];
    if !task.is_first || terms.start > 0 {
        for (row, sums) in sums.iter_mut().enumerate() {
            for (half, sum) in sums.iter_mut().enumerate() {
                *sum = first_vector::<S>(&task.sums[at(row, half)..]);
            }
        }
    }
    task.memory
        .add(simd, task.product, terms, pair, first, &mut sums);
    for (row, sums) in sums.into_iter().enumerate() {
        for (half, sum) in sums.into_iter().enumerate() {
            S::as_mut_simd_f32s(&mut task.sums[at(row, half)..][..S::F32_LANES]).0[0] = sum;
        }
    }
}

impl Memory {
    /// Adds the products of some tiles, of the output channels from `first` on with a pair of blocks of input channels.
    #[inline(always)]
    #[allow(unsafe_code, reason = "see `multiply_add`")]
    pub fn add<S: Simd, const ROWS: usize>(
        &self,
        simd: S,
        product: usize,
        terms: Range<usize>,
        pair: usize,
        first: usize,
        sums: &mut [[S::f32s; VECTORS]; ROWS],
    ) {
        let lanes = S::F32_LANES;
        let start =
            |of: &Transformed, channels: usize| (of.start(channels, product) + terms.start) * lanes;
        let of_gradient =
            &self.gradient[start(&self.gradient, first / lanes)..][..terms.len() * lanes];
        let halves = [0, 1].map(|half| start(&self.input, pair * VECTORS + half));
        assert!(first % lanes + ROWS <= lanes);
        assert!(halves[1] + terms.len() * lanes <= self.input.len());
        let left = Operand {
            start: of_gradient[first % lanes..].as_ptr(),
            term: lanes,
            next: 1,
        };
        let right = Operand {
            start: self.input[halves[0]..].as_ptr(),
            term: lanes,
            next: halves[1] - halves[0],
        };
        // SAFETY: both operands hold a vector per term, of which `left` reads `ROWS` lanes, as asserted above.
        unsafe { multiply_add(simd, terms.len(), left, right, sums) };
    }
}

/// Interpolates the weights of one output channel.
struct Finish<'a> {
    sums: &'a Sums,
    /// Output channel, from the first of the sums on.
    to: usize,
    /// `[from, 3, 3]`
    output: &'a mut [f32],
}

impl WithSimd for Finish<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let transform = Transform::new(simd);
        let Sums { values, to, from } = self.sums;
        let weights = self.output.chunks_mut(TAPS * TAPS * S::F32_LANES);
        for (block, weights) in weights.enumerate() {
            let sum = |y: usize, x: usize| {
                let start = ((y * SPAN + x) * to + self.to) * from + block * S::F32_LANES;
                first_vector::<S>(&values[start..])
            };
            put_weights(transform, simd, sum, weights);
        }
    }
}

/// `A^T m A` of as many kernels as there are lanes: writes weights `[lanes, 3, 3]`, or as many as there are.
#[inline(always)]
pub(super) fn put_weights<S: Simd>(
    transform: Transform<S>,
    simd: S,
    product: impl Fn(usize, usize) -> S::f32s,
    weights: &mut [f32],
) {
    let mut lines = [[simd.splat_f32s(0.0); SPAN]; TAPS];
    for x in 0..SPAN {
        let mut column = [simd.splat_f32s(0.0); SPAN];
        for (y, value) in column.iter_mut().enumerate() {
            let scale = simd.splat_f32s(SCALE[y] * SCALE[x]);
            *value = simd.mul_f32s(product(y, x), scale);
        }
        let column: [_; TAPS] = transform.interpolate(column);
        for (line, value) in lines.iter_mut().zip(column) {
            line[x] = value;
        }
    }
    for (y, line) in lines.into_iter().enumerate() {
        let line: [S::f32s; TAPS] = transform.interpolate(line);
        for (x, taps) in line.iter().enumerate() {
            let taps: &[f32] = bytemuck::cast_slice(std::slice::from_ref(taps));
            let kernels = weights.chunks_mut(TAPS * TAPS);
            for (kernel, &tap) in kernels.zip(taps) {
                kernel[y * TAPS + x] = tap;
            }
        }
    }
}

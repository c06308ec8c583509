//! The forward pass, and with flipped weights the input gradient.

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use super::{
    tiles::{Block, Grid, Images, Kind, MOST_LANES, Products, Scratch, Segment, Source},
    transform::{PRODUCTS, SPAN, STEP, Transform},
    transpose::transpose,
    weights::{Panels, Weights, transform_weights},
};
use crate::backends::flex::convolution::{
    buffer::Buffer,
    product::{Operand, VECTORS, for_rows, most_rows, multiply_add},
    shared::Shared,
    vectors::with_widest_vectors,
};

/// Floats of transformed weights at a time: larger ones are taken in groups of output channels.
const WEIGHTS: usize = 3 << 20;
/// Floats of a block's transformed input: it stays in the cache of a core.
const INPUT: usize = 300_000;
/// Tiles of a block, at most.
const TILES: usize = 48;
/// Parallel tasks, at least. It is the same on every machine.
const TASKS: usize = 16;
/// Panels of a task, at least: fewer would transform the same input too often.
const PANELS: usize = 4;

/// A correlation with kernels of three by three and stride 1.
pub(in super::super) struct Correlation<'a> {
    pub input: Images<'a>,
    pub weights: Weights<'a>,
    pub bias: Option<&'a [f32]>,
    pub samples: usize,
    /// Output channels.
    pub to: usize,
    pub out_size: [usize; 2],
    pub padding: [usize; 2],
}

impl Correlation<'_> {
    /// Computes the output, `[samples, to, out_height, out_width]`.
    pub fn compute(&self, output: &mut [f32]) {
        with_widest_vectors(Compute {
            correlation: self,
            output: Shared::new(output),
        });
    }
}

struct Compute<'a> {
    correlation: &'a Correlation<'a>,
    output: Shared<'a>,
}

impl WithSimd for Compute<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let correlation = self.correlation;
        let from = correlation.input.channels;
        let panels = correlation.to.div_ceil(VECTORS * S::F32_LANES);
        let blocks = Grid::new(correlation.samples, correlation.out_size)
            .blocks((INPUT / (PRODUCTS * from.max(1))).clamp(1, TILES));
        let of_panel = Panels::new::<S>(1, from).len();
        let group = (WEIGHTS / of_panel).clamp(1, panels);
        let mut transformed = Buffer::new(Panels::new::<S>(group, from).len());
        for start in (0..panels).step_by(group) {
            let group = start..(start + group).min(panels);
            let layout = Panels::new::<S>(group.len(), from);
            transform_weights(
                simd,
                correlation.weights,
                group.start,
                layout,
                &mut transformed,
            );
            let splits = TASKS
                .div_ceil(blocks.len())
                .min(group.len().div_ceil(PANELS));
            let tasks = blocks.len() * splits;
            (0..tasks)
                .into_par_iter()
                .for_each_init(Buffers::default, |buffers, task| {
                    let (block, split) = (&blocks[task / splits], task % splits);
                    let panel = |split: usize| group.start + split * group.len() / splits;
                    simd.vectorize(BlockTask {
                        correlation,
                        output: self.output,
                        block,
                        panels: [panel(split), panel(split + 1)],
                        first_panel: group.start,
                        weights: &transformed,
                        layout,
                        buffers,
                    });
                });
        }
    }
}

/// Memory of a thread.
#[derive(Default)]
struct Buffers {
    scratch: Scratch,
    input: Buffer,
    products: Buffer,
}

/// A block of tiles, for some of the output channels.
struct BlockTask<'a> {
    correlation: &'a Correlation<'a>,
    output: Shared<'a>,
    block: &'a Block,
    panels: [usize; 2],
    /// Panel that `weights` starts with.
    first_panel: usize,
    weights: &'a [f32],
    layout: Panels,
    buffers: &'a mut Buffers,
}

impl WithSimd for BlockTask<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Correlation { input, padding, .. } = *self.correlation;
        let source = Source {
            images: input,
            kind: Kind::Input { padding },
        };
        let tiles = self.block.tiles;
        let channel_blocks = input.channels.div_ceil(S::F32_LANES);
        // Odd: at a multiple of a power of two, all products would share a few sets of the cache.
        let stride = (channel_blocks * tiles) | 1;
        let Buffers {
            scratch,
            input: transformed,
            products,
        } = self.buffers;
        let transformed = transformed.vectors::<S>(PRODUCTS * stride);
        for channels in 0..channel_blocks {
            let output = Products {
                values: &mut transformed[channels * tiles..],
                stride,
            };
            source.transform(simd, self.block, channels * S::F32_LANES, scratch, output);
        }
        let products_stride = (VECTORS * tiles) | 1;
        let products = products.vectors::<S>(PRODUCTS * products_stride);
        for panel in self.panels[0]..self.panels[1] {
            let weights = panel - self.first_panel;
            for product in 0..PRODUCTS {
                let start = self.layout.start(product, weights);
                let weights = &self.weights[start..start + self.layout.panel];
                multiply_tiles(
                    simd,
                    &transformed[product * stride..],
                    tiles,
                    channel_blocks,
                    weights,
                    &mut products[product * products_stride..],
                );
            }
            for half in 0..VECTORS {
                let first = (panel * VECTORS + half) * S::F32_LANES;
                if first >= self.correlation.to {
                    break;
                }
                let outputs = Outputs {
                    correlation: self.correlation,
                    simd,
                    products: &products[half * tiles..],
                    stride: products_stride,
                    first,
                    output: self.output,
                };
                for &segment in &self.block.segments {
                    outputs.put(segment, scratch);
                }
            }
        }
    }
}

/// One of the products, `[channels, tiles]` and `[channels, 2 vectors]` to `[2, tiles]` vectors.
#[inline(always)]
fn multiply_tiles<S: Simd>(
    simd: S,
    input: &[S::f32s],
    tiles: usize,
    channel_blocks: usize,
    weights: &[f32],
    output: &mut [S::f32s],
) {
    let input = &input[..channel_blocks * tiles];
    assert!(weights.len() >= channel_blocks * S::F32_LANES * VECTORS * S::F32_LANES);
    let groups = tiles.div_ceil(most_rows::<S>());
    for group in 0..groups {
        let [start, end] = [group, group + 1].map(|group| group * tiles / groups);
        for_rows!(
            end - start,
            S,
            multiply_rows(simd, input, [start, tiles], channel_blocks, weights, output)
        );
    }
}

/// The product for `ROWS` tiles from tile `start` on.
#[inline(always)]
#[allow(unsafe_code, reason = "see `multiply_add`")]
fn multiply_rows<S: Simd, const ROWS: usize>(
    simd: S,
    input: &[S::f32s],
    [start, tiles]: [usize; 2],
    channel_blocks: usize,
    weights: &[f32],
    output: &mut [S::f32s],
) {
    let lanes = S::F32_LANES;
    let mut sums = [[simd.splat_f32s(0.0); VECTORS]; ROWS];
    for channels in 0..channel_blocks {
        let left = Operand {
            start: input[channels * tiles + start..].as_ptr().cast(),
            term: 1,
            next: lanes,
        };
        let right = Operand {
            start: weights[channels * lanes * VECTORS * lanes..].as_ptr(),
            term: VECTORS * lanes,
            next: lanes,
        };
        // SAFETY: `start + ROWS <= tiles`, and both operands hold `channel_blocks` blocks, as `multiply_tiles` asserts.
        unsafe { multiply_add(simd, lanes, left, right, &mut sums) };
    }
    for (row, sums) in sums.into_iter().enumerate() {
        for (half, sum) in sums.into_iter().enumerate() {
            output[half * tiles + start + row] = sum;
        }
    }
}

/// The products of a block of tiles for as many output channels as there are lanes, from channel `first` on.
struct Outputs<'a, S: Simd> {
    correlation: &'a Correlation<'a>,
    simd: S,
    products: &'a [S::f32s],
    /// Vectors between the products of a tile.
    stride: usize,
    first: usize,
    output: Shared<'a>,
}

impl<S: Simd> Outputs<'_, S> {
    /// Interpolates the outputs of a segment's tiles and writes them.
    #[inline(always)]
    fn put(&self, segment: Segment, scratch: &mut Scratch) {
        let Self { simd, first, .. } = *self;
        let Correlation { to, bias, .. } = *self.correlation;
        let [height, width] = self.correlation.out_size;
        let transform = Transform::new(simd);
        let columns = width.div_ceil(STEP);
        let top = segment.first * STEP;
        let rows = (segment.count * STEP).min(height - top);
        let pixels = scratch.pixels.vectors::<S>(segment.count * STEP * width);
        for row in 0..segment.count {
            for column in 0..columns {
                let tile = segment.tile + row * columns + column;
                let outputs = interpolate(transform, simd, &self.products[tile..], self.stride);
                let seen = (width - column * STEP).min(STEP);
                for (y, line) in outputs.iter().enumerate() {
                    let start = (row * STEP + y) * width + column * STEP;
                    match pixels[start..start + seen].first_chunk_mut() {
                        Some(pixels) => *pixels = *line,
                        None => pixels[start..start + seen].copy_from_slice(&line[..seen]),
                    }
                }
            }
        }
        let channels = S::F32_LANES.min(to - first);
        let bias = bias.map(|bias| simd.partial_load_f32s(&bias[first..first + channels]));
        let planes = Planes {
            output: self.output,
            start: ((segment.sample * to + first) * height + top) * width,
            distance: height * width,
            channels,
        };
        planes.store(simd, &mut pixels[..rows * width], bias);
    }
}

/// `A^T m A` of one tile, whose products are `stride` vectors apart.
#[inline(always)]
fn interpolate<S: Simd>(
    transform: Transform<S>,
    simd: S,
    products: &[S::f32s],
    stride: usize,
) -> [[S::f32s; STEP]; STEP] {
    let mut vertical = [[simd.splat_f32s(0.0); SPAN]; STEP];
    for x in 0..SPAN {
        let mut column = [simd.splat_f32s(0.0); SPAN];
        for (y, value) in column.iter_mut().enumerate() {
            *value = products[(y * SPAN + x) * stride];
        }
        let column: [_; STEP] = transform.interpolate(column);
        for (line, value) in vertical.iter_mut().zip(column) {
            line[x] = value;
        }
    }
    let mut outputs = [[simd.splat_f32s(0.0); STEP]; STEP];
    for (output, line) in outputs.iter_mut().zip(vertical) {
        *output = transform.interpolate(line);
    }
    outputs
}

/// The planes of successive channels of the output, from a row on.
struct Planes<'a> {
    output: Shared<'a>,
    start: usize,
    distance: usize,
    channels: usize,
}

impl Planes<'_> {
    /// Writes pixels, one vector each, adding `bias`.
    #[inline(always)]
    #[allow(unsafe_code, reason = "threads write disjoint parts of the output")]
    fn store<S: Simd>(&self, simd: S, pixels: &mut [S::f32s], bias: Option<S::f32s>) {
        let lanes = S::F32_LANES;
        let mut block = [simd.splat_f32s(0.0); MOST_LANES];
        let block = &mut block[..lanes];
        for (index, pixels) in pixels.chunks(lanes).enumerate() {
            for (vector, pixel) in block.iter_mut().zip(pixels) {
                *vector = match bias {
                    Some(bias) => simd.add_f32s(*pixel, bias),
                    None => *pixel,
                };
            }
            transpose(simd, block);
            for (channel, vector) in block.iter().take(self.channels).enumerate() {
                let start = self.start + channel * self.distance + index * lanes;
                // SAFETY: the task alone writes these rows of these channels of this image.
                let plane = unsafe { self.output.part(start, pixels.len()) };
                match pixels.len() == lanes {
                    true => S::as_mut_simd_f32s(plane).0[0] = *vector,
                    false => simd.partial_store_f32s(plane, *vector),
                }
            }
        }
    }
}

//! Many channels and few tiles, as in the last stages of a ResNet: all transformed tiles fit the cache, transformed weights and
//! their gradient do not. So a task transforms the weights that it needs, a few channels at a time, and transforms its share of
//! the weight gradient back at once.

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use super::{
    forward::Correlation,
    gradient::{Memory, put_weights},
    outputs::{PanelOutputs, products_stride},
    products::{Tiles, multiply_tiles},
    tiles::{Block, Scratch},
    transform::{PRODUCTS, SPAN, TAPS, Transform},
    transformed::Transformed,
    weights::{Panel, Panels},
};
use crate::backends::flex::{
    buffer::Buffer,
    convolution::product::{VECTORS, for_rows, most_rows},
    shared::Shared,
};

/// Floats of transformed weights, or of their gradient, that stay in the cache: with no more, the other paths are as fast.
const KEPT: usize = 1 << 20;
/// Tiles of a correlation by panels, at most: as far as it was measured.
const TILES: usize = 128;
/// Floats of all transformed tiles, at most. They are read once per block of output channels.
const MEMORY: usize = 5 << 19;
/// Output channels, at least: with fewer there are too few tasks.
const TO: usize = 256;
/// Blocks of input channels whose weights are transformed at a time: with their products, they stay in the cache of a core.
const BLOCKS: usize = 2;

/// Whether a correlation is faster panel by panel.
pub(super) fn is_by_panel(tiles: usize, [from, to]: [usize; 2]) -> bool {
    tiles <= TILES && PRODUCTS * from * tiles <= MEMORY && to >= TO && PRODUCTS * from * to > KEPT
}

/// Whether a weight gradient is faster if its sums are not kept.
pub(super) fn is_fused(tiles: usize, [from, to]: [usize; 2]) -> bool {
    PRODUCTS * (from + to) * tiles <= MEMORY && to >= TO && PRODUCTS * from * to > KEPT
}

/// Computes a correlation, a task per panel. `block` holds all tiles.
pub(super) fn correlate<S: Simd>(
    simd: S,
    correlation: &Correlation<'_>,
    block: &Block,
    output: Shared<'_>,
) {
    let blocks = correlation.input.channels.div_ceil(S::F32_LANES);
    let mut input = Transformed::default();
    input.fill(simd, correlation.source(), block, 0..blocks);
    let panels = correlation.to.div_ceil(VECTORS * S::F32_LANES);
    (0..panels)
        .into_par_iter()
        .for_each_init(Buffers::default, |buffers, panel| {
            simd.vectorize(PanelTask {
                correlation,
                output,
                input: &input,
                block,
                panel,
                buffers,
            });
        });
}

/// Memory of a thread.
#[derive(Default)]
struct Buffers {
    scratch: Scratch,
    weights: Buffer,
    products: Buffer,
}

/// The outputs of a panel.
struct PanelTask<'a> {
    correlation: &'a Correlation<'a>,
    output: Shared<'a>,
    input: &'a Transformed,
    block: &'a Block,
    panel: usize,
    buffers: &'a mut Buffers,
}

impl WithSimd for PanelTask<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let lanes = S::F32_LANES;
        let Self {
            correlation,
            output,
            input,
            block,
            ..
        } = self;
        let Buffers {
            scratch,
            weights,
            products,
        } = self.buffers;
        let stride = products_stride(block.tiles);
        let products = products.vectors::<S>(PRODUCTS * stride);
        let values = S::as_simd_f32s(input).0;
        let blocks = correlation.input.channels.div_ceil(lanes);
        for first in (0..blocks).step_by(BLOCKS) {
            let count = BLOCKS.min(blocks - first);
            let layout = Panels::new::<S>(1, count * lanes);
            weights.reserve(layout.len());
            let panel = Panel {
                weights: correlation.weights,
                index: self.panel,
                first: first * lanes,
                output: &mut weights[..layout.len()],
                stride: layout.panel,
            };
            panel.with_simd(simd);
            for product in 0..PRODUCTS {
                let tiles = Tiles {
                    values: &values[input.start(first, product)..],
                    tiles: block.tiles,
                    distance: input.distance(),
                };
                let start = layout.start(product, 0);
                let weights = &weights[start..start + layout.panel];
                let output = &mut products[product * stride..];
                multiply_tiles(simd, tiles, count, weights, first > 0, output);
            }
        }
        let outputs = PanelOutputs {
            correlation,
            output,
            block,
            panel: self.panel,
        };
        outputs.put(simd, products, scratch);
    }
}

/// Writes the gradient of weights `[to, from, 3, 3]`, from the transformed tiles of all channels.
pub(super) fn weights<S: Simd>(simd: S, memory: &Memory, from: usize, output: &mut [f32]) {
    let row = from * TAPS * TAPS;
    output
        .par_chunks_mut(S::F32_LANES * row)
        .enumerate()
        .for_each_init(Buffer::default, |sums, (channels, output)| {
            simd.vectorize(GradientTask {
                memory,
                channels,
                row,
                output,
                sums,
            });
        });
}

/// The weights of a block of output channels.
struct GradientTask<'a> {
    memory: &'a Memory,
    channels: usize,
    /// Weights of an output channel.
    row: usize,
    output: &'a mut [f32],
    /// Of a pair of blocks of input channels, `[products, output channels, 2]` vectors.
    sums: &'a mut Buffer,
}

impl WithSimd for GradientTask<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let lanes = S::F32_LANES;
        let row = self.row;
        let transform = Transform::new(simd);
        let parts = lanes.div_ceil(most_rows::<S>());
        // Odd, for the reason of the other strides.
        let stride = lanes * VECTORS + 1;
        let sums = self.sums.vectors::<S>(PRODUCTS * stride);
        let columns = VECTORS * lanes * TAPS * TAPS;
        for pair in 0..row.div_ceil(columns) {
            for product in 0..PRODUCTS {
                for part in 0..parts {
                    let [first, end] = [part, part + 1].map(|part| part * lanes / parts);
                    let sums = &mut sums[product * stride + first * VECTORS..];
                    let at = [product, pair, self.channels * lanes + first];
                    for_rows!(end - first, S, sum_rows(simd, self.memory, at, sums));
                }
            }
            for (channel, output) in self.output.chunks_mut(row).enumerate() {
                let output = &mut output[pair * columns..];
                let output = &mut output[..columns.min(row - pair * columns)];
                for (half, weights) in output.chunks_mut(columns / VECTORS).enumerate() {
                    let sum = |y: usize, x: usize| {
                        sums[(y * SPAN + x) * stride + channel * VECTORS + half]
                    };
                    put_weights(transform, simd, sum, weights);
                }
            }
        }
    }
}

/// The sums over all tiles of one of the products, for `ROWS` output channels and a pair of blocks of input channels.
#[inline(always)]
fn sum_rows<S: Simd, const ROWS: usize>(
    simd: S,
    memory: &Memory,
    [product, pair, first]: [usize; 3],
    output: &mut [S::f32s],
) {
    let mut sums = [[simd.splat_f32s(0.0); VECTORS]; ROWS];
    let tiles = 0..memory.input.tiles();
    memory.add(simd, product, tiles, pair, first, &mut sums);
    output[..ROWS * VECTORS].copy_from_slice(sums.as_flattened());
}

//! Many channels and few tiles, as in the last stages of a ResNet: transformed weights would not fit the cache, while all tiles do.
//! So each task transforms the weights that it needs, a few channels at a time.

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
    convolution::{
        buffer::Buffer,
        product::{VECTORS, for_rows, most_rows},
    },
    shared::Shared,
};

/// Blocks of input channels whose weights are transformed at a time: with their products, they stay in the cache of a core.
const BLOCKS: usize = 2;

/// A correlation panel by panel.
pub(super) struct ByPanel<'a> {
    pub correlation: &'a Correlation<'a>,
    pub output: Shared<'a>,
    pub input: &'a Transformed,
    /// All tiles.
    pub block: &'a Block,
}

/// Memory of a thread.
#[derive(Default)]
struct Buffers {
    scratch: Scratch,
    weights: Buffer,
    products: Buffer,
}

impl ByPanel<'_> {
    pub fn compute<S: Simd>(&self, simd: S, panels: usize) {
        (0..panels)
            .into_par_iter()
            .for_each_init(Buffers::default, |buffers, panel| {
                simd.vectorize(PanelTask {
                    all: self,
                    panel,
                    buffers,
                });
            });
    }
}

struct PanelTask<'a> {
    all: &'a ByPanel<'a>,
    panel: usize,
    buffers: &'a mut Buffers,
}

impl WithSimd for PanelTask<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let lanes = S::F32_LANES;
        let ByPanel {
            correlation,
            input,
            block,
            output,
        } = *self.all;
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

/// A weight gradient whose sums over all tiles are transformed back at once.
pub(super) struct FusedGradient<'a> {
    pub memory: &'a Memory,
    pub tiles: usize,
    /// Input channels.
    pub from: usize,
}

impl FusedGradient<'_> {
    /// Writes the weights, `[to, from, 3, 3]`.
    pub fn compute<S: Simd>(&self, simd: S, output: &mut [f32]) {
        let rows = output.par_chunks_mut(S::F32_LANES * self.from * TAPS * TAPS);
        rows.enumerate()
            .for_each_init(Buffer::default, |sums, (channels, output)| {
                simd.vectorize(GradientTask {
                    all: self,
                    channels,
                    output,
                    sums,
                });
            });
    }
}

/// The weights of a block of output channels.
struct GradientTask<'a> {
    all: &'a FusedGradient<'a>,
    channels: usize,
    output: &'a mut [f32],
    /// Of a pair of blocks of input channels, `[products, output channels, 2]` vectors.
    sums: &'a mut Buffer,
}

impl WithSimd for GradientTask<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let lanes = S::F32_LANES;
        let row = self.all.from * TAPS * TAPS;
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
                    for_rows!(end - first, S, sum_rows(simd, self.all, at, sums));
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
    all: &FusedGradient<'_>,
    [product, pair, first]: [usize; 3],
    output: &mut [S::f32s],
) {
    let mut sums = [[simd.splat_f32s(0.0); VECTORS]; ROWS];
    all.memory
        .add(simd, product, 0..all.tiles, pair, first, &mut sums);
    output[..ROWS * VECTORS].copy_from_slice(sums.as_flattened());
}

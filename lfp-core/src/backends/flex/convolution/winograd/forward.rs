//! The forward pass, and with flipped weights the input gradient.

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use super::{
    few,
    outputs::{PanelOutputs, products_stride},
    products::{Tiles, multiply_tiles},
    tiles::{Block, Grid, Images, Kind, Products, Scratch, Source},
    transform::PRODUCTS,
    weights::{Panels, Weights, transform_weights},
};
use crate::backends::flex::{
    buffer::Buffer, convolution::product::VECTORS, shared::Shared, vectors::with_widest_vectors,
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

impl<'a> Correlation<'a> {
    /// The transform of the input's tiles.
    pub(super) fn source(&self) -> Source<'a> {
        Source {
            images: self.input,
            kind: Kind::Input {
                padding: self.padding,
            },
        }
    }

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
        let grid = Grid::new(correlation.samples, correlation.out_size);
        let whole = grid.whole();
        if few::is_by_panel(whole.tiles, [from, correlation.to]) {
            return few::correlate(simd, correlation, &whole, self.output);
        }
        let blocks = grid.blocks((INPUT / (PRODUCTS * from.max(1))).clamp(1, TILES));
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
        let Correlation { input, .. } = *self.correlation;
        let source = self.correlation.source();
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
        let products_stride = products_stride(tiles);
        let products = products.vectors::<S>(PRODUCTS * products_stride);
        for panel in self.panels[0]..self.panels[1] {
            let weights = panel - self.first_panel;
            for product in 0..PRODUCTS {
                let start = self.layout.start(product, weights);
                let tiles = Tiles {
                    values: &transformed[product * stride..],
                    tiles,
                    distance: tiles,
                };
                let weights = &self.weights[start..start + self.layout.panel];
                let output = &mut products[product * products_stride..];
                multiply_tiles(simd, tiles, channel_blocks, weights, false, output);
            }
            let panel = PanelOutputs {
                correlation: self.correlation,
                output: self.output,
                block: self.block,
                panel,
            };
            panel.put(simd, products, scratch);
        }
    }
}

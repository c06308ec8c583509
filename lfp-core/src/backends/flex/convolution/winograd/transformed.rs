//! Transformed tiles of all channels.

use std::ops::{Deref, Range};

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use super::{
    tiles::{Block, Products, Scratch, Source},
    transform::PRODUCTS,
};
use crate::backends::flex::buffer::Buffer;

/// Transformed tiles of a block, `[channel blocks, products, tiles]` vectors.
#[derive(Default)]
pub(super) struct Transformed {
    values: Buffer,
    tiles: usize,
}

impl Transformed {
    /// Transforms the tiles of a block for some blocks of channels.
    pub fn fill<S: Simd>(
        &mut self,
        simd: S,
        source: Source<'_>,
        block: &Block,
        channels: Range<usize>,
    ) {
        self.tiles = block.tiles;
        let distance = self.distance();
        let output = self.values.vectors::<S>(channels.len() * distance);
        output.par_chunks_mut(distance).enumerate().for_each_init(
            Scratch::default,
            |scratch, (index, output)| {
                simd.vectorize(TransformTask {
                    source,
                    block,
                    first: (channels.start + index) * S::F32_LANES,
                    scratch,
                    output: bytemuck::cast_slice_mut(output),
                });
            },
        );
    }

    pub fn tiles(&self) -> usize {
        self.tiles
    }

    /// Vectors of a block of channels.
    pub fn distance(&self) -> usize {
        PRODUCTS * product_stride(self.tiles)
    }

    /// Vectors before the tiles of a product of a block of channels.
    #[inline(always)]
    pub fn start(&self, channels: usize, product: usize) -> usize {
        channels * self.distance() + product * product_stride(self.tiles)
    }
}

impl Deref for Transformed {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        &self.values
    }
}

/// Vectors between the products of a tile. Odd: at a multiple of a power of two, they would share a few sets of the cache.
fn product_stride(tiles: usize) -> usize {
    tiles | 1
}

/// A block of channels.
struct TransformTask<'a> {
    source: Source<'a>,
    block: &'a Block,
    /// The first channel.
    first: usize,
    scratch: &'a mut Scratch,
    output: &'a mut [f32],
}

impl WithSimd for TransformTask<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let output = Products {
            values: S::as_mut_simd_f32s(self.output).0,
            stride: product_stride(self.block.tiles),
        };
        self.source
            .transform(simd, self.block, self.first, self.scratch, output);
    }
}

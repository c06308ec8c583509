//! The products of transformed tiles and transformed weights.

use pulp::Simd;

use crate::backends::flex::convolution::product::{
    Operand, VECTORS, for_rows, most_rows, multiply_add,
};

/// The transformed input for one of the products: blocks of channels are `distance` vectors apart.
#[derive(Clone, Copy)]
pub(super) struct Tiles<'a, V> {
    pub values: &'a [V],
    pub tiles: usize,
    pub distance: usize,
}

/// One of the products, `[channels, tiles]` and `[channels, 2 vectors]` to `[2, tiles]` vectors, or adds it.
#[inline(always)]
pub(super) fn multiply_tiles<S: Simd>(
    simd: S,
    input: Tiles<'_, S::f32s>,
    channel_blocks: usize,
    weights: &[f32],
    add: bool,
    output: &mut [S::f32s],
) {
    let tiles = input.tiles;
    assert!(input.values.len() >= (channel_blocks - 1) * input.distance + tiles);
    assert!(weights.len() >= channel_blocks * S::F32_LANES * VECTORS * S::F32_LANES);
    let groups = tiles.div_ceil(most_rows::<S>());
    for group in 0..groups {
        let [start, end] = [group, group + 1].map(|group| group * tiles / groups);
        for_rows!(
            end - start,
            S,
            multiply_rows(simd, input, start, channel_blocks, weights, add, output)
        );
    }
}

/// The product for `ROWS` tiles from tile `start` on.
#[inline(always)]
#[allow(unsafe_code, reason = "see `multiply_add`")]
fn multiply_rows<S: Simd, const ROWS: usize>(
    simd: S,
    input: Tiles<'_, S::f32s>,
    start: usize,
    channel_blocks: usize,
    weights: &[f32],
    add: bool,
    output: &mut [S::f32s],
) {
    let lanes = S::F32_LANES;
    let mut sums = [[simd.splat_f32s(0.0); VECTORS]; ROWS];
    if add {
        for (row, sums) in sums.iter_mut().enumerate() {
            for (half, sum) in sums.iter_mut().enumerate() {
                *sum = output[half * input.tiles + start + row];
            }
        }
    }
    for channels in 0..channel_blocks {
        let left = Operand {
            start: input.values[channels * input.distance + start..]
                .as_ptr()
                .cast(),
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
            output[half * input.tiles + start + row] = sum;
        }
    }
}

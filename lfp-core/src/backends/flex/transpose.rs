//! Transposition of as many vectors as a vector has lanes.

use pulp::Simd;

/// Transposes a square matrix, one vector per row.
#[inline(always)]
pub(super) fn transpose<S: Simd>(simd: S, rows: &mut [S::f32s]) {
    debug_assert_eq!(rows.len(), S::F32_LANES);
    #[cfg(target_arch = "x86_64")]
    {
        use std::any::Any;
        // Compared when compiled: `S` is known there.
        if let Some(&simd) = (&simd as &dyn Any).downcast_ref::<pulp::x86::V4>() {
            return x86::transpose_16(simd, bytemuck::cast_slice_mut(rows));
        }
        if let Some(&simd) = (&simd as &dyn Any).downcast_ref::<pulp::x86::V3>() {
            return x86::transpose_8(simd, bytemuck::cast_slice_mut(rows));
        }
    }
    let _ = simd;
    let values: &mut [f32] = bytemuck::cast_slice_mut(rows);
    for row in 0..S::F32_LANES {
        for column in 0..row {
            values.swap(row * S::F32_LANES + column, column * S::F32_LANES + row);
        }
    }
}

// Loops, because closures and the functions of arrays are compiled without the instruction set, and are not always inlined.
#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::{__m256, __m256d, __m512, __m512d};

    use pulp::{
        cast, f32x8, f32x16,
        x86::{V3, V4},
    };

    /// Four steps, which exchange lanes at distances 1, 2, 4 and 8 between rows at the same distance.
    #[inline(always)]
    pub fn transpose_16(simd: V4, rows: &mut [f32x16]) {
        let rows: &mut [f32x16; 16] = rows.try_into().expect("a vector has sixteen lanes");
        let avx = simd.avx512f;
        let a: [__m512; 16] = cast(*rows);
        let mut b = a;
        for row in (0..16).step_by(2) {
            b[row] = avx._mm512_unpacklo_ps(a[row], a[row + 1]);
            b[row + 1] = avx._mm512_unpackhi_ps(a[row], a[row + 1]);
        }
        let a: [__m512d; 16] = cast(b);
        let mut b = a;
        for four in (0..16).step_by(4) {
            for pair in 0..2 {
                let [low, high] = [a[four + pair], a[four + pair + 2]];
                b[four + 2 * pair] = avx._mm512_unpacklo_pd(low, high);
                b[four + 2 * pair + 1] = avx._mm512_unpackhi_pd(low, high);
            }
        }
        // The last two steps, written out: as a loop they are compiled to comparisons.
        let b: [__m512; 16] = cast(b);
        let mut a = b;
        for row in 0..4 {
            let low = avx._mm512_shuffle_f32x4::<0x88>(b[row], b[row + 4]);
            let high = avx._mm512_shuffle_f32x4::<0xdd>(b[row], b[row + 4]);
            let next_low = avx._mm512_shuffle_f32x4::<0x88>(b[row + 8], b[row + 12]);
            let next_high = avx._mm512_shuffle_f32x4::<0xdd>(b[row + 8], b[row + 12]);
            a[row] = avx._mm512_shuffle_f32x4::<0x88>(low, next_low);
            a[row + 4] = avx._mm512_shuffle_f32x4::<0x88>(high, next_high);
            a[row + 8] = avx._mm512_shuffle_f32x4::<0xdd>(low, next_low);
            a[row + 12] = avx._mm512_shuffle_f32x4::<0xdd>(high, next_high);
        }
        *rows = cast(a);
    }

    /// Three steps, at distances 1, 2 and 4.
    #[inline(always)]
    pub fn transpose_8(simd: V3, rows: &mut [f32x8]) {
        let rows: &mut [f32x8; 8] = rows.try_into().expect("a vector has eight lanes");
        let avx = simd.avx;
        let a: [__m256; 8] = cast(*rows);
        let mut b = a;
        for row in (0..8).step_by(2) {
            b[row] = avx._mm256_unpacklo_ps(a[row], a[row + 1]);
            b[row + 1] = avx._mm256_unpackhi_ps(a[row], a[row + 1]);
        }
        let a: [__m256d; 8] = cast(b);
        let mut b = a;
        for four in (0..8).step_by(4) {
            for pair in 0..2 {
                let [low, high] = [a[four + pair], a[four + pair + 2]];
                b[four + 2 * pair] = avx._mm256_unpacklo_pd(low, high);
                b[four + 2 * pair + 1] = avx._mm256_unpackhi_pd(low, high);
            }
        }
        let b: [__m256; 8] = cast(b);
        let mut a = b;
        for row in 0..4 {
            a[row] = avx._mm256_permute2f128_ps::<0x20>(b[row], b[row + 4]);
            a[row + 4] = avx._mm256_permute2f128_ps::<0x31>(b[row], b[row + 4]);
        }
        *rows = cast(a);
    }
}

/// Lanes of the widest vectors.
pub(super) const MOST_LANES: usize = 16;

/// Writes the transpose of a matrix, `[rows, columns]`. `strides` are the floats from row to row of the matrix, and of its
/// transpose.
#[inline(always)]
pub(super) fn transpose_matrix<S: Simd>(
    simd: S,
    matrix: &[f32],
    [rows, columns]: [usize; 2],
    strides: [usize; 2],
    output: &mut [f32],
) {
    let mut square = [simd.splat_f32s(0.0); MOST_LANES];
    let square = &mut square[..S::F32_LANES];
    for row in (0..rows).step_by(S::F32_LANES) {
        let height = S::F32_LANES.min(rows - row);
        for column in (0..columns).step_by(S::F32_LANES) {
            let width = S::F32_LANES.min(columns - column);
            for (index, vector) in square[..height].iter_mut().enumerate() {
                let from = &matrix[(row + index) * strides[0] + column..];
                *vector = simd.partial_load_f32s(&from[..width]);
            }
            transpose(simd, square);
            for (index, &vector) in square[..width].iter().enumerate() {
                let to = &mut output[(column + index) * strides[1] + row..];
                simd.partial_store_f32s(&mut to[..height], vector);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use pulp::WithSimd;

    use super::*;
    use crate::backends::flex::vectors::with_widest_vectors;

    struct Transposed;

    impl WithSimd for Transposed {
        type Output = Vec<f32>;

        #[inline(always)]
        fn with_simd<S: Simd>(self, simd: S) -> Vec<f32> {
            let count = S::F32_LANES * S::F32_LANES;
            let mut values: Vec<f32> = (0..count).map(|value| value as f32).collect();
            transpose(simd, S::as_mut_simd_f32s(&mut values).0);
            values
        }
    }

    fn assert_transposed(values: &[f32]) {
        let lanes = values.len().isqrt();
        for row in 0..lanes {
            for column in 0..lanes {
                assert_eq!(values[row * lanes + column], (column * lanes + row) as f32);
            }
        }
    }

    #[test]
    fn rows_become_columns_on_every_instruction_set() {
        assert_transposed(&with_widest_vectors(Transposed));
        assert_transposed(&Transposed.with_simd(pulp::Scalar));
        #[cfg(target_arch = "x86_64")]
        if let Some(simd) = pulp::x86::V3::try_new() {
            assert_transposed(&Simd::vectorize(simd, Transposed));
        }
    }
}

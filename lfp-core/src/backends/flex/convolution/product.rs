//! The innermost loop: a product of matrices that fits the registers.

use pulp::Simd;

/// Vectors of a row of the product.
pub(super) const VECTORS: usize = 2;

/// Rows of the product that fit the registers, beside an operand of each side.
#[inline(always)]
pub(super) const fn most_rows<S: Simd>() -> usize {
    (S::REGISTER_COUNT - VECTORS - 2) / VECTORS
}

/// An operand: distances in floats.
#[derive(Clone, Copy)]
pub(super) struct Operand {
    pub start: *const f32,
    /// Between the terms of the sum.
    pub term: usize,
    /// Between rows (left), or between the two vectors of a term (right).
    pub next: usize,
}

/// Adds `sum over terms of left[row, term] * right[term, :]` to `sums`: the left operand is broadcast, the right one are
/// two vectors.
///
/// # Safety
///
/// All elements that the distances lead to must be readable.
#[inline(always)]
#[allow(
    unsafe_code,
    reason = "bounds checks would double the instructions of the loop"
)]
pub(super) unsafe fn multiply_add<S: Simd, const ROWS: usize>(
    simd: S,
    terms: usize,
    left: Operand,
    right: Operand,
    sums: &mut [[S::f32s; VECTORS]; ROWS],
) {
    for term in 0..terms {
        // SAFETY: promised by the caller.
        let (first, second) = unsafe {
            let right_term = right.start.add(term * right.term);
            (
                right_term.cast::<S::f32s>().read_unaligned(),
                right_term
                    .add(right.next)
                    .cast::<S::f32s>()
                    .read_unaligned(),
            )
        };
        for (row, sums) in sums.iter_mut().enumerate() {
            // SAFETY: promised by the caller.
            let value = unsafe { *left.start.add(term * left.term + row * left.next) };
            let value = simd.splat_f32s(value);
            sums[0] = simd.mul_add_e_f32s(value, first, sums[0]);
            sums[1] = simd.mul_add_e_f32s(value, second, sums[1]);
        }
    }
}

/// Calls `$function::<S, ROWS>(...)` for a number of rows that is known when the program runs.
macro_rules! for_rows {
    ($rows:expr, $simd:ty, $function:ident($($argument:expr),* $(,)?)) => {
        match $rows {
            1 => $function::<$simd, 1>($($argument),*),
            2 => $function::<$simd, 2>($($argument),*),
            3 => $function::<$simd, 3>($($argument),*),
            4 => $function::<$simd, 4>($($argument),*),
            5 => $function::<$simd, 5>($($argument),*),
            6 => $function::<$simd, 6>($($argument),*),
            7 => $function::<$simd, 7>($($argument),*),
            8 => $function::<$simd, 8>($($argument),*),
            9 => $function::<$simd, 9>($($argument),*),
            10 => $function::<$simd, 10>($($argument),*),
            11 => $function::<$simd, 11>($($argument),*),
            12 => $function::<$simd, 12>($($argument),*),
            13 => $function::<$simd, 13>($($argument),*),
            14 => $function::<$simd, 14>($($argument),*),
            rows => unreachable!("{rows} rows do not fit the registers"),
        }
    };
}
pub(super) use for_rows;

//! Products of matrices, by the `gemm` crate.

/// A matrix in memory: `[rows, columns]`, distances in floats.
#[derive(Clone, Copy)]
pub(super) struct Matrix<'a> {
    pub values: &'a [f32],
    pub rows: usize,
    pub columns: usize,
    pub row: usize,
    pub column: usize,
}

impl<'a> Matrix<'a> {
    /// Rows one after the other, `row` floats apart.
    pub fn new(values: &'a [f32], [rows, columns]: [usize; 2], row: usize) -> Self {
        Self {
            values,
            rows,
            columns,
            row,
            column: 1,
        }
    }

    pub fn transposed(self) -> Self {
        Self {
            rows: self.columns,
            columns: self.rows,
            row: self.column,
            column: self.row,
            ..self
        }
    }

    fn is_inside(&self) -> bool {
        let last = |count: usize, distance: usize| count.saturating_sub(1) * distance;
        let end = last(self.rows, self.row) + last(self.columns, self.column) + 1;
        self.rows * self.columns == 0 || end <= self.values.len()
    }
}

/// Writes `left * right` to `output`, `[rows, columns]` without gaps, or adds it.
#[allow(unsafe_code, reason = "the product is a function on pointers")]
pub(super) fn multiply(left: Matrix<'_>, right: Matrix<'_>, add: bool, output: &mut [f32]) {
    assert_eq!(left.columns, right.rows);
    assert_eq!(output.len(), left.rows * right.columns);
    assert!(left.is_inside() && right.is_inside());
    // SAFETY: all three matrices lie within their slices, as asserted.
    unsafe {
        gemm::gemm(
            left.rows,
            right.columns,
            left.columns,
            output.as_mut_ptr(),
            1,
            right.columns as isize,
            add,
            left.values.as_ptr(),
            left.column as isize,
            left.row as isize,
            right.values.as_ptr(),
            right.column as isize,
            right.row as isize,
            1.0,
            1.0,
            false,
            false,
            false,
            gemm::Parallelism::None,
        );
    }
}

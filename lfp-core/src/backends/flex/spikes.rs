//! Spikes: tensors of zeros and ones, most of them zeros. A product with spikes is a sum of the rows at the ones, which are
//! gathered instead of multiplied.

use std::ops::Range;

use rayon::prelude::*;

use super::convolution;

/// The share of ones up to which gathering is faster than multiplying, by the tests `by_firing_rate`.
pub(super) const MOST: f64 = 0.3;

/// What is computed of a linear map or a convolution, from the operands beside the spikes.
#[derive(Clone, Copy)]
pub(super) enum Pass<'a> {
    Forward {
        weights: &'a [f32],
        bias: Option<&'a [f32]>,
    },
    /// The quotients of the input, at spikes alone.
    InputRewards {
        weights: &'a [f32],
        quotient: &'a [f32],
    },
    WeightGradient {
        grad: &'a [f32],
    },
}

/// Elements of a parallel task.
const TASK: usize = 1 << 14;

/// Whether `values` are zeros and ones, and the share of ones is at most `most`.
pub(super) fn are_spikes(values: &[f32], most: f64) -> bool {
    // Most other tensors are recognised here, by one thread.
    let start = &values[..values.len().min(TASK)];
    if !convolution::gathers() || ones(start).is_none() {
        return false;
    }
    let ones = values
        .par_chunks(TASK)
        .map(ones)
        .try_reduce(|| 0, |a, b| Some(a + b));
    ones.is_some_and(|ones| ones as f64 <= most * values.len() as f64)
}

/// The number of ones. `None` if there is a value that is neither zero nor one.
#[multiversion::multiversion(targets("x86_64+avx512f+avx512vl+avx512bw+avx512dq", "x86_64+avx2"))]
fn ones(values: &[f32]) -> Option<usize> {
    let (mut ones, mut zeros) = (0u32, 0u32);
    for &value in values {
        ones += u32::from(value == 1.0);
        zeros += u32::from(value == 0.0);
    }
    let [ones, zeros] = [ones, zeros].map(|count| count as usize);
    (ones + zeros == values.len()).then_some(ones)
}

/// For each line of a matrix, a row or a column, the positions of its ones.
#[derive(Debug, Default)]
pub(super) struct Ones {
    positions: Vec<u32>,
    lines: Vec<Range<usize>>,
}

impl Ones {
    /// Of each row of spikes, `[rows, width]`.
    pub fn of_rows(spikes: &[f32], width: usize) -> Self {
        // Each position is written, and kept if a one is there: faster than a branch that is hard to predict. So the last
        // row needs room for all of its positions.
        let mut positions: Vec<u32> = Vec::new();
        let mut len = 0;
        let rows = spikes.chunks_exact(width).map(|row| {
            if positions.len() < len + width {
                positions.resize(2 * positions.len() + width, 0);
            }
            let start = len;
            for (position, &spike) in row.iter().enumerate() {
                positions[len] = position as u32;
                len += usize::from(spike != 0.0);
            }
            start..len
        });
        let lines = rows.collect();
        Self { positions, lines }
    }

    /// Of each of `columns` of spikes, `[rows, width]`.
    pub fn of_columns(spikes: &[f32], width: usize, columns: Range<usize>) -> Self {
        let rows = || spikes.chunks_exact(width).map(|row| &row[columns.clone()]);
        let mut counts = vec![0; columns.len()];
        for row in rows() {
            for (count, &spike) in counts.iter_mut().zip(row) {
                *count += usize::from(spike != 0.0);
            }
        }
        // One place more per column: a position is written whether or not a one is there.
        let starts = counts.iter().scan(0, |next, count| {
            let start = *next;
            *next += count + 1;
            Some(start)
        });
        let starts: Vec<usize> = starts.collect();
        let mut ends = starts.clone();
        let mut positions = vec![0; counts.iter().sum::<usize>() + counts.len()];
        for (index, row) in rows().enumerate() {
            for (end, &spike) in ends.iter_mut().zip(row) {
                positions[*end] = index as u32;
                *end += usize::from(spike != 0.0);
            }
        }
        let lines = starts.into_iter().zip(ends).map(|(start, end)| start..end);
        Self {
            positions,
            lines: lines.collect(),
        }
    }

    /// The positions in each line, ascending.
    pub fn lines(&self) -> impl Iterator<Item = &[u32]> {
        self.lines.iter().map(|line| &self.positions[line.clone()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPIKES: [f32; 10] = [0.0, 1.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, -0.0, 1.0];

    #[test]
    fn rows_and_columns_list_their_ones() {
        let rows = Ones::of_rows(&SPIKES, 5);
        assert_eq!(rows.lines().collect::<Vec<_>>(), [&[1, 4][..], &[4]]);
        let columns = Ones::of_columns(&SPIKES, 5, 1..5);
        let expected: [&[u32]; 4] = [&[0], &[], &[], &[0, 1]];
        assert_eq!(columns.lines().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn a_full_matrix_is_listed_whole() {
        let rows = Ones::of_rows(&[1.0; 6], 3);
        assert_eq!(rows.lines().collect::<Vec<_>>(), [&[0, 1, 2], &[0, 1, 2]]);
        let columns = Ones::of_columns(&[1.0; 6], 3, 0..3);
        assert_eq!(columns.lines().collect::<Vec<_>>(), [&[0, 1]; 3]);
    }

    #[test]
    fn only_few_ones_among_zeros_are_spikes() {
        let mut values = vec![0.0; 3 * TASK];
        assert!(are_spikes(&values, MOST));
        values[..TASK / 2].fill(1.0);
        assert!(are_spikes(&values, MOST));
        values[..TASK].fill(1.0);
        assert!(!are_spikes(&values, MOST));
        for other in [0.5, -1.0, f32::NAN] {
            values.fill(0.0);
            values[2 * TASK + 7] = other;
            assert!(!are_spikes(&values, MOST));
        }
    }
}

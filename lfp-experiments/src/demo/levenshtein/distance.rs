//! The edit distance.

use std::{iter::Copied, slice::Iter};

use strsim::generic_levenshtein;

/// A slice in the form that the crate takes.
struct Text<'a>(&'a [usize]);

impl<'a> IntoIterator for &Text<'a> {
    type Item = usize;
    type IntoIter = Copied<Iter<'a, usize>>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter().copied()
    }
}

/// Digits to insert, leave out or replace to get from one string to the other.
pub(super) fn edit_distance(one: &[usize], other: &[usize]) -> usize {
    generic_levenshtein(&Text(one), &Text(other))
}

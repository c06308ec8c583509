//! The comparison of a tensor with its reference.

use std::fmt;

/// The largest tolerance that a case may ask for.
///
/// A case stores 20 times the error of its own f32 evaluation. The largest of the public cases is 1.5e-2 (`mlp_sigmoid`, where
/// an output close to zero is divided by). A case far above that would pass with wrong results, so it is refused.
pub const MAX_TOLERANCE: f64 = 2e-2;

/// The comparison of one tensor.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// The tensor, by its name in the case.
    pub tensor: String,
    /// The largest absolute difference divided by the largest absolute reference value; infinite if any value on either
    /// side is non-finite.
    pub error: f32,
    /// The largest error that passes.
    pub tolerance: f32,
}

impl Row {
    /// Whether the tensor agrees with the reference.
    pub fn passed(&self) -> bool {
        self.error <= self.tolerance
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = if self.passed() { "ok" } else { "FAILED" };
        let Self {
            tensor,
            error,
            tolerance,
        } = self;
        write!(
            f,
            "{tensor:<24} {error:9.2e} of {tolerance:7.1e}  {verdict}"
        )
    }
}

/// The error of [`Row::error`].
#[cfg(test)]
fn relative_error(found: &[f32], expected: &[f32]) -> f32 {
    relative_error_with(found, expected, &[])
}

/// The error of [`Row::error`], relative to the largest absolute value of both references.
pub(super) fn relative_error_with(found: &[f32], expected: &[f32], other: &[f32]) -> f32 {
    // Checked first: a maximum skips NaN, and a difference of two infinities is NaN.
    if found
        .iter()
        .chain(expected)
        .chain(other)
        .any(|value| !value.is_finite())
    {
        return f32::INFINITY;
    }
    let differences = found.iter().zip(expected).map(|(a, b)| (a - b).abs());
    let difference = differences.fold(0.0, f32::max);
    let largest = expected
        .iter()
        .chain(other)
        .fold(0.0, |m: f32, value| m.max(value.abs()));
    match difference {
        0.0 => 0.0,
        // Infinite if the reference is zero everywhere.
        _ => difference / largest,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passes(found: &[f32], expected: &[f32]) -> bool {
        let row = Row {
            tensor: "output".to_owned(),
            error: relative_error(found, expected),
            tolerance: 1e-2,
        };
        row.passed()
    }

    #[test]
    fn the_error_is_relative_to_the_largest_reference_value() {
        assert_eq!(relative_error(&[1.5, -4.0], &[1.0, -4.0]), 0.125);
        assert!(passes(&[1.001, 0.0], &[1.0, 0.0]));
        assert!(!passes(&[1.02, 0.0], &[1.0, 0.0]));
        assert!(!passes(&[1e-30], &[0.0]));
        assert!(passes(&[0.0], &[0.0]));
    }

    #[test]
    fn non_finite_values_fail_at_any_position_and_on_either_side() {
        for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            for position in 0..3 {
                let good = [1.0, 2.0, 3.0];
                let mut with_bad = good;
                with_bad[position] = bad;
                assert!(!passes(&with_bad, &good), "found {with_bad:?}");
                assert!(!passes(&good, &with_bad), "expected {with_bad:?}");
                assert!(!passes(&with_bad, &with_bad), "both {with_bad:?}");
            }
        }
    }
}

//! Bounds of numbers, for options and for files alike.

use std::ops::RangeInclusive;

use lfp_burn::quantize::MOST_BITS;

/// Epochs of a run.
pub(crate) const EPOCHS: RangeInclusive<usize> = 1..=1_000_000;
/// Samples of a batch, and micro-batches of a step. A batch is no larger than the data.
pub(crate) const BATCH: RangeInclusive<usize> = 1..=1_000_000;
/// Time steps of a spiking network.
pub(crate) const TIME_STEPS: RangeInclusive<usize> = 1..=10_000;
/// Measured steps of `bench`.
pub(crate) const BENCH_STEPS: RangeInclusive<usize> = 1..=1_000_000;
/// Samples per step of `bench`, which draws them.
pub(crate) const BENCH_BATCH: RangeInclusive<usize> = 1..=4_096;
/// Seeds of a figure.
pub(crate) const SEEDS: RangeInclusive<usize> = 1..=1_000;
/// Updates of a policy.
pub(crate) const UPDATES: RangeInclusive<usize> = 1..=100_000;
/// Episodes before an update; their steps are one batch.
pub(crate) const EPISODES: RangeInclusive<usize> = 2..=1_000;
/// Hidden neurons of a policy.
pub(crate) const NEURONS: RangeInclusive<usize> = 1..=10_000;
/// Digits of a string of `demo levenshtein`.
pub(crate) const DIGITS: RangeInclusive<usize> = 1..=5;
/// Draws of the decisions of `demo levenshtein`.
pub(crate) const DRAWS: RangeInclusive<usize> = 1..=1_000;
/// Samples and epochs of a demo.
pub(crate) const DEMO_SAMPLES: RangeInclusive<usize> = 1..=1_000_000;
pub(crate) const DEMO_EPOCHS: RangeInclusive<usize> = 1..=1_000;
/// Verdicts of `demo verdict`.
pub(crate) const VERDICTS: RangeInclusive<usize> = 1..=60_000;
/// Threads that read samples.
pub(crate) const WORKERS: RangeInclusive<usize> = 1..=1_024;
/// Height and width of photographs. The networks halve an image up to five times.
pub(crate) const IMAGE_SIZE: RangeInclusive<usize> = 32..=4_096;
/// Bits of a quantised weight.
pub(crate) const WEIGHT_BITS: RangeInclusive<usize> = 1..=MOST_BITS;
/// Classes of the data.
pub(crate) const CLASSES: RangeInclusive<usize> = 1..=1_000_000;

/// A real number. Networks compute in single precision, so a number is in range if it is after rounding to it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Real {
    expected: &'static str,
    accepts: fn(f32) -> bool,
}

/// Greater than 0.
pub(crate) const POSITIVE: Real = Real {
    expected: "a positive number",
    accepts: |number| number > 0.0,
};
/// At least 0.
pub(crate) const NOT_NEGATIVE: Real = Real {
    expected: "0 or a positive number",
    accepts: |number| number >= 0.0,
};
/// From 0 to 1.
pub(crate) const FROM_ZERO_TO_ONE: Real = Real {
    expected: "a number from 0 to 1",
    accepts: |number| (0.0..=1.0).contains(&number),
};
/// From 0 to below 1.
pub(crate) const BELOW_ONE: Real = Real {
    expected: "a number from 0 to below 1",
    accepts: |number| (0.0..1.0).contains(&number),
};

impl Real {
    /// The number, if it is in range.
    ///
    /// # Errors
    ///
    /// What is expected.
    pub(crate) fn check(self, number: f64) -> Result<f64, String> {
        let rounded = number as f32;
        match rounded.is_finite() && (self.accepts)(rounded) {
            true => Ok(number),
            false => Err(format!("expected {}", self.expected)),
        }
    }
}

/// The number, if it is in range.
///
/// # Errors
///
/// What is expected.
pub(crate) fn whole(range: &RangeInclusive<usize>, number: usize) -> Result<usize, String> {
    match range.contains(&number) {
        true => Ok(number),
        false => Err(expected(range)),
    }
}

/// What a whole number must be.
pub(crate) fn expected(range: &RangeInclusive<usize>) -> String {
    format!(
        "expected a whole number from {} to {}",
        range.start(),
        range.end()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_in_range_if_it_is_in_single_precision() {
        assert!(POSITIVE.check(0.1).is_ok() && NOT_NEGATIVE.check(0.0).is_ok());
        for number in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e300, 1e-300] {
            assert!(POSITIVE.check(number).is_err(), "{number}");
        }
        assert!(BELOW_ONE.check(0.999).is_ok());
        assert!(
            BELOW_ONE.check(0.999_999_999_99).is_err(),
            "1 in single precision"
        );
    }
}

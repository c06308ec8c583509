//! Behaviour across the crates, one statement per test.

mod book;
mod conformance;
mod conservation;
mod convolutions;
mod damaged;
mod errors;
mod gradients;
mod limits;
mod modules;
mod networks;
mod optimizers;
mod pruning;
mod records;
mod reward_form;
mod rewards;
mod sequences;
mod sharing;
mod spiking;
mod theorem;
mod torchvision;
mod weights;

use std::sync::{Mutex, MutexGuard, PoisonError};

use burn::tensor::{Device, Tensor, TensorData};

/// The unit roundoff of f32.
const UNIT: f64 = 1.0 / (1u32 << 24) as f64;

/// A tensor from f64 values.
fn tensor<const D: usize>(values: &[f64], shape: [usize; D], device: &Device) -> Tensor<D> {
    let values: Vec<f32> = values.iter().map(|&value| value as f32).collect();
    Tensor::from_data(TensorData::new(values, shape), device)
}

fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f64> {
    tensor.into_data().iter::<f64>().collect()
}

/// The largest magnitude; NaN if any value is NaN, which `f64::max` would skip.
fn max_abs(values: &[f64]) -> f64 {
    values.iter().fold(0.0, |largest, value| match value.abs() {
        magnitude if magnitude.is_nan() || magnitude > largest => magnitude,
        _ => largest,
    })
}

/// Asserts that `found` equals `expected` up to `tolerance` times the largest expected magnitude, and that all values are
/// finite.
#[track_caller]
fn assert_close(name: &str, found: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len(), "{name}: number of values");
    assert!(!expected.is_empty(), "{name}: nothing to compare");
    let largest = max_abs(expected);
    assert!(largest.is_finite(), "{name}: non-finite expected values");
    for (index, (found, expected)) in found.iter().zip(expected).enumerate() {
        assert!(
            (found - expected).abs() <= tolerance * largest,
            "{name}[{index}]: expected {expected}, found {found} (largest magnitude {largest})"
        );
    }
}

/// A device with autodiff, for tests that use no random numbers.
fn autodiff() -> Device {
    Device::default().autodiff()
}

/// A device with autodiff and a seeded random number generator. The generator is shared by the process, so the guard keeps
/// other tests from drawing numbers.
fn seeded(seed: u64) -> (Device, MutexGuard<'static, ()>) {
    static RANDOM_NUMBERS: Mutex<()> = Mutex::new(());
    let guard = RANDOM_NUMBERS
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    let device = autodiff();
    device.seed(seed);
    (device, guard)
}

mod comparisons {
    use super::*;

    fn fails(found: &[f64], expected: &[f64]) -> bool {
        let compare = || assert_close("values", found, expected, 1e-3);
        std::panic::catch_unwind(compare).is_err()
    }

    #[test]
    fn non_finite_values_fail_at_any_position_and_on_either_side() {
        let good = [1.0, 2.0, 3.0];
        assert!(!fails(&good, &good));
        for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            for position in 0..3 {
                let mut with_bad = good;
                with_bad[position] = bad;
                assert!(fails(&with_bad, &good), "found {with_bad:?}");
                assert!(fails(&good, &with_bad), "expected {with_bad:?}");
                assert!(fails(&with_bad, &with_bad), "both {with_bad:?}");
                assert!(!max_abs(&with_bad).is_finite());
            }
        }
    }

    #[test]
    fn a_comparison_of_nothing_fails() {
        assert!(fails(&[], &[]));
        assert!(fails(&[1.0], &[1.0, 1.0]));
    }
}

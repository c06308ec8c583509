//! What the crates promise, each statement as a test.

mod conformance;
mod conservation;
mod errors;
mod gradients;
mod modules;
mod networks;
mod optimizers;
mod pruning;
mod reward_form;
mod rewards;
mod sharing;
mod spiking;
mod theorem;
mod torchvision;

use std::sync::{Mutex, MutexGuard, PoisonError};

use burn::tensor::{Device, Tensor, TensorData};

/// A tensor on the tape from f64 values.
fn tensor<const D: usize>(values: &[f64], shape: [usize; D], device: &Device) -> Tensor<D> {
    let values: Vec<f32> = values.iter().map(|&value| value as f32).collect();
    Tensor::from_data(TensorData::new(values, shape), device)
}

fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f64> {
    tensor.into_data().iter::<f64>().collect()
}

/// Asserts that `found` is `expected` up to `tolerance` times the largest expected magnitude.
#[track_caller]
fn assert_close(name: &str, found: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len(), "{name}: number of values");
    let largest = expected
        .iter()
        .fold(0.0, |m: f64, value| m.max(value.abs()));
    for (index, (found, expected)) in found.iter().zip(expected).enumerate() {
        assert!(
            (found - expected).abs() <= tolerance * largest,
            "{name}[{index}]: expected {expected}, found {found} (largest magnitude {largest})"
        );
    }
}

/// A device with autodiff, for tests that draw nothing.
fn autodiff() -> Device {
    Device::default().autodiff()
}

/// A device with autodiff whose random numbers start at `seed`. They are the whole process's: nobody
/// else draws while the guard is held.
fn seeded(seed: u64) -> (Device, MutexGuard<'static, ()>) {
    static RANDOM_NUMBERS: Mutex<()> = Mutex::new(());
    let guard = RANDOM_NUMBERS
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    let device = autodiff();
    device.seed(seed);
    (device, guard)
}

//! Measurements, by hand: tests that are ignored print times.

use std::time::Instant;

/// Milliseconds of the fastest of nine runs.
pub(super) fn fastest<T>(run: impl Fn() -> T) -> f64 {
    let time = |_| {
        let start = Instant::now();
        let result = run();
        let elapsed = start.elapsed();
        drop(result);
        elapsed.as_secs_f64() * 1e3
    };
    (0..9).map(time).fold(f64::MAX, f64::min)
}

/// Zeros and ones, with a share of ones of about `rate`.
pub(super) fn random_spikes(len: usize, rate: f64) -> Vec<f32> {
    // The arcsine distribution: the sine of a random angle exceeds cos(pi rate) with probability `rate`.
    let limit = (std::f64::consts::PI * rate).cos();
    let spike = |index: usize| ((index * index) as f64 * 0.37).sin() > limit;
    (0..len).map(|index| f32::from(spike(index))).collect()
}

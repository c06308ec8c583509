//! Seeds of random numbers.

use std::sync::{Mutex, PoisonError};

use burn::tensor::Device;

/// Derives an independent seed for each counter: the finaliser of SplitMix64.
pub(crate) fn mix(seed: u64, counter: u64) -> u64 {
    let mut bits = seed
        .wrapping_mul(0xD134_2543_DE82_EF95)
        .wrapping_add(counter.wrapping_mul(0x9E37_79B9_7F4A_7C15));
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    bits ^ (bits >> 31)
}

/// Seeds the random number generator of `device`, and calls `draw`.
///
/// All threads share the generator of a device. Calls take turns, so that runs in other threads do not change what
/// `draw` draws.
pub(crate) fn draw<R>(device: &Device, seed: u64, draw: impl FnOnce() -> R) -> R {
    static TURN: Mutex<()> = Mutex::new(());
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    device.seed(seed);
    draw()
}

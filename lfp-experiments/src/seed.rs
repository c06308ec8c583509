//! Seeds derived from a run's seed and a counter, independent of any earlier random numbers.

/// A different seed for each pair: the finaliser of SplitMix64 (Steele et al., 2014).
pub(crate) fn mix(seed: u64, counter: u64) -> u64 {
    let mut bits = seed
        .wrapping_mul(0xD134_2543_DE82_EF95)
        .wrapping_add(counter.wrapping_mul(0x9E37_79B9_7F4A_7C15));
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    bits ^ (bits >> 31)
}

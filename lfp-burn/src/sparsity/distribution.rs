//! Distributions of weights.

/// The quantiles `at` (from 0 to 1) of the magnitudes of a layer's weights, relative to the largest magnitude. Between two
/// magnitudes they are interpolated linearly, as in NumPy and PyTorch. Zeros if all weights are zero, or there are none.
///
/// # Panics
///
/// If a quantile is below 0 or above 1.
///
/// # Example
///
/// ```
/// use lfp_burn::sparsity::quantiles;
///
/// assert_eq!(quantiles([4.0, -1.0, 2.0, 0.0, 3.0], [0.0, 0.5, 0.875]), [0.0, 0.5, 0.875]);
/// ```
pub fn quantiles<const N: usize>(values: impl IntoIterator<Item = f32>, at: [f64; N]) -> [f64; N] {
    let mut magnitudes: Vec<f32> = values.into_iter().map(f32::abs).collect();
    magnitudes.sort_unstable_by(f32::total_cmp);
    let largest = magnitudes.last().copied().map_or(0.0, f64::from);
    at.map(|quantile| {
        assert!(
            (0.0..=1.0).contains(&quantile),
            "expected a quantile from 0 to 1, found {quantile}"
        );
        if largest == 0.0 {
            return 0.0;
        }
        let place = quantile * (magnitudes.len() - 1) as f64;
        let (below, above) = (place.floor() as usize, place.ceil() as usize);
        let [below, above] = [below, above].map(|index| f64::from(magnitudes[index]));
        (below + (above - below) * place.fract()) / largest
    })
}

/// The fraction of weights in `[-theta, theta]` (Figure 3); 0 if there are none.
///
/// # Example
///
/// ```
/// use lfp_burn::sparsity::neutral_share;
///
/// assert_eq!(neutral_share([0.1, -0.3, 0.2, 0.0], 0.2), 0.75);
/// ```
pub fn neutral_share(values: impl IntoIterator<Item = f32>, theta: f32) -> f64 {
    let (mut all, mut within) = (0usize, 0usize);
    for value in values {
        all += 1;
        within += usize::from(value.abs() <= theta);
    }
    within as f64 / all.max(1) as f64
}

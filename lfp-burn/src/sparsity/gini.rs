//! The Gini coefficient.

/// The Gini coefficient of the magnitudes (Hurley and Rickard 2009): 0 if all are equal, `1 - 1/n` if only one of `n` is not
/// zero. 0 for no values, and for zeros.
///
/// For magnitudes in ascending order, `c_1` to `c_n`, with the sum `s`:
/// `2 (1 c_1 + 2 c_2 + ... + n c_n) / (n s) - (n + 1) / n`. The authors' code counts ranks from 0, which gives `2/n` less; the
/// definition, and this function, count from 1.
///
/// # Example
///
/// ```
/// use lfp_burn::sparsity::gini;
///
/// assert_eq!(gini([0.5, -0.5, 0.5, 0.5]), 0.0);
/// assert_eq!(gini([0.0, 0.0, -3.0, 0.0]), 0.75);
/// assert!((gini([1.0, 2.0, 3.0]) - 2.0 / 9.0).abs() < 1e-12);
/// ```
pub fn gini(values: impl IntoIterator<Item = f32>) -> f64 {
    let mut magnitudes: Vec<f32> = values.into_iter().map(f32::abs).collect();
    magnitudes.sort_unstable_by(f32::total_cmp);
    let count = magnitudes.len() as f64;
    let mut sum = 0.0;
    let mut weighted = 0.0;
    for (rank, &magnitude) in (1..).zip(&magnitudes) {
        sum += f64::from(magnitude);
        weighted += f64::from(rank) * f64::from(magnitude);
    }
    if sum == 0.0 {
        return 0.0;
    }
    (2.0 * weighted / sum - (count + 1.0)) / count
}

//! From the rewards of an environment to advantages, on the host.

/// The return of each step: its reward, and those that followed in the same episode, each discounted once per step.
///
/// ```text
/// G[t] = R[t] + discount G[t+1]        G[t] = R[t] at the end of an episode
/// ```
///
/// Steps are in order, episode after episode; `ends` tells which step is the last of its episode.
///
/// ```
/// use lfp_burn::rl::returns;
///
/// let ends = [false, false, true, true];
/// assert_eq!(returns(&[1.0, 1.0, 1.0, 5.0], &ends, 0.5), [1.75, 1.5, 1.0, 5.0]);
/// ```
pub fn returns(rewards: &[f64], ends: &[bool], discount: f64) -> Vec<f64> {
    let mut following = 0.0;
    let steps = rewards.iter().zip(ends).rev();
    let mut returns: Vec<f64> = steps
        .map(|(reward, &end)| {
            following = reward + if end { 0.0 } else { discount * following };
            following
        })
        .collect();
    returns.reverse();
    returns
}

/// The values minus their mean, divided by their standard deviation; all 0 if they do not differ.
///
/// ```
/// use lfp_burn::rl::normalized;
///
/// assert_eq!(normalized(&[1.0, 3.0]), [-1.0, 1.0]);
/// assert_eq!(normalized(&[0.1, 0.1, 0.1]), [0.0; 3]);
/// ```
///
/// # Panics
///
/// If a value is not finite, or so large that the deviation is not.
pub fn normalized(values: &[f64]) -> Vec<f64> {
    if let Some(found) = values.iter().find(|value| !value.is_finite()) {
        panic!("values to normalise: expected finite numbers, found {found}");
    }
    let count = values.len().max(1) as f64;
    let mean = values.iter().sum::<f64>() / count;
    let squares = values.iter().map(|value| (value - mean).powi(2));
    let deviation = (squares.sum::<f64>() / count).sqrt();
    assert!(
        deviation.is_finite(),
        "values to normalise: expected a finite deviation, found {deviation}"
    );
    // Rounding alone makes equal values differ by about this much.
    let differ = deviation > 1e-9 * mean.abs();
    let normalized = |value: &f64| {
        if differ {
            (value - mean) / deviation
        } else {
            0.0
        }
    };
    values.iter().map(normalized).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_return_stops_at_the_end_of_its_episode() {
        let rewards = [1.0, 2.0, 4.0, 8.0];
        let together = [false, false, false, true];
        assert_eq!(returns(&rewards, &together, 1.0), [15.0, 14.0, 12.0, 8.0]);
        assert_eq!(returns(&rewards, &[true; 4], 1.0), rewards);
        assert_eq!(returns(&rewards, &together, 0.0), rewards);
    }

    #[test]
    fn normalised_values_have_mean_0_and_deviation_1() {
        let values = normalized(&[3.0, 5.0, 10.0, -2.0]);
        let mean = values.iter().sum::<f64>() / 4.0;
        let square = values.iter().map(|value| value * value).sum::<f64>() / 4.0;
        assert!(mean.abs() < 1e-12 && (square - 1.0).abs() < 1e-12);
        assert!(normalized(&[]).is_empty());
    }

    #[test]
    #[should_panic(expected = "expected finite numbers, found NaN")]
    fn a_return_that_is_no_number_is_not_taken_for_one() {
        normalized(&[1.0, f64::NAN, 2.0]);
    }

    #[test]
    #[should_panic(expected = "expected a finite deviation, found inf")]
    fn returns_whose_squares_overflow_are_not_taken_for_equal() {
        normalized(&[1e200, -1e200]);
    }
}

//! Mean and standard deviation.

use serde::{Deserialize, Serialize};

/// Mean and standard deviation of the runs of several seeds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// Arithmetic mean.
    pub mean: f64,
    /// Population standard deviation (divided by the number of values).
    pub standard_deviation: f64,
}

impl Spread {
    /// Computes both; 0 without values.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Self {
        let values: Vec<f64> = values.into_iter().collect();
        let count = values.len().max(1) as f64;
        let mean = values.iter().sum::<f64>() / count;
        let squares = values.iter().map(|value| (value - mean).powi(2));
        Self {
            mean,
            standard_deviation: (squares.sum::<f64>() / count).sqrt(),
        }
    }

    /// Mean and standard deviation in per cent, as in `98.6 ± 0.2`.
    pub fn percent(self) -> String {
        format!(
            "{:.1} \u{b1} {:.1}",
            100.0 * self.mean,
            100.0 * self.standard_deviation
        )
    }
}

/// Averages curves with the same x values, one curve per run, point by point.
pub fn average_curves<'a>(
    curves: impl IntoIterator<Item = &'a [(f64, f64)]>,
) -> Vec<(f64, Spread)> {
    let curves: Vec<&[(f64, f64)]> = curves.into_iter().collect();
    let points = curves.iter().map(|curve| curve.len()).min().unwrap_or(0);
    let point = |index: usize| {
        let values = curves.iter().map(|curve| curve[index].1);
        (curves[0][index].0, Spread::of(values))
    };
    (0..points).map(point).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_standard_deviation_is_that_of_the_population() {
        let spread = Spread::of([0.2, 0.4]);
        assert!((spread.mean - 0.3).abs() < 1e-12);
        assert!((spread.standard_deviation - 0.1).abs() < 1e-12);
        assert_eq!(spread.percent(), "30.0 \u{b1} 10.0");
        assert_eq!(Spread::of([]), Spread::default());
    }

    #[test]
    fn curves_are_averaged_point_by_point() {
        let (one, other) = ([(1.0, 0.0), (2.0, 4.0)], [(1.0, 2.0), (2.0, 4.0)]);
        let average = average_curves([&one[..], &other[..]]);
        assert_eq!(average[0].0, 1.0);
        assert_eq!(
            (average[0].1.mean, average[0].1.standard_deviation),
            (1.0, 1.0)
        );
        assert_eq!(
            (average[1].1.mean, average[1].1.standard_deviation),
            (4.0, 0.0)
        );
    }
}

//! Mean and standard deviation.

use serde::{Deserialize, Serialize};

/// Mean and standard deviation of the runs of several seeds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// Arithmetic mean.
    pub mean: f64,
    /// Population standard deviation (divided by the number of values); `None` of one run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub standard_deviation: Option<f64>,
}

impl Spread {
    /// Computes both; the mean is 0 without values.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Self {
        let values: Vec<f64> = values.into_iter().collect();
        let count = values.len().max(1) as f64;
        let mean = values.iter().sum::<f64>() / count;
        let squares = values.iter().map(|value| (value - mean).powi(2));
        Self {
            mean,
            standard_deviation: (values.len() > 1).then(|| (squares.sum::<f64>() / count).sqrt()),
        }
    }

    /// Mean and standard deviation in per cent, as in `98.6 ± 0.2`.
    pub fn percent(self) -> String {
        let percent = |share: f64| 100.0 * share;
        let in_percent = Self {
            mean: percent(self.mean),
            standard_deviation: self.standard_deviation.map(percent),
        };
        in_percent.shown(1)
    }

    /// Mean and standard deviation with so many decimals; of one run the mean alone.
    pub fn shown(self, decimals: usize) -> String {
        let mean = self.mean;
        match self.standard_deviation {
            Some(deviation) => format!("{mean:.decimals$} \u{b1} {deviation:.decimals$}"),
            None => format!("{mean:.decimals$}"),
        }
    }

    /// The standard deviation as drawn: 0 of one run.
    pub fn width(self) -> f64 {
        self.standard_deviation.unwrap_or(0.0)
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
        assert!((spread.width() - 0.1).abs() < 1e-12);
        assert_eq!(spread.percent(), "30.0 \u{b1} 10.0");
        assert_eq!(Spread::of([]), Spread::default());
    }

    #[test]
    fn one_run_has_no_standard_deviation() {
        let spread = Spread::of([0.2]);
        assert_eq!(
            (spread.percent().as_str(), spread.shown(2).as_str()),
            ("20.0", "0.20")
        );
        assert_eq!(Spread::of([0.2, 0.2]).percent(), "20.0 \u{b1} 0.0");
        let json = serde_json::to_string(&spread).unwrap();
        assert_eq!(json, r#"{"mean":0.2}"#);
        assert_eq!(serde_json::from_str::<Spread>(&json).unwrap(), spread);
    }

    #[test]
    fn curves_are_averaged_point_by_point() {
        let (one, other) = ([(1.0, 0.0), (2.0, 4.0)], [(1.0, 2.0), (2.0, 4.0)]);
        let average = average_curves([&one[..], &other[..]]);
        assert_eq!(average[0].0, 1.0);
        assert_eq!(
            (average[0].1.mean, average[0].1.standard_deviation),
            (1.0, Some(1.0))
        );
        assert_eq!(
            (average[1].1.mean, average[1].1.standard_deviation),
            (4.0, Some(0.0))
        );
    }
}

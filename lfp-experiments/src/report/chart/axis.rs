//! Axes: scale, ticks, and how values are written.

/// An axis of a chart. Its range is that of the data, unless it is [set](Self::within).
#[derive(Clone, Debug)]
pub struct Axis {
    label: String,
    logarithmic: bool,
    percent: bool,
    whole: bool,
    range: Option<(f64, f64)>,
}

/// A line across the chart; without a label between two that have one.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Tick {
    pub(super) value: f64,
    pub(super) label: Option<String>,
}

/// The range of an axis and its place in the drawing.
#[derive(Clone, Debug)]
pub(super) struct Mapping {
    axis: Axis,
    /// Lowest and highest value; exponents of ten if logarithmic.
    range: (f64, f64),
    /// Where they are.
    places: (f64, f64),
}

impl Axis {
    /// A linear axis.
    pub fn linear(label: impl Into<String>) -> Self {
        Self {
            label: label.into(),
            logarithmic: false,
            percent: false,
            whole: false,
            range: None,
        }
    }

    /// A linear axis of counts, such as epochs: no tick lies between two whole numbers.
    pub fn whole(label: impl Into<String>) -> Self {
        Self {
            whole: true,
            ..Self::linear(label)
        }
    }

    /// A logarithmic axis.
    pub fn logarithmic(label: impl Into<String>) -> Self {
        Self {
            logarithmic: true,
            ..Self::linear(label)
        }
    }

    /// A linear axis of shares in `[0, 1]`, written in per cent.
    pub fn percent(label: impl Into<String>) -> Self {
        Self {
            percent: true,
            ..Self::linear(label)
        }
    }

    /// Sets the range.
    #[must_use]
    pub fn within(mut self, low: f64, high: f64) -> Self {
        self.range = Some((low, high));
        self
    }

    pub(super) fn label(&self) -> &str {
        &self.label
    }

    pub(super) fn has(&self, value: f64) -> bool {
        !self.logarithmic || value > 0.0
    }

    /// A value as text.
    pub(super) fn value(&self, value: f64) -> String {
        match self.percent {
            true => format!("{:.1} %", 100.0 * value),
            false => number(value),
        }
    }

    /// A mean and its standard deviation as text.
    pub(super) fn spread(&self, mean: f64, deviation: f64) -> String {
        match (self.percent, deviation > 0.0) {
            (_, false) => self.value(mean),
            (true, true) => format!("{:.1} \u{b1} {:.1} %", 100.0 * mean, 100.0 * deviation),
            (false, true) => format!("{} \u{b1} {}", number(mean), number(deviation)),
        }
    }

    pub(super) fn mapping(&self, values: impl Iterator<Item = f64>, from: f64, to: f64) -> Mapping {
        let scaled = |value: f64| {
            if self.logarithmic {
                value.log10()
            } else {
                value
            }
        };
        let range = match self.range {
            Some((low, high)) => (scaled(low), scaled(high)),
            None => self.fit(values.map(scaled)),
        };
        Mapping {
            axis: self.clone(),
            range,
            places: (from, to),
        }
    }

    /// The range of scaled values, with a margin.
    fn fit(&self, values: impl Iterator<Item = f64>) -> (f64, f64) {
        let finite = values.filter(|value| value.is_finite());
        let (low, high) = finite.fold((f64::MAX, f64::MIN), |(low, high), value| {
            (low.min(value), high.max(value))
        });
        let (low, high) = match low.partial_cmp(&high) {
            Some(std::cmp::Ordering::Less) => (low, high),
            Some(std::cmp::Ordering::Equal) => (low - 0.5, high + 0.5),
            _ => (0.0, 1.0),
        };
        let margin = 0.04 * (high - low);
        match self.percent {
            true => ((low - margin).max(0.0), (high + margin).min(1.0)),
            false => (low - margin, high + margin),
        }
    }
}

impl Mapping {
    /// The place of a value; values out of range are at the edge.
    pub(super) fn at(&self, value: f64) -> f64 {
        let scaled = if self.axis.logarithmic {
            // A band can reach below 0.
            value.max(f64::MIN_POSITIVE).log10()
        } else {
            value
        };
        let (low, high) = self.range;
        let share = ((scaled - low) / (high - low)).clamp(0.0, 1.0);
        self.places.0 + share * (self.places.1 - self.places.0)
    }

    pub(super) fn ticks(&self) -> Vec<Tick> {
        match self.axis.logarithmic {
            true => self.decades(),
            false => self.steps(),
        }
    }

    /// Four to eight round values; fewer where an axis of counts has fewer whole numbers.
    fn steps(&self) -> Vec<Tick> {
        let (low, high) = self.range;
        let rough = (high - low) / 6.0;
        let decade = 10f64.powf(rough.log10().floor());
        let steps = [1.0, 2.0, 5.0, 10.0].map(|step| step * decade);
        let step = steps.into_iter().find(|&step| step >= rough);
        let step = step.unwrap_or(10.0 * decade);
        let step = if self.axis.whole { step.max(1.0) } else { step };
        let (first, last) = ((low / step).ceil() as i64, (high / step).floor() as i64);
        let scale = if self.axis.percent { 100.0 } else { 1.0 };
        let decimals = (-(step * scale).log10().floor()).clamp(0.0, 9.0) as usize;
        let tick = |index: i64| {
            let value = index as f64 * step;
            let unit = if self.axis.percent { " %" } else { "" };
            Tick {
                value,
                label: Some(format!("{:.decimals$}{unit}", value * scale)),
            }
        };
        (first..=last).map(tick).collect()
    }

    /// Decades and their 2 and 5, which have labels if there are few decades.
    fn decades(&self) -> Vec<Tick> {
        let (low, high) = self.range;
        let (few, many) = (high - low < 2.3, high - low > 7.0);
        let decades = low.floor() as i32..=high.ceil() as i32;
        let ticks = decades.flat_map(|exponent| {
            [1.0, 2.0, 5.0].map(|factor| {
                let is_decade = factor == 1.0;
                let labelled = if is_decade {
                    !many || exponent % 2 == 0
                } else {
                    few
                };
                let value = factor * 10f64.powi(exponent);
                Tick {
                    value,
                    label: labelled.then(|| match is_decade {
                        true => power_of_ten(exponent),
                        false => number(value),
                    }),
                }
            })
        });
        let inside = |tick: &Tick| (low..=high).contains(&tick.value.log10());
        ticks.filter(inside).collect()
    }
}

/// `0.001`, or with superscripts where that is shorter.
fn power_of_ten(exponent: i32) -> String {
    if (-3..=3).contains(&exponent) {
        return number(10f64.powi(exponent));
    }
    let superscript = |digit: char| match digit {
        '-' => '\u{207b}',
        '1' => '\u{b9}',
        '2' => '\u{b2}',
        '3' => '\u{b3}',
        digit => digit
            .to_digit(10)
            .and_then(|digit| char::from_u32(0x2070 + digit))
            .unwrap_or(digit),
    };
    let exponent = exponent.to_string();
    format!(
        "10{}",
        exponent.chars().map(superscript).collect::<String>()
    )
}

/// Four significant digits, without zeros at the end.
pub(crate) fn number(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return value.to_string();
    }
    let exponent = value.abs().log10().floor();
    if !(-6.0..9.0).contains(&exponent) {
        return format!("{value:.3e}");
    }
    let decimals = (3.0 - exponent).max(0.0) as usize;
    let text = format!("{value:.decimals$}");
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(axis: Axis) -> Vec<String> {
        let ticks = axis.mapping(std::iter::empty(), 0.0, 1.0).ticks();
        ticks.into_iter().filter_map(|tick| tick.label).collect()
    }

    #[test]
    fn ticks_are_round() {
        let percent = labels(Axis::percent("").within(0.0, 1.0));
        assert_eq!(percent, ["0 %", "20 %", "40 %", "60 %", "80 %", "100 %"]);
        let close = labels(Axis::percent("").within(0.97, 0.99));
        assert_eq!(close, ["97.0 %", "97.5 %", "98.0 %", "98.5 %", "99.0 %"]);
        let layers = labels(Axis::linear("").within(1.0, 6.0));
        assert_eq!(layers, ["1", "2", "3", "4", "5", "6"]);
    }

    #[test]
    fn counts_have_whole_ticks() {
        let half = labels(Axis::linear("").within(1.0, 3.0));
        assert_eq!(half, ["1.0", "1.5", "2.0", "2.5", "3.0"]);
        let epochs = |last| labels(Axis::whole("epoch").within(1.0, last));
        assert_eq!(epochs(3.0), ["1", "2", "3"]);
        assert_eq!(epochs(2.0), ["1", "2"]);
        assert_eq!(epochs(30.0), ["5", "10", "15", "20", "25", "30"]);
        // One epoch has a margin on both sides.
        let axis = Axis::whole("epoch");
        let mapping = axis.mapping([1.0].into_iter(), 0.0, 100.0);
        let ticks: Vec<f64> = mapping.ticks().iter().map(|tick| tick.value).collect();
        assert_eq!(ticks, [1.0]);
    }

    #[test]
    fn logarithmic_ticks_are_decades_and_for_few_decades_their_2_and_5() {
        let many = labels(Axis::logarithmic("").within(1e-5, 1.0));
        assert_eq!(
            many,
            [
                "10\u{207b}\u{2075}",
                "10\u{207b}\u{2074}",
                "0.001",
                "0.01",
                "0.1",
                "1"
            ]
        );
        let few = labels(Axis::logarithmic("").within(0.05, 1.0));
        assert_eq!(few, ["0.05", "0.1", "0.2", "0.5", "1"]);
    }

    #[test]
    fn numbers_have_four_significant_digits() {
        let cases = [
            (0.00002, "0.00002"),
            (0.123_456, "0.1235"),
            (12_345.0, "12345"),
            (3e-9, "3.000e-9"),
            (0.0, "0"),
            (-1.5, "-1.5"),
        ];
        for (value, text) in cases {
            assert_eq!(number(value), text);
        }
    }

    #[test]
    fn one_value_is_in_the_middle() {
        let axis = Axis::linear("");
        let mapping = axis.mapping([3.0].into_iter(), 0.0, 100.0);
        assert_eq!(mapping.at(3.0), 50.0);
    }
}

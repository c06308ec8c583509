//! Axes and their ticks.

use std::ops::Range;

use plotters::coord::ranged1d::{DefaultFormatting, KeyPointHint, Ranged};

/// What the coordinates along an axis mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// Numbers.
    Linear,
    /// Counts: no tick lies between two whole numbers.
    Whole,
    /// Exponents of 10.
    Logarithmic,
    /// Names, at the whole numbers from 1.
    Names,
    /// Positions in a picture: no line, no ticks.
    Hidden,
}

/// An axis of a panel.
#[derive(Clone, Debug)]
pub struct Axis {
    /// Label.
    pub label: String,
    /// Range; of a logarithmic axis that of the exponents of 10.
    pub range: Range<f64>,
    /// The scale.
    pub scale: Scale,
    /// The names of an axis of names.
    pub names: Vec<String>,
}

impl Axis {
    /// A linear axis.
    pub fn new(label: &str, range: Range<f64>) -> Self {
        Self {
            label: label.to_owned(),
            range,
            scale: Scale::Linear,
            names: Vec::new(),
        }
    }

    /// An axis of counts, such as epochs.
    pub fn whole(label: &str, range: Range<f64>) -> Self {
        Self {
            scale: Scale::Whole,
            ..Self::new(label, range)
        }
    }

    /// A logarithmic axis. Points have the exponents of 10 as coordinates.
    pub fn logarithmic(label: &str, exponents: Range<f64>) -> Self {
        Self {
            scale: Scale::Logarithmic,
            ..Self::new(label, exponents)
        }
    }

    /// An axis of names, such as layers. The first is at 1.
    pub fn named(label: &str, names: Vec<String>) -> Self {
        Self {
            scale: Scale::Names,
            range: 0.5..names.len() as f64 + 0.5,
            names,
            ..Self::new(label, 0.0..1.0)
        }
    }

    /// An axis that is not drawn, for pictures.
    pub fn hidden(range: Range<f64>) -> Self {
        Self {
            scale: Scale::Hidden,
            ..Self::new("", range)
        }
    }

    pub(super) fn is_hidden(&self) -> bool {
        self.scale == Scale::Hidden
    }

    /// The most ticks whose labels fit on `length` pixels without touching; `space` is the length that a label takes.
    pub(super) fn ticks(&self, length: f64, space: impl Fn(&str) -> f64) -> Vec<f64> {
        let candidates: Vec<Vec<f64>> = match self.scale {
            Scale::Linear => self.linear(f64::MIN_POSITIVE).collect(),
            Scale::Whole => self.linear(1.0).collect(),
            Scale::Logarithmic => self.logarithms(),
            Scale::Names => return (1..=self.names.len()).map(|place| place as f64).collect(),
            Scale::Hidden => return Vec::new(),
        };
        let fits = |ticks: &&Vec<f64>| self.fits(ticks, length, &space);
        candidates.iter().find(fits).cloned().unwrap_or_default()
    }

    /// Whether the labels of `ticks` do not touch on `length` pixels; `space` is the length that a label takes.
    fn fits(&self, ticks: &[f64], length: f64, space: impl Fn(&str) -> f64) -> bool {
        let pixels = length / self.extent();
        ticks.windows(2).all(|pair| {
            let labels = [pair[0], pair[1]].map(|tick| space(&self.text(tick)));
            (pair[1] - pair[0]) * pixels >= (labels[0] + labels[1]) / 2.0
        })
    }

    /// Whether the axis has names that would touch on `length` pixels, and so are turned by a right angle.
    pub(super) fn is_turned(&self, length: f64, space: impl Fn(&str) -> f64) -> bool {
        let ticks = self.ticks(length, &space);
        self.scale == Scale::Names && !self.fits(&ticks, length, space)
    }

    /// The text of a tick.
    pub(super) fn text(&self, tick: f64) -> String {
        if self.scale == Scale::Names {
            let name = self.names.get(tick.round() as usize - 1);
            return name.cloned().unwrap_or_default();
        }
        if self.scale != Scale::Logarithmic {
            // Ticks are multiples of a step; rounding hides the rounding error of the product, and adding 0 that of -0.
            return format!("{}", (tick * 1e9).round() / 1e9 + 0.0);
        }
        let exponent = (tick + 1e-9).floor();
        let factor = 10_f64.powf(tick - exponent).round();
        match exponent {
            -4.0..=3.0 => format!("{}", (factor * 10_f64.powf(exponent) * 1e4).round() / 1e4),
            _ => format!("{factor}e{exponent}"),
        }
    }

    fn extent(&self) -> f64 {
        (self.range.end - self.range.start).max(f64::MIN_POSITIVE)
    }

    fn contains(&self, tick: f64) -> bool {
        let slack = 1e-9 * self.extent();
        (self.range.start - slack..=self.range.end + slack).contains(&tick)
    }

    /// Multiples of 1, 2 and 5 times a power of 10, from fine to coarse.
    fn linear(&self, least: f64) -> impl Iterator<Item = Vec<f64>> {
        let finest = (self.extent() / 20.0).log10().floor() as i32;
        let steps = (finest..finest + 4)
            .flat_map(|exponent| [1.0, 2.0, 5.0].map(|factor| factor * 10_f64.powi(exponent)));
        let multiples = |step: f64| {
            let first = (self.range.start / step - 1e-9).ceil() as i64;
            let last = (self.range.end / step + 1e-9).floor() as i64;
            (first..=last).map(|index| index as f64 * step).collect()
        };
        steps.filter(move |&step| step >= least).map(multiples)
    }

    /// Powers of 10 with their multiples by 2 and 5; powers of 10; every second, third, fifth and tenth of them. An axis on
    /// which these are fewer than three has all multiples.
    fn logarithms(&self) -> Vec<Vec<f64>> {
        let (first, last) = (
            self.range.start.floor() as i32 - 1,
            self.range.end.ceil() as i32 + 1,
        );
        let with = |factors: &[i32], every: i32| -> Vec<f64> {
            let exponents = (first..=last).filter(|exponent| exponent.rem_euclid(every) == 0);
            let ticks = exponents.flat_map(|exponent| {
                let tick = move |&factor: &i32| f64::from(exponent) + f64::from(factor).log10();
                factors.iter().map(tick)
            });
            ticks.filter(|&tick| self.contains(tick)).collect()
        };
        let few = with(&[1, 2, 5], 1);
        let finest = match few.len() {
            0..3 => with(&[1, 2, 3, 4, 5, 6, 7, 8, 9], 1),
            _ => few,
        };
        let decades = [1, 2, 3, 5, 10].map(|every| with(&[1], every));
        std::iter::once(finest).chain(decades).collect()
    }
}

/// An axis with its ticks, for plotters.
pub(super) struct Ticked {
    pub(super) range: Range<f64>,
    pub(super) ticks: Vec<f64>,
}

impl Ranged for Ticked {
    type FormatOption = DefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, (from, to): (i32, i32)) -> i32 {
        let share = (value - self.range.start) / (self.range.end - self.range.start);
        from + (f64::from(to - from) * share).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, _hint: Hint) -> Vec<f64> {
        self.ticks.clone()
    }

    fn range(&self) -> Range<f64> {
        self.range.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(axis: &Axis, length: f64) -> Vec<String> {
        let ticks = axis.ticks(length, |label| 8.0 * label.len() as f64 + 8.0);
        ticks.into_iter().map(|tick| axis.text(tick)).collect()
    }

    #[test]
    fn a_short_logarithmic_axis_has_the_decades_and_their_2_and_5() {
        let axis = Axis::logarithmic("", -2.0..0.0);
        assert_eq!(
            texts(&axis, 400.0),
            ["0.01", "0.02", "0.05", "0.1", "0.2", "0.5", "1"]
        );
    }

    #[test]
    fn a_long_logarithmic_axis_has_the_decades_that_fit() {
        let axis = Axis::logarithmic("", -10.0..4.0);
        // Every second would leave 36 pixels per label, and the labels take 40.
        let every_third = ["1e-9", "1e-6", "0.001", "1", "1000"];
        assert_eq!(texts(&axis, 250.0), every_third);
        assert_eq!(texts(&axis, 900.0).len(), 15, "all");
    }

    #[test]
    fn a_logarithmic_axis_within_a_decade_can_still_be_read() {
        let axis = Axis::logarithmic("", (0.06_f64).log10()..(0.09_f64).log10());
        assert_eq!(texts(&axis, 400.0), ["0.06", "0.07", "0.08", "0.09"]);
    }

    #[test]
    fn a_linear_axis_has_round_ticks_and_counts_have_whole_ones() {
        let axis = Axis::new("", 0.3..1.02);
        assert_eq!(
            texts(&axis, 300.0),
            ["0.3", "0.4", "0.5", "0.6", "0.7", "0.8", "0.9", "1"]
        );
        assert_eq!(
            texts(&Axis::whole("", 0.0..3.0), 400.0),
            ["0", "1", "2", "3"]
        );
        assert!(texts(&Axis::hidden(0.0..1.0), 400.0).is_empty());
    }

    #[test]
    fn names_are_all_there_and_turned_where_they_would_touch() {
        let axis = Axis::named("layer", ["conv1", "conv2", "fc1"].map(str::to_owned).into());
        assert_eq!(axis.range, 0.5..3.5, "the first is at 1");
        for length in [400.0, 40.0] {
            assert_eq!(texts(&axis, length), ["conv1", "conv2", "fc1"]);
        }
        let is_turned = |length| axis.is_turned(length, |label| 8.0 * label.len() as f64);
        // A name of five letters takes 40 pixels, and has a third of the length.
        assert!(is_turned(119.0) && !is_turned(121.0));
    }
}

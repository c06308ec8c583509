//! Counts of decisions, and objectives that are functions of them.

use core::ops::{Add, Mul};

/// The decisions about one class in a batch. (They are not whole where earlier batches count for a fraction.)
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Counts {
    /// Samples of the class that were decided to be of it.
    pub true_positives: f64,
    /// Samples of other classes that were decided to be of it.
    pub false_positives: f64,
    /// Samples of the class that were decided not to be of it.
    pub false_negatives: f64,
    /// Samples of other classes that were decided not to be of it.
    pub true_negatives: f64,
}

impl Counts {
    /// Adds samples that are of the class or not, and were decided to be of it or not.
    pub fn count(&mut self, is_of_class: bool, decided: bool, samples: f64) {
        *match (is_of_class, decided) {
            (true, true) => &mut self.true_positives,
            (false, true) => &mut self.false_positives,
            (true, false) => &mut self.false_negatives,
            (false, false) => &mut self.true_negatives,
        } += samples;
    }

    /// All samples.
    pub fn samples(&self) -> f64 {
        self.true_positives + self.false_positives + self.false_negatives + self.true_negatives
    }

    /// `TP / (TP + FP)`; 0 if nothing was decided to be of the class.
    pub fn precision(&self) -> f64 {
        let decided = self.true_positives + self.false_positives;
        ratio(self.true_positives, decided)
    }

    /// `TP / (TP + FN)`; 0 if there is no sample of the class.
    pub fn recall(&self) -> f64 {
        let of_class = self.true_positives + self.false_negatives;
        ratio(self.true_positives, of_class)
    }

    /// The harmonic mean of precision and recall, `2 TP / (2 TP + FP + FN)`; 0 if there is no such sample nor decision.
    pub fn f1(&self) -> f64 {
        let wrong = self.false_positives + self.false_negatives;
        let right = 2.0 * self.true_positives;
        ratio(right, right + wrong)
    }
}

impl Add for Counts {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            true_positives: self.true_positives + other.true_positives,
            false_positives: self.false_positives + other.false_positives,
            false_negatives: self.false_negatives + other.false_negatives,
            true_negatives: self.true_negatives + other.true_negatives,
        }
    }
}

impl Mul<f64> for Counts {
    type Output = Self;

    fn mul(self, factor: f64) -> Self {
        Self {
            true_positives: self.true_positives * factor,
            false_positives: self.false_positives * factor,
            false_negatives: self.false_negatives * factor,
            true_negatives: self.true_negatives * factor,
        }
    }
}

fn ratio(part: f64, whole: f64) -> f64 {
    match whole > 0.0 {
        true => part / whole,
        false => 0.0,
    }
}

/// The mean of F1 over all classes.
pub fn macro_f1(classes: &[Counts]) -> f64 {
    ratio(classes.iter().map(Counts::f1).sum(), classes.len() as f64)
}

/// The share of samples whose class was decided rightly, where each sample has one class.
pub fn accuracy(classes: &[Counts]) -> f64 {
    let right = classes.iter().map(|counts| counts.true_positives).sum();
    ratio(right, classes.first().map_or(0.0, Counts::samples))
}

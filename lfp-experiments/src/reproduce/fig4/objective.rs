//! Reward and loss over the plane of weights.

use plotters::prelude::RGBColor;

use crate::{
    data::Points,
    plot::{ColourBar, Point, Shape, cells, contours, mix},
    study::MethodVariant,
};

/// Cells along each side of the plane of weights.
const CELLS: usize = 150;
/// Values with a contour.
const REWARDS: [f64; 13] = [
    -12.0, -8.0, -4.0, -2.0, -0.7, -0.2, -0.05, -0.01, 0.0, 0.001, 0.01, 0.05, 0.2,
];
const LOSSES: [f64; 9] = [0.001, 0.01, 0.05, 0.2, 0.7, 2.0, 4.0, 8.0, 12.0];

/// Colours of positive values from small to large, and of negative values from small to large magnitudes.
const MAGENTA: [RGBColor; 2] = [RGBColor(70, 0, 70), RGBColor(255, 205, 255)];
const BLUE: [RGBColor; 2] = [RGBColor(5, 15, 70), RGBColor(205, 225, 255)];
const CONTOUR: RGBColor = RGBColor(255, 255, 255);

/// What a method optimises: the mean of the reward, or of the loss.
pub(super) struct Objective {
    pub(super) name: &'static str,
    levels: &'static [f64],
    /// The value of a sample, from the output and the class.
    of: fn(f64, u8) -> f64,
}

/// Reward #4 of Table 2, `o (y - sigmoid(o))`.
pub(super) const REWARD: Objective = Objective {
    name: "reward",
    levels: &REWARDS,
    of: |output, label| {
        let sigmoid = 1.0 / (1.0 + (-output).exp());
        output * (f64::from(label) - sigmoid)
    },
};

/// The binary cross-entropy.
pub(super) const LOSS: Objective = Objective {
    name: "loss",
    levels: &LOSSES,
    of: |output, label| {
        let towards = if label == 1 { output } else { -output };
        // ln(1 + exp(-t)) without overflow.
        (-towards).max(0.0) + (-towards.abs()).exp().ln_1p()
    },
};

impl Objective {
    pub(super) fn of_method(method: MethodVariant) -> Self {
        match method {
            MethodVariant::Lfp => REWARD,
            MethodVariant::Gradient | MethodVariant::SurrogateGradient => LOSS,
        }
    }

    /// The mean over the points, for a neuron with these weights.
    pub(super) fn at(&self, (first, second): Point, points: &Points) -> f64 {
        let values = points.iter().map(|([x, y], label)| {
            let output = first * f64::from(x) + second * f64::from(y);
            (self.of)(output, label)
        });
        values.sum::<f64>() / points.iter().count() as f64
    }

    /// The plane of weights with one colour per interval between two levels, and contours at the levels.
    pub(super) fn shapes(&self, points: &Points, extent: (f64, f64)) -> Vec<Shape> {
        let (low, high) = extent;
        let weight = |index: usize| low + (high - low) * (index as f64 + 0.5) / CELLS as f64;
        let field: Vec<f64> = (0..CELLS * CELLS)
            .map(|cell| self.at((weight(cell % CELLS), weight(cell / CELLS)), points))
            .collect();
        let colours = self.colours();
        let interval = |value: f64| self.levels.iter().filter(|&&level| level < value).count();
        let filled: Vec<_> = field
            .iter()
            .map(|&value| colours[interval(value)])
            .collect();
        let mut shapes = cells(&filled, CELLS, extent, extent);
        for &level in self.levels {
            for line in contours(&field, CELLS, level, extent, extent) {
                shapes.push(Shape::Hairline(line.into(), CONTOUR));
            }
        }
        shapes
    }

    pub(super) fn bar(&self) -> ColourBar {
        let intervals = self.levels.len() as f64 + 1.0;
        let tick =
            |(index, level): (usize, &f64)| ((index as f64 + 1.0) / intervals, level.to_string());
        ColourBar {
            label: self.name.to_owned(),
            colours: self.colours(),
            ticks: self.levels.iter().enumerate().map(tick).collect(),
        }
    }

    /// The colour of each interval, from the lowest: lighter magenta is more positive, lighter blue more negative.
    fn colours(&self) -> Vec<RGBColor> {
        let negative = self.levels.iter().filter(|&&level| level <= 0.0).count();
        let positive = self.levels.len() + 1 - negative;
        let shade = |[dark, light]: [RGBColor; 2], index: usize, count: usize| {
            mix(dark, light, index as f64 / (count - 1).max(1) as f64)
        };
        let blue = (0..negative)
            .rev()
            .map(|index| shade(BLUE, index, negative));
        let magenta = (0..positive).map(|index| shade(MAGENTA, index, positive));
        blue.chain(magenta).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lighter_magenta_is_more_positive_and_lighter_blue_more_negative() {
        let colours = REWARD.colours();
        assert_eq!(colours.len(), REWARDS.len() + 1);
        // Nine levels up to 0 bound nine negative intervals.
        assert_eq!([colours[0], colours[8]], [BLUE[1], BLUE[0]]);
        assert_eq!([colours[9], colours[13]], MAGENTA);
        assert_eq!(LOSS.colours()[0], MAGENTA[0], "a loss is never negative");
    }

    #[test]
    fn the_reward_is_highest_for_small_outputs_of_the_true_class() {
        // o (1 - sigmoid(o)) at o = 1; 1 - sigmoid(1) = 0.268941.
        assert!(((REWARD.of)(1.0, 1) - 0.268_941).abs() < 1e-6);
        assert!((REWARD.of)(10.0, 1) < 1e-3, "it converges");
        // Of the false class, o (0 - sigmoid(o)).
        assert!(((REWARD.of)(1.0, 0) + 0.731_059).abs() < 1e-6);
        assert!(((LOSS.of)(0.0, 1) - std::f64::consts::LN_2).abs() < 1e-12);
    }
}

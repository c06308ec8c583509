//! Colours, marks and fonts. The colours are those of Okabe and Ito, which colour-blind readers can tell apart; marks and
//! dashes tell the curves apart without colour.

use std::sync::Once;

use plotters::{
    prelude::{IntoFont, RGBColor},
    style::{FontDesc, FontStyle},
};

/// The form of a mark at a measured point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// A disc.
    Circle,
    /// A square.
    Square,
    /// A triangle that points upwards.
    Triangle,
    /// A diamond, reserved for the best of the points.
    Diamond,
}

/// How a line is interrupted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dash {
    /// Not at all.
    Solid,
    /// Long dashes.
    Dashed,
    /// Short dashes.
    Dotted,
}

/// How a curve looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    /// Colour of line and marks.
    pub colour: RGBColor,
    /// The mark at each measured point.
    pub mark: Mark,
    /// The line.
    pub dash: Dash,
}

/// Layer-wise feedback propagation.
pub const LFP: Look = Look {
    colour: RGBColor(213, 94, 0),
    mark: Mark::Circle,
    dash: Dash::Solid,
};
/// Gradient descent.
pub const GRADIENT: Look = Look {
    colour: RGBColor(0, 114, 178),
    mark: Mark::Square,
    dash: Dash::Dashed,
};
/// Gradient descent with a surrogate.
pub const SURROGATE: Look = Look {
    colour: RGBColor(0, 158, 115),
    mark: Mark::Triangle,
    dash: Dash::Dotted,
};
/// Three looks without a meaning of their own.
pub const LOOKS: [Look; 3] = [LFP, GRADIENT, SURROGATE];

/// Weights above a threshold.
pub const POSITIVE: RGBColor = RGBColor(0, 158, 115);
/// Weights within a threshold.
pub const NEUTRAL: RGBColor = RGBColor(225, 225, 225);
/// Weights below a negative threshold.
pub const NEGATIVE: RGBColor = RGBColor(204, 121, 167);
/// Text, axes, contours.
pub const INK: RGBColor = RGBColor(60, 60, 60);
/// Lines at the ticks.
pub(super) const GRID: RGBColor = RGBColor(228, 228, 228);
/// Classes of toy data.
pub const CLASSES: [RGBColor; 3] = [
    RGBColor(230, 159, 0),
    RGBColor(86, 180, 233),
    RGBColor(0, 158, 115),
];

/// Font sizes in pixels.
pub(super) const TITLE: u32 = 17;
pub(super) const LABEL: u32 = 15;
pub(super) const TICK: u32 = 13;
/// Height of a line of text above or below the panels.
pub(super) const STRIP: u32 = 22;
pub(super) const FONT: &str = "sans-serif";

static ROBOTO: &[u8] = include_bytes!("../../assets/Roboto-Regular-subset.ttf");

/// Registers the embedded font. System fonts are not used, so figures look the same on every machine.
pub(super) fn register_font() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let registered = plotters::style::register_font(FONT, FontStyle::Normal, ROBOTO);
        assert!(registered.is_ok(), "the embedded font is a valid one");
    });
}

/// Width of a text in pixels.
pub(super) fn text_width(text: &str, size: u32) -> u32 {
    register_font();
    let font: FontDesc = (FONT, size).into_font();
    font.box_size(text).map_or(0, |(width, _)| width)
}

/// The largest font size up to `size` with which `text` is at most `width` pixels wide.
pub(super) fn fitting(text: &str, size: u32, width: u32) -> u32 {
    let needed = text_width(text, size).max(1);
    match needed <= width {
        true => size,
        false => (size * width / needed).max(1),
    }
}

/// Mixes `colour` with white: 0 is white, 1 is `colour`.
pub fn tint(colour: RGBColor, share: f64) -> RGBColor {
    mix(RGBColor(255, 255, 255), colour, share)
}

/// The colour between two others: 0 is the first, 1 the second.
pub fn mix(RGBColor(r, g, b): RGBColor, RGBColor(s, h, c): RGBColor, share: f64) -> RGBColor {
    let mix = |from: u8, to: u8| {
        let value = f64::from(from) + (f64::from(to) - f64::from(from)) * share.clamp(0.0, 1.0);
        value.round() as u8
    };
    RGBColor(mix(r, s), mix(g, h), mix(b, c))
}

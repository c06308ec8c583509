//! Colours and fonts. The colours are those of Okabe and Ito, which colour-blind readers can tell apart.

use std::sync::Once;

use plotters::{prelude::RGBColor, style::FontStyle};

/// Layer-wise feedback propagation.
pub const LFP: RGBColor = RGBColor(213, 94, 0);
/// Gradient descent.
pub const GRADIENT: RGBColor = RGBColor(0, 114, 178);
/// Gradient descent with a surrogate.
pub const SURROGATE: RGBColor = RGBColor(0, 158, 115);
/// Weights above a threshold.
pub const POSITIVE: RGBColor = RGBColor(0, 158, 115);
/// Weights within a threshold.
pub const NEUTRAL: RGBColor = RGBColor(225, 225, 225);
/// Weights below a negative threshold.
pub const NEGATIVE: RGBColor = RGBColor(204, 121, 167);
/// Text, axes, contours.
pub const INK: RGBColor = RGBColor(60, 60, 60);
/// Classes of toy data.
pub const CLASSES: [RGBColor; 3] = [
    RGBColor(230, 159, 0),
    RGBColor(86, 180, 233),
    RGBColor(0, 158, 115),
];
/// Three colours without a meaning of their own.
pub const PALETTE: [RGBColor; 3] = [LFP, GRADIENT, SURROGATE];

/// Font sizes in pixels.
pub(super) const TITLE: u32 = 19;
pub(super) const LABEL: u32 = 15;
pub(super) const TICK: u32 = 13;
/// Height of the strip below the panels, with the text in the corner.
pub(super) const CORNER: u32 = 20;
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

/// Mixes `colour` with white: 0 is white, 1 is `colour`.
pub fn tint(colour: RGBColor, share: f64) -> RGBColor {
    mix(RGBColor(255, 255, 255), colour, share)
}

/// A shade for a value of a field: light at 0, dark at 1.
pub fn shade(share: f64) -> RGBColor {
    mix(RGBColor(250, 250, 252), RGBColor(70, 90, 140), share)
}

fn mix(RGBColor(r, g, b): RGBColor, RGBColor(s, h, c): RGBColor, share: f64) -> RGBColor {
    let mix = |from: u8, to: u8| {
        let value = f64::from(from) + (f64::from(to) - f64::from(from)) * share.clamp(0.0, 1.0);
        value.round() as u8
    };
    RGBColor(mix(r, s), mix(g, h), mix(b, c))
}

//! The legend: a strip above the panels, with every key of theirs once.

use plotters::{
    coord::Shift,
    element::Rectangle,
    prelude::{Color, DrawingArea, DrawingBackend, RGBColor},
    style::text_anchor::HPos,
};

use super::{
    Dash, Error, Look, Mark, Panel,
    draw::{line, mark, text},
    style::{INK, STRIP, TICK, text_width},
};

/// An entry of the legend.
#[derive(Clone, Debug, PartialEq)]
pub struct Key {
    name: String,
    swatch: Swatch,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Swatch {
    Curve(Look),
    Area(RGBColor),
    Line(RGBColor),
    Dashes(RGBColor),
    Mark(Mark, RGBColor),
}

impl Key {
    /// Of a curve.
    pub fn curve(name: impl Into<String>, look: Look) -> Self {
        Self::new(name, Swatch::Curve(look))
    }

    /// Of an area.
    pub fn area(name: impl Into<String>, colour: RGBColor) -> Self {
        Self::new(name, Swatch::Area(colour))
    }

    /// Of a line without marks.
    pub fn line(name: impl Into<String>, colour: RGBColor) -> Self {
        Self::new(name, Swatch::Line(colour))
    }

    /// Of an interrupted line without marks.
    pub fn dashes(name: impl Into<String>, colour: RGBColor) -> Self {
        Self::new(name, Swatch::Dashes(colour))
    }

    /// Of single points.
    pub fn mark(name: impl Into<String>, mark: Mark, colour: RGBColor) -> Self {
        Self::new(name, Swatch::Mark(mark, colour))
    }

    fn new(name: impl Into<String>, swatch: Swatch) -> Self {
        Self {
            name: name.into(),
            swatch,
        }
    }

    fn width(&self) -> u32 {
        SWATCH + GAP + text_width(&self.name, TICK) + 3 * GAP
    }
}

/// Width of a swatch, and of the gap to its name.
const SWATCH: u32 = 32;
const GAP: u32 = 6;

/// The keys of all panels, each once, in lines of at most `width` pixels.
pub(super) fn lines(panels: &[Panel], width: u32) -> Vec<Vec<&Key>> {
    let mut keys: Vec<&Key> = Vec::new();
    for key in panels.iter().flat_map(|panel| &panel.legend) {
        if !keys.contains(&key) {
            keys.push(key);
        }
    }
    let mut lines: Vec<Vec<&Key>> = Vec::new();
    let mut left = 0;
    for key in keys {
        if key.width() > left {
            lines.push(Vec::new());
            left = width;
        }
        left = left.saturating_sub(key.width());
        lines.last_mut().expect("a line was begun").push(key);
    }
    lines
}

/// Draws a line of keys, centred.
pub(super) fn draw<DB: DrawingBackend>(
    keys: &[&Key],
    area: &DrawingArea<DB, Shift>,
    scale: u32,
) -> Result<(), Error<DB>> {
    let (width, _) = area.dim_in_pixel();
    let needed: u32 = keys.iter().map(|key| scale * key.width()).sum();
    let mut left = width.saturating_sub(needed) as i32 / 2;
    let middle = (scale * STRIP / 2) as i32;
    let size = |pixels: u32| (scale * pixels) as i32;
    for key in keys {
        let ends = [(left, middle), (left + size(SWATCH), middle)];
        let centre = (left + size(SWATCH) / 2, middle);
        match key.swatch {
            Swatch::Curve(look) => {
                line(area, ends.into(), look.dash, look.colour, scale)?;
                mark(area, centre, look.mark, look.colour, 5 * scale)?;
            }
            Swatch::Area(colour) => {
                let corner = |(x, y), sign: i32| (x, y + sign * size(5));
                let corners = [corner(ends[0], -1), corner(ends[1], 1)];
                area.draw(&Rectangle::new(corners, colour.filled()))?;
            }
            Swatch::Line(colour) => line(area, ends.into(), Dash::Solid, colour, scale)?,
            Swatch::Dashes(colour) => line(area, ends.into(), Dash::Dashed, colour, scale)?,
            Swatch::Mark(form, colour) => mark(area, centre, form, colour, 6 * scale)?,
        }
        let at = (ends[1].0 + size(GAP), middle);
        text(area, &key.name, TICK * scale, at, HPos::Left, INK)?;
        left += size(key.width());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plot::{Axis, GRADIENT, LFP};

    #[test]
    fn keys_that_panels_share_are_listed_once_and_wrapped() {
        let mut panel = Panel::new("", Axis::new("", 0.0..1.0), Axis::new("", 0.0..1.0));
        panel.legend = vec![Key::curve("one", LFP), Key::curve("another", GRADIENT)];
        let panels = [panel.clone(), panel];
        let names = |width| -> Vec<usize> { lines(&panels, width).iter().map(Vec::len).collect() };
        assert_eq!(names(600), [2]);
        assert_eq!(names(100), [1, 1]);
    }
}

//! Figures: panels in a grid, drawn as PNG and SVG.

mod draw;
mod field;
mod style;

use std::{ops::Range, path::Path};

use anyhow::{Result, anyhow};
use plotters::prelude::{BitMapBackend, IntoDrawingArea, RGBColor, SVGBackend};

pub use field::{cells, contours};
pub use style::{
    CLASSES, GRADIENT, INK, LFP, NEGATIVE, NEUTRAL, PALETTE, POSITIVE, SURROGATE, shade, tint,
};

use crate::files;

/// A point in the coordinates of a panel.
pub type Point = (f64, f64);

/// A shape in a panel.
#[derive(Clone, Debug)]
pub enum Shape {
    /// A line through points.
    Line(Vec<Point>, RGBColor),
    /// A thin line through points.
    Hairline(Vec<Point>, RGBColor),
    /// Discs with a radius in pixels.
    Dots(Vec<Point>, RGBColor, u32),
    /// The area between two lines.
    Band {
        /// x, lower y, upper y.
        points: Vec<(f64, f64, f64)>,
        /// Its colour.
        colour: RGBColor,
        /// Opacity from 0 to 1.
        opacity: f64,
    },
    /// A filled rectangle between two opposite corners.
    Cell(Point, Point, RGBColor),
}

/// An axis of a panel.
#[derive(Clone, Debug)]
pub struct Axis {
    /// Label.
    pub label: String,
    /// Range; of a logarithmic axis that of the exponents of 10.
    pub range: Range<f64>,
    /// Whether values are exponents of 10.
    pub logarithmic: bool,
}

impl Axis {
    /// A linear axis.
    pub fn new(label: &str, range: Range<f64>) -> Self {
        Self {
            label: label.to_owned(),
            range,
            logarithmic: false,
        }
    }

    /// A logarithmic axis. Points have the exponents of 10 as coordinates.
    pub fn logarithmic(label: &str, exponents: Range<f64>) -> Self {
        Self {
            logarithmic: true,
            ..Self::new(label, exponents)
        }
    }
}

/// A diagram.
#[derive(Clone, Debug)]
pub struct Panel {
    /// Title.
    pub title: String,
    /// Horizontal axis.
    pub x: Axis,
    /// Vertical axis.
    pub y: Axis,
    /// Shapes, from back to front.
    pub shapes: Vec<Shape>,
    /// Names of colours; no legend if empty.
    pub legend: Vec<(&'static str, RGBColor)>,
    /// Position of the legend.
    pub legend_at: LegendAt,
}

/// Positions of a legend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LegendAt {
    /// Below rising curves.
    LowerRight,
    /// Below falling curves.
    LowerLeft,
    /// Above curves that rise late.
    UpperLeft,
    /// Halfway up.
    MiddleRight,
}

/// A curve of means within a band of one standard deviation, cut to `[0, 1]`: x, (mean, standard deviation).
pub fn band(points: &[(f64, (f64, f64))], colour: RGBColor) -> [Shape; 2] {
    let area = points.iter().map(|&(x, (mean, deviation))| {
        (x, (mean - deviation).max(0.0), (mean + deviation).min(1.0))
    });
    let line = points.iter().map(|&(x, (mean, _))| (x, mean));
    [
        Shape::Band {
            points: area.collect(),
            colour,
            opacity: 0.2,
        },
        Shape::Line(line.collect(), colour),
    ]
}

/// Pixels of the PNG per unit of length.
const PNG_SCALE: u32 = 2;

/// Panels in rows.
#[derive(Clone, Debug)]
pub struct Figure {
    /// Panels per row.
    pub columns: usize,
    /// Width and height of a panel, in pixels of the SVG.
    pub panel_size: (u32, u32),
    /// Panels, row by row.
    pub panels: Vec<Panel>,
    /// Small text in the lower right corner; none if empty.
    pub corner: String,
}

impl Figure {
    /// Writes `folder/name.png` and `folder/name.svg`.
    ///
    /// # Errors
    ///
    /// If a file cannot be written.
    pub fn write(&self, folder: &Path, name: &str) -> Result<()> {
        style::register_font();
        let (width, height) = self.size();
        let png = folder.join(format!("{name}.png"));
        let failed = |error: &dyn std::fmt::Display| anyhow!("{}: {error}", png.display());
        let pixels = (PNG_SCALE * width, PNG_SCALE * height);
        let area = BitMapBackend::new(&png, pixels).into_drawing_area();
        draw::figure(self, &area, PNG_SCALE).map_err(|error| failed(&error))?;
        area.present().map_err(|error| failed(&error))?;

        let svg = folder.join(format!("{name}.svg"));
        let failed = |error: &dyn std::fmt::Display| anyhow!("{}: {error}", svg.display());
        let mut text = String::new();
        let area = SVGBackend::with_string(&mut text, (width, height)).into_drawing_area();
        draw::figure(self, &area, 1).map_err(|error| failed(&error))?;
        area.present().map_err(|error| failed(&error))?;
        drop(area);
        Ok(files::write(&svg, text.as_bytes())?)
    }

    /// Width and height in pixels of the SVG.
    fn size(&self) -> (u32, u32) {
        let rows = self.panels.len().div_ceil(self.columns) as u32;
        let (width, height) = self.panel_size;
        let corner = match self.corner.is_empty() {
            true => 0,
            false => style::CORNER,
        };
        (width * self.columns as u32, height * rows + corner)
    }
}

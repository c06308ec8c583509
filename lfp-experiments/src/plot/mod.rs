//! Figures: panels in a grid, drawn alike as PNG and SVG.

mod draw;
mod field;
mod style;

use std::{ops::Range, path::Path};

use plotters::prelude::{BitMapBackend, IntoDrawingArea, RGBColor, SVGBackend};

pub use field::{cells, contours};
pub use style::{
    CLASSES, GRADIENT, INITIAL, INK, LFP, NEGATIVE, NEUTRAL, PLAIN, POSITIVE, shade, tint,
};

use crate::files::{self, FileError};

/// A point in the coordinates of a panel.
pub type Point = (f64, f64);

/// Something drawn in a panel.
#[derive(Clone, Debug)]
pub enum Shape {
    /// A line through points.
    Line(Vec<Point>, RGBColor),
    /// A thin line through points.
    Hairline(Vec<Point>, RGBColor),
    /// Filled discs of a radius in pixels.
    Dots(Vec<Point>, RGBColor, u32),
    /// What lies between the lower and the upper line, and how opaque it is.
    Band {
        /// Both lines: x, lower y, upper y.
        points: Vec<(f64, f64, f64)>,
        /// Its colour.
        colour: RGBColor,
        /// From 0 to 1.
        opacity: f64,
    },
    /// A filled rectangle from one corner to the other.
    Cell(Point, Point, RGBColor),
}

/// An axis of a panel.
#[derive(Clone, Debug)]
pub struct Axis {
    /// What is on it.
    pub label: String,
    /// From where to where; of a logarithmic axis the exponents of 10.
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

    /// An axis of exponents of 10, labelled by the powers.
    pub fn logarithmic(label: &str, exponents: Range<f64>) -> Self {
        Self {
            logarithmic: true,
            ..Self::new(label, exponents)
        }
    }
}

/// One diagram.
#[derive(Clone, Debug)]
pub struct Panel {
    /// Above it.
    pub title: String,
    /// Below it.
    pub x: Axis,
    /// To its left.
    pub y: Axis,
    /// From the back to the front.
    pub shapes: Vec<Shape>,
    /// What the colours mean.
    pub legend: Vec<(&'static str, RGBColor)>,
    /// Where that stands.
    pub legend_at: LegendAt,
}

/// Places for a legend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LegendAt {
    /// Under curves that rise.
    LowerRight,
    /// Under curves that fall.
    LowerLeft,
    /// Over curves that rise late.
    UpperLeft,
    /// Where areas meet.
    MiddleRight,
}

/// Pixels of a PNG for each unit of length.
const PNG_SCALE: u32 = 2;

/// Panels, row by row.
#[derive(Clone, Debug)]
pub struct Figure {
    /// Panels in a row.
    pub columns: usize,
    /// Width and height of a panel, in pixels of the SVG.
    pub panel_size: (u32, u32),
    /// All of them.
    pub panels: Vec<Panel>,
}

/// A figure that could not be drawn.
#[derive(Debug, thiserror::Error)]
pub enum PlotError {
    /// Its file.
    #[error(transparent)]
    File(#[from] FileError),
    /// Its content.
    #[error("cannot draw {path}: {reason}")]
    Draw {
        /// The file.
        path: String,
        /// Why.
        reason: String,
    },
}

impl Figure {
    /// Writes `folder/name.png` and `folder/name.svg`.
    ///
    /// # Errors
    ///
    /// If a file cannot be written.
    pub fn write(&self, folder: &Path, name: &str) -> Result<(), PlotError> {
        style::register_font();
        let rows = self.panels.len().div_ceil(self.columns) as u32;
        let (width, height) = self.panel_size;
        let size = (width * self.columns as u32, height * rows);

        let png = folder.join(format!("{name}.png"));
        let failed = |reason: String| PlotError::Draw {
            path: png.display().to_string(),
            reason,
        };
        let pixels = (PNG_SCALE * size.0, PNG_SCALE * size.1);
        let area = BitMapBackend::new(&png, pixels).into_drawing_area();
        draw::figure(self, &area, PNG_SCALE).map_err(|error| failed(error.to_string()))?;
        area.present().map_err(|error| failed(error.to_string()))?;

        let svg = folder.join(format!("{name}.svg"));
        let mut text = String::new();
        let failed = |reason: String| PlotError::Draw {
            path: svg.display().to_string(),
            reason,
        };
        let area = SVGBackend::with_string(&mut text, size).into_drawing_area();
        draw::figure(self, &area, 1).map_err(|error| failed(error.to_string()))?;
        area.present().map_err(|error| failed(error.to_string()))?;
        drop(area);
        Ok(files::write(&svg, text.as_bytes())?)
    }
}

//! Figures: panels in a grid, drawn as PNG and SVG.

mod axis;
mod draw;
mod encode;
mod field;
mod grid;
mod legend;
mod style;

use std::{ops::Range, path::Path};

use anyhow::{Result, anyhow};
use plotters::prelude::{BitMapBackend, DrawingBackend, IntoDrawingArea, RGBColor, SVGBackend};

pub use axis::{Axis, Scale};
pub use field::{cells, contours};
pub use legend::Key;
pub use style::{
    CLASSES, Dash, GRADIENT, INK, LFP, LOOKS, Look, Mark, NEGATIVE, NEUTRAL, POSITIVE, SURROGATE,
    mix, tint,
};

use crate::files;

type Error<DB> = plotters::drawing::DrawingAreaErrorKind<<DB as DrawingBackend>::ErrorType>;

/// A point in the coordinates of a panel.
pub type Point = (f64, f64);

/// A shape in a panel.
#[derive(Clone, Debug)]
pub enum Shape {
    /// A line through points.
    Line(Vec<Point>, RGBColor),
    /// An interrupted line through points.
    Dashes(Vec<Point>, RGBColor),
    /// A thin line through points.
    Hairline(Vec<Point>, RGBColor),
    /// A line through measured points, with a mark at each of them; marks that would touch are left out.
    Curve(Vec<Point>, Look),
    /// The best of the points of a curve: a diamond.
    Best(Point, RGBColor),
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
    /// A text around a point.
    Text(Point, String),
}

/// The meaning of the colours of a field: a bar on the right of the panel.
#[derive(Clone, Debug)]
pub struct ColourBar {
    /// Label.
    pub label: String,
    /// Colours from bottom to top.
    pub colours: Vec<RGBColor>,
    /// Positions from 0, the bottom, to 1, the top, with their texts.
    pub ticks: Vec<(f64, String)>,
}

/// A diagram, or a picture if its axes are hidden.
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
    /// Keys of the figure's legend.
    pub legend: Vec<Key>,
    /// Text in the upper right corner; none if empty.
    pub corner: String,
    /// Meaning of the colours.
    pub bar: Option<ColourBar>,
    /// Columns and rows of the figure's grid that the panel takes.
    pub span: (usize, usize),
}

impl Panel {
    /// An empty panel that takes one cell of the grid.
    pub fn new(title: impl Into<String>, x: Axis, y: Axis) -> Self {
        Self {
            title: title.into(),
            x,
            y,
            shapes: Vec::new(),
            legend: Vec::new(),
            corner: String::new(),
            bar: None,
            span: (1, 1),
        }
    }
}

/// A curve of means within a band of one standard deviation, which is cut to the values that are possible: x, (mean, standard
/// deviation).
pub fn band(points: &[(f64, (f64, f64))], possible: &Range<f64>, look: Look) -> [Shape; 2] {
    let within = |value: f64| value.clamp(possible.start, possible.end);
    let area = points
        .iter()
        .map(|&(x, (mean, deviation))| (x, within(mean - deviation), within(mean + deviation)));
    let line = points.iter().map(|&(x, (mean, _))| (x, mean));
    [
        Shape::Band {
            points: area.collect(),
            colour: look.colour,
            opacity: 0.2,
        },
        Shape::Curve(line.collect(), look),
    ]
}

/// Pixels of the PNG per unit of length.
const PNG_SCALE: u32 = 2;

/// Panels in a grid, with one legend above them.
#[derive(Clone, Debug)]
pub struct Figure {
    /// Columns of the grid.
    pub columns: usize,
    /// Width and height of a cell of the grid, in pixels of the SVG.
    pub panel_size: (u32, u32),
    /// Panels. Each gets the first free place, row by row.
    pub panels: Vec<Panel>,
    /// Small text in the lower right corner; none if empty.
    pub corner: String,
    /// What the reader must know to judge the figure, in one line below the panels; none if empty.
    pub note: String,
}

impl Figure {
    /// Writes `folder/name.png` and `folder/name.svg`.
    ///
    /// # Errors
    ///
    /// If a file cannot be written.
    pub fn write(&self, folder: &Path, name: &str) -> Result<()> {
        self.write_png(&folder.join(format!("{name}.png")))?;
        self.write_svg(&folder.join(format!("{name}.svg")))
    }

    /// Writes a PNG with two pixels per pixel of the SVG.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub fn write_png(&self, path: &Path) -> Result<()> {
        style::register_font();
        let failed = |error: &dyn std::fmt::Display| anyhow!("{}: {error}", path.display());
        let (width, height) = self.size();
        let size = (PNG_SCALE * width, PNG_SCALE * height);
        let mut pixels = vec![0; 3 * size.0 as usize * size.1 as usize];
        let area = BitMapBackend::with_buffer(&mut pixels, size).into_drawing_area();
        draw::figure(self, &area, PNG_SCALE).map_err(|error| failed(&error))?;
        area.present().map_err(|error| failed(&error))?;
        drop(area);
        let file = encode::png(&pixels, size).map_err(|error| failed(&error))?;
        Ok(files::write(path, &file)?)
    }

    /// Writes an SVG.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub fn write_svg(&self, path: &Path) -> Result<()> {
        style::register_font();
        let failed = |error: &dyn std::fmt::Display| anyhow!("{}: {error}", path.display());
        let mut text = String::new();
        let area = SVGBackend::with_string(&mut text, self.size()).into_drawing_area();
        draw::figure(self, &area, 1).map_err(|error| failed(&error))?;
        area.present().map_err(|error| failed(&error))?;
        drop(area);
        Ok(files::write(path, text.as_bytes())?)
    }

    fn places(&self) -> Vec<grid::Place> {
        let spans = self.panels.iter().map(|panel| panel.span);
        grid::places(spans, self.columns)
    }

    fn width(&self) -> u32 {
        self.panel_size.0 * self.columns as u32
    }

    /// Width and height in pixels of the SVG.
    fn size(&self) -> (u32, u32) {
        let rows = grid::rows(&self.places()) as u32;
        let texts = [&self.note, &self.corner];
        let texts = texts.iter().filter(|text| !text.is_empty()).count();
        let strips = (legend::lines(&self.panels, self.width()).len() + texts) as u32;
        (
            self.width(),
            self.panel_size.1 * rows + style::STRIP * strips,
        )
    }
}

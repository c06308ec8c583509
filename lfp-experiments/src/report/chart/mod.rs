//! Line charts, as SVG inside the page.
//!
//! Every series has a marker and a dash of its own, so that a chart can be read without colour. Markers carry their
//! values: as a tooltip of the browser, and with the page's script for the nearest point of pointer or arrow keys.

mod axis;
mod look;

use std::fmt::Write;

use maud::{Markup, Render, html};

pub use axis::Axis;
pub use look::Look;

use axis::Mapping;
pub(crate) use axis::number;

const WIDTH: f64 = 460.0;
const HEIGHT: f64 = 300.0;
const LEFT: f64 = 66.0;
const RIGHT: f64 = 14.0;
const TOP: f64 = 10.0;
const BOTTOM: f64 = 46.0;
/// Markers per series. Longer series show every k-th point; their line has all.
const MARKERS: usize = 140;
/// Above this many markers per series they are drawn small.
const FEW: usize = 40;

/// Curves over a common x axis.
///
/// ```
/// use lfp_experiments::report::{Axis, Chart, Look, Series};
///
/// let mut chart = Chart::new("MNIST", Axis::whole("epoch"), Axis::percent("test accuracy"));
/// chart.add(Series::new("LFP", Look::LFP, [(1.0, 0.975, 0.002), (2.0, 0.981, 0.001)]));
/// # use maud::Render;
/// # assert!(chart.render().0.contains("98.1 ± 0.1 %"));
/// ```
#[derive(Clone, Debug)]
pub struct Chart {
    title: String,
    x: Axis,
    y: Axis,
    series: Vec<Series>,
}

/// A curve with a band of one standard deviation.
#[derive(Clone, Debug)]
pub struct Series {
    name: String,
    look: Look,
    points: Vec<Point>,
    best: Option<f64>,
}

#[derive(Clone, Copy, Debug)]
struct Point {
    x: f64,
    y: f64,
    deviation: f64,
}

impl Series {
    /// A curve of (x, y, standard deviation of y). Points that are not finite are left out.
    pub fn new(
        name: impl Into<String>,
        look: Look,
        points: impl IntoIterator<Item = (f64, f64, f64)>,
    ) -> Self {
        let points = points.into_iter().map(|(x, y, deviation)| Point {
            x,
            y,
            deviation: if deviation.is_finite() {
                deviation
            } else {
                0.0
            },
        });
        Self {
            name: name.into(),
            look,
            points: points
                .filter(|point| point.x.is_finite() && point.y.is_finite())
                .collect(),
            best: None,
        }
    }

    /// Marks the point at `x` with a diamond.
    #[must_use]
    pub fn with_best(mut self, x: Option<f64>) -> Self {
        self.best = x;
        self
    }
}

impl Chart {
    /// A chart without curves.
    pub fn new(title: impl Into<String>, x: Axis, y: Axis) -> Self {
        Self {
            title: title.into(),
            x,
            y,
            series: Vec::new(),
        }
    }

    /// Adds a curve. On a logarithmic axis, its points at 0 and below are left out.
    pub fn add(&mut self, mut series: Series) {
        series
            .points
            .retain(|point| self.x.has(point.x) && self.y.has(point.y));
        self.series.push(series);
    }

    /// Whether there is nothing to draw.
    pub fn is_empty(&self) -> bool {
        self.series.iter().all(|series| series.points.is_empty())
    }

    fn frame(&self) -> Frame {
        let points = || self.series.iter().flat_map(|series| &series.points);
        let around = |point: &Point| [point.y - point.deviation, point.y + point.deviation];
        Frame {
            x: self
                .x
                .mapping(points().map(|point| point.x), LEFT, WIDTH - RIGHT),
            y: self
                .y
                .mapping(points().flat_map(around), HEIGHT - BOTTOM, TOP),
        }
    }

    /// The values at a point, as in `LFP: learning rate 0.002, test accuracy 98.6 ± 0.2 %`.
    fn says(&self, series: &Series, point: &Point) -> String {
        let mut text = format!(
            "{}: {} {}, {} {}",
            series.name,
            self.x.label(),
            self.x.value(point.x),
            self.y.label(),
            self.y.spread(point.y, point.deviation)
        );
        if series.best == Some(point.x) {
            text += " (best)";
        }
        text
    }

    fn curve(&self, series: &Series, frame: &Frame) -> Markup {
        let every = series.points.len().div_ceil(MARKERS).max(1);
        let last = series.points.len().saturating_sub(1);
        let marked = |&(index, point): &(usize, &Point)| {
            index.is_multiple_of(every) || index == last || series.best == Some(point.x)
        };
        let few = series.points.len() <= FEW;
        html! {
            g class={ "series " (series.look.class()) } {
                @if series.points.iter().any(|point| point.deviation > 0.0) {
                    path.band d=(frame.band(&series.points)) {}
                }
                path.line d=(frame.line(&series.points)) stroke-dasharray=(series.look.dash()) {}
                @for (_, point) in series.points.iter().enumerate().filter(marked) {
                    @let (x, y) = frame.at(point.x, point.y);
                    @let best = series.best == Some(point.x);
                    g.p transform={ "translate(" (round(x)) " " (round(y)) ")" } {
                        title { (self.says(series, point)) }
                        path class=[(!few && !best).then_some("small")] d=(if best { look::DIAMOND } else { series.look.marker() }) {}
                    }
                }
            }
        }
    }

    fn grid(&self, frame: &Frame) -> Markup {
        let (right, bottom) = (WIDTH - RIGHT, HEIGHT - BOTTOM);
        html! {
            @for tick in frame.x.ticks() {
                @let x = round(frame.x.at(tick.value));
                line.grid x1=(x) x2=(x) y1=(TOP) y2=(bottom + if tick.label.is_some() { 4.0 } else { 0.0 }) {}
                @if let Some(label) = &tick.label {
                    text.tick x=(x) y=(bottom + 18.0) text-anchor="middle" { (label) }
                }
            }
            @for tick in frame.y.ticks() {
                @let y = round(frame.y.at(tick.value));
                line.grid x1=(LEFT) x2=(right) y1=(y) y2=(y) {}
                @if let Some(label) = &tick.label {
                    text.tick x=(LEFT - 6.0) y=(y + 4.5) text-anchor="end" { (label) }
                }
            }
            path.axis d={ "M" (LEFT) " " (TOP) "V" (bottom) "H" (right) } {}
            text.label x=((LEFT + right) / 2.0) y=(HEIGHT - 8.0) text-anchor="middle" { (self.x.label()) }
            text.label transform={ "translate(13 " ((TOP + bottom) / 2.0) ") rotate(-90)" } text-anchor="middle" {
                (self.y.label())
            }
        }
    }

    fn legend(&self) -> Markup {
        html! {
            ul.legend {
                @for series in &self.series {
                    li {
                        svg class={ "series " (series.look.class()) } viewBox="0 0 36 12" aria-hidden="true" {
                            path.line d="M0 6H36" stroke-dasharray=(series.look.dash()) {}
                            path d=(series.look.marker()) transform="translate(18 6)" {}
                        }
                        (series.name)
                    }
                }
                @if self.series.iter().any(|series| series.best.is_some()) {
                    li {
                        svg.series viewBox="0 0 14 12" aria-hidden="true" {
                            path d=(look::DIAMOND) transform="translate(7 6)" {}
                        }
                        "best"
                    }
                }
            }
        }
    }
}

impl Render for Chart {
    fn render(&self) -> Markup {
        let frame = self.frame();
        let label = format!(
            "{}: {} over {}. Arrow keys walk through the values.",
            self.title,
            self.y.label(),
            self.x.label()
        );
        html! {
            figure.chart {
                figcaption { (self.title) }
                svg.plot viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } role="img" tabindex="0" aria-label=(label) {
                    (self.grid(&frame))
                    @for series in &self.series { (self.curve(series, &frame)) }
                }
                (self.legend())
            }
        }
    }
}

/// Values to positions in the drawing.
struct Frame {
    x: Mapping,
    y: Mapping,
}

impl Frame {
    fn at(&self, x: f64, y: f64) -> (f64, f64) {
        (self.x.at(x), self.y.at(y))
    }

    fn path(&self, points: impl Iterator<Item = (f64, f64)>) -> String {
        let mut path = String::new();
        for (x, y) in points {
            let (x, y) = self.at(x, y);
            let command = if path.is_empty() { 'M' } else { 'L' };
            // Writing to a string does not fail.
            let _ = write!(path, "{command}{} {}", round(x), round(y));
        }
        path
    }

    fn line(&self, points: &[Point]) -> String {
        self.path(points.iter().map(|point| (point.x, point.y)))
    }

    fn band(&self, points: &[Point]) -> String {
        let upper = points.iter().map(|of| (of.x, of.y + of.deviation));
        let lower = points.iter().rev().map(|of| (of.x, of.y - of.deviation));
        self.path(upper.chain(lower)) + "Z"
    }
}

/// To a tenth of a unit: more digits only make the page larger.
fn round(position: f64) -> f64 {
    (position * 10.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(points: &[(f64, f64, f64)]) -> String {
        let mut chart = Chart::new(
            "blobs",
            Axis::logarithmic("learning rate"),
            Axis::percent("test accuracy"),
        );
        let series = Series::new("LFP <1>", Look::LFP, points.iter().copied());
        chart.add(series.with_best(Some(0.01)));
        chart.render().0
    }

    #[test]
    fn every_point_says_its_values_and_the_best_is_a_diamond() {
        let html = chart(&[(0.001, 0.5, 0.25), (0.01, 0.986, 0.002)]);
        let first = "LFP &lt;1&gt;: learning rate 0.001, test accuracy 50.0 ± 25.0 %";
        assert!(html.contains(first), "{html}");
        assert!(html.contains("test accuracy 98.6 ± 0.2 % (best)"), "{html}");
        // One at the point, one in the legend.
        assert_eq!(html.matches(look::DIAMOND).count(), 2);
    }

    #[test]
    fn points_that_cannot_be_drawn_are_left_out() {
        let html = chart(&[(0.0, 0.5, 0.0), (0.1, f64::NAN, 0.0), (0.1, 0.5, f64::NAN)]);
        assert_eq!(html.matches("<title>").count(), 1);
        assert!(!html.contains("NaN") && !html.contains("inf"), "{html}");
        assert!(!chart(&[]).contains("NaN"));
    }

    #[test]
    fn long_curves_keep_their_line_and_thin_their_markers() {
        let points: Vec<_> = (1..=1000).map(|x| (f64::from(x), 0.5, 0.0)).collect();
        let html = chart(&points);
        let markers = html.matches("<title>").count();
        assert!((100..=MARKERS + 2).contains(&markers), "{markers}");
        assert!(html.matches('L').count() >= 999);
    }
}

//! Draws panels as plotters' charts.

use plotters::{
    chart::{ChartContext, SeriesAnno},
    coord::Shift,
    element::{Circle, DashedPathElement, PathElement, Polygon, Rectangle},
    prelude::{
        Cartesian2d, ChartBuilder, Color, DrawingArea, DrawingBackend, LineSeries, RGBColor,
    },
    style::{
        FontTransform, IntoTextStyle, TRANSPARENT, WHITE,
        text_anchor::{HPos, Pos, VPos},
    },
};

use super::{
    Axis, ColourBar, Dash, Error, Figure, Look, Mark, Panel, Shape,
    axis::Ticked,
    legend,
    style::{FONT, GRID, INK, LABEL, STRIP, TICK, TITLE, fitting, text_width},
};

type Area<DB> = DrawingArea<DB, Shift>;
type Chart<'a, DB> = ChartContext<'a, DB, Cartesian2d<Ticked, Ticked>>;
type Pixel = (i32, i32);

/// Margin around a panel, and on its right, where the last label of the axis ends.
const MARGIN: u32 = 8;
const MARGIN_RIGHT: u32 = 16;
/// Space for ticks and label of an axis.
const BELOW: u32 = 40;
const LEFT: u32 = 54;
/// Width of a colour bar with its ticks.
const BAR: u32 = 84;
/// Half the size of a mark, and of a diamond.
const MARK: u32 = 4;
const BEST: u32 = 8;

/// Draws a figure, with all lengths multiplied by `scale`.
pub(super) fn figure<DB: DrawingBackend>(
    figure: &Figure,
    area: &Area<DB>,
    scale: u32,
) -> Result<(), Error<DB>> {
    area.fill(&WHITE)?;
    let strip = (STRIP * scale) as i32;
    let mut rest = area.clone();
    for keys in legend::lines(&figure.panels, figure.width()) {
        let (line, below) = rest.split_vertically(strip);
        legend::draw(&keys, &line, scale)?;
        rest = below;
    }
    let (width, height) = figure.panel_size;
    let places = figure.places();
    let size = |cells: usize, pixels: u32| (scale * pixels) as i32 * cells as i32;
    let bottom = size(super::grid::rows(&places), height);
    let (panels, texts) = rest.split_vertically(bottom);
    for (place, content) in places.iter().zip(&figure.panels) {
        let (_, right) = panels.split_horizontally(size(place.column, width));
        let (column, _) = right.split_horizontally(size(place.columns, width));
        let (_, lower) = column.split_vertically(size(place.row, height));
        let (cell, _) = lower.split_vertically(size(place.rows, height));
        panel(content, &cell, scale)?;
    }
    footer(figure, &texts, scale)
}

/// The note, and below it the text in the corner.
fn footer<DB: DrawingBackend>(
    figure: &Figure,
    area: &Area<DB>,
    scale: u32,
) -> Result<(), Error<DB>> {
    let margin = (MARGIN * scale) as i32;
    let width = area.dim_in_pixel().0 as i32;
    let mut middle = (STRIP * scale / 2) as i32;
    let lines = [
        (&figure.note, LABEL, margin, HPos::Left),
        (&figure.corner, TICK, width - margin, HPos::Right),
    ];
    for (line, size, x, position) in lines {
        if !line.is_empty() {
            let size = fitting(line, size * scale, (width - 2 * margin) as u32);
            text(area, line, size, (x, middle), position, INK)?;
            middle += (STRIP * scale) as i32;
        }
    }
    Ok(())
}

fn panel<DB: DrawingBackend>(panel: &Panel, area: &Area<DB>, scale: u32) -> Result<(), Error<DB>> {
    let (width, _) = area.dim_in_pixel();
    let (area, bar_area) = match panel.bar {
        Some(_) => area.split_horizontally(width.saturating_sub(BAR * scale)),
        None => area.split_horizontally(width),
    };
    let space = |axis: &Axis, size: u32| if axis.is_hidden() { 0 } else { size * scale };
    let (width, height) = area.dim_in_pixel();
    let left = space(&panel.y, LEFT);
    let room = |size: u32, taken: u32| f64::from(size.saturating_sub(taken + 24 * scale));
    let label = |text: &str| f64::from(text_width(text, TICK * scale) + 10 * scale);
    let turned = panel.x.is_turned(room(width, left), label);
    let below = space(&panel.x, BELOW)
        + if turned {
            longest_name(&panel.x, scale)
        } else {
            0
        };
    let title = fitting(&panel.title, TITLE * scale, width - 2 * MARGIN * scale);
    let mut builder = ChartBuilder::on(&area);
    builder
        .margin(MARGIN * scale)
        .margin_right(MARGIN_RIGHT * scale)
        .x_label_area_size(below)
        .y_label_area_size(left);
    if !panel.title.is_empty() {
        builder.caption(&panel.title, (FONT, title, &INK));
    }
    let line = |_: &str| f64::from(3 * TICK * scale);
    let mut chart = builder.build_cartesian_2d(
        Ticked {
            ticks: panel.x.ticks(room(width, left), label),
            range: panel.x.range.clone(),
        },
        Ticked {
            ticks: panel.y.ticks(room(height, below + title), line),
            range: panel.y.range.clone(),
        },
    )?;
    grid(&mut chart, panel, scale)?;
    for shape in &panel.shapes {
        draw(&mut chart, &area, shape, scale)?;
    }
    axes(&mut chart, panel, turned, scale)?;
    if turned {
        turned_names(&chart, &panel.x, &area, scale)?;
    }
    corner(&chart, &panel.corner, scale)?;
    match &panel.bar {
        Some(bar) => colour_bar(bar, &chart, &bar_area, scale),
        None => Ok(()),
    }
}

fn longest_name(axis: &Axis, scale: u32) -> u32 {
    let widths = axis.names.iter().map(|name| text_width(name, TICK * scale));
    widths.max().unwrap_or(0)
}

/// Writes the names of a horizontal axis downwards from their ticks.
fn turned_names<DB: DrawingBackend>(
    chart: &Chart<'_, DB>,
    axis: &Axis,
    area: &Area<DB>,
    scale: u32,
) -> Result<(), Error<DB>> {
    let (left, top) = area.get_base_pixel();
    let (_, rows) = chart.plotting_area().get_pixel_range();
    let style = (FONT, TICK * scale, &INK).into_text_style(area);
    let style = style
        .transform(FontTransform::Rotate90)
        .pos(Pos::new(HPos::Left, VPos::Center));
    for (place, name) in (1..).zip(&axis.names) {
        let (x, _) = chart
            .plotting_area()
            .map_coordinate(&(f64::from(place), 0.0));
        let below_tick = rows.end + (9 * scale) as i32;
        area.draw_text(name, &style, (x - left, below_tick - top))?;
    }
    Ok(())
}

/// Lines at the ticks, behind the shapes.
fn grid<DB: DrawingBackend>(
    chart: &mut Chart<'_, DB>,
    panel: &Panel,
    scale: u32,
) -> Result<(), Error<DB>> {
    if panel.x.is_hidden() && panel.y.is_hidden() {
        return Ok(());
    }
    chart
        .configure_mesh()
        .disable_axes()
        .bold_line_style(GRID.stroke_width(scale))
        .light_line_style(TRANSPARENT)
        .draw()
}

fn axes<DB: DrawingBackend>(
    chart: &mut Chart<'_, DB>,
    panel: &Panel,
    turned: bool,
    scale: u32,
) -> Result<(), Error<DB>> {
    let mut mesh = chart.configure_mesh();
    mesh.disable_mesh()
        .axis_style(INK.stroke_width(scale))
        .label_style((FONT, TICK * scale, &INK))
        .axis_desc_style((FONT, LABEL * scale, &INK))
        .set_all_tick_mark_size(5 * scale)
        .x_desc(&panel.x.label)
        .y_desc(&panel.y.label);
    if panel.x.is_hidden() {
        mesh.disable_x_axis();
    }
    if panel.y.is_hidden() {
        mesh.disable_y_axis();
    }
    let name = |tick: &f64| match turned {
        true => String::new(),
        false => panel.x.text(*tick),
    };
    mesh.x_label_formatter(&name)
        .y_label_formatter(&|tick| panel.y.text(*tick))
        .draw()
}

fn draw<DB: DrawingBackend>(
    chart: &mut Chart<'_, DB>,
    cell: &Area<DB>,
    shape: &Shape,
    scale: u32,
) -> Result<(), Error<DB>> {
    match shape {
        Shape::Line(points, colour) => {
            let style = colour.stroke_width(2 * scale);
            series(chart.draw_series(LineSeries::new(points.iter().copied(), style)))
        }
        Shape::Dashes(points, colour) => {
            let area = chart.plotting_area().strip_coord_spec();
            let pixels = points.iter().map(|&at| pixel(chart, at));
            line(&area, pixels.collect(), Dash::Dashed, *colour, scale)
        }
        Shape::Hairline(points, colour) => {
            let style = colour.mix(0.6).stroke_width(scale);
            series(chart.draw_series(LineSeries::new(points.iter().copied(), style)))
        }
        Shape::Curve(points, look) => curve(chart, cell, points, *look, scale),
        Shape::Best(at, colour) => {
            let at = pixel(chart, *at);
            mark_point(chart, cell, at, Mark::Diamond, *colour, BEST * scale)
        }
        Shape::Dots(points, colour, radius) => {
            let disc = |&point: &(f64, f64)| Circle::new(point, radius * scale, colour.filled());
            series(chart.draw_series(points.iter().map(disc)))
        }
        Shape::Band {
            points,
            colour,
            opacity,
        } => {
            let lower = points.iter().map(|&(x, lower, _)| (x, lower));
            let upper = points.iter().rev().map(|&(x, _, upper)| (x, upper));
            let outline: Vec<_> = lower.chain(upper).collect();
            series(chart.draw_series([Polygon::new(outline, colour.mix(*opacity))]))
        }
        Shape::Cell(from, to, colour) => {
            series(chart.draw_series([Rectangle::new([*from, *to], colour.filled())]))
        }
        Shape::Text(at, content) => {
            let area = chart.plotting_area().strip_coord_spec();
            let at = pixel(chart, *at);
            text(&area, content, TICK * scale, at, HPos::Center, INK)
        }
    }
}

/// A line with marks.
fn curve<DB: DrawingBackend>(
    chart: &Chart<'_, DB>,
    cell: &Area<DB>,
    points: &[(f64, f64)],
    look: Look,
    scale: u32,
) -> Result<(), Error<DB>> {
    let area = chart.plotting_area().strip_coord_spec();
    let pixels: Vec<Pixel> = points.iter().map(|&at| pixel(chart, at)).collect();
    line(&area, pixels.clone(), look.dash, look.colour, scale)?;
    let mut marks = apart(&pixels, 3 * MARK * scale).into_iter();
    marks.try_for_each(|at| mark_point(chart, cell, at, look.mark, look.colour, MARK * scale))
}

/// Drops the handle for plotters' own legend.
fn series<DB: DrawingBackend>(
    drawn: Result<&mut SeriesAnno<'_, DB>, Error<DB>>,
) -> Result<(), Error<DB>> {
    drawn.map(|_| ())
}

/// The pixel of a point within the plotting area.
fn pixel<DB: DrawingBackend>(chart: &Chart<'_, DB>, point: (f64, f64)) -> Pixel {
    let area = chart.plotting_area();
    let (left, top) = area.get_base_pixel();
    let (x, y) = area.map_coordinate(&point);
    (x - left, y - top)
}

/// The first pixel, and each that lies at least `distance` to the right or left of the one before it in the result.
fn apart(pixels: &[Pixel], distance: u32) -> Vec<Pixel> {
    let mut kept: Vec<Pixel> = Vec::new();
    for &(x, y) in pixels {
        if kept
            .last()
            .is_none_or(|&(last, _)| last.abs_diff(x) >= distance)
        {
            kept.push((x, y));
        }
    }
    kept
}

/// Draws a line through pixels.
pub(super) fn line<DB: DrawingBackend>(
    area: &Area<DB>,
    pixels: Vec<Pixel>,
    dash: Dash,
    colour: RGBColor,
    scale: u32,
) -> Result<(), Error<DB>> {
    let style = colour.stroke_width(2 * scale);
    let (dash, gap) = match dash {
        // Piece by piece: joints of plotters' thick lines are spikes where the line turns back.
        Dash::Solid => {
            let mut pieces = pixels.windows(2);
            return pieces.try_for_each(|ends| area.draw(&PathElement::new(ends, style)));
        }
        Dash::Dashed => (8 * scale, 4 * scale),
        Dash::Dotted => (3 * scale, 3 * scale),
    };
    area.draw(&DashedPathElement::new(pixels, dash, gap, style))
}

/// Draws a mark around a pixel of the plotting area, whole at its edge, too: the area itself would cut it.
fn mark_point<DB: DrawingBackend>(
    chart: &Chart<'_, DB>,
    cell: &Area<DB>,
    (x, y): Pixel,
    form: Mark,
    colour: RGBColor,
    radius: u32,
) -> Result<(), Error<DB>> {
    let (width, height) = chart.plotting_area().dim_in_pixel();
    let is_within = |at: i32, size: u32| (0..=size as i32).contains(&at);
    if !is_within(x, width) || !is_within(y, height) {
        return Ok(());
    }
    let (left, top) = chart.plotting_area().get_base_pixel();
    let (cell_left, cell_top) = cell.get_base_pixel();
    let at = (x + left - cell_left, y + top - cell_top);
    mark(cell, at, form, colour, radius)
}

/// Draws a mark around a pixel; `radius` is half its size.
pub(super) fn mark<DB: DrawingBackend>(
    area: &Area<DB>,
    (x, y): Pixel,
    form: Mark,
    colour: RGBColor,
    radius: u32,
) -> Result<(), Error<DB>> {
    let size = radius as i32;
    let corners = match form {
        Mark::Circle => return area.draw(&Circle::new((x, y), radius, colour.filled())),
        Mark::Square => vec![(-size, -size), (size, -size), (size, size), (-size, size)],
        Mark::Triangle => vec![(0, -size), (size, size), (-size, size)],
        Mark::Diamond => vec![(0, -size), (size, 0), (0, size), (-size, 0)],
    };
    let corners: Vec<Pixel> = corners.iter().map(|(dx, dy)| (x + dx, y + dy)).collect();
    area.draw(&Polygon::new(corners.clone(), colour.filled()))?;
    if form == Mark::Diamond {
        let outline = corners.iter().copied().chain([corners[0]]);
        area.draw(&PathElement::new(
            outline.collect::<Vec<_>>(),
            INK.stroke_width(radius / 4),
        ))?;
    }
    Ok(())
}

/// Draws a text whose middle, or left or right end, is at a pixel.
pub(super) fn text<DB: DrawingBackend>(
    area: &Area<DB>,
    content: &str,
    size: u32,
    at: Pixel,
    position: HPos,
    colour: RGBColor,
) -> Result<(), Error<DB>> {
    let style = (FONT, size, &colour).into_text_style(area);
    area.draw_text(content, &style.pos(Pos::new(position, VPos::Center)), at)
}

/// A text on white in the upper right corner of the plotting area.
fn corner<DB: DrawingBackend>(
    chart: &Chart<'_, DB>,
    content: &str,
    scale: u32,
) -> Result<(), Error<DB>> {
    if content.is_empty() {
        return Ok(());
    }
    let area = chart.plotting_area().strip_coord_spec();
    let right = area.dim_in_pixel().0 as i32 - (3 * scale) as i32;
    let width = (text_width(content, LABEL * scale) + 8 * scale) as i32;
    let height = (STRIP * scale) as i32;
    let top = (3 * scale) as i32;
    let paper = [(right - width, top), (right, top + height)];
    area.draw(&Rectangle::new(paper, WHITE.mix(0.85).filled()))?;
    let at = (right - width / 2, top + height / 2);
    text(&area, content, LABEL * scale, at, HPos::Center, INK)
}

/// A bar beside the plotting area, as high as it.
fn colour_bar<DB: DrawingBackend>(
    bar: &ColourBar,
    chart: &Chart<'_, DB>,
    area: &Area<DB>,
    scale: u32,
) -> Result<(), Error<DB>> {
    let (_, rows) = chart.plotting_area().get_pixel_range();
    let (_, base) = area.get_base_pixel();
    let (top, bottom) = (rows.start - base, rows.end - base);
    let at = |share: f64| bottom - (f64::from(bottom - top) * share).round() as i32;
    let (left, right) = (0, (16 * scale) as i32);
    let count = bar.colours.len() as f64;
    for (index, colour) in bar.colours.iter().enumerate() {
        let ends = [index, index + 1].map(|end| at(end as f64 / count));
        let corners = [(left, ends[1]), (right, ends[0])];
        area.draw(&Rectangle::new(corners, colour.filled()))?;
    }
    for (share, content) in &bar.ticks {
        let middle = at(*share);
        let tick = [(right, middle), (right + (4 * scale) as i32, middle)];
        area.draw(&PathElement::new(tick, INK.stroke_width(scale)))?;
        let beside = (right + (7 * scale) as i32, middle);
        text(area, content, TICK * scale, beside, HPos::Left, INK)?;
    }
    let above = (left, top - (STRIP * scale / 2) as i32);
    text(area, &bar.label, TICK * scale, above, HPos::Left, INK)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_that_would_touch_are_left_out() {
        let pixels = [(0, 0), (4, 90), (10, 0), (12, 9), (19, 9)];
        assert_eq!(apart(&pixels, 9), [(0, 0), (10, 0), (19, 9)]);
    }
}

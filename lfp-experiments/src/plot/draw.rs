//! Draws panels as plotters' charts.

use plotters::{
    chart::ChartContext,
    coord::{Shift, types::RangedCoordf64},
    element::{Circle, Polygon, Rectangle},
    prelude::{
        Cartesian2d, ChartBuilder, Color, DrawingArea, DrawingBackend, LineSeries,
        SeriesLabelPosition,
    },
    style::{
        BLACK, IntoTextStyle, WHITE,
        text_anchor::{HPos, Pos, VPos},
    },
};

use super::{
    Axis, Figure, LegendAt, Panel, Shape,
    style::{CORNER, FONT, INK, LABEL, TICK, TITLE},
};

type Error<DB> = plotters::drawing::DrawingAreaErrorKind<<DB as DrawingBackend>::ErrorType>;
type Chart<'a, DB> = ChartContext<'a, DB, Cartesian2d<RangedCoordf64, RangedCoordf64>>;

/// Draws a figure, with all lengths multiplied by `scale`.
pub(super) fn figure<DB: DrawingBackend>(
    figure: &Figure,
    area: &DrawingArea<DB, Shift>,
    scale: u32,
) -> Result<(), Error<DB>> {
    area.fill(&WHITE)?;
    let rows = figure.panels.len().div_ceil(figure.columns);
    let (width, height) = area.dim_in_pixel();
    let area = match figure.corner.is_empty() {
        true => area.clone(),
        false => {
            let strip = CORNER * scale;
            let (panels, strip_area) = area.split_vertically(height.saturating_sub(strip));
            let centre = (width as i32 - 8 * scale as i32, strip as i32 / 2);
            let style = (FONT, TICK * scale, &INK).into_text_style(&strip_area);
            let style = style.pos(Pos::new(HPos::Right, VPos::Center));
            strip_area.draw_text(&figure.corner, &style, centre)?;
            panels
        }
    };
    let areas = area.split_evenly((rows, figure.columns));
    for (area, content) in areas.iter().zip(&figure.panels) {
        panel(content, area, scale)?;
    }
    Ok(())
}

fn panel<DB: DrawingBackend>(
    panel: &Panel,
    area: &DrawingArea<DB, Shift>,
    scale: u32,
) -> Result<(), Error<DB>> {
    let mut chart = ChartBuilder::on(area)
        .margin(8 * scale)
        .margin_right(16 * scale)
        .caption(&panel.title, (FONT, TITLE * scale, &INK))
        .x_label_area_size(38 * scale)
        .y_label_area_size(52 * scale)
        .build_cartesian_2d(panel.x.range.clone(), panel.y.range.clone())?;
    for shape in &panel.shapes {
        draw(&mut chart, shape, scale)?;
    }
    chart
        .configure_mesh()
        .disable_mesh()
        .axis_style(INK.stroke_width(scale))
        .label_style((FONT, TICK * scale, &INK))
        .axis_desc_style((FONT, LABEL * scale, &INK))
        .x_labels(labels(&panel.x))
        .y_labels(labels(&panel.y))
        .x_desc(&panel.x.label)
        .y_desc(&panel.y.label)
        .x_label_formatter(&|value| tick(&panel.x, *value))
        .y_label_formatter(&|value| tick(&panel.y, *value))
        .draw()?;
    legend(&mut chart, panel, scale)
}

/// Approximate number of ticks; a logarithmic axis has one per power of 10.
fn labels(axis: &Axis) -> usize {
    match axis.logarithmic {
        true => (axis.range.end.floor() - axis.range.start.ceil()) as usize + 1,
        false => 5,
    }
}

fn tick(axis: &Axis, value: f64) -> String {
    match axis.logarithmic {
        true => format!("1e{}", value.round()),
        // Tick positions are sums of steps; rounding hides the rounding errors of the sums.
        false => format!("{}", (value * 1e6).round() / 1e6 + 0.0),
    }
}

fn draw<DB: DrawingBackend>(
    chart: &mut Chart<'_, DB>,
    shape: &Shape,
    scale: u32,
) -> Result<(), Error<DB>> {
    match shape {
        Shape::Line(points, colour) => {
            let style = colour.stroke_width(2 * scale);
            chart.draw_series(LineSeries::new(points.iter().copied(), style))?;
        }
        Shape::Hairline(points, colour) => {
            let style = colour.mix(0.6).stroke_width(scale);
            chart.draw_series(LineSeries::new(points.iter().copied(), style))?;
        }
        Shape::Dots(points, colour, radius) => {
            let disc = |&point: &(f64, f64)| Circle::new(point, radius * scale, colour.filled());
            chart.draw_series(points.iter().map(disc))?;
        }
        Shape::Band {
            points,
            colour,
            opacity,
        } => {
            let lower = points.iter().map(|&(x, lower, _)| (x, lower));
            let upper = points.iter().rev().map(|&(x, _, upper)| (x, upper));
            let outline: Vec<_> = lower.chain(upper).collect();
            chart.draw_series([Polygon::new(outline, colour.mix(*opacity))])?;
        }
        Shape::Cell(from, to, colour) => {
            chart.draw_series([Rectangle::new([*from, *to], colour.filled())])?;
        }
    }
    Ok(())
}

fn legend<'a, DB: DrawingBackend + 'a>(
    chart: &mut Chart<'a, DB>,
    panel: &Panel,
    scale: u32,
) -> Result<(), Error<DB>> {
    if panel.legend.is_empty() {
        return Ok(());
    }
    let half = 4 * scale as i32;
    for &(name, colour) in &panel.legend {
        let key = move |(x, y)| {
            Rectangle::new([(x, y - half), (x + 3 * half, y + half)], colour.filled())
        };
        chart
            .draw_series(LineSeries::new([], colour))?
            .label(name)
            .legend(key);
    }
    let position = match panel.legend_at {
        LegendAt::LowerRight => SeriesLabelPosition::LowerRight,
        LegendAt::LowerLeft => SeriesLabelPosition::LowerLeft,
        LegendAt::UpperLeft => SeriesLabelPosition::UpperLeft,
        LegendAt::MiddleRight => SeriesLabelPosition::MiddleRight,
    };
    chart
        .configure_series_labels()
        .position(position)
        .margin(8 * scale)
        .legend_area_size(20 * scale)
        .label_font((FONT, TICK * scale, &INK))
        .background_style(WHITE.mix(0.8))
        .border_style(BLACK.mix(0.15))
        .draw()
}

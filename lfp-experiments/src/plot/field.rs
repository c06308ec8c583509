//! A field over the plane, drawn as coloured cells or contour lines.

use plotters::prelude::RGBColor;

use super::{Point, Shape};

/// The coordinate of a grid line: `size` cells between `from` and `to`.
fn position(index: usize, size: usize, from: f64, to: f64) -> f64 {
    from + (to - from) * index as f64 / size as f64
}

/// Fills the rectangle `x` times `y` with `size` by `size` coloured cells, row by row from the lowest y. Neighbours of the
/// same colour in a row become one cell.
pub fn cells(colours: &[RGBColor], size: usize, x: (f64, f64), y: (f64, f64)) -> Vec<Shape> {
    let mut shapes = Vec::new();
    for (row, line) in colours.chunks(size).enumerate() {
        let bottom = position(row, size, y.0, y.1);
        let top = position(row + 1, size, y.0, y.1);
        let mut start = 0;
        for run in line.chunk_by(|a, b| a == b) {
            let left = position(start, size, x.0, x.1);
            start += run.len();
            let right = position(start, size, x.0, x.1);
            shapes.push(Shape::Cell((left, bottom), (right, top), run[0]));
        }
    }
    shapes
}

/// Contour lines at `level` of a field of `size` by `size` cells, row by row from the lowest y: marching squares between
/// the centres of the cells.
pub fn contours(
    field: &[f64],
    size: usize,
    level: f64,
    x: (f64, f64),
    y: (f64, f64),
) -> Vec<[Point; 2]> {
    let at = |column: usize, row: usize| field[row * size + column];
    let centre = |column: f64, row: f64| {
        let along =
            |index: f64, (from, to): (f64, f64)| from + (to - from) * (index + 0.5) / size as f64;
        (along(column, x), along(row, y))
    };
    let mut lines = Vec::new();
    for row in 0..size - 1 {
        for column in 0..size - 1 {
            let corners = [
                (column, row),
                (column + 1, row),
                (column + 1, row + 1),
                (column, row + 1),
            ];
            let mut crossings = (0..4).filter_map(|side| {
                let (a, b) = (corners[side], corners[(side + 1) % 4]);
                let (from, to) = (at(a.0, a.1), at(b.0, b.1));
                ((from < level) != (to < level)).then(|| {
                    let share = (level - from) / (to - from);
                    let between = |a: usize, b: usize| a as f64 + (b as f64 - a as f64) * share;
                    centre(between(a.0, b.0), between(a.1, b.1))
                })
            });
            while let (Some(start), Some(end)) = (crossings.next(), crossings.next()) {
                lines.push([start, end]);
            }
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_contour_of_a_slope_is_a_straight_line_at_its_level() {
        let size = 8;
        let field: Vec<f64> = (0..size * size).map(|i| (i % size) as f64).collect();
        // The value is the index of the column, whose centre is at index + 0.5.
        let lines = contours(&field, size, 2.25, (0.0, 8.0), (0.0, 8.0));
        assert_eq!(lines.len(), size - 1);
        for (x, _) in lines.into_iter().flatten() {
            assert!((x - 2.75).abs() < 1e-12);
        }
    }

    #[test]
    fn cells_of_one_colour_are_merged_along_a_row() {
        let (a, b) = (RGBColor(1, 1, 1), RGBColor(2, 2, 2));
        let shapes = cells(&[a, a, b, b], 2, (0.0, 1.0), (0.0, 1.0));
        assert_eq!(shapes.len(), 2);
    }
}

//! Places of panels in a grid.

/// Column, row, columns and rows of a panel, in cells of the grid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) column: usize,
    pub(super) row: usize,
    pub(super) columns: usize,
    pub(super) rows: usize,
}

/// Puts each panel at the first free place, row by row. A span is the number of columns and rows of a panel.
pub(super) fn places(spans: impl Iterator<Item = (usize, usize)>, columns: usize) -> Vec<Place> {
    let mut taken: Vec<Vec<bool>> = Vec::new();
    let mut places = Vec::new();
    for (wide, high) in spans {
        let wide = wide.min(columns);
        let is_free = |taken: &[Vec<bool>], column: usize, row: usize| {
            let mut rows = taken.iter().skip(row).take(high);
            rows.all(|cells| !cells[column..column + wide].contains(&true))
        };
        let mut cells = (0..).flat_map(|row| (0..=columns - wide).map(move |column| (column, row)));
        let first = cells.find(|&(column, row)| is_free(&taken, column, row));
        let (column, row) = first.expect("a row below all panels is free");
        while taken.len() < row + high {
            taken.push(vec![false; columns]);
        }
        for cells in &mut taken[row..row + high] {
            cells[column..column + wide].fill(true);
        }
        places.push(Place {
            column,
            row,
            columns: wide,
            rows: high,
        });
    }
    places
}

/// Number of rows that the panels take.
pub(super) fn rows(places: &[Place]) -> usize {
    let ends = places.iter().map(|place| place.row + place.rows);
    ends.max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_panels_fill_the_space_beside_a_large_one() {
        let places = places([(2, 2), (1, 1), (1, 1), (3, 1)].into_iter(), 3);
        let corners: Vec<_> = places
            .iter()
            .map(|place| (place.column, place.row))
            .collect();
        assert_eq!(corners, [(0, 0), (2, 0), (2, 1), (0, 2)]);
        assert_eq!(rows(&places), 3);
    }
}

//! The paper's values.

use std::sync::LazyLock;

use lfp_burn::ActivationFn;
use lfp_models::Model;
use serde::Deserialize;

use crate::{
    data::DataSet,
    objective::Method,
    study::{Cell, Spread},
};

/// Table 3 as printed, in per cent.
const TABLE: &str = include_str!("paper.csv");

static VALUES: LazyLock<Vec<Value>> = LazyLock::new(|| {
    let mut reader = csv::Reader::from_reader(TABLE.as_bytes());
    let values: Result<_, _> = reader.deserialize().collect();
    values.expect("the embedded table is well-formed, as a test checks")
});

/// A cell of the paper's table.
#[derive(Debug, Deserialize)]
struct Value {
    model: Model,
    dataset: DataSet,
    activation: ActivationFn,
    method: Method,
    mean: f64,
    standard_deviation: f64,
}

impl Value {
    fn is_of(&self, cell: &Cell) -> bool {
        let settings = &cell.condition.settings;
        self.model == settings.model
            && self.dataset == settings.dataset
            && self.activation == settings.activation
            && self.method == cell.method.method()
    }
}

/// The paper's value of a cell, as fractions of 1. `None` for a cell that the paper does not have.
pub(super) fn value(cell: &Cell) -> Option<Spread> {
    let value = VALUES.iter().find(|value| value.is_of(cell))?;
    Some(Spread {
        mean: value.mean / 100.0,
        standard_deviation: Some(value.standard_deviation / 100.0),
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{reproduce::table3::grid, study::NotRun};

    #[test]
    fn the_grid_has_the_papers_96_cells_and_each_has_one_value() {
        let cells = grid::paper_conditions().into_iter().flat_map(|condition| {
            let condition = Arc::new(condition);
            let methods = condition.methods.clone().into_iter();
            methods.map(move |method| Cell {
                condition: condition.clone(),
                method,
                outcome: Err(NotRun::NotSelected),
            })
        });
        let cells: Vec<Cell> = cells.collect();
        assert_eq!((cells.len(), VALUES.len()), (96, 96));
        for cell in &cells {
            let values = VALUES.iter().filter(|value| value.is_of(cell));
            assert_eq!(values.count(), 1, "{}", cell.condition.name);
        }
        // Cells of the printed table.
        let printed = |name: &str, method: &str| {
            let mut cells = cells.iter();
            let found = cells
                .find(|cell| (cell.condition.name.as_str(), cell.method.name()) == (name, method));
            found.and_then(value).unwrap().percent()
        };
        for (name, method, expected) in [
            ("cifar10-vgg-like-relu", "lfp", "82.2 \u{b1} 0.4"),
            ("cifar10-vgg-like-relu", "gradient", "84.1 \u{b1} 0.4"),
            ("cifar100-vgg-like-elu", "lfp", "51.0 \u{b1} 0.3"),
            ("cub-resnet18-relu", "lfp", "66.7 \u{b1} 0.3"),
            ("isic-vgg16-heaviside", "lfp", "50.6 \u{b1} 0.0"),
            ("food11-resnet18-sigmoid", "gradient", "71.2 \u{b1} 0.5"),
        ] {
            assert_eq!(printed(name, method), expected, "{name}, {method}");
        }
    }
}

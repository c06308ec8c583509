//! The table as text, Markdown and CSV: ours, the paper's, and the difference.

use anyhow::Result;

use super::paper;
use crate::{
    files, output,
    reproduce::Context,
    study::{Cell, Results, Spread},
    text,
};

/// Columns of text and Markdown.
const HEADER: [&str; 9] = [
    "network",
    "data",
    "activation",
    "LFP",
    "paper",
    "difference",
    "gradient",
    "paper",
    "difference",
];
/// Columns of the CSV file, which has a row per cell. Accuracies and difference are in per cent.
const COLUMNS: [&str; 11] = [
    "model",
    "dataset",
    "activation",
    "method",
    "runs",
    "mean",
    "standard_deviation",
    "paper_mean",
    "paper_standard_deviation",
    "difference",
    "not_run",
];

/// Prints the table, and writes it. `note` says how the runs differ from the paper's.
pub(super) fn write(context: &Context, results: &Results, note: &str) -> Result<()> {
    let rows: Vec<[String; HEADER.len()]> = results.conditions().map(row).collect();
    let text = format!("{note}\n\n{}", text::columns(&HEADER, &rows));
    let folder = &context.folder;
    files::write(&folder.join("table3.txt"), text.as_bytes())?;
    let markdown = format!("{note}\n\n{}", markdown(&rows));
    files::write(&folder.join("table3.md"), markdown.as_bytes())?;
    let cells = results.cells.iter().map(record_of);
    files::write_csv(&folder.join("table3.csv"), COLUMNS, cells)?;
    context.print(|| output::lines(&text))
}

/// The mean accuracy of a cell less that of the paper, in percentage points.
fn difference(cell: &Cell) -> Option<f64> {
    let ours = cell.best()?.accuracy();
    let paper = paper::value(cell)?;
    Some(100.0 * (ours.mean - paper.mean))
}

fn row(cells: &[Cell]) -> [String; HEADER.len()] {
    let settings = &cells[0].condition.settings;
    let mut row = vec![
        settings.model.to_string(),
        settings.dataset.to_string(),
        settings.activation.name().to_owned(),
    ];
    for cell in cells {
        row.push(result(cell));
        row.push(paper::value(cell).map_or_else(String::new, Spread::percent));
        row.push(difference(cell).map_or_else(String::new, |of| format!("{of:+.1}")));
    }
    row.try_into()
        .expect("a condition has two methods, with three columns each")
}

/// Mean, standard deviation and number of seeds, or why the cell was not run.
fn result(cell: &Cell) -> String {
    match (&cell.outcome, cell.best()) {
        (Err(reason), _) => reason.to_string(),
        (Ok(_), Some(best)) => {
            format!("{} ({})", best.accuracy().percent(), best.records.len())
        }
        (Ok(_), None) => String::new(),
    }
}

/// A row of the CSV file.
fn record_of(cell: &Cell) -> [String; COLUMNS.len()] {
    let settings = &cell.condition.settings;
    let percent = |value: Option<f64>| value.map_or_else(String::new, |of| format!("{of:.2}"));
    let deviation = |of: Spread| Some(100.0 * of.standard_deviation?);
    let best = cell.best();
    let ours = best.map(|best| best.accuracy());
    let paper = paper::value(cell);
    let not_run = cell.outcome.as_ref().err();
    [
        settings.model.to_string(),
        settings.dataset.to_string(),
        settings.activation.name().to_owned(),
        cell.method.to_string(),
        best.map_or(0, |best| best.records.len()).to_string(),
        percent(ours.map(|of| 100.0 * of.mean)),
        percent(ours.and_then(deviation)),
        percent(paper.map(|of| 100.0 * of.mean)),
        percent(paper.and_then(deviation)),
        percent(difference(cell)),
        not_run.map_or_else(String::new, |reason| reason.name().to_owned()),
    ]
}

fn markdown(rows: &[[String; HEADER.len()]]) -> String {
    let line = |cells: &[String; HEADER.len()]| format!("| {} |\n", cells.join(" | "));
    let rule = HEADER.map(|_| "---".to_owned());
    let mut text = line(&HEADER.map(str::to_owned)) + &line(&rule);
    rows.iter().for_each(|row| text += &line(row));
    text
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{
        reproduce::table3::grid,
        study::{Point, Record},
        train::{Outcome, Versions},
    };

    #[test]
    fn the_difference_is_in_percentage_points_and_negative_below_the_paper() {
        let condition = Arc::new(grid::paper_conditions().remove(0));
        let settings = condition.settings.clone();
        let outcome = Outcome {
            settings: settings.clone(),
            test_accuracy: vec![0.5, 0.8],
            test_top5: vec![1.0; 2],
            test_class_mean: vec![0.0; 2],
            best_epoch: 2,
            train_accuracy: vec![0.5; 2],
            seconds: 1.0,
            firing_rates: Default::default(),
            warnings: Vec::new(),
            versions: Versions::default(),
        };
        let record = Record {
            train_samples: 1,
            test_samples: 1,
            settings,
            outcome: Some(outcome),
            analysis: None,
        };
        let cell = |method| Cell {
            condition: condition.clone(),
            method,
            outcome: Ok(vec![Point {
                lr: 0.1,
                condition: condition.clone(),
                records: vec![record.clone()],
            }]),
        };
        let cells: Vec<Cell> = condition.methods.iter().copied().map(cell).collect();
        // ReLU on CIFAR-10: 82.2 by LFP and 84.1 by gradient in the paper, 80 here.
        assert_eq!(
            row(&cells)[3..],
            [
                "80.0 (1)",
                "82.2 \u{b1} 0.4",
                "-2.2",
                "80.0 (1)",
                "84.1 \u{b1} 0.4",
                "-4.1"
            ]
        );
        assert_eq!(
            record_of(&cells[1])[4..10],
            ["1", "80.00", "", "84.10", "0.40", "-4.10"]
        );
    }
}

//! The table as text and Markdown.

use std::path::Path;

use anyhow::Result;

use super::grid::paper;
use crate::{
    files,
    study::{Cell, Results, Spread},
};

const HEADER: [&str; 8] = [
    "data",
    "network",
    "activation",
    "measure",
    "LFP",
    "gradient",
    "LFP, paper",
    "gradient, paper",
];

/// Prints the table, and writes it as text and Markdown.
pub(super) fn write(folder: &Path, results: &Results) -> Result<()> {
    let rows: Vec<[String; 8]> = results.conditions().map(row).collect();
    let text = text(&rows);
    print!("{text}");
    for (name, content) in [("table3.txt", text), ("table3.md", markdown(&rows))] {
        files::write(&folder.join(name), content.as_bytes())?;
    }
    Ok(())
}

fn row(cells: &[Cell]) -> [String; 8] {
    let condition = &cells[0].condition;
    let settings = &condition.settings;
    let published = |cell: &Cell| paper(cell).map_or("not at hand".to_owned(), Spread::percent);
    [
        settings.dataset.to_string(),
        settings.model.to_string(),
        settings.activation.name().to_owned(),
        condition.measure.title().to_owned(),
        result(&cells[0]),
        result(&cells[1]),
        published(&cells[0]),
        published(&cells[1]),
    ]
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

fn text(rows: &[[String; 8]]) -> String {
    let header = HEADER.map(str::to_owned);
    let all = || std::iter::once(&header).chain(rows);
    let width = |column: usize| all().map(|row| row[column].chars().count()).max();
    let widths: [usize; 8] = std::array::from_fn(|column| width(column).unwrap_or(0));
    let lines = all().map(|row| {
        let cells = row.iter().zip(widths);
        let padded: Vec<String> = cells
            .map(|(cell, width)| format!("{cell:width$}"))
            .collect();
        padded.join("  ").trim_end().to_owned() + "\n"
    });
    lines.collect()
}

fn markdown(rows: &[[String; 8]]) -> String {
    let line = |cells: &[String; 8]| format!("| {} |\n", cells.join(" | "));
    let rule = HEADER.map(|_| "---".to_owned());
    let mut text = line(&HEADER.map(str::to_owned)) + &line(&rule);
    rows.iter().for_each(|row| text += &line(row));
    text
}

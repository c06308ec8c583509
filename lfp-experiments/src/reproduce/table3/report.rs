//! The table as text, CSV and Markdown, and `result.json`.

use std::path::Path;

use serde::Serialize;

use super::cell::{Cell, CellResult};
use crate::{
    files,
    reproduce::{Profile, ReproduceError, Request, curves::Spread, write_result},
    train::Versions,
};

#[derive(Serialize)]
struct Report {
    table: &'static str,
    profile: Profile,
    versions: Versions,
    cells: Vec<ReportedCell>,
}

#[derive(Serialize)]
struct ReportedCell {
    dataset: String,
    model: String,
    activation: &'static str,
    method: String,
    /// Which accuracy: of ISIC each class counts the same.
    measure: &'static str,
    accuracy: Option<Spread>,
    seeds: usize,
    paper: Option<Spread>,
}

/// A row: a network on data with an activation, by both methods.
type Row<'a> = &'a [(Cell, CellResult)];

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

pub(super) fn write(
    request: &Request,
    folder: &Path,
    results: &[(Cell, CellResult)],
) -> Result<(), ReproduceError> {
    let rows: Vec<[String; 8]> = results
        .chunks(super::cell::METHODS.len())
        .map(row)
        .collect();
    let text = text(&rows);
    print!("{text}");
    for (name, content) in [
        ("table3.txt", text),
        ("table3.md", markdown(&rows)),
        ("table3.csv", csv(results)),
    ] {
        files::write(&folder.join(name), content.as_bytes())?;
    }
    let report = Report {
        table: "table3",
        profile: request.profile,
        versions: Versions::default(),
        cells: results.iter().map(reported).collect(),
    };
    Ok(write_result(folder, &report)?)
}

fn row(results: Row) -> [String; 8] {
    let cell = &results[0].0;
    let found = |index: usize| said(&results[index].1);
    let paper = |index: usize| {
        results[index]
            .0
            .paper()
            .map_or("not at hand".to_owned(), percent)
    };
    [
        cell.dataset.to_string(),
        cell.model.to_string(),
        cell.activation.name().to_owned(),
        measure(cell).to_owned(),
        found(0),
        found(1),
        paper(0),
        paper(1),
    ]
}

fn measure(cell: &Cell) -> &'static str {
    match cell.is_class_mean() {
        true => "class mean",
        false => "top 1",
    }
}

fn said(result: &CellResult) -> String {
    match *result {
        CellResult::Ran { accuracy, seeds } => format!("{} ({seeds})", percent(accuracy)),
        CellResult::NotAsked => "not run".to_owned(),
        CellResult::NoData => "not run: no data".to_owned(),
        CellResult::NoWeights => "not run: no weights".to_owned(),
    }
}

fn percent((mean, deviation): Spread) -> String {
    format!("{:.1} \u{b1} {:.1}", 100.0 * mean, 100.0 * deviation)
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

/// A row for each cell, with numbers as they are.
fn csv(results: &[(Cell, CellResult)]) -> String {
    let mut text = "dataset,model,activation,method,measure,accuracy,deviation,seeds,\
                    paper_accuracy,paper_deviation\n"
        .to_owned();
    for (cell, result) in results {
        let pair = |spread: Option<Spread>| match spread {
            Some((mean, deviation)) => format!("{mean},{deviation}"),
            None => ",".to_owned(),
        };
        let (accuracy, seeds) = ran(result);
        text += &format!(
            "{},{},{},{},{},{},{seeds},{}\n",
            cell.dataset,
            cell.model,
            cell.activation.name(),
            cell.method,
            measure(cell),
            pair(accuracy),
            pair(cell.paper())
        );
    }
    text
}

fn ran(result: &CellResult) -> (Option<Spread>, usize) {
    match *result {
        CellResult::Ran { accuracy, seeds } => (Some(accuracy), seeds),
        _ => (None, 0),
    }
}

fn reported((cell, result): &(Cell, CellResult)) -> ReportedCell {
    let (accuracy, seeds) = ran(result);
    ReportedCell {
        dataset: cell.dataset.to_string(),
        model: cell.model.to_string(),
        activation: cell.activation.name(),
        method: cell.method.to_string(),
        measure: measure(cell),
        accuracy,
        seeds,
        paper: cell.paper(),
    }
}

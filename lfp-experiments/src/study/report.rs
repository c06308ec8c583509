//! The report of a figure: `result.json` and `results.csv`, in one format for all figures.
//!
//! `result.json` has an entry per condition and method. `results.csv` has all curves in long form, one row per point.

use std::{collections::BTreeMap, path::Path};

use anyhow::Result;
use serde::Serialize;

use super::{Analysis, Cell, Curve, MethodVariant, NotRun, Point, Results, Spread};
use crate::{
    files::{self, to_json},
    train::Versions,
};

/// The first members of every `result.json`.
#[derive(Clone, Debug, Serialize)]
pub struct Header {
    /// Name of the figure or table.
    pub figure: String,
    /// Profile of the grid.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// Arguments of the program.
    pub command: Vec<String>,
    /// Versions of program and framework.
    pub versions: Versions,
}

impl Header {
    /// The header of a report that this process writes.
    pub fn new(figure: &str) -> Self {
        Self {
            figure: figure.to_owned(),
            profile: None,
            command: std::env::args().skip(1).collect(),
            versions: Versions::default(),
        }
    }

    /// Adds the profile of the grid.
    #[must_use]
    pub fn with_profile(mut self, profile: impl ToString) -> Self {
        self.profile = Some(profile.to_string());
        self
    }
}

/// The report of a study.
#[derive(Debug, Serialize)]
pub struct Report {
    #[serde(flatten)]
    header: Header,
    results: Vec<Entry>,
    #[serde(skip)]
    rows: Vec<Row>,
}

/// The results of a method in a condition.
#[derive(Debug, Serialize)]
struct Entry {
    condition: String,
    #[serde(skip)]
    title: String,
    model: String,
    dataset: String,
    activation: String,
    #[serde(serialize_with = "as_text")]
    method: MethodVariant,
    measure: super::Measure,
    seeds: Vec<u64>,
    /// The paper's own value.
    #[serde(skip_serializing_if = "Option::is_none")]
    paper: Option<Spread>,
    #[serde(flatten)]
    outcome: Outcome,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Outcome {
    NotRun {
        not_run: NotRun,
    },
    Ran {
        best_lr: f64,
        /// Test accuracy at the best learning rate, over the seeds.
        #[serde(flatten)]
        accuracy: Spread,
        runs: usize,
        by_learning_rate: Vec<AtRate>,
        /// Scalars of the analysis at the best learning rate, over the seeds.
        #[serde(skip_serializing_if = "BTreeMap::is_empty")]
        values: BTreeMap<String, Spread>,
    },
}

#[derive(Debug, Serialize)]
struct AtRate {
    lr: f64,
    #[serde(flatten)]
    accuracy: Spread,
    runs: usize,
    diverged: usize,
    /// Test accuracy per seed.
    accuracies: Vec<f64>,
}

/// The columns of `results.csv`.
const COLUMNS: [&str; 9] = [
    "condition",
    "method",
    "quantity",
    "over",
    "x",
    "mean",
    "standard_deviation",
    "runs",
    "not_run",
];

/// A point of a curve, or a cell that was not run.
type Row = [String; COLUMNS.len()];

impl Report {
    /// Collects the accuracies of a study, and the scalars and curves of its analyses.
    pub fn new<A: Analysis>(header: Header, results: &Results<A>) -> Self {
        Self {
            header,
            results: results.cells.iter().map(Entry::new).collect(),
            rows: results.cells.iter().flat_map(rows).collect(),
        }
    }

    /// Adds the paper's own values.
    #[must_use]
    pub fn with_paper<A>(
        mut self,
        results: &Results<A>,
        paper: impl Fn(&Cell<A>) -> Option<Spread>,
    ) -> Self {
        for (entry, cell) in self.results.iter_mut().zip(&results.cells) {
            entry.paper = paper(cell);
        }
        self
    }

    /// Writes `result.json` and `results.csv`.
    ///
    /// # Errors
    ///
    /// If a file cannot be written.
    pub fn write(&self, folder: &Path) -> Result<()> {
        files::write(&folder.join("result.json"), &to_json(self))?;
        Ok(files::write_csv(
            &folder.join("results.csv"),
            COLUMNS,
            self.rows.iter().cloned(),
        )?)
    }

    /// Prints a line per condition and method.
    pub fn print(&self) {
        let of_condition = |a: &Entry, b: &Entry| a.condition == b.condition;
        for entries in self.results.chunk_by(of_condition) {
            let reasons: Option<Vec<NotRun>> = entries.iter().map(Entry::not_run).collect();
            match reasons.as_deref() {
                Some([reason, ..]) => println!("{}: {reason}", entries[0].title),
                _ => entries
                    .iter()
                    .for_each(|entry| println!("{}", entry.line())),
            }
        }
    }
}

impl Entry {
    fn new<A: Analysis>(cell: &Cell<A>) -> Self {
        let condition = &cell.condition;
        let settings = &condition.settings;
        Self {
            condition: condition.name.clone(),
            title: condition.title.clone(),
            model: settings.model.to_string(),
            dataset: settings.dataset.to_string(),
            activation: settings.activation.to_string(),
            method: cell.method,
            measure: condition.measure,
            seeds: condition.seeds.clone(),
            paper: None,
            outcome: Outcome::new(cell),
        }
    }

    fn not_run(&self) -> Option<NotRun> {
        match self.outcome {
            Outcome::NotRun { not_run } => Some(not_run),
            Outcome::Ran { .. } => None,
        }
    }

    fn line(&self) -> String {
        let name = format!("{:32} {:18}", self.title, self.method.title());
        match &self.outcome {
            Outcome::NotRun { not_run } => format!("{name} {not_run}"),
            Outcome::Ran {
                best_lr,
                accuracy,
                values,
                ..
            } => {
                let values = values.iter().map(|(name, value)| {
                    let Spread {
                        mean,
                        standard_deviation,
                    } = value;
                    format!("; {name} {mean:.3} \u{b1} {standard_deviation:.3}")
                });
                let values: String = values.collect();
                format!(
                    "{name} {}% at a learning rate of {best_lr}{values}",
                    accuracy.percent()
                )
            }
        }
    }
}

impl Outcome {
    fn new<A: Analysis>(cell: &Cell<A>) -> Self {
        let points = match &cell.outcome {
            Ok(points) => points,
            Err(reason) => return Self::NotRun { not_run: *reason },
        };
        let best = cell.best().expect("a condition has a learning rate");
        Self::Ran {
            best_lr: best.lr,
            accuracy: best.accuracy(),
            runs: best.records.len(),
            by_learning_rate: points.iter().map(AtRate::new).collect(),
            values: best.scalars().into_iter().collect(),
        }
    }
}

impl AtRate {
    fn new<A>(point: &Point<A>) -> Self {
        Self {
            lr: point.lr,
            accuracy: point.accuracy(),
            runs: point.records.len(),
            diverged: point.diverged(),
            accuracies: point.accuracies(),
        }
    }
}

/// All curves of a cell: accuracy over the learning rate, and at the best learning rate over the epochs, and those of the
/// analysis.
fn rows<A: Analysis>(cell: &Cell<A>) -> Vec<Row> {
    let [condition, method] = [cell.condition.name.clone(), cell.method.to_string()];
    let best = match (&cell.outcome, cell.best()) {
        (Err(reason), _) => {
            let mut row = Row::default();
            [row[0], row[1]] = [condition, method];
            row[COLUMNS.len() - 1] = reason.name().to_owned();
            return vec![row];
        }
        (Ok(_), None) => return Vec::new(),
        (Ok(_), Some(best)) => best,
    };
    let by_rate = cell.points().iter();
    let accuracy = |over, points| Curve {
        quantity: "test_accuracy".to_owned(),
        over,
        points,
    };
    let mut curves = vec![
        accuracy(
            "learning_rate",
            by_rate.map(|point| (point.lr, point.accuracy())).collect(),
        ),
        accuracy("epoch", best.accuracy_by_epoch()),
    ];
    curves.extend(best.curves());
    let rows = curves.into_iter().flat_map(|curve| {
        let runs = best.records.len().to_string();
        let row = |(x, spread): &(f64, Spread)| {
            [
                condition.clone(),
                method.clone(),
                curve.quantity.clone(),
                curve.over.to_owned(),
                x.to_string(),
                spread.mean.to_string(),
                spread.standard_deviation.to_string(),
                runs.clone(),
                String::new(),
            ]
        };
        curve.points.iter().map(row).collect::<Vec<_>>()
    });
    rows.collect()
}

fn as_text<S: serde::Serializer>(
    value: &impl std::fmt::Display,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}

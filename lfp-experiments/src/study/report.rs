//! The report of a figure: `result.json` and `results.csv`, in one format for all figures.
//!
//! `result.json` has an entry per condition and method. `results.csv` has all curves in long form, one row per point.

use std::{collections::BTreeMap, path::Path, time::SystemTime};

use anyhow::Result;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Analysis, Cell, Curve, Measure, MethodVariant, NotRun, Point, Results, Spread};
use crate::{
    files::{self, to_json},
    machine::Machine,
    output::{self, OutputError},
    train::{Settings, Versions},
};

/// The first members of every `result.json`. Files of older versions lack some.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Header {
    /// Name of the figure or table.
    pub figure: String,
    /// Profile of the grid.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// Arguments of the program; of absolute paths only the last part.
    #[serde(default)]
    pub command: Vec<String>,
    /// When the report was written, in UTC, such as `2026-01-31T12:00:00Z`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub date: Option<String>,
    /// Training time of all runs in seconds, also of those that another process or figure trained.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seconds: Option<f64>,
    /// The machine that wrote the report.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub machine: Option<Machine>,
    /// Versions of program and framework.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub versions: Option<Versions>,
}

impl Header {
    /// The header of a report that this process writes, computed on `device`.
    pub fn new(figure: &str, device: impl ToString) -> Self {
        let now: DateTime<Utc> = SystemTime::now().into();
        Self {
            figure: figure.to_owned(),
            profile: None,
            command: command(),
            date: Some(now.format("%Y-%m-%dT%H:%M:%SZ").to_string()),
            seconds: None,
            machine: Some(Machine::this(device)),
            versions: Some(Versions::default()),
        }
    }

    /// Adds the profile of the grid.
    #[must_use]
    pub fn with_profile(mut self, profile: impl ToString) -> Self {
        self.profile = Some(profile.to_string());
        self
    }

    /// Adds the training time.
    #[must_use]
    pub fn with_seconds(mut self, seconds: f64) -> Self {
        self.seconds = Some(seconds);
        self
    }
}

/// The arguments of this process, of absolute paths only the last part. What is no UTF-8 in them is replaced.
pub(crate) fn command() -> Vec<String> {
    let arguments = std::env::args_os().skip(1);
    let arguments = arguments.map(|argument| argument.to_string_lossy().into_owned());
    arguments.map(without_folders).collect()
}

/// An argument of the program, of an absolute path only the last part: folders tell of a machine and its user.
pub(crate) fn without_folders(argument: String) -> String {
    let (option, value) = match argument.split_once('=') {
        Some((option, value)) if option.starts_with("--") => (format!("{option}="), value),
        _ => (String::new(), argument.as_str()),
    };
    let after_drive = value.get(1..).filter(|rest| rest.starts_with(':'));
    let is_absolute = value.starts_with(['/', '\\', '~'])
        || after_drive.is_some_and(|rest| rest[1..].starts_with(['/', '\\']));
    let mut parts = value.split(['/', '\\']).filter(|part| !part.is_empty());
    match parts.next_back() {
        Some(last) if is_absolute => option + last,
        _ => argument,
    }
}

/// The report of a study. Reports of other commands have the header, and members of their own.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Report {
    /// The first members.
    #[serde(flatten)]
    pub header: Header,
    /// A result per condition and method.
    #[serde(default)]
    pub results: Vec<Entry>,
    /// Other members.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
    #[serde(skip)]
    rows: Vec<Row>,
}

/// The results of a method in a condition.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Entry {
    /// Name of the condition.
    pub condition: String,
    /// Its name in figures and tables.
    #[serde(default)]
    pub title: String,
    /// Name of the network.
    pub model: String,
    /// Name of the data set.
    pub dataset: String,
    /// Name of the activation.
    pub activation: String,
    /// The method.
    pub method: MethodVariant,
    /// The accuracy that is reported.
    pub measure: Measure,
    /// The seeds.
    pub seeds: Vec<u64>,
    /// The paper's own value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub paper: Option<Spread>,
    /// The accuracies, or why nothing was run.
    #[serde(flatten)]
    pub outcome: Outcome,
}

/// The outcome of a method in a condition.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Outcome {
    /// Nothing was run.
    NotRun {
        /// Why.
        not_run: NotRun,
    },
    /// Everything was run.
    Ran(Box<Ran>),
}

/// What was measured.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Ran {
    /// The best learning rate.
    pub best_lr: f64,
    /// Test accuracy at the best learning rate, over the seeds.
    #[serde(flatten)]
    pub accuracy: Spread,
    /// Number of runs at the best learning rate.
    pub runs: usize,
    /// Test accuracy over the learning rate.
    pub by_learning_rate: Vec<AtRate>,
    /// Scalars of the analysis at the best learning rate, over the seeds.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    pub values: BTreeMap<String, Spread>,
    /// Training time of all runs that did not diverge, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seconds: Option<f64>,
    /// Number of training and test samples.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub samples: Option<[usize; 2]>,
    /// Settings that all runs share, by the names in `settings.json`.
    #[serde(skip_serializing_if = "Map::is_empty", default)]
    pub settings: Map<String, Value>,
}

/// The runs at a learning rate.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AtRate {
    /// The learning rate.
    pub lr: f64,
    /// Test accuracy over the seeds.
    #[serde(flatten)]
    pub accuracy: Spread,
    /// Number of runs.
    pub runs: usize,
    /// How many of them diverged.
    pub diverged: usize,
    /// Test accuracy per seed.
    pub accuracies: Vec<f64>,
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
        let points = results.cells.iter().flat_map(Cell::points);
        Self {
            header: header.with_seconds(points.map(Point::seconds).sum()),
            results: results.cells.iter().map(Entry::new).collect(),
            rest: Map::new(),
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
    ///
    /// # Errors
    ///
    /// If standard output is full or closed.
    pub fn print(&self) -> Result<(), OutputError> {
        let of_condition = |a: &Entry, b: &Entry| a.condition == b.condition;
        for entries in self.results.chunk_by(of_condition) {
            let reasons: Option<Vec<NotRun>> = entries.iter().map(Entry::not_run).collect();
            match reasons.as_deref() {
                Some([reason, ..]) => {
                    output::line(format_args!("{}: {reason}", entries[0].title))?;
                }
                _ => entries
                    .iter()
                    .try_for_each(|entry| output::line(entry.line()))?,
            }
        }
        Ok(())
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

    /// Its name for readers.
    pub fn name(&self) -> &str {
        match self.title.is_empty() {
            true => &self.condition,
            false => &self.title,
        }
    }

    /// What was measured; `None` if nothing was run.
    pub fn ran(&self) -> Option<&Ran> {
        match &self.outcome {
            Outcome::NotRun { .. } => None,
            Outcome::Ran(ran) => Some(ran),
        }
    }

    /// Why nothing was run.
    pub fn not_run(&self) -> Option<NotRun> {
        match self.outcome {
            Outcome::NotRun { not_run } => Some(not_run),
            Outcome::Ran(_) => None,
        }
    }

    fn line(&self) -> String {
        let name = format!("{:32} {:18}", self.title, self.method.title());
        match &self.outcome {
            Outcome::NotRun { not_run } => format!("{name} {not_run}"),
            Outcome::Ran(ran) => {
                let values = ran.values.iter();
                let values = values.map(|(name, value)| format!("; {name} {}", value.shown(3)));
                let values: String = values.collect();
                let (accuracy, rate) = (ran.accuracy.percent(), ran.best_lr);
                format!("{name} {accuracy}% at a learning rate of {rate}{values}")
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
        let record = best.records.first();
        Self::Ran(Box::new(Ran {
            best_lr: best.lr,
            accuracy: best.accuracy(),
            runs: best.records.len(),
            by_learning_rate: points.iter().map(AtRate::new).collect(),
            values: best.scalars().into_iter().collect(),
            seconds: Some(points.iter().map(Point::seconds).sum()),
            samples: record.map(|record| [record.train_samples, record.test_samples]),
            settings: record.map_or_else(Map::new, |record| shared(&record.settings)),
        }))
    }
}

/// The settings without those that the entry has elsewhere, or that differ between its runs.
fn shared(settings: &Settings) -> Map<String, Value> {
    let mut settings = settings.clone();
    if let Some(pretrained) = &mut settings.pretrained {
        pretrained.file = pretrained.file.file_name().unwrap_or_default().into();
    }
    let Ok(Value::Object(mut settings)) = serde_json::to_value(settings) else {
        return Map::new();
    };
    settings.retain(|name, _| {
        !["model", "dataset", "activation", "method", "lr", "seed"].contains(&name.as_str())
    });
    settings
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
                spread
                    .standard_deviation
                    .map_or_else(String::new, |of| of.to_string()),
                runs.clone(),
                String::new(),
            ]
        };
        curve.points.iter().map(row).collect::<Vec<_>>()
    });
    rows.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_do_not_tell_of_machine_or_user() {
        let cases = [
            ("/home/joe/data/mnist/", "mnist"),
            ("--data-dir=/home/joe/data", "--data-dir=data"),
            ("C:\\Users\\joe\\data", "data"),
            ("~/data", "data"),
            ("results/fig3", "results/fig3"),
            ("--epochs", "--epochs"),
            ("0..1", "0..1"),
            ("/", "/"),
        ];
        for (argument, kept) in cases {
            assert_eq!(without_folders(argument.to_owned()), kept);
        }
    }

    /// As the first version wrote it.
    const OLD: &str = r#"{
        "figure": "fig3", "profile": "quick", "command": ["reproduce", "fig3"], "versions": {"lfp": "0.1.0", "burn": "0.22.1"},
        "results": [
            {"condition": "blobs", "model": "mlp-toy", "dataset": "blobs", "activation": "relu", "method": "lfp",
             "measure": "top 1", "seeds": [1], "best_lr": 0.1, "mean": 0.9, "standard_deviation": 0.1, "runs": 1,
             "by_learning_rate": [{"lr": 0.1, "mean": 0.9, "standard_deviation": 0.1, "runs": 1, "diverged": 0, "accuracies": [0.9]}]},
            {"condition": "blobs", "model": "mlp-toy", "dataset": "blobs", "activation": "relu", "method": "surrogate",
             "measure": "class mean", "seeds": [1], "not_run": "no data"}
        ]}"#;

    #[test]
    fn reports_of_older_versions_are_read_with_what_they_have() {
        let report: Report = serde_json::from_str(OLD).unwrap();
        assert!(report.header.machine.is_none() && report.header.seconds.is_none());
        let ran = report.results[0].ran().unwrap();
        assert_eq!((ran.best_lr, ran.accuracy.mean), (0.1, 0.9));
        assert_eq!(report.results[1].not_run(), Some(NotRun::NoData));
        let again: Report = serde_json::from_slice(&to_json(&report)).unwrap();
        assert_eq!(again.results.len(), 2);
        assert!(again.rest.is_empty(), "{:?}", again.rest);
    }
}

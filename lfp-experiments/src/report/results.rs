//! Reads whatever results there are. What cannot be read is a [`Problem`]; the rest is read all the same.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use serde::Deserialize;
use serde_json::Value;

use super::Picture;
use crate::{files, study::MethodVariant, study::report::Report, train::Outcome};

/// A folder with results.
#[derive(Debug, Default)]
pub(super) struct Folder {
    /// Its name; for figures that of the subcommand.
    pub(super) name: String,
    pub(super) content: Option<Content>,
    pub(super) curves: Vec<Curve>,
    pub(super) pictures: Vec<Picture>,
    /// Number of finished runs in its journal.
    pub(super) runs: usize,
    pub(super) problems: Vec<Problem>,
}

/// What `result.json` is.
#[derive(Debug)]
pub(super) enum Content {
    /// The report of a figure, or of `prune`.
    Report(Box<Report>),
    /// The result of a training run.
    Run(Box<Outcome>),
}

/// A curve of `results.csv`.
#[derive(Clone, Debug)]
pub(super) struct Curve {
    pub(super) condition: String,
    pub(super) method: MethodVariant,
    pub(super) quantity: String,
    pub(super) over: String,
    /// x, mean, standard deviation.
    pub(super) points: Vec<(f64, f64, f64)>,
}

/// A file that cannot be read, and why.
#[derive(Clone, Debug)]
pub(super) struct Problem {
    file: String,
    reason: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, reason } = self;
        write!(
            f,
            "{file}: {reason}; delete it and repeat the command that made it"
        )
    }
}

impl Folder {
    pub(super) fn report(&self) -> Option<&Report> {
        match &self.content {
            Some(Content::Report(report)) => Some(report),
            _ => None,
        }
    }

    pub(super) fn run(&self) -> Option<&Outcome> {
        match &self.content {
            Some(Content::Run(outcome)) => Some(outcome),
            _ => None,
        }
    }

    fn read(path: &Path) -> Self {
        let name = path.file_name().unwrap_or_default();
        let mut folder = Self {
            name: name.to_string_lossy().into_owned(),
            ..Self::default()
        };
        folder.content = folder.attempt(&path.join("result.json"), content);
        if let Some((curves, torn)) = folder.attempt(&path.join("results.csv"), curves) {
            folder.curves = curves;
            if let Some(reason) = torn {
                folder.problem("results.csv", reason);
            }
        }
        let mut files = files::list(path).unwrap_or_default();
        files.sort_by_key(|file| (file.file_stem() != path.file_name(), file.clone()));
        for file in files.iter().filter(|file| has_extension(file, "png")) {
            let stem = file.file_stem().unwrap_or_default().to_string_lossy();
            let alt = format!("{}: {stem}", folder.name);
            let picture = folder.attempt(file, |file| {
                Picture::read(file, alt)
                    .map_err(|error| format!("not a complete picture ({error})"))
            });
            folder.pictures.extend(picture);
        }
        let runs = files::list(&path.join("runs")).unwrap_or_default();
        folder.runs = runs
            .iter()
            .filter(|file| has_extension(file, "json"))
            .count();
        folder
    }

    fn is_empty(&self) -> bool {
        self.content.is_none() && self.pictures.is_empty() && self.problems.is_empty()
    }

    /// Reads a file, if there is one.
    fn attempt<T>(
        &mut self,
        file: &Path,
        read: impl FnOnce(&Path) -> Result<T, String>,
    ) -> Option<T> {
        if !file.is_file() {
            return None;
        }
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        read(file)
            .map_err(|reason| self.problem(&name, reason))
            .ok()
    }

    fn problem(&mut self, file: &str, reason: String) {
        let problem = Problem {
            file: format!("{}/{file}", self.name),
            reason,
        };
        tracing::warn!("{problem}");
        self.problems.push(problem);
    }
}

/// Reads the subfolders of `results` that hold results, by name.
pub(super) fn read_all(results: &Path) -> Vec<Folder> {
    let mut folders: Vec<PathBuf> = files::list(results).unwrap_or_default();
    folders.retain(|path| path.is_dir());
    folders.sort();
    let folders = folders.iter().map(|path| Folder::read(path));
    folders
        .filter(|folder| !folder.is_empty() || folder.runs > 0)
        .collect()
}

fn has_extension(file: &Path, extension: &str) -> bool {
    file.extension().is_some_and(|of| of == extension)
}

fn content(file: &Path) -> Result<Content, String> {
    let bytes = std::fs::read(file).map_err(|error| error.to_string())?;
    let value: Value = serde_json::from_slice(&bytes)
        .map_err(|error| format!("damaged or half-written ({error})"))?;
    let other = |error: serde_json::Error| format!("not a result of this program ({error})");
    match value.get("figure") {
        Some(_) => Ok(Content::Report(
            serde_json::from_value(value).map_err(other)?,
        )),
        None => Ok(Content::Run(serde_json::from_value(value).map_err(other)?)),
    }
}

/// A row of `results.csv`.
#[derive(Deserialize)]
struct Row {
    condition: String,
    method: MethodVariant,
    quantity: String,
    over: String,
    x: Option<f64>,
    mean: Option<f64>,
    standard_deviation: Option<f64>,
}

/// The curves up to the first row that cannot be read, and why it cannot. None if the file has other columns.
type Curves = (Vec<Curve>, Option<String>);

fn curves(file: &Path) -> Result<Curves, String> {
    let mut reader = csv::Reader::from_path(file).map_err(|error| error.to_string())?;
    let header = reader.headers().map_err(|error| error.to_string())?;
    if !header.iter().any(|column| column == "quantity") {
        return Ok((Vec::new(), None));
    }
    let mut curves: Vec<Curve> = Vec::new();
    for row in reader.deserialize() {
        let row: Row = match row {
            Ok(row) => row,
            Err(error) => return Ok((curves, Some(format!("damaged or half-written ({error})")))),
        };
        let (Some(x), Some(mean)) = (row.x, row.mean) else {
            continue;
        };
        let point = (x, mean, row.standard_deviation.unwrap_or(0.0));
        match curves.last_mut().filter(|curve| curve.continues(&row)) {
            Some(curve) => curve.points.push(point),
            None => curves.push(Curve {
                condition: row.condition,
                method: row.method,
                quantity: row.quantity,
                over: row.over,
                points: vec![point],
            }),
        }
    }
    Ok((curves, None))
}

impl Curve {
    fn continues(&self, row: &Row) -> bool {
        (&self.condition, self.method, &self.quantity, &self.over)
            == (&row.condition, row.method, &row.quantity, &row.over)
    }
}

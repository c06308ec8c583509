//! `report`: one self-contained HTML page with all results beside the paper's.
//!
//! [`Page`], [`Chart`], [`Table`] and [`Picture`] are the parts of a page. Each but [`Page`] is [`maud::Render`], which
//! escapes all text.

mod chart;
mod claims;
mod page;
mod picture;
mod provenance;
mod results;
mod sections;
mod table;

use std::path::Path;

use maud::html;

pub use chart::{Axis, Chart, Look, Series};
pub use page::{Page, Section};
pub use picture::Picture;
pub use table::{Cell, Table};

pub(crate) use chart::number;
pub(crate) use provenance::{describe, duration, shell};

use crate::{
    files::{self, FileError},
    reproduce::FIGURES,
};
use results::Folder;

/// The page of the figures in `results` and of the training runs in `results` and `runs`.
///
/// Folders that are not there count as empty. A file that cannot be read takes a line of the page and of the log.
pub fn page(results: &Path, runs: &Path) -> Page {
    page_of(&folders(results, runs))
}

/// The folders with results and with training runs.
fn folders(results: &Path, runs: &Path) -> Vec<Folder> {
    let runs = results::read_all(runs).into_iter();
    let mut folders = results::read_all(results);
    folders.extend(runs.filter(|of| of.run().is_some()));
    folders
}

/// The folder of a figure.
fn of_figure<'a>(folders: &'a [Folder], name: &str) -> Option<&'a Folder> {
    let mut folders = folders.iter();
    folders.find(|folder| folder.name == name && folder.run().is_none())
}

/// The claims on all figures, and what the results in `folders` say of them.
fn claims_table(folders: &[Folder]) -> String {
    claims::markdown(FIGURES.iter().map(|figure| {
        let folder = of_figure(folders, figure.name);
        let report = folder.and_then(Folder::report);
        let profile = report.and_then(|report| report.header.profile.clone());
        let findings = folder.map(sections::findings).unwrap_or_default();
        let profile = profile.unwrap_or_else(|| "paper".to_owned());
        (figure.name, sections::title(figure.name), profile, findings)
    }))
}

fn page_of(folders: &[Folder]) -> Page {
    let mut sections = vec![sections::overview(folders)];
    for figure in FIGURES {
        sections.push(sections::figure(
            figure.name,
            figure.summary,
            of_figure(folders, figure.name),
        ));
    }
    let is_other = |folder: &&Folder| {
        let is_figure = FIGURES.iter().any(|figure| figure.name == folder.name);
        let has_something = folder.report().is_some() || !folder.problems.is_empty();
        !is_figure && folder.run().is_none() && has_something
    };
    sections.extend(folders.iter().filter(is_other).map(sections::other));
    sections.extend(sections::runs(folders));
    Page {
        title: "Layer-wise feedback propagation: our results beside the paper's".to_owned(),
        introduction: html! {
            p {
                "Accuracies are means over the seeds, with the standard deviation of the population. Bands in charts are one \
                 standard deviation, diamonds the best learning rate. Point at a curve, or focus a chart and use the arrow \
                 keys, to see its values."
            }
        },
        sections,
    }
}

/// Writes the [`page`] as `index.html` into `out`, and the paper's claims with our findings as `claims.md`.
///
/// # Errors
///
/// If a file cannot be written.
pub fn write(results: &Path, runs: &Path, out: &Path) -> Result<(), FileError> {
    let folders = folders(results, runs);
    files::create_folder(out)?;
    files::write(&out.join("claims.md"), claims_table(&folders).as_bytes())?;
    files::write(
        &out.join("index.html"),
        page_of(&folders).render().as_bytes(),
    )
}

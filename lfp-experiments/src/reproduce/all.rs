//! `reproduce all`: every figure and table that the data at hand allow, the cheapest first.

use std::{
    collections::{HashMap, HashSet},
    time::Instant,
};

use anyhow::Result;

use super::{
    attempt::attempt,
    overview::{Outlook, OverviewArgs},
};
use crate::{interrupt, output, study::Progress, text};

const HEADER: [&str; 4] = ["figure", "state", "time", "runs"];

/// What happened to a figure.
enum State {
    Made {
        seconds: f64,
        /// Number of runs that were trained for it.
        trained: usize,
    },
    NotRun,
    /// The results that are there are fuller.
    Kept(String),
    Failed(String),
}

/// Makes the figures, and prints a summary. Returns whether none has failed.
pub(super) fn run(args: &OverviewArgs) -> Result<bool> {
    let outlooks = args.outlooks()?;
    let states = make_all(&outlooks);
    interrupt::check()?;
    let rows: Vec<[String; 4]> = outlooks.iter().zip(&states).map(row).collect();
    output::lines(format_args!("\n{}", text::columns(&HEADER, &rows)))?;
    let failed = outlooks.iter().zip(&states);
    let failed = failed.filter(|(_, state)| matches!(state, State::Failed(_)));
    let failed: Vec<&str> = failed.map(|(outlook, _)| outlook.entry.name).collect();
    if !failed.is_empty() {
        let names = failed.join(", ");
        tracing::error!("{} of {} failed: {names}", failed.len(), states.len());
    }
    Ok(failed.is_empty())
}

/// Makes the figures one after the other, the cheapest first.
fn make_all(outlooks: &[Outlook]) -> Vec<State> {
    let progress = progress(outlooks);
    let mut states: Vec<Option<State>> = outlooks.iter().map(|_| None).collect();
    while let Some(index) = cheapest(outlooks, &states).filter(|_| !interrupt::is_requested()) {
        states[index] = Some(make(&outlooks[index], &progress));
    }
    progress.finish();
    states.into_iter().flatten().collect()
}

/// One bar over the runs of all figures, each counted once.
fn progress(outlooks: &[Outlook]) -> Progress {
    let pending = outlooks.iter().flat_map(Outlook::pending);
    let pending: HashMap<_, _> = pending
        .map(|(record, seconds)| (record.clone(), seconds))
        .collect();
    let finished: HashSet<_> = outlooks.iter().flat_map(Outlook::finished).collect();
    Progress::of_all(finished.len(), pending)
}

/// The figure whose remaining runs take the least time. Runs that another figure has trained cost nothing any more.
fn cheapest(outlooks: &[Outlook], states: &[Option<State>]) -> Option<usize> {
    let open = (0..outlooks.len()).filter(|&index| states[index].is_none());
    let cost = |index: &usize| outlooks[*index].seconds_left();
    open.min_by(|a, b| cost(a).total_cmp(&cost(b)))
}

fn make(outlook: &Outlook, progress: &Progress) -> State {
    if let Some(problem) = &outlook.problem {
        return State::Failed(problem.clone());
    }
    if !outlook.can_run() {
        return State::NotRun;
    }
    if let Some(fuller) = outlook.fuller() {
        return State::Kept(fuller.to_string());
    }
    let name = outlook.entry.name;
    progress.begin(name);
    let title = format_args!("{name}: {}", outlook.entry.summary);
    if let Err(error) = progress.suspend(|| output::line(title)) {
        return State::Failed(error.to_string());
    }
    let start = Instant::now();
    let before = outlook.pending().count();
    let context = outlook.context.clone().with_progress(progress.clone());
    match attempt(|| outlook.entry.write(&context)) {
        Ok(()) => State::Made {
            seconds: start.elapsed().as_secs_f64(),
            trained: before - outlook.pending().count(),
        },
        Err(error) => State::Failed(error.to_string()),
    }
}

fn row((outlook, state): (&Outlook, &State)) -> [String; 4] {
    let lacks = outlook.lacks();
    let (state, time, note) = match state {
        State::Made { seconds, trained } => {
            let lacks = lacks.map_or_else(String::new, |lacks| format!("; {lacks}"));
            let note = format!("{trained} runs trained{lacks}");
            ("made", text::duration(*seconds), note)
        }
        State::NotRun => ("not run", "-".to_owned(), lacks.unwrap_or_default()),
        State::Kept(fuller) => ("kept", "-".to_owned(), fuller.clone()),
        State::Failed(error) => ("failed", "-".to_owned(), error.clone()),
    };
    let name = outlook.entry.name.to_owned();
    [name, state.to_owned(), time, note]
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::reproduce::{Entry, Options, Output};

    /// A command line with the options that all figures have.
    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        output: Output,
    }

    #[test]
    fn a_figure_that_panics_has_failed_and_the_others_are_made() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().to_str().unwrap();
        let outlook = |name, draw| {
            let context = Line::parse_from(["all", "--out", out]).output.open(name);
            let entry = Entry {
                name,
                summary: "",
                studies: |_| Vec::new(),
                draw,
            };
            Outlook::new(entry, context.unwrap())
        };
        let outlooks = [
            outlook("broken", |_| panic!("no such layer")),
            outlook("whole", |context| {
                std::fs::write(context.folder.join("whole.png"), "")?;
                Ok(())
            }),
        ];
        let states = make_all(&outlooks);
        let State::Failed(error) = &states[0] else {
            panic!("it has not failed");
        };
        assert_eq!(error, "panicked: no such layer");
        assert!(matches!(states[1], State::Made { .. }));
        assert!(folder.path().join("whole/whole.png").is_file());
    }
}

//! `reproduce all`: every figure and table that the data at hand allow, the cheapest first.

use std::{
    collections::{HashMap, HashSet},
    time::Instant,
};

use anyhow::{Result, bail};

use super::overview::{Outlook, OverviewArgs};
use crate::{study::Progress, text};

const HEADER: [&str; 4] = ["figure", "state", "time", "runs"];

/// What happened to a figure.
enum State {
    Made {
        seconds: f64,
        /// Number of runs that were trained for it.
        trained: usize,
    },
    NotRun,
    Failed(String),
}

/// Makes the figures, and prints a summary.
pub(super) fn run(args: &OverviewArgs) -> Result<()> {
    let outlooks = args.outlooks()?;
    let progress = progress(&outlooks);
    let mut states: Vec<Option<State>> = outlooks.iter().map(|_| None).collect();
    while let Some(index) = cheapest(&outlooks, &states) {
        states[index] = Some(make(&outlooks[index], &progress));
    }
    progress.finish();
    let states: Vec<State> = states.into_iter().flatten().collect();
    let rows: Vec<[String; 4]> = outlooks.iter().zip(&states).map(row).collect();
    print!("\n{}", text::columns(HEADER, &rows));
    let failed = outlooks.iter().zip(&states);
    let failed = failed.filter(|(_, state)| matches!(state, State::Failed(_)));
    let failed: Vec<&str> = failed.map(|(outlook, _)| outlook.entry.name).collect();
    match failed.is_empty() {
        true => Ok(()),
        false => bail!(
            "{} of {} failed: {}",
            failed.len(),
            states.len(),
            failed.join(", ")
        ),
    }
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
    let name = outlook.entry.name;
    progress.begin(name);
    progress.suspend(|| println!("{name}: {}", outlook.entry.summary));
    let start = Instant::now();
    let before = outlook.pending().count();
    let context = outlook.context.clone().with_progress(progress.clone());
    match outlook.entry.write(&context) {
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
        State::Failed(error) => ("failed", "-".to_owned(), error.clone()),
    };
    let name = outlook.entry.name.to_owned();
    [name, state.to_owned(), time, note]
}

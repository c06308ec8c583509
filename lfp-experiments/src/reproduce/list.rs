//! `reproduce list`: what each figure shows, needs and has.

use std::collections::HashMap;

use anyhow::{Result, bail};

use super::overview::{Availability, Outlook, OverviewArgs};
use crate::{output, text};

const HEADER: [&str; 6] = ["figure", "shows", "runs", "left", "there", "needs"];

/// Prints a line per figure and table.
pub(super) fn run(args: &OverviewArgs) -> Result<()> {
    if args.overwrites() {
        bail!("--overwrite has no effect: list makes no figure");
    }
    let outlooks = args.outlooks()?;
    let rows: Vec<[String; 6]> = outlooks.iter().map(row).collect();
    output::lines(text::columns(&HEADER, &rows))?;
    // Figures share runs.
    let pending: HashMap<_, _> = outlooks.iter().flat_map(Outlook::pending).collect();
    let seconds: f64 = pending.values().sum();
    let time = text::duration(seconds);
    Ok(match pending.len() {
        0 => output::line("nothing to train here"),
        1 => output::line(format_args!("1 run to train here, about {time}")),
        runs => output::line(format_args!(
            "{runs} runs to train here, about {time} in total"
        )),
    }?)
}

fn row(outlook: &Outlook) -> [String; 6] {
    let [done, all] = outlook.runs();
    [
        outlook.entry.name.to_owned(),
        outlook.entry.summary.to_owned(),
        match all {
            0 => "-".to_owned(),
            _ => format!("{done}/{all}"),
        },
        left(outlook),
        there(outlook),
        needs(outlook),
    ]
}

/// The time of the runs that can be trained here.
fn left(outlook: &Outlook) -> String {
    match (outlook.pending().next(), outlook.can_run()) {
        (Some(_), _) => text::duration(outlook.seconds_left()),
        (None, true) => "0".to_owned(),
        (None, false) => "-".to_owned(),
    }
}

/// Which results exist.
fn there(outlook: &Outlook) -> String {
    let (name, folder) = (outlook.entry.name, &outlook.context.folder);
    let files = [
        (format!("{name}.png"), "picture"),
        (format!("{name}.md"), "table"),
        ("result.json".to_owned(), "report"),
    ];
    let there = files.iter().filter(|(file, _)| folder.join(file).is_file());
    let names: Vec<&str> = there.map(|(_, name)| *name).collect();
    match names.is_empty() {
        true => "-".to_owned(),
        false => names.join(", "),
    }
}

fn needs(outlook: &Outlook) -> String {
    if let Some(problem) = &outlook.problem {
        return format!("cannot run: {problem}");
    }
    let at_hand = outlook.needs(Availability::AtHand);
    let at_hand = (!at_hand.is_empty()).then(|| format!("at hand: {}", at_hand.join(", ")));
    let parts = at_hand.into_iter().chain(outlook.lacks());
    let parts: Vec<String> = parts.collect();
    match parts.is_empty() {
        true => "nothing".to_owned(),
        false => parts.join("; "),
    }
}

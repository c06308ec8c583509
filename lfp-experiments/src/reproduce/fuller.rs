//! Results that a command would replace by fewer.
//!
//! The runs stay in the journal in any case. But whoever repeats a command with fewer seeds, a smaller profile or without
//! some of the data does not expect to lose the picture and the table of all of them.

use std::{fmt, path::PathBuf};

use super::{Context, Profile};
use crate::{
    files,
    study::{Group, report::Report},
    text::counted,
};

/// Why the results in a folder are kept.
#[derive(Clone, Debug)]
pub(super) struct Fuller {
    folder: PathBuf,
    there: Extent,
    now: Extent,
}

/// How much a result is made from.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Extent {
    profile: String,
    /// Number of runs.
    runs: usize,
}

/// Whether the results of the figure are fuller than what the runs of `groups` give, and may not be replaced.
pub(super) fn results(context: &Context, groups: &[Group]) -> Option<Fuller> {
    if context.overwrite {
        return None;
    }
    let folder = context.folder.clone();
    let report = files::read(&folder.join("result.json")).ok()?;
    // What cannot be read is no loss.
    let there = Extent::of_report(&serde_json::from_slice(&report).ok()?)?;
    let runnable = groups.iter().filter(|group| group.missing.is_none());
    let now = Extent {
        profile: context.profile.to_string(),
        runs: runnable.map(|group| group.runs.len()).sum(),
    };
    there
        .is_fuller(&now)
        .then_some(Fuller { folder, there, now })
}

impl Extent {
    /// `None` for reports of other commands and of versions that did not write the profile.
    fn of_report(report: &Report) -> Option<Self> {
        let ran = report.results.iter().filter_map(|entry| entry.ran());
        let rates = ran.flat_map(|ran| &ran.by_learning_rate);
        Some(Self {
            profile: report.header.profile.clone()?,
            runs: rates.map(|rate| rate.runs).sum(),
        })
    }

    /// The paper's grid is fuller than the quick one, in however many runs.
    fn is_fuller(&self, other: &Self) -> bool {
        let [is_paper, other_is_paper] =
            [self, other].map(|extent| extent.profile == Profile::Paper.to_string());
        match (self.runs, other.runs) {
            (0, _) => false,
            (_, 0) => true,
            _ if is_paper != other_is_paper => is_paper,
            (runs, other_runs) => runs > other_runs,
        }
    }
}

impl fmt::Display for Extent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let runs = counted(self.runs, "run");
        write!(f, "profile {}, {runs}", self.profile)
    }
}

impl fmt::Display for Fuller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { folder, there, now } = self;
        let folder = folder.display();
        write!(
            f,
            "{folder} has fuller results ({there}) than this command makes ({now}); "
        )?;
        f.write_str(match now.runs {
            0 => "its data or weights are not there: name their folder",
            _ => "choose another --out, or add --overwrite",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_runs_and_the_papers_grid_are_fuller() {
        let extent = |profile: &str, runs| Extent {
            profile: profile.to_owned(),
            runs,
        };
        let cases = [
            (("quick", 48), ("quick", 24), true),
            (("quick", 24), ("quick", 24), false),
            (("quick", 24), ("quick", 48), false),
            (("paper", 6), ("quick", 6), true),
            (("quick", 48), ("paper", 6), false),
            // Without the data of the paper's grid there is nothing to replace the quick one by.
            (("quick", 48), ("paper", 0), true),
            (("paper", 0), ("quick", 6), false),
        ];
        for ((profile, runs), (other, other_runs), expected) in cases {
            let (there, now) = (extent(profile, runs), extent(other, other_runs));
            assert_eq!(there.is_fuller(&now), expected, "{there} and then {now}");
        }
    }
}

//! What figures would run and what they need, before they run.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

use anyhow::{Result, bail};
use clap::{Args, builder::PossibleValuesParser};
use indicatif::ProgressBar;
use lfp_models::Model;

use super::{
    Common, Context, Entry, FIGURES,
    args::{DataAtHandArgs, OF_GRIDS, PretrainedArgs},
    attempt::attempt,
    fuller::{self, Fuller},
};
use crate::{
    cli::{given::Given, values},
    data::DataSet,
    study::{Group, NotRun, Study, Survey, Timings},
};

/// Options of `list` and `all`.
#[derive(Clone, Debug, Args)]
pub(crate) struct OverviewArgs {
    #[command(flatten)]
    given: Given,
    /// Figures and tables, separated by commas [default: all]
    #[arg(long, value_delimiter = ',', value_name = "FIGURES", value_parser = names())]
    only: Vec<String>,
    /// Figures and tables to leave out, separated by commas
    #[arg(long, value_delimiter = ',', value_name = "FIGURES", value_parser = names(), conflicts_with = "only")]
    skip: Vec<String>,
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    data: DataAtHandArgs,
    #[command(flatten)]
    pretrained: PretrainedArgs,
}

fn names() -> PossibleValuesParser {
    PossibleValuesParser::new(FIGURES.iter().map(|entry| entry.name))
}

/// A figure or table before it runs.
pub(super) struct Outlook {
    pub(super) entry: Entry,
    pub(super) context: Context,
    groups: Vec<Group>,
    /// Estimated seconds of each run that is not finished and can be trained here, by its record.
    seconds: HashMap<PathBuf, f64>,
    /// Data sets and weights that it needs.
    pub(super) needs: Vec<Need>,
    /// Why nothing is known about its runs.
    pub(super) problem: Option<String>,
}

/// A data set or a file of weights.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Need {
    pub(super) name: String,
    pub(super) availability: Availability,
}

/// Whether something is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Availability {
    AtHand,
    /// `reproduce FIGURE` downloads it.
    Downloadable,
    Missing,
}

impl OverviewArgs {
    /// Whether fuller results may be replaced.
    pub(super) fn overwrites(&self) -> bool {
        self.common.overwrites()
    }

    fn includes(&self, entry: &Entry) -> bool {
        let listed = |list: &[String]| list.iter().any(|name| name == entry.name);
        (self.only.is_empty() || listed(&self.only)) && !listed(&self.skip)
    }

    /// Looks at the figures in the order of the paper, and measures the steps of runs whose time is not known.
    ///
    /// # Errors
    ///
    /// If an option has no effect, or the device cannot be opened. What is wrong with the data or the records of a figure
    /// is its [`problem`](Outlook::problem).
    pub(super) fn outlooks(&self) -> Result<Vec<Outlook>> {
        values::distinct("only", &self.only)?;
        values::distinct("skip", &self.skip)?;
        let shared = self.context()?;
        let figures = FIGURES.iter().filter(|entry| self.includes(entry));
        let mut outlooks: Vec<Outlook> = figures
            .map(|entry| Outlook::new(*entry, shared.of(*entry)))
            .collect();
        self.refuse_options_without_effect(&outlooks)?;
        let survey = Survey::new(&shared.resources);
        let mut timings = Timings::open(shared.results());
        let bar = ProgressBar::new_spinner();
        for outlook in &mut outlooks {
            let name = outlook.entry.name;
            bar.set_message(format!("{name}: measuring training steps"));
            if let Err(error) = attempt(|| outlook.look(&survey, &mut timings)) {
                outlook.problem = Some(error.to_string());
            }
        }
        bar.finish_and_clear();
        Ok(outlooks)
    }

    fn context(&self) -> Result<Context> {
        let mut context = self.common.context("", self.data.data_dir.as_deref())?;
        let resources = &mut context.resources;
        resources.download = false;
        resources.pretrained = self.pretrained.existing()?;
        Ok(context)
    }

    fn refuse_options_without_effect(&self, figures: &[Outlook]) -> Result<()> {
        if figures.is_empty() {
            bail!("--skip leaves no figure and no table");
        }
        let studies: Vec<Study> = figures.iter().flat_map(Outlook::studies).collect();
        let mut of_grids = OF_GRIDS.iter().filter(|option| self.given.contains(option));
        if let (true, Some(option)) = (studies.is_empty(), of_grids.next()) {
            bail!("--{option} has no effect: no figure here is made from runs");
        }
        let needs_weights = studies.iter().any(Study::needs_imagenet_weights);
        if self.pretrained.pretrained.is_some() && !needs_weights {
            bail!("--pretrained has no effect: no network here starts from ImageNet weights");
        }
        let mut data_sets = studies.iter().flat_map(Study::data_sets);
        if self.data.data_dir.is_some() && data_sets.all(DataSet::is_generated) {
            bail!("--data-dir has no effect: all data here are generated");
        }
        Ok(())
    }
}

impl Outlook {
    pub(super) fn new(entry: Entry, context: Context) -> Self {
        Self {
            entry,
            context,
            groups: Vec::new(),
            seconds: HashMap::new(),
            needs: Vec::new(),
            problem: None,
        }
    }

    fn studies(&self) -> Vec<Study> {
        (self.entry.studies)(&self.context)
    }

    fn look(&mut self, survey: &Survey, timings: &mut Timings) -> Result<()> {
        for study in self.studies() {
            for group in survey.of(&study)? {
                if group.pending().next().is_some() {
                    let seconds = survey.seconds_per_run(&group, timings)?;
                    let runs = group.pending().map(|run| (run.record.clone(), seconds));
                    self.seconds.extend(runs);
                }
                self.groups.push(group);
            }
        }
        let data_dir = self.context.resources.data_dir.as_deref();
        let data_sets = self.groups.iter().filter_map(|group| data(group, data_dir));
        let mut needs: Vec<Need> = data_sets.collect();
        for group in self.groups.iter().filter(|group| group.condition.imagenet) {
            needs.push(weights(group.condition.settings.model, survey)?);
        }
        for need in needs {
            if !self.needs.contains(&need) {
                self.needs.push(need);
            }
        }
        Ok(())
    }

    /// Results that are there and that it may not replace.
    pub(super) fn fuller(&self) -> Option<Fuller> {
        fuller::results(&self.context, &self.groups)
    }

    /// The names of what it needs and is `availability`.
    pub(super) fn needs(&self, availability: Availability) -> Vec<&str> {
        let needs = self.needs.iter();
        let needs = needs.filter(|need| need.availability == availability);
        needs.map(|need| need.name.as_str()).collect()
    }

    /// What it needs and is not at hand, such as `missing: cub, isic`.
    pub(super) fn lacks(&self) -> Option<String> {
        let parts = [
            (Availability::Downloadable, "can be downloaded"),
            (Availability::Missing, "missing"),
        ];
        let parts = parts.map(|(availability, title)| (title, self.needs(availability)));
        let parts = parts.iter().filter(|(_, names)| !names.is_empty());
        let parts: Vec<String> = parts
            .map(|(title, names)| format!("{title}: {}", names.join(", ")))
            .collect();
        (!parts.is_empty()).then(|| parts.join("; "))
    }

    /// Number of finished runs, and of all runs, whether they can be trained here or not.
    pub(super) fn runs(&self) -> [usize; 2] {
        let runs = || self.groups.iter().flat_map(|group| &group.runs);
        let done = runs().filter(|run| run.is_done || run.record.is_file());
        [done.count(), runs().count()]
    }

    /// The files of the records of finished runs.
    pub(super) fn finished(&self) -> impl Iterator<Item = &PathBuf> {
        let runs = self.groups.iter().flat_map(|group| &group.runs);
        runs.filter(|run| run.is_done).map(|run| &run.record)
    }

    /// Runs to be trained here that have no record yet, with their estimated seconds.
    pub(super) fn pending(&self) -> impl Iterator<Item = (&PathBuf, f64)> {
        let pending = self.seconds.iter().filter(|(record, _)| !record.is_file());
        pending.map(|(record, seconds)| (record, *seconds))
    }

    /// Estimated seconds of the runs to be trained here.
    pub(super) fn seconds_left(&self) -> f64 {
        self.pending().map(|(_, seconds)| seconds).sum()
    }

    /// Whether there is anything to draw from.
    pub(super) fn can_run(&self) -> bool {
        let mut groups = self.groups.iter();
        self.groups.is_empty() || groups.any(|group| group.missing.is_none())
    }
}

/// The data set of a group; `None` if it is generated.
fn data(group: &Group, data_dir: Option<&Path>) -> Option<Need> {
    let data_set = group.condition.settings.dataset;
    let availability = match group.missing {
        Some(NotRun::NoData) if data_set.would_download(data_dir) => Availability::Downloadable,
        Some(NotRun::NoData) => Availability::Missing,
        _ => Availability::AtHand,
    };
    (!data_set.is_generated()).then(|| Need {
        name: data_set.to_string(),
        availability,
    })
}

/// The ImageNet weights of a model.
fn weights(model: Model, survey: &Survey) -> Result<Need> {
    Ok(Need {
        name: format!("weights of {model}"),
        availability: match survey.has_imagenet_weights(model)? {
            true => Availability::AtHand,
            false => Availability::Missing,
        },
    })
}

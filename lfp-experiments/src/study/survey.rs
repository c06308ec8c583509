//! What a study would run, without running it.

use std::{path::PathBuf, sync::Arc};

use anyhow::Result;
use lfp_models::Model;

use super::{
    Condition, Job, MethodVariant, NotRun, Resources, Study, Timings, is_any_shown, is_shown,
    journal::Journal, resources::Loader, unknown_template,
};

/// Looks at studies. Reads each data set and each file of weights once.
pub struct Survey<'a> {
    loader: Loader<'a>,
    resources: &'a Resources,
}

/// The runs of a method in a condition.
#[derive(Clone, Debug)]
pub struct Group {
    /// The condition.
    pub condition: Arc<Condition>,
    /// The method.
    pub method: MethodVariant,
    /// Why they cannot be trained here; `None` if they can.
    pub missing: Option<NotRun>,
    /// The runs: one per learning rate and seed.
    pub runs: Vec<PlannedRun>,
    /// Whether the study trains several runs at once.
    in_parallel: bool,
    /// See [`Study::with_test_passes`].
    test_passes: usize,
}

/// A run of a study.
#[derive(Clone, Debug)]
pub struct PlannedRun {
    /// The run. Number of classes and samples are 0 if its data are missing.
    pub job: Job,
    /// The file of its record, which identifies it: figures share runs.
    pub record: PathBuf,
    /// Whether the journal has it.
    pub is_done: bool,
}

impl<'a> Survey<'a> {
    /// A survey of studies that use `resources`.
    pub fn new(resources: &'a Resources) -> Self {
        Self {
            loader: Loader::new(resources),
            resources,
        }
    }

    /// The runs of a study that are selected, or that the journal has without a selection, condition by condition; without
    /// those that are deferred to another profile.
    ///
    /// # Errors
    ///
    /// If data or weights cannot be read, or a record is that of a run with other settings or data.
    pub fn of(&self, study: &Study) -> Result<Vec<Group>> {
        let journal = Journal::at(&study.folder);
        let mut groups = Vec::new();
        let shown = |of: &&Condition| is_any_shown(&study.selected, &journal, of) && !of.deferred;
        for condition in study.conditions.iter().filter(shown) {
            let template = self.loader.template(condition)?;
            let condition = Arc::new(condition.clone());
            let is_shown = |method: &&MethodVariant| {
                is_shown(&study.selected, &journal, &condition, &template, **method)
            };
            for &method in condition.methods.iter().filter(is_shown) {
                groups.push(Group {
                    condition: condition.clone(),
                    method,
                    missing: template.as_ref().err().copied(),
                    runs: planned(&journal, &condition, template.as_ref().ok(), method)?,
                    in_parallel: study.parallel,
                    test_passes: study.test_passes,
                });
            }
        }
        Ok(groups)
    }

    /// Whether the ImageNet weights of a model are there.
    ///
    /// # Errors
    ///
    /// If they cannot be read.
    pub fn has_imagenet_weights(&self, model: Model) -> Result<bool> {
        Ok(self.loader.imagenet_weights(model)?.is_some())
    }

    /// Estimates the seconds that each run of a group adds to the whole, from the measured time of a few steps. Measures if
    /// `timings` does not have them yet.
    ///
    /// # Errors
    ///
    /// If data cannot be read, or the network cannot be made.
    pub fn seconds_per_run(&self, group: &Group, timings: &mut Timings) -> Result<f64> {
        let Some(PlannedRun { job, .. }) = group.runs.first() else {
            return Ok(0.0);
        };
        let Some(data) = self.loader.load(&group.condition, job.settings.seed)? else {
            return Ok(0.0);
        };
        let speed = timings.of(&job.settings, &data, &self.resources.device)?;
        let [train, test] = job.samples;
        let epochs = job.settings.epochs;
        let steps = epochs * train.div_ceil(job.settings.batch);
        let tested = (epochs + group.test_passes) * test;
        let seconds = steps as f64 * speed.step + tested as f64 * speed.test_sample;
        Ok(match group.in_parallel {
            true => seconds / rayon::current_num_threads() as f64,
            false => seconds,
        })
    }
}

impl Group {
    /// The runs that can be trained here and are not finished.
    pub fn pending(&self) -> impl Iterator<Item = &PlannedRun> {
        let runs = self.runs.iter().filter(|run| !run.is_done);
        runs.filter(|_| self.missing.is_none())
    }
}

/// The runs of a method in a condition; without a template by their names alone.
fn planned(
    journal: &Journal,
    condition: &Condition,
    template: Option<&Job>,
    method: MethodVariant,
) -> Result<Vec<PlannedRun>> {
    let unknown = unknown_template(condition);
    let jobs = super::jobs(condition, template.unwrap_or(&unknown), method);
    let planned = |job: Job| {
        let record = journal.record(&job);
        Ok(PlannedRun {
            is_done: match template {
                Some(_) => journal.has(&job)?,
                None => record.is_file(),
            },
            record,
            job,
        })
    };
    jobs.into_iter().map(planned).collect()
}

//! A study: conditions x methods x learning rates x seeds, one training run each.
//!
//! All figures and tables that compare trained networks are made from a study. A figure states its grid as
//! [`Condition`]s; [`Study::run`] trains every run that the [`journal`] does not have yet, and returns
//! [`Results`] for panels ([`panels`]) and files ([`report`]).

mod condition;
pub mod journal;
mod method;
pub mod panels;
mod progress;
pub mod report;
mod resources;
mod results;
mod spread;
mod survey;
mod timings;

use std::{path::PathBuf, sync::Arc, time::Duration};

use anyhow::{Result, anyhow};
use burn::tensor::Device;
use indicatif::MultiProgress;
use lfp_models::Network;
use rayon::prelude::*;

pub use condition::{Condition, Measure};
pub use journal::{Job, Record};
pub use method::MethodVariant;
pub use progress::Progress;
pub use resources::Resources;
pub use results::{Analysis, Cell, Curve, NotRun, Point, Results};
pub use spread::{Spread, average_curves};
pub use survey::{Group, PlannedRun, Survey};
pub use timings::Timings;

use crate::{
    data::{DataSet, Split},
    interrupt::{self, Resumable},
    train::{self, Computing, Settings, TrainError},
};
use journal::{Claim, Journal};
use resources::Loader;

/// How often a process looks whether other processes have finished their runs.
const POLL: Duration = Duration::from_millis(500);

/// Whether a method is to be run in a condition.
type Selection = dyn Fn(&Condition, MethodVariant) -> bool;

/// A grid of training runs in a folder.
pub struct Study {
    folder: PathBuf,
    conditions: Vec<Condition>,
    selected: Box<Selection>,
    parallel: bool,
    test_passes: usize,
}

/// A trained network, to be analysed.
pub struct Trained<'a> {
    /// Settings of the run.
    pub settings: &'a Settings,
    /// The data.
    pub data: &'a Split,
    /// The network, on the autodiff device.
    pub network: Network,
    /// Training accuracy of every step, on its batch and before its update; in `[0, 1]`.
    pub step_accuracy: Vec<f64>,
    /// The device, without autodiff.
    pub device: &'a Device,
}

impl Trained<'_> {
    /// The network before training.
    ///
    /// # Errors
    ///
    /// If the weights that training started from cannot be read.
    pub fn initial_network(&self) -> Result<Network> {
        let data = self.data.train.as_ref();
        Ok(train::initial_network(self.settings, data, self.device)?)
    }
}

impl Study {
    /// A study of `conditions`, with its journal in `folder`. Runs are trained one after another.
    pub fn new(folder: PathBuf, conditions: Vec<Condition>) -> Self {
        Self {
            folder,
            conditions,
            selected: Box::new(|_, _| true),
            parallel: false,
            test_passes: 0,
        }
    }

    /// Trains only the cells that `selected` accepts. The others have the runs that the journal has of them, or are
    /// [`NotRun::NotSelected`].
    #[must_use]
    pub fn only(self, selected: impl Fn(&Condition, MethodVariant) -> bool + 'static) -> Self {
        Self {
            selected: Box::new(selected),
            ..self
        }
    }

    /// Trains several runs at once, one per core. For small networks without dropout: all threads draw dropout masks from
    /// the same random number generator, so that the results would depend on their timing.
    #[must_use]
    pub fn in_parallel(self) -> Self {
        Self {
            parallel: true,
            ..self
        }
    }

    /// Says how many times the analysis of a run classifies all test samples, for estimates of its time.
    #[must_use]
    pub fn with_test_passes(self, test_passes: usize) -> Self {
        Self {
            test_passes,
            ..self
        }
    }

    /// Trains the runs that have no record yet, and returns the results of all. Waits for runs that other processes are
    /// training.
    ///
    /// # Errors
    ///
    /// If a run fails for another reason than divergence, its analysis fails, or the journal cannot be read or written.
    pub fn run<A: Analysis>(
        self,
        resources: &Resources,
        analyse: impl Fn(Trained) -> Result<A> + Sync,
    ) -> Result<Results<A>> {
        let progress = resources.progress.clone().unwrap_or_default();
        let _resumable = Resumable::new(
            "go on with the same command: runs that have ended are not repeated".to_owned(),
        );
        let session = Session {
            journal: Journal::open(&self.folder)?,
            loader: Loader::new(resources),
            resources,
            parallel: self.parallel,
            analyse,
            bars_of_runs: progress.bars_of_runs(self.parallel),
            progress,
        };
        let mut plans = Vec::new();
        for condition in self.conditions {
            let condition = Arc::new(condition);
            let mut plan = session.plan(&condition, &self.selected)?;
            session.advance(&mut plan)?;
            plans.push(plan);
        }
        while plans.iter().any(Plan::is_pending) {
            interrupt::check()?;
            session.progress.run_begins("waiting for other processes");
            std::thread::sleep(POLL);
            for plan in &mut plans {
                session.advance(plan)?;
            }
        }
        session.progress.study_ends();
        let cells = plans.into_iter().flat_map(Plan::into_cells).collect();
        Ok(Results { cells })
    }
}

impl Study {
    /// The conditions in which a run is selected.
    pub fn selected_conditions(&self) -> impl Iterator<Item = &Condition> {
        self.conditions.iter().filter(|condition| {
            let mut methods = condition.methods.iter();
            methods.any(|&method| (self.selected)(condition, method))
        })
    }

    /// The data sets of the selected runs.
    pub fn data_sets(&self) -> impl Iterator<Item = DataSet> {
        self.selected_conditions()
            .filter(|condition| !condition.deferred)
            .map(|condition| condition.settings.dataset)
    }

    /// Whether a selected run starts from ImageNet weights.
    pub fn needs_imagenet_weights(&self) -> bool {
        let mut selected = self.selected_conditions();
        selected.any(|condition| condition.imagenet && !condition.deferred)
    }
}

/// The runs of a condition.
struct Plan<A> {
    condition: Arc<Condition>,
    methods: Vec<Result<Vec<Slot<A>>, NotRun>>,
}

/// A run, and its record as soon as there is one.
struct Slot<A> {
    job: Job,
    record: Option<Record<A>>,
}

impl<A> Plan<A> {
    fn slots(&mut self) -> impl Iterator<Item = &mut Slot<A>> {
        self.methods.iter_mut().flatten().flatten()
    }

    fn is_pending(&self) -> bool {
        let slots = self.methods.iter().flatten().flatten();
        slots.into_iter().any(|slot| slot.record.is_none())
    }

    fn into_cells(self) -> impl Iterator<Item = Cell<A>> {
        let condition = self.condition;
        let methods = condition.methods.clone().into_iter().zip(self.methods);
        methods.map(move |(method, slots)| Cell {
            condition: condition.clone(),
            method,
            outcome: slots.map(|slots| points(&condition, slots)),
        })
    }
}

/// Groups the finished runs of a method by learning rate.
fn points<A>(condition: &Arc<Condition>, slots: Vec<Slot<A>>) -> Vec<Point<A>> {
    let mut records = slots.into_iter().filter_map(|slot| slot.record);
    let rates = condition.learning_rates.iter();
    let point = |&lr| Point {
        lr,
        condition: condition.clone(),
        records: records.by_ref().take(condition.seeds.len()).collect(),
    };
    rates.map(point).collect()
}

/// A study at work.
struct Session<'a, F> {
    journal: Journal,
    loader: Loader<'a>,
    resources: &'a Resources,
    parallel: bool,
    analyse: F,
    progress: Progress,
    bars_of_runs: MultiProgress,
}

impl<A, F> Session<'_, F>
where
    A: Analysis,
    F: Fn(Trained) -> Result<A> + Sync,
{
    fn plan(&self, condition: &Arc<Condition>, selected: &Selection) -> Result<Plan<A>> {
        let template = match is_any_shown(selected, &self.journal, condition) {
            true => self.loader.template(condition)?,
            false => Err(NotRun::NotSelected),
        };
        let is_shown = |method| is_shown(selected, &self.journal, condition, &template, method);
        let slots = |&method: &MethodVariant| match (&template, is_shown(method)) {
            (_, false) => Err(NotRun::NotSelected),
            (Err(reason), true) => Err(*reason),
            (Ok(template), true) => Ok(slots(condition, template, method)),
        };
        let methods: Vec<_> = condition.methods.iter().map(slots).collect();
        let runs = methods.iter().flatten().map(Vec::len).sum::<usize>();
        self.progress.expect(runs);
        Ok(Plan {
            condition: condition.clone(),
            methods,
        })
    }

    /// Trains the runs of a condition that are neither finished nor in the hands of another process.
    fn advance(&self, plan: &mut Plan<A>) -> Result<()> {
        let condition = plan.condition.clone();
        let pending: Vec<_> = plan.slots().filter(|slot| slot.record.is_none()).collect();
        let advance = |slot: &mut Slot<A>| self.advance_run(slot, &condition);
        match self.parallel {
            true => pending.into_par_iter().try_for_each(advance),
            false => pending.into_iter().try_for_each(advance),
        }
    }

    fn advance_run(&self, slot: &mut Slot<A>, condition: &Condition) -> Result<()> {
        let job = &slot.job;
        slot.record = match self.journal.claim(job)? {
            Claim::Busy => return Ok(()),
            Claim::Done(record) => Some(*record),
            Claim::Free(lock) => {
                interrupt::check()?;
                self.progress.run_begins(&job.name);
                let record = self.train(job, condition)?;
                self.journal.finish(job, &record, lock)?;
                Some(record)
            }
        };
        self.progress.run_is_finished(&self.journal.record(job));
        Ok(())
    }

    fn train(&self, job: &Job, condition: &Condition) -> Result<Record<A>> {
        let Job { name, settings, .. } = job;
        tracing::debug!("training {name}");
        let failed = |error: &dyn std::fmt::Display| anyhow!("run {name}: {error}");
        let Some(data) = self.loader.load(condition, settings.seed)? else {
            return Err(failed(&"its data have been removed"));
        };
        let device = &self.resources.device;
        let computing = Computing {
            // One reader per run is enough where the runs share the cores.
            workers: usize::from(self.parallel),
            ..Computing::on(device)
        };
        let (outcome, analysis) =
            match train::run_in_memory(settings, &data, &computing, &self.bars_of_runs) {
                Ok(run) => {
                    let trained = Trained {
                        settings,
                        data: &data,
                        network: run.network,
                        step_accuracy: run.step_accuracy,
                        device,
                    };
                    let analysis = (self.analyse)(trained).map_err(|error| failed(&error))?;
                    (Some(run.outcome), Some(analysis))
                }
                // Divergence is a result: the learning rate was too high.
                Err(TrainError::Diverged { .. }) => (None, None),
                Err(error) => return Err(failed(&error)),
            };
        Ok(Record {
            train_samples: data.train.len(),
            test_samples: data.test.len(),
            settings: settings.clone(),
            outcome,
            analysis,
        })
    }
}

/// The runs of a method: learning rates x seeds.
fn jobs(condition: &Condition, template: &Job, method: MethodVariant) -> Vec<Job> {
    let of_rate = |&lr: &f64| {
        let of_seed = move |&seed: &u64| Job {
            name: format!("{}-{method}-lr{lr}-seed{seed}", template.name),
            settings: Settings {
                lr,
                seed,
                ..method.applied_to(template.settings.clone())
            },
            samples: template.samples,
        };
        condition.seeds.iter().map(of_seed)
    };
    condition.learning_rates.iter().flat_map(of_rate).collect()
}

fn slots<A>(condition: &Condition, template: &Job, method: MethodVariant) -> Vec<Slot<A>> {
    let jobs = jobs(condition, template, method).into_iter();
    jobs.map(|job| Slot { job, record: None }).collect()
}

/// Runs of a condition whose data are not known: their names are right, so that their records are found.
fn unknown_template(condition: &Condition) -> Job {
    Job {
        name: condition.name.clone(),
        settings: condition.settings.clone(),
        samples: [0; 2],
    }
}

/// Whether a method is selected in a condition, or the journal has all its runs. `template` is that of the condition.
fn is_shown(
    selected: &Selection,
    journal: &Journal,
    condition: &Condition,
    template: &Result<Job, NotRun>,
    method: MethodVariant,
) -> bool {
    let is_recorded = |template| {
        let jobs = jobs(condition, template, method);
        jobs.iter().all(|job| matches!(journal.has(job), Ok(true)))
    };
    selected(condition, method) || template.as_ref().is_ok_and(is_recorded)
}

/// Whether any method of a condition may be shown. Looks at the names of files alone, so that no data are read for what
/// was never run.
fn is_any_shown(selected: &Selection, journal: &Journal, condition: &Condition) -> bool {
    let template = unknown_template(condition);
    condition.methods.iter().any(|&method| {
        let mut jobs = jobs(condition, &template, method).into_iter();
        selected(condition, method) || jobs.all(|job| journal.record(&job).is_file())
    })
}

//! The results of a study.

use std::{fmt, sync::Arc};

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{
    Condition, MethodVariant, Record,
    spread::{Spread, average_curves},
};

/// What a study keeps of a trained network, beside its accuracies.
///
/// Scalars and curves are averaged over the seeds, and written with every figure's report.
pub trait Analysis: Serialize + DeserializeOwned + Send {
    /// Named scalars.
    fn scalars(&self) -> Vec<(String, f64)> {
        Vec::new()
    }

    /// Curves. Their x values are the same in all runs of a condition.
    fn curves(&self) -> Vec<Curve> {
        Vec::new()
    }
}

/// No analysis.
impl Analysis for () {}

/// A curve of one run, or averaged over runs (`Curve<Spread>`).
#[derive(Clone, Debug, PartialEq)]
pub struct Curve<Y = f64> {
    /// What is on the y axis.
    pub quantity: String,
    /// What is on the x axis.
    pub over: &'static str,
    /// x and y.
    pub points: Vec<(f64, Y)>,
}

/// All results: a cell per condition and method, condition by condition.
#[derive(Clone, Debug)]
pub struct Results<A = ()> {
    /// The cells.
    pub cells: Vec<Cell<A>>,
}

/// The results of a method in a condition.
#[derive(Clone, Debug)]
pub struct Cell<A = ()> {
    /// The condition.
    pub condition: Arc<Condition>,
    /// The method.
    pub method: MethodVariant,
    /// A point per learning rate, or the reason why nothing was run.
    pub outcome: Result<Vec<Point<A>>, NotRun>,
}

/// Reasons why a method was not run in a condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum NotRun {
    /// Not selected on the command line.
    #[serde(rename = "not selected")]
    NotSelected,
    /// Too long for the profile.
    #[serde(rename = "profile paper")]
    Deferred,
    /// The data set is not there.
    #[serde(rename = "no data")]
    NoData,
    /// The weights to start from are not there.
    #[serde(rename = "no weights")]
    NoWeights,
}

/// The runs at a learning rate, one per seed.
#[derive(Clone, Debug)]
pub struct Point<A = ()> {
    /// The learning rate.
    pub lr: f64,
    /// The condition.
    pub condition: Arc<Condition>,
    /// The runs, in the order of the condition's seeds.
    pub records: Vec<Record<A>>,
}

impl<A> Results<A> {
    /// The cells of each condition.
    pub fn conditions(&self) -> impl Iterator<Item = &[Cell<A>]> {
        self.cells
            .chunk_by(|a, b| Arc::ptr_eq(&a.condition, &b.condition))
    }

    /// The same with the conditions that were run by every method.
    #[must_use]
    pub fn complete(self) -> Self
    where
        A: Clone,
    {
        let complete = |cells: &&[Cell<A>]| cells.iter().all(|cell| cell.outcome.is_ok());
        let cells = self.conditions().filter(complete).flatten();
        Self {
            cells: cells.cloned().collect(),
        }
    }
}

impl<A> Cell<A> {
    /// The points; none if nothing was run.
    pub fn points(&self) -> &[Point<A>] {
        self.outcome.as_deref().unwrap_or_default()
    }

    /// The learning rate with the highest mean accuracy; among equals the one with the highest accuracy averaged
    /// over the epochs, then the highest learning rate. `None` if nothing was run.
    pub fn best(&self) -> Option<&Point<A>> {
        let merit = |point: &Point<A>| {
            let epochs = point.accuracy_by_epoch();
            let early: f64 = epochs.iter().map(|(_, accuracy)| accuracy.mean).sum();
            (point.accuracy().mean, early)
        };
        let compare = |a: &&Point<A>, b: &&Point<A>| {
            let (a, b) = (merit(a), merit(b));
            a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1))
        };
        self.points().iter().max_by(compare)
    }
}

impl<A> Point<A> {
    /// Test accuracy of each run after its last epoch; chance level if the run diverged.
    pub fn accuracies(&self) -> Vec<f64> {
        let last = |record: &Record<A>| {
            let epochs = self.test_accuracy(record);
            epochs.last().copied().unwrap_or_else(|| chance(record))
        };
        self.records.iter().map(last).collect()
    }

    /// Test accuracy after the last epoch.
    pub fn accuracy(&self) -> Spread {
        Spread::of(self.accuracies())
    }

    /// Test accuracy after each epoch, counted from 1.
    pub fn accuracy_by_epoch(&self) -> Vec<(f64, Spread)> {
        let epoch = |epoch: usize| {
            let of_run = |record: &Record<A>| {
                let epochs = self.test_accuracy(record);
                epochs.get(epoch).copied().unwrap_or_else(|| chance(record))
            };
            let accuracies = self.records.iter().map(of_run);
            ((epoch + 1) as f64, Spread::of(accuracies))
        };
        (0..self.condition.settings.epochs).map(epoch).collect()
    }

    /// Training time of the runs that did not diverge, in seconds.
    pub fn seconds(&self) -> f64 {
        let outcomes = self
            .records
            .iter()
            .filter_map(|record| record.outcome.as_ref());
        outcomes.map(|outcome| outcome.seconds).sum()
    }

    /// Number of runs that diverged.
    pub fn diverged(&self) -> usize {
        let diverged = |record: &&Record<A>| record.outcome.is_none();
        self.records.iter().filter(diverged).count()
    }

    /// The analyses of the runs that did not diverge.
    pub fn analyses(&self) -> impl Iterator<Item = &A> {
        self.records
            .iter()
            .filter_map(|record| record.analysis.as_ref())
    }

    fn test_accuracy<'a>(&self, record: &'a Record<A>) -> &'a [f64] {
        let outcome = record.outcome.as_ref();
        outcome.map_or(&[], |outcome| self.condition.measure.of(outcome))
    }
}

impl<A: Analysis> Point<A> {
    /// The scalars of the analyses.
    pub fn scalars(&self) -> Vec<(String, Spread)> {
        let runs: Vec<_> = self.analyses().map(Analysis::scalars).collect();
        let scalar = |(index, (name, _)): (usize, &(String, f64))| {
            let values = runs.iter().map(|run| run[index].1);
            (name.clone(), Spread::of(values))
        };
        let first = runs.first().map_or(&[][..], Vec::as_slice);
        first.iter().enumerate().map(scalar).collect()
    }

    /// The curves of the analyses.
    pub fn curves(&self) -> Vec<Curve<Spread>> {
        let runs: Vec<_> = self.analyses().map(Analysis::curves).collect();
        let curve = |(index, first): (usize, &Curve)| Curve {
            quantity: first.quantity.clone(),
            over: first.over,
            points: average_curves(runs.iter().map(|run| run[index].points.as_slice())),
        };
        let first = runs.first().map_or(&[][..], Vec::as_slice);
        first.iter().enumerate().map(curve).collect()
    }

    /// The points of the curve with this quantity; none if all runs diverged.
    pub fn curve(&self, quantity: &str) -> Vec<(f64, Spread)> {
        let mut curves = self.curves().into_iter();
        let found = curves.find(|curve| curve.quantity == quantity);
        found.map(|curve| curve.points).unwrap_or_default()
    }
}

/// The accuracy of guessing.
fn chance<A>(record: &Record<A>) -> f64 {
    1.0 / record.settings.classes as f64
}

impl NotRun {
    /// Name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::NotSelected => "not selected",
            Self::Deferred => "profile paper",
            Self::NoData => "no data",
            Self::NoWeights => "no weights",
        }
    }
}

/// As in tables.
impl fmt::Display for NotRun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::NotSelected => "not run: not selected",
            Self::Deferred => "not run: needs --profile paper",
            Self::NoData => "not run: no data",
            Self::NoWeights => "not run: no weights",
        })
    }
}

#[cfg(test)]
mod tests {
    use lfp_models::Model;

    use super::*;
    use crate::{
        data::DataSet,
        objective::Method,
        study::Measure,
        train::{Outcome, Settings, Versions},
    };

    fn settings() -> Settings {
        Settings {
            epochs: 2,
            ..Settings::new(Model::LENET, DataSet::MNIST, Method::Lfp, 10)
        }
    }

    /// A run with these test accuracies; `None` if it diverged.
    fn record(test_accuracy: Option<[f64; 2]>) -> Record {
        let outcome = test_accuracy.map(|epochs| Outcome {
            settings: settings(),
            test_accuracy: epochs.into(),
            test_top5: epochs.into(),
            test_class_mean: epochs.map(|accuracy| accuracy / 2.0).into(),
            best_epoch: 2,
            train_accuracy: epochs.into(),
            seconds: 1.0,
            firing_rates: Default::default(),
            warnings: Vec::new(),
            versions: Versions::default(),
        });
        Record {
            train_samples: 1,
            test_samples: 1,
            settings: settings(),
            outcome,
            analysis: None,
        }
    }

    fn cell(measure: Measure, points: &[(f64, &[Option<[f64; 2]>])]) -> Cell {
        let condition = Arc::new(Condition {
            measure,
            ..Condition::new("lenet", "LeNet", settings())
        });
        let point = |&(lr, runs): &(f64, &[Option<[f64; 2]>])| Point {
            lr,
            condition: condition.clone(),
            records: runs.iter().map(|&run| record(run)).collect(),
        };
        Cell {
            condition: condition.clone(),
            method: MethodVariant::Lfp,
            outcome: Ok(points.iter().map(point).collect()),
        }
    }

    #[test]
    fn of_equally_good_learning_rates_the_one_that_is_faster_is_best() {
        let (slow, fast, worse) = ([0.5, 0.9], [0.8, 0.9], [0.9, 0.8]);
        let points: [(f64, &[_]); 3] = [
            (0.1, &[Some(slow)]),
            (0.2, &[Some(fast)]),
            (0.3, &[Some(worse)]),
        ];
        assert_eq!(cell(Measure::Top1, &points).best().unwrap().lr, 0.2);
    }

    #[test]
    fn a_run_that_diverged_counts_as_guessing() {
        let points: [(f64, &[_]); 1] = [(0.1, &[Some([0.3, 0.5]), None])];
        let cell = cell(Measure::Top1, &points);
        let point = &cell.points()[0];
        assert_eq!(point.accuracies(), [0.5, 0.1]);
        assert_eq!(point.diverged(), 1);
        let (epoch, accuracy) = point.accuracy_by_epoch()[0];
        assert_eq!((epoch, accuracy), (1.0, Spread::of([0.3, 0.1])));
    }

    #[test]
    fn the_measure_of_the_condition_is_reported() {
        let points: [(f64, &[_]); 1] = [(0.1, &[Some([0.3, 0.5])])];
        let cell = cell(Measure::ClassMean, &points);
        assert_eq!(cell.points()[0].accuracies(), [0.25]);
    }

    #[test]
    fn what_was_not_run_has_no_best_learning_rate() {
        let mut cell = cell(Measure::Top1, &[]);
        cell.outcome = Err(NotRun::NoData);
        assert!(cell.best().is_none() && cell.points().is_empty());
        let reasons = [
            (NotRun::NotSelected, "not run: not selected"),
            (NotRun::Deferred, "not run: needs --profile paper"),
            (NotRun::NoData, "not run: no data"),
            (NotRun::NoWeights, "not run: no weights"),
        ];
        for (reason, text) in reasons {
            assert_eq!(reason.to_string(), text);
        }
    }
}

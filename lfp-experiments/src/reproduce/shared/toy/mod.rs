//! Training on toy data, for Figures 3, A.1 and A.2.
//!
//! Every seed draws a data set of its own.

mod analysis;
mod boundary;
mod diagram;
mod shares;

use anyhow::Result;
use lfp_models::Model;

use crate::{
    data::DataSet,
    objective::{Method, RewardKind},
    plot::{Axis, Panel},
    reproduce::{Context, Profile},
    study::{Cell, Condition, Results, Spread, Study, panels},
    train::{Optimizer, Schedule, Settings},
};

pub(in crate::reproduce) use analysis::Toy;
pub(in crate::reproduce) use boundary::boundary;
pub(in crate::reproduce) use diagram::diagram;
pub(in crate::reproduce) use shares::shares;

/// The data sets, in the order of the figures.
pub(in crate::reproduce) const DATA_SETS: [DataSet; 3] =
    [DataSet::BLOBS, DataSet::CIRCLES, DataSet::SWIRL];

/// The weights to draw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::reproduce) enum Weights {
    /// Before training.
    Initial,
    /// After training.
    Trained,
}

/// Lowest accuracy of the axes: below that of guessing one of three classes.
const LOWEST: f64 = 0.3;

/// A study of `conditions`. All figures on toy data share its folder.
pub(in crate::reproduce) fn study(context: &Context, conditions: Vec<Condition>) -> Study {
    context.shared_study("toy", conditions).in_parallel()
}

/// Trains what is not trained yet, and writes the report.
pub(in crate::reproduce) fn run(context: &Context, study: Study) -> Result<Results<Toy>> {
    let results = study.run(&context.resources, |trained| Toy::of(&trained))?;
    context.report(&results)?;
    Ok(results)
}

/// The condition of Figure 3: LFP with reward #3 of Table 2, and the gradient of the cross-entropy.
pub(in crate::reproduce) fn condition(context: &Context, dataset: DataSet) -> Condition {
    Condition {
        learning_rates: learning_rates(context.profile),
        seeds: context.seeds(context.by_profile(3, 5)),
        ..Condition::new(dataset.name(), dataset.name(), settings(dataset))
    }
}

/// The settings of Appendix A.6.1.
fn settings(dataset: DataSet) -> Settings {
    Settings {
        reward: RewardKind::Softmax,
        epochs: if dataset == DataSet::SWIRL { 15 } else { 10 },
        batch: 128,
        optimizer: Optimizer::Sgd,
        momentum: 0.95,
        schedule: Schedule::Constant,
        clip: 0.0,
        ..Settings::new(Model::MLP_TOY, dataset, Method::Lfp, 0)
    }
}

/// `a * 10^b`: in the paper profile a from 1 to 10 and b from -10 to 3, 127 rates in all; in the quick profile 1, 2 and 5
/// times a power of ten from 1e-6 to 10, where one of the methods learns.
fn learning_rates(profile: Profile) -> Vec<f64> {
    let (factors, exponents): (&[u32], _) = match profile {
        Profile::Quick => (&[1, 2, 5], -6..=0),
        Profile::Paper => (&[1, 2, 3, 4, 5, 6, 7, 8, 9], -10..=3),
    };
    // Parsing rounds once; the product of factor and power rounds twice, and 3e-4 would become 0.00030000000000000003.
    let rate = |factor: &u32, exponent: i32| format!("{factor}e{exponent}").parse();
    let last = rate(&1, exponents.end() + 1);
    let rates = exponents.flat_map(|exponent| factors.iter().map(move |of| rate(of, exponent)));
    rates
        .chain([last])
        .collect::<Result<_, _>>()
        .expect("numbers in scientific notation")
}

/// Test accuracy over the learning rate.
pub(in crate::reproduce) fn over_learning_rate(cells: &[Cell<Toy>]) -> Panel {
    panels::over_learning_rate(cells[0].condition.title.clone(), cells, LOWEST)
}

/// Largest number of points of a curve over the iterations.
const POINTS: usize = 60;

/// Training accuracy over the iterations at each method's best learning rate: that of each batch, before its update. A
/// long training is drawn by the means of successive iterations.
pub(in crate::reproduce) fn over_iterations(cells: &[Cell<Toy>]) -> Panel {
    let curve = |cell: &Cell<Toy>| {
        let best = cell.best();
        best.map(|best| best.curve(analysis::TRAIN_ACCURACY))
            .unwrap_or_default()
    };
    let lengths = cells.iter().map(|cell| curve(cell).len());
    let iterations = lengths.max().unwrap_or(0).max(1);
    let window = iterations.div_ceil(POINTS);
    let label = match window {
        1 => "iteration".to_owned(),
        _ => format!("iteration (means of {window})"),
    };
    let mut panel = Panel::new(
        cells[0].condition.title.clone(),
        Axis::whole(&label, 0.0..iterations as f64),
        Axis::new("train accuracy", LOWEST..1.02),
    );
    panel.shapes = panels::curves(cells, |cell| means(&curve(cell), window));
    panel.legend = panels::legend(cells);
    panel
}

/// The means of each `window` successive points.
fn means(curve: &[(f64, Spread)], window: usize) -> Vec<(f64, Spread)> {
    let mean = |points: &[(f64, Spread)]| {
        let of = |value: fn(&(f64, Spread)) -> f64| {
            points.iter().map(value).sum::<f64>() / points.len() as f64
        };
        let deviations = points.iter().map(|(_, spread)| spread.standard_deviation);
        let deviations: Option<Vec<f64>> = deviations.collect();
        let spread = Spread {
            mean: of(|(_, spread)| spread.mean),
            standard_deviation: deviations.map(|_| of(|(_, spread)| spread.width())),
        };
        (of(|(x, _)| *x), spread)
    };
    curve.chunks(window).map(mean).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_paper_profile_tries_the_127_learning_rates_of_appendix_a_6_1() {
        let rates = learning_rates(Profile::Paper);
        assert_eq!(rates.len(), 127);
        assert!(rates.is_sorted_by(|a, b| a < b));
        assert_eq!([rates[0], rates[126]], [1e-10, 1e4]);
        assert!(rates.contains(&3e-4), "rounded once");
    }

    #[test]
    fn networks_train_as_appendix_a_6_1_says() {
        for (dataset, epochs) in DATA_SETS.into_iter().zip([10, 10, 15]) {
            let settings = settings(dataset);
            assert_eq!(
                (settings.epochs, settings.batch),
                (epochs, 128),
                "{dataset}"
            );
            assert_eq!(settings.reward, RewardKind::Softmax, "#3 of Table 2");
            assert_eq!(settings.optimizer, Optimizer::Sgd);
            assert_eq!((settings.momentum, settings.cycle_momentum), (0.95, None));
            assert_eq!(settings.schedule, Schedule::Constant);
            assert_eq!((settings.clip, settings.adaptive_clip), (0.0, 0.0));
        }
    }

    /// Appendix A.6.1: numbers of samples; blobs of deviation 0.2 at (1, 1) and (2, 2); `make_circles` with noise 0.2 and
    /// factor 0.05, so that squared distances from the centre are 1 and 0.0025 plus 2 * 0.2^2.
    #[test]
    fn data_are_drawn_as_appendix_a_6_1_says() {
        let sizes = [[1_000, 100], [10_000, 500], [10_000, 500]];
        for ((dataset, sizes), classes) in DATA_SETS.into_iter().zip(sizes).zip([2, 2, 3]) {
            let split = dataset.draw(7).expect("generated");
            assert_eq!([split.train.len(), split.test.len()], sizes, "{dataset}");
            assert_eq!(split.train.num_classes(), classes, "{dataset}");
        }
        let mean = |dataset: DataSet, class: u32, of: fn(f64, f64) -> f64| {
            let train = dataset.draw(7).expect("generated").train;
            let of_class = (0..train.len()).filter(|&index| train.label(index) == class);
            let values = of_class.map(|index| {
                let point = train.read(index, 0).unwrap().values;
                of(point[0].into(), point[1].into())
            });
            Spread::of(values)
        };
        for (class, centre) in [(0, 1.0), (1, 2.0)] {
            for coordinate in [|x, _| x, |_, y| y] {
                let found = mean(DataSet::BLOBS, class, coordinate);
                assert!((found.mean - centre).abs() < 0.05, "{found:?}");
                assert!((found.width() - 0.2).abs() < 0.02, "{found:?}");
            }
        }
        for (class, squared) in [(0, 1.08), (1, 0.0825)] {
            let found = mean(DataSet::CIRCLES, class, |x, y| x * x + y * y);
            assert!((found.mean - squared).abs() < 0.05 * squared, "{found:?}");
        }
    }

    #[test]
    fn a_long_curve_is_drawn_by_means_of_successive_points() {
        let point = |x: f64| (x, Spread::of([x, x + 2.0]));
        let curve = [1.0, 2.0, 3.0].map(point);
        let drawn = means(&curve, 2);
        assert_eq!(
            [drawn[0].0, drawn[1].0],
            [1.5, 3.0],
            "the last one is short"
        );
        assert_eq!(
            drawn[0].1,
            Spread {
                mean: 2.5,
                standard_deviation: Some(1.0)
            }
        );
        assert_eq!(means(&curve, 1), curve);
    }
}

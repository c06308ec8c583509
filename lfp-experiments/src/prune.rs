//! `prune`: test accuracy over the pruning rate.

use std::{path::Path, sync::Arc};

use anyhow::{Result, bail};
use burn::{module::Module, tensor::Device};
use clap::ValueEnum;
use lfp_burn::{
    LayerWeights, LfpConfig, Propagate, layer_weights,
    prune::{LayerFilter, RankingScope, Relevance, Scores},
    reward::{Reward, TargetReward},
};
use lfp_models::{Classifier, Network};
use serde::{Deserialize, Serialize};
use strum::Display;

use crate::{
    data::{Batches, DataError, Order, Samples},
    files::{self, to_json},
    plot::{Axis, Figure, Key, LOOKS, Panel, Shape},
    study::{Measure, report::Header},
    train::{Accuracy, Settings},
};

/// Samples per batch. Nothing is trained, so memory alone limits it.
const BATCH: usize = 250;

/// The ranking criterion.
#[derive(
    Clone, Copy, Debug, Display, PartialEq, Eq, PartialOrd, Ord, ValueEnum, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum Criterion {
    /// The lowest magnitudes of each layer.
    Local,
    /// The lowest magnitudes of all layers together.
    Global,
    /// The lowest relevances of all layers together.
    Relevance,
}

impl Criterion {
    /// All criteria.
    pub const ALL: [Self; 3] = [Self::Local, Self::Global, Self::Relevance];

    /// Name in figures.
    pub fn title(self) -> &'static str {
        match self {
            Self::Local => "local magnitude",
            Self::Global => "global magnitude",
            Self::Relevance => "global relevance",
        }
    }
}

/// Accuracy over the pruning rate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Curve {
    /// The criterion.
    pub criterion: Criterion,
    /// Points, in ascending order of their rates.
    pub points: Vec<CurvePoint>,
}

/// The accuracy of a pruned network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CurvePoint {
    /// Fraction of connections that are pruned.
    pub rate: f64,
    /// Test accuracy.
    pub accuracy: f64,
    /// Layers without any connection left.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub collapsed: Vec<String>,
}

impl Curve {
    /// The accuracy averaged over the rates: the area under the curve by trapezoids, divided by the range of the rates.
    pub fn area(&self) -> f64 {
        let pairs = self.points.windows(2);
        let trapezoid = |pair: &[CurvePoint]| {
            (pair[1].rate - pair[0].rate) * (pair[0].accuracy + pair[1].accuracy) / 2.0
        };
        let area: f64 = pairs.map(trapezoid).sum();
        match self.points.as_slice() {
            [first, .., last] => area / (last.rate - first.rate),
            [only] => only.accuracy,
            [] => 0.0,
        }
    }

    /// Rate and accuracy of each point.
    pub fn accuracies(&self) -> Vec<(f64, f64)> {
        let points = self.points.iter();
        points.map(|point| (point.rate, point.accuracy)).collect()
    }
}

/// The pruning rates of the figures: 0 to 1 in steps of 0.05, as in the authors' code. The paper states no steps.
pub fn figure_rates() -> Vec<f64> {
    (0..=20).map(|step| f64::from(step) / 20.0).collect()
}

/// A network to prune, and the samples to test it on.
pub struct Subject<'a> {
    /// The network in inference mode, with batch normalisation merged, on an autodiff device.
    pub network: &'a Network,
    /// Samples for the accuracy and for relevances.
    pub data: &'a Arc<dyn Samples>,
    /// Layers to prune.
    pub layers: LayerFilter,
    /// The accuracy to report.
    pub measure: Measure,
    /// The autodiff device.
    pub device: Device,
}

impl Subject<'_> {
    /// Checks the network before any work.
    ///
    /// # Errors
    ///
    /// If there is no layer to prune, or a weight is NaN or infinite, so that weights have no order.
    pub fn check(&self) -> Result<()> {
        let is_finite = |layer: &&LayerWeights| layer.values.iter().all(|value| value.is_finite());
        if let Some(layer) = layer_weights(self.network).iter().find(|of| !is_finite(of)) {
            bail!(
                "{}: weights that are NaN or infinite cannot be ranked",
                layer.path
            );
        }
        Scores::magnitude(self.network, self.layers).masks(RankingScope::Local, 0.0)?;
        Ok(())
    }

    /// Prunes the network at each rate.
    ///
    /// # Errors
    ///
    /// If a rate is not from 0 to 1, there is no layer to prune, the network emits spikes, or a sample cannot be read.
    pub fn curve(&self, criterion: Criterion, rates: &[f64]) -> Result<Curve> {
        let scores = match criterion {
            Criterion::Local | Criterion::Global => Scores::magnitude(self.network, self.layers),
            Criterion::Relevance => self.relevance()?.scores(self.network, self.layers),
        };
        let scope = match criterion {
            Criterion::Local => RankingScope::Local,
            Criterion::Global | Criterion::Relevance => RankingScope::Global,
        };
        let point = |&rate: &f64| -> Result<CurvePoint> {
            let masks = scores.masks(scope, rate)?;
            let pruned = masks.apply(self.network.clone());
            Ok(CurvePoint {
                rate,
                accuracy: self.accuracy(&pruned)?,
                collapsed: masks.collapsed().into_iter().map(str::to_owned).collect(),
            })
        };
        let points = rates.iter().map(point).collect::<Result<_>>()?;
        Ok(Curve { criterion, points })
    }

    fn batches(&self) -> Batches<'_> {
        Batches {
            data: self.data,
            size: BATCH,
            order: Order::Given,
            workers: 0,
        }
    }

    fn accuracy(&self, network: &Network) -> Result<f64, DataError> {
        let device = self.device.clone().inner();
        let network = network.valid();
        let accuracy = Accuracy::of(&network, &self.batches(), &device)?;
        Ok(self.measure.of_accuracy(accuracy))
    }

    /// LRP-epsilon from 1 at the true class, summed over all samples.
    fn relevance(&self) -> Result<Relevance<Network>> {
        let mut relevance = Relevance::default();
        for batch in self.batches().iter(&self.device) {
            let batch = batch?;
            let logits = self.network.outputs(batch.inputs).logits()?;
            let reward = TargetReward::new().forward(logits.clone(), batch.targets);
            let feedback = logits
                .try_propagate(reward, &LfpConfig::new())
                .expect("the reward has the shape of the logits, and the network is tracked");
            relevance.add(&feedback, self.network);
        }
        Ok(relevance)
    }
}

/// The report of `prune`.
#[derive(Serialize)]
pub struct Report<'a> {
    #[serde(flatten)]
    header: Header,
    settings: &'a Settings,
    samples: usize,
    curves: Vec<CurveWithArea<'a>>,
}

#[derive(Serialize)]
struct CurveWithArea<'a> {
    #[serde(flatten)]
    curve: &'a Curve,
    area: f64,
}

impl<'a> Report<'a> {
    /// A report on a network that was trained by `settings`, tested on `samples` samples.
    pub fn new(settings: &'a Settings, samples: usize, curves: &'a [Curve]) -> Self {
        let with_area = |curve: &'a Curve| CurveWithArea {
            curve,
            area: curve.area(),
        };
        Self {
            header: Header::new("prune", &settings.device),
            settings,
            samples,
            curves: curves.iter().map(with_area).collect(),
        }
    }

    /// Writes `result.json`, `curves.csv` and `curves.png` into `folder`, and returns the table to print.
    ///
    /// # Errors
    ///
    /// If a file cannot be written.
    pub fn write(&self, folder: &Path) -> Result<String> {
        files::create_folder(folder)?;
        files::write(&folder.join("result.json"), &to_json(self))?;
        let columns = ["criterion", "rate", "test_accuracy"];
        files::write_csv(&folder.join("curves.csv"), columns, self.rows())?;
        self.figure().write(folder, "curves")?;
        Ok(self.table())
    }

    fn curves(&self) -> impl Iterator<Item = &Curve> + Clone {
        self.curves.iter().map(|of| of.curve)
    }

    fn rows(&self) -> impl Iterator<Item = [String; 3]> {
        self.curves().flat_map(|curve| {
            let points = curve.accuracies().into_iter();
            points.map(|(rate, accuracy)| {
                [
                    curve.criterion.to_string(),
                    rate.to_string(),
                    accuracy.to_string(),
                ]
            })
        })
    }

    fn table(&self) -> String {
        let line = |cells: &mut dyn Iterator<Item = String>| cells.collect::<String>();
        let mut table = format!("{:>6}", "rate");
        table += &line(
            &mut self
                .curves()
                .map(|curve| format!("  {:>9}", curve.criterion)),
        );
        let rates = self.curves().next().map_or(&[][..], |curve| &curve.points);
        for (index, point) in rates.iter().enumerate() {
            table += &format!("\n{:5.0}%", 100.0 * point.rate);
            let accuracy = |curve: &Curve| 100.0 * curve.points[index].accuracy;
            table += &line(
                &mut self
                    .curves()
                    .map(|curve| format!("  {:8.2}%", accuracy(curve))),
            );
        }
        table += "\n  area";
        table += &line(&mut self.curves.iter().map(|of| format!("  {:9.4}", of.area)));
        table += &line(&mut self.curves().filter_map(collapse));
        table + "\n"
    }

    fn figure(&self) -> Figure {
        let looks = || self.curves().zip(LOOKS);
        let shapes = looks().map(|(curve, look)| Shape::Curve(curve.accuracies(), look));
        let legend = looks().map(|(curve, look)| Key::curve(curve.criterion.title(), look));
        let Settings {
            model,
            dataset,
            method,
            ..
        } = self.settings;
        let mut panel = Panel::new(
            format!("{model} on {dataset} by {method}"),
            Axis::new("share of connections pruned", 0.0..1.0),
            Axis::new("test accuracy", 0.0..1.02),
        );
        panel.shapes = shapes.collect();
        panel.legend = legend.collect();
        Figure {
            columns: 1,
            panel_size: (640, 440),
            panels: vec![panel],
            corner: format!("{} test samples", self.samples),
            note: String::new(),
        }
    }
}

/// A line about the lowest rate below 1 at which a layer has no connection left; `None` if every layer keeps some.
fn collapse(curve: &Curve) -> Option<String> {
    let mut points = curve.points.iter();
    let point = points.find(|point| !point.collapsed.is_empty() && point.rate < 1.0)?;
    Some(format!(
        "\n{}: at {:.0}% nothing is left of {}",
        curve.criterion,
        100.0 * point.rate,
        point.collapsed.join(", ")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_area_is_the_accuracy_averaged_over_rates() {
        let curve = |points: &[(f64, f64)]| Curve {
            criterion: Criterion::Local,
            points: points
                .iter()
                .map(|&(rate, accuracy)| CurvePoint {
                    rate,
                    accuracy,
                    collapsed: Vec::new(),
                })
                .collect(),
        };
        assert_eq!(curve(&[(0.0, 0.9), (0.5, 0.9), (1.0, 0.1)]).area(), 0.7);
        assert_eq!(
            curve(&[(0.2, 0.8), (0.7, 0.8)]).area(),
            0.8,
            "of the range alone"
        );
        assert_eq!(curve(&[(0.5, 0.6)]).area(), 0.6);
    }

    #[test]
    fn the_papers_rates_go_from_nothing_to_everything() {
        let rates = figure_rates();
        assert_eq!(
            (rates.len(), rates[0], rates[1], rates[20]),
            (21, 0.0, 0.05, 1.0)
        );
    }
}

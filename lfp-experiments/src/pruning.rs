//! Accuracy over the share of connections that are pruned.

use std::{fmt, path::Path, sync::Arc};

use burn::{module::Module, tensor::Device};
use clap::ValueEnum;
use lfp_burn::{
    LfpConfig, Propagate,
    prune::{LayerFilter, PruneError, RankingScope, Relevance, Scores},
    reward::{Reward, TargetReward},
};
use lfp_models::{Classifier, LogitsRequired, Network};
use serde::{Deserialize, Serialize};

use crate::{
    data::{Batches, DataError, Order, Samples},
    files::{self, to_json},
    plot::{Axis, Figure, GRADIENT, LFP, LegendAt, PLAIN, Panel, PlotError, Shape},
    train::{Accuracy, Settings, Versions},
};

/// Samples per batch: nothing is kept of them.
const BATCH: usize = 250;

/// What decides which connections go first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Criterion {
    /// The lowest magnitudes of each layer.
    Local,
    /// The lowest magnitudes of all layers together.
    Global,
    /// The lowest relevances of all layers together.
    Relevance,
}

impl fmt::Display for Criterion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = self
            .to_possible_value()
            .expect("every criterion has a name");
        f.pad(value.get_name())
    }
}

impl Criterion {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Local, Self::Global, Self::Relevance];

    /// As a figure names it.
    pub fn title(self) -> &'static str {
        match self {
            Self::Local => "local magnitude",
            Self::Global => "global magnitude",
            Self::Relevance => "global relevance",
        }
    }
}

/// Accuracy by pruning rate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Curve {
    /// By what.
    pub criterion: Criterion,
    /// Rates, in ascending order.
    pub points: Vec<CurvePoint>,
}

/// A pruned network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CurvePoint {
    /// The share of connections that are zero.
    pub rate: f64,
    /// The share of samples named rightly.
    pub accuracy: f64,
    /// Layers that kept nothing.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub collapsed: Vec<String>,
}

/// Why there is no curve.
#[derive(Debug, thiserror::Error)]
pub enum PruningError {
    /// The data.
    #[error(transparent)]
    Data(#[from] DataError),
    /// A rate, or the network.
    #[error(transparent)]
    Prune(#[from] PruneError),
    /// The network spikes.
    #[error(transparent)]
    Spikes(#[from] LogitsRequired),
}

impl Curve {
    /// The area under it, from the lowest rate to the highest, divided by their distance: an accuracy averaged
    /// over rates, by trapezoids.
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
}

/// The rates of the paper, from none to all in steps of 5 per cent.
pub fn paper_rates() -> Vec<f64> {
    (0..=20).map(|step| f64::from(step) / 20.0).collect()
}

/// A network to prune, and the samples that say what is left of it.
pub struct Subject<'a> {
    /// Canonised, in inference mode, on an autodiff device.
    pub network: &'a Network,
    /// For testing, and for relevances.
    pub data: &'a Arc<dyn Samples>,
    /// Which layers lose connections.
    pub layers: LayerFilter,
    /// The autodiff device.
    pub device: Device,
}

impl Subject<'_> {
    /// The curve of a criterion.
    ///
    /// # Errors
    ///
    /// If a rate is none, there is no layer to prune, or a sample cannot be read.
    pub fn curve(&self, criterion: Criterion, rates: &[f64]) -> Result<Curve, PruningError> {
        let scores = match criterion {
            Criterion::Local | Criterion::Global => Scores::magnitude(self.network, self.layers),
            Criterion::Relevance => self.relevance()?.scores(self.network, self.layers),
        };
        let scope = match criterion {
            Criterion::Local => RankingScope::Local,
            Criterion::Global | Criterion::Relevance => RankingScope::Global,
        };
        let point = |&rate: &f64| -> Result<CurvePoint, PruningError> {
            let masks = scores.masks(scope, rate)?;
            let pruned = masks.apply(self.network.clone());
            Ok(CurvePoint {
                rate,
                accuracy: self.accuracy(&pruned)?,
                collapsed: masks.collapsed().into_iter().map(str::to_owned).collect(),
            })
        };
        let points = rates.iter().map(point).collect::<Result<_, _>>()?;
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
        Ok(Accuracy::of(&network, &self.batches(), &device)?.top1)
    }

    /// Summed over all samples, from 1 at the true class.
    fn relevance(&self) -> Result<Relevance<Network>, PruningError> {
        let mut relevance = Relevance::default();
        for batch in self.batches().iter(&self.device) {
            let batch = batch?;
            let logits = self.network.outputs(batch.inputs).logits()?;
            let reward = TargetReward::new().forward(logits.clone(), batch.targets);
            let feedback = logits
                .try_propagate(reward, &LfpConfig::new())
                .expect("the reward has the shape of the outputs, and the network is tracked");
            relevance.add(&feedback, self.network);
        }
        Ok(relevance)
    }
}

/// Curves of one network.
pub struct Report<'a> {
    /// How it was trained.
    pub settings: &'a Settings,
    /// On how many samples it was tested.
    pub samples: usize,
    /// One for each criterion.
    pub curves: &'a [Curve],
}

#[derive(Serialize)]
struct ReportFile<'a> {
    settings: &'a Settings,
    samples: usize,
    curves: Vec<CurveWithArea<'a>>,
    versions: Versions,
}

#[derive(Serialize)]
struct CurveWithArea<'a> {
    #[serde(flatten)]
    curve: &'a Curve,
    area: f64,
}

impl Report<'_> {
    /// Writes `result.json`, `curves.csv` and a picture into `folder`, and returns the table for people.
    ///
    /// # Errors
    ///
    /// If a file cannot be written.
    pub fn write(&self, folder: &Path) -> Result<String, PlotError> {
        files::create_folder(folder)?;
        let with_area = |curve| CurveWithArea {
            curve,
            area: curve.area(),
        };
        let file = ReportFile {
            settings: self.settings,
            samples: self.samples,
            curves: self.curves.iter().map(with_area).collect(),
            versions: Versions::default(),
        };
        files::write(&folder.join("result.json"), &to_json(&file))?;
        let rows = self.curves.iter().flat_map(|curve| {
            let row = |point: &CurvePoint| {
                let (rate, accuracy) = (point.rate, point.accuracy);
                [
                    curve.criterion.to_string(),
                    rate.to_string(),
                    accuracy.to_string(),
                ]
            };
            curve.points.iter().map(row)
        });
        let header = ["criterion", "rate", "test_accuracy"];
        files::write_csv(&folder.join("curves.csv"), header, rows)?;
        self.figure().write(folder, "curves")?;
        Ok(self.table())
    }

    fn table(&self) -> String {
        let mut table = format!("{:>6}", "rate");
        self.curves
            .iter()
            .for_each(|curve| table += &format!("  {:>9}", curve.criterion));
        let rates = self.curves.first().map_or(&[][..], |curve| &curve.points);
        for (index, point) in rates.iter().enumerate() {
            table += &format!("\n{:5.0}%", 100.0 * point.rate);
            for curve in self.curves {
                table += &format!("  {:8.2}%", 100.0 * curve.points[index].accuracy);
            }
        }
        table += "\n  area";
        for curve in self.curves {
            table += &format!("  {:9.4}", curve.area());
        }
        for curve in self.curves {
            let mut points = curve.points.iter();
            if let Some(point) =
                points.find(|point| !point.collapsed.is_empty() && point.rate < 1.0)
            {
                table += &format!(
                    "\n{}: at {:.0}% nothing is left of {}",
                    curve.criterion,
                    100.0 * point.rate,
                    point.collapsed.join(", ")
                );
            }
        }
        table + "\n"
    }

    fn figure(&self) -> Figure {
        let colours = [LFP, GRADIENT, PLAIN];
        let shapes = self.curves.iter().zip(colours).map(|(curve, colour)| {
            let points = curve
                .points
                .iter()
                .map(|point| (point.rate, point.accuracy));
            Shape::Line(points.collect(), colour)
        });
        let Settings {
            model,
            dataset,
            method,
            ..
        } = self.settings;
        let legend = self.curves.iter().zip(colours);
        Figure {
            columns: 1,
            panel_size: (640, 440),
            panels: vec![Panel {
                title: format!("{model} on {dataset} by {method}"),
                x: Axis::new("share of connections pruned", 0.0..1.0),
                y: Axis::new("test accuracy", 0.0..1.02),
                shapes: shapes.collect(),
                legend: legend
                    .map(|(curve, colour)| (curve.criterion.title(), colour))
                    .collect(),
                legend_at: LegendAt::LowerLeft,
            }],
        }
    }
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
        let rates = paper_rates();
        assert_eq!(
            (rates.len(), rates[0], rates[1], rates[20]),
            (21, 0.0, 0.05, 1.0)
        );
    }
}

//! The table, the figure and its numbers.

use std::path::Path;

use anyhow::Result;
use serde::Serialize;

use super::{Curve, Request, Tested, Way};
use crate::{
    demo::{
        Compared,
        curves::{Runs, panel, shares},
    },
    files::{self, to_json},
    plot::{Axis, Dash, Figure, GRADIENT, LFP, Look, Mark, NEGATIVE, Panel, SURROGATE},
    study::Spread,
    text::{columns, counted, given_percent},
};

/// What is written beside the figure.
#[derive(Serialize)]
struct Numbers<'a> {
    request: &'a Request,
    curves: &'a [Curve],
}

impl Compared for Way {
    fn title(self) -> &'static str {
        match self {
            Self::Gradient => "gradient, last layer alone",
            Self::Lfp => "LFP",
            Self::Momentum => "LFP, momentum",
            Self::Biases => "LFP, biases set",
            Self::Homeostasis => "LFP, homeostasis",
            Self::All => "LFP, all three",
        }
    }

    fn look(self) -> Look {
        let of = |colour, mark, dash| Look { colour, mark, dash };
        match self {
            Self::Gradient => GRADIENT,
            Self::Lfp => LFP,
            Self::Momentum => of(NEGATIVE, Mark::Circle, Dash::Dotted),
            Self::Biases => of(LFP.colour, Mark::Square, Dash::Dashed),
            Self::Homeostasis => SURROGATE,
            Self::All => of(SURROGATE.colour, Mark::Square, Dash::Solid),
        }
    }
}

impl Curve {
    /// A value over the exponents of the learning rates.
    fn runs(&self, rates: &[f64], value: fn(&Tested) -> f64) -> Runs {
        let of_seed = |tested: &Vec<Tested>| {
            let points = rates.iter().zip(tested);
            points
                .map(|(rate, tested)| (rate.log10(), value(tested)))
                .collect()
        };
        Runs::new(self.way, self.seeds.iter().map(of_seed))
    }

    /// Mean and deviation over the seeds at the learning rate of this index.
    fn spread(&self, index: usize, value: fn(&Tested) -> f64) -> Spread {
        let of_rate = self.seeds.iter().filter_map(|tested| tested.get(index));
        Spread::of(of_rate.map(value))
    }

    /// The index of the learning rate with the highest mean accuracy.
    fn best(&self, rates: &[f64]) -> usize {
        let accuracy = |&index: &usize| self.spread(index, |tested| tested.accuracy).mean;
        let higher = |one: &usize, other: &usize| accuracy(one).total_cmp(&accuracy(other));
        (0..rates.len()).max_by(higher).unwrap_or(0)
    }

    /// Whether its propagation has this epsilon, or there is none.
    fn is_with(&self, epsilon: Option<f64>) -> bool {
        self.epsilon.is_none() || self.epsilon == epsilon
    }
}

impl Request {
    /// The accuracies at the best learning rates as a table.
    pub fn table(&self, curves: &[Curve]) -> String {
        let number =
            |number: Option<f64>| number.map_or_else(String::new, |number| format!("{number:?}"));
        let row = |curve: &Curve| {
            let index = curve.best(&self.rates);
            let percent = |value| curve.spread(index, value).percent();
            [
                curve.way.title().to_owned(),
                number(curve.epsilon),
                number(self.rates.get(index).copied()),
                percent(|tested| tested.accuracy),
                percent(|tested| tested.silent),
                percent(|tested| tested.constant),
            ]
        };
        let header = [
            "way",
            "epsilon",
            "best rate",
            "accuracy %",
            "never fire %",
            "always fire %",
        ];
        columns(&header, &curves.iter().map(row).collect::<Vec<_>>())
    }

    /// Draws the figure, and writes its numbers.
    ///
    /// # Errors
    ///
    /// If a file cannot be written.
    pub fn draw(&self, curves: &[Curve], folder: &Path) -> Result<()> {
        let of_rows = [
            ("Accuracy", (|tested| tested.accuracy) as fn(&Tested) -> f64),
            ("Neurons that never fire", |tested| tested.silent),
        ];
        let panels = of_rows.iter().flat_map(|&(title, value)| {
            let epsilons = self.drawn_epsilons(curves);
            epsilons.into_iter().map(move |epsilon| {
                let title = match epsilon {
                    Some(epsilon) => format!("{title}, epsilon {epsilon:?}"),
                    None => title.to_owned(),
                };
                self.panel(&title, curves, epsilon, value)
            })
        });
        let figure = Figure {
            columns: self.drawn_epsilons(curves).len(),
            panel_size: (440, 300),
            panels: panels.collect(),
            corner: String::new(),
            note: format!(
                "MNIST, {}, {}, firing rate {}, {}",
                counted(self.samples, "sample"),
                counted(self.epochs, "epoch"),
                given_percent(self.firing_rate),
                counted(self.seeds, "seed")
            ),
        };
        figure.write(folder, "heaviside")?;
        let numbers = Numbers {
            request: self,
            curves,
        };
        files::write(&folder.join("heaviside.json"), &to_json(&numbers))?;
        Ok(())
    }

    /// The epsilons that have panels: all, or none if the gradient is alone.
    fn drawn_epsilons(&self, curves: &[Curve]) -> Vec<Option<f64>> {
        match curves.iter().all(|curve| curve.epsilon.is_none()) {
            true => vec![None],
            false => self.epsilons.iter().copied().map(Some).collect(),
        }
    }

    fn panel(
        &self,
        title: &str,
        curves: &[Curve],
        epsilon: Option<f64>,
        value: fn(&Tested) -> f64,
    ) -> Panel {
        let exponents = self.rates.iter().map(|rate| rate.log10());
        let (least, most) = exponents.fold(
            (f64::INFINITY, f64::NEG_INFINITY),
            |(least, most), exponent| (least.min(exponent), most.max(exponent)),
        );
        // One rate alone takes a decade.
        let margin = if least < most { 0.0 } else { 0.5 };
        let rates = Axis::logarithmic("learning rate", least - margin..most + margin);
        let runs = curves.iter().filter(|curve| curve.is_with(epsilon));
        let runs: Vec<Runs> = runs.map(|curve| curve.runs(&self.rates, value)).collect();
        panel(title, [rates, shares()], &runs)
    }
}

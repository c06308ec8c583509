//! The table, the figure and its numbers.

use anyhow::Result;

use super::{Curves, MEASURED, Request, Way};
use crate::{
    demo::curves::{Runs, panel},
    files,
    plot::{Axis, Figure, GRADIENT, LFP, Look, NEGATIVE},
    study::Spread,
};

impl Way {
    fn look(self) -> Look {
        match self {
            Self::Verdicts => LFP,
            Self::Labels => Look {
                colour: NEGATIVE,
                ..LFP
            },
            Self::CrossEntropy => GRADIENT,
        }
    }
}

/// The verdicts before each of the accuracies.
fn measured(accuracies: &[f64]) -> impl Iterator<Item = (usize, f64)> {
    let numbered = accuracies.iter().enumerate();
    numbered.map(|(index, &accuracy)| ((index + 1) * MEASURED, accuracy))
}

impl Curves {
    fn runs(&self) -> Runs {
        let points = |accuracies: &Vec<f64>| {
            let points =
                measured(accuracies).map(|(verdicts, accuracy)| (verdicts as f64, accuracy));
            points.collect()
        };
        Runs {
            title: self.way.title(),
            look: self.way.look(),
            points: self.seeds.iter().map(points).collect(),
        }
    }

    /// Mean and deviation over the seeds after so many verdicts.
    fn after(&self, verdicts: usize) -> Spread {
        let index = (verdicts / MEASURED).checked_sub(1);
        let of_seed = |seed: &Vec<f64>| index.and_then(|index| seed.get(index).copied());
        Spread::of(self.seeds.iter().filter_map(of_seed))
    }
}

/// Test accuracies after parts of the verdicts as a table.
pub fn table(curves: &[Curves], verdicts: usize) -> String {
    let last = verdicts / MEASURED * MEASURED;
    let mut shown: Vec<usize> = [100, 200, 500, 1000, 2000, 5000, 10_000].into();
    shown.retain(|&shown| shown < last);
    shown.push(last);
    let mut text = format!("{:24}", "test accuracy % after");
    text.extend(shown.iter().map(|verdicts| format!(" {verdicts:>12}")));
    text += "\n";
    for of_way in curves {
        text += &format!("{:24}", of_way.way.title());
        let cells = shown
            .iter()
            .map(|&verdicts| of_way.after(verdicts).percent());
        text.extend(cells.map(|cell| format!(" {cell:>12}")));
        text += "\n";
    }
    text
}

impl Request {
    /// Draws the figure, and writes its numbers.
    ///
    /// # Errors
    ///
    /// If a file cannot be written.
    pub fn draw(&self, curves: &[Curves]) -> Result<()> {
        let verdicts = Axis::whole("verdicts or labels", 0.0..self.verdicts as f64);
        let ways: Vec<Runs> = curves.iter().map(Curves::runs).collect();
        let who = match self.error_rate {
            Some(rate) => format!("a simulated person with {:.0} % errors", 100.0 * rate),
            None => "a person".to_owned(),
        };
        let figure = Figure {
            columns: 1,
            panel_size: (620, 340),
            panels: vec![panel("Test accuracy", verdicts, &ways)],
            corner: String::new(),
            note: format!("MNIST, LeNet, {who}, {} seeds", self.seeds),
        };
        figure.write(&self.out, "verdict")?;
        let rows = curves.iter().flat_map(|of_way| {
            let seeds = of_way.seeds.iter().enumerate();
            seeds.flat_map(move |(seed, accuracies)| {
                measured(accuracies).map(move |(verdicts, accuracy)| {
                    let way = of_way.way.title().to_owned();
                    [
                        way,
                        seed.to_string(),
                        verdicts.to_string(),
                        accuracy.to_string(),
                    ]
                })
            })
        });
        let header = ["way", "seed", "verdicts", "test_accuracy"];
        files::write_csv(&self.out.join("verdict.csv"), header, rows)?;
        Ok(())
    }
}

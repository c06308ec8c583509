//! The table, the figure and its numbers.

use anyhow::Result;

use super::{Curves, MEASURED, Request, Way};
use crate::{
    demo::{
        Compared,
        curves::{Runs, after_each, panel, shares},
    },
    files,
    plot::{Axis, Figure, GRADIENT, LFP, Look, NEGATIVE},
    study::Spread,
    text::counted,
};

impl Compared for Way {
    fn title(self) -> &'static str {
        match self {
            Self::Verdicts => "LFP, verdicts",
            Self::Labels => "LFP, labels",
            Self::CrossEntropy => "cross-entropy, labels",
        }
    }

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

impl Curves {
    fn runs(&self) -> Runs {
        let of_seed = |accuracies: &Vec<f64>| after_each(MEASURED, accuracies.iter().copied());
        Runs::new(self.way, self.seeds.iter().map(of_seed))
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
    if last == 0 {
        return format!("accuracies are measured after each {MEASURED} verdicts\n");
    }
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
            _ if !self.ways.contains(&Way::Verdicts) => "labels alone".to_owned(),
            Some(rate) => format!("a simulated person with {:.0} % errors", 100.0 * rate),
            None => "a person".to_owned(),
        };
        let figure = Figure {
            columns: 1,
            panel_size: (620, 340),
            panels: vec![panel("Test accuracy", [verdicts, shares()], &ways)],
            corner: String::new(),
            note: format!("MNIST, LeNet, {who}, {}", counted(self.seeds, "seed")),
        };
        figure.write(&self.out, "verdict")?;
        let rows = curves.iter().flat_map(|of_way| {
            let seeds = of_way.seeds.iter().enumerate();
            seeds.flat_map(move |(seed, accuracies)| {
                accuracies.iter().enumerate().map(move |(index, accuracy)| {
                    let verdicts = (index + 1) * MEASURED;
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

//! The table, the figure and its numbers.

use std::iter;

use anyhow::Result;

use super::{Curves, MEASURED, Request, Way};
use crate::{
    demo::{
        Compared,
        curves::{Runs, panel, shares},
    },
    files,
    plot::{Axis, Figure, GRADIENT, LFP, Look, NEGATIVE},
    study::Spread,
    text::{columns, counted, given_percent},
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

/// The accuracies of a round of `verdicts`, each with the verdicts before it.
fn measured(accuracies: &[f64], verdicts: usize) -> impl Iterator<Item = (usize, f64)> {
    let numbered = accuracies.iter().enumerate();
    numbered.map(move |(index, &accuracy)| (((index + 1) * MEASURED).min(verdicts), accuracy))
}

impl Curves {
    fn runs(&self, verdicts: usize) -> Runs {
        let points = |accuracies: &Vec<f64>| {
            let points = measured(accuracies, verdicts);
            let points = points.map(|(verdicts, accuracy)| (verdicts as f64, accuracy));
            points.collect()
        };
        Runs::new(self.way, self.seeds.iter().map(points))
    }

    /// Mean and deviation over the seeds after so many verdicts: all, or a multiple of a hundred.
    fn after(&self, verdicts: usize) -> Spread {
        let index = verdicts.div_ceil(MEASURED).checked_sub(1);
        let of_seed = |seed: &Vec<f64>| index.and_then(|index| seed.get(index).copied());
        Spread::of(self.seeds.iter().filter_map(of_seed))
    }
}

/// Test accuracies after parts of the verdicts as a table.
pub fn table(curves: &[Curves], verdicts: usize) -> String {
    let mut shown: Vec<usize> = [100, 200, 500, 1000, 2000, 5000, 10_000].into();
    shown.retain(|&shown| shown < verdicts);
    shown.push(verdicts);
    let numbers: Vec<String> = shown.iter().map(usize::to_string).collect();
    let mut header = vec!["test accuracy % after"];
    header.extend(numbers.iter().map(String::as_str));
    let row = |of_way: &Curves| -> Vec<String> {
        let accuracies = shown.iter().map(|&after| of_way.after(after).percent());
        iter::once(of_way.way.title().to_owned())
            .chain(accuracies)
            .collect()
    };
    let rows: Vec<_> = curves.iter().map(row).collect();
    columns(&header, &rows)
}

impl Request {
    /// Draws the figure, and writes its numbers.
    ///
    /// # Errors
    ///
    /// If a file cannot be written.
    pub fn draw(&self, curves: &[Curves]) -> Result<()> {
        let verdicts = Axis::whole("verdicts or labels", 0.0..self.verdicts as f64);
        let ways = curves.iter().map(|of_way| of_way.runs(self.verdicts));
        let ways: Vec<Runs> = ways.collect();
        let who = match self.error_rate {
            _ if !self.ways.contains(&Way::Verdicts) => "labels alone".to_owned(),
            Some(rate) => format!("a simulated person with {} errors", given_percent(rate)),
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
                measured(accuracies, self.verdicts).map(move |(verdicts, accuracy)| {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_column_is_measured_after_all_verdicts() {
        let curves = |accuracies: &[f64]| Curves {
            way: Way::Verdicts,
            seeds: vec![accuracies.to_vec()],
        };
        let few = table(&[curves(&[0.25])], 40);
        assert!(few.lines().next().unwrap().ends_with(" 40"), "{few}");
        assert!(few.contains("25.0") && few.lines().count() == 2, "{few}");
        let more = table(&[curves(&[0.5, 0.75, 1.0])], 250);
        for cell in ["100", "200", "250", "50.0", "75.0", "100.0"] {
            assert!(more.contains(&format!(" {cell}")), "{more}");
        }
        let points: Vec<_> = measured(&[0.5, 0.75, 1.0], 250).collect();
        assert_eq!(points, [(100, 0.5), (200, 0.75), (250, 1.0)]);
    }
}

//! The table, the figure and its numbers.

use std::path::Path;

use anyhow::Result;

use super::{Curves, Request, Score, Way};
use crate::{
    demo::{
        Compared,
        curves::{Runs, after_each, panel, shares},
    },
    files,
    plot::{Axis, Figure, GRADIENT, LFP, Look, NEGATIVE, Panel, SURROGATE},
    study::Spread,
    text::{columns, counted},
};

/// Digits of the strings for which the table has a column of their own.
const UP_TO: usize = 3;

impl Compared for Way {
    fn title(self) -> &'static str {
        match self {
            Self::AlignedCrossEntropy => "cross-entropy, aligned",
            Self::AlignedReward => "LFP, reward #3, aligned",
            Self::Ctc => "CTC loss",
            Self::EditDistance => "LFP, edit distance",
        }
    }

    fn look(self) -> Look {
        match self {
            Self::AlignedCrossEntropy => GRADIENT,
            Self::AlignedReward => Look {
                colour: NEGATIVE,
                ..LFP
            },
            Self::Ctc => SURROGATE,
            Self::EditDistance => LFP,
        }
    }
}

impl Curves {
    /// A value of the scores of an epoch, epoch by epoch.
    fn over_epochs(&self, value: fn(&[Score]) -> f64) -> Runs {
        self.runs(|epochs| after_each(1, epochs.iter().map(|scores| value(scores))))
    }

    /// The share of exact strings after the last epoch, length by length.
    fn over_lengths(&self) -> Runs {
        self.runs(|epochs| {
            let last = epochs.last().map_or(&[][..], Vec::as_slice).iter();
            last.map(|score| (score.length as f64, score.exact))
                .collect()
        })
    }

    fn runs(&self, points: impl Fn(&[Vec<Score>]) -> Vec<(f64, f64)>) -> Runs {
        Runs::new(self.way, self.seeds.iter().map(|epochs| points(epochs)))
    }

    /// Digits of the longest strings.
    fn longest(&self) -> usize {
        let scores = self.seeds.iter().flatten().flatten();
        scores.map(|score| score.length).max().unwrap_or(0)
    }

    /// Mean and deviation over the seeds after the last epoch.
    pub fn last(&self, value: impl Fn(&[Score]) -> f64) -> Spread {
        let last = self.seeds.iter().filter_map(|epochs| epochs.last());
        Spread::of(last.map(|scores| value(scores)))
    }
}

/// The share of strings without an error, of all lengths alike.
pub fn exact(scores: &[Score]) -> f64 {
    mean(scores, |score| score.exact)
}

/// The mean edit distance of a string, of all lengths alike.
pub fn distance(scores: &[Score]) -> f64 {
    mean(scores, |score| score.distance)
}

fn distance_per_digit(scores: &[Score]) -> f64 {
    distance(scores) / mean(scores, |score| score.length as f64)
}

fn mean(scores: &[Score], value: fn(&Score) -> f64) -> f64 {
    scores.iter().map(value).sum::<f64>() / scores.len().max(1) as f64
}

/// The scores after the last epoch as a table.
pub fn table(curves: &[Curves]) -> String {
    let short = |scores: &[Score]| exact(&scores[..scores.len().min(UP_TO)]);
    let of_short = format!("of up to {UP_TO} digits, %");
    let mut header = vec![
        "way",
        "strings without error, %",
        &of_short,
        "edit distance of a string",
    ];
    let cells = |of_way: &Curves| {
        vec![
            of_way.way.title().to_owned(),
            of_way.last(exact).percent(),
            of_way.last(short).percent(),
            of_way.last(distance).shown(2),
        ]
    };
    let mut rows: Vec<Vec<String>> = curves.iter().map(cells).collect();
    if curves.iter().all(|of_way| of_way.longest() <= UP_TO) {
        header.remove(2);
        for row in &mut rows {
            row.remove(2);
        }
    }
    columns(&header, &rows)
}

impl Request {
    /// Draws the figure, and writes its numbers.
    ///
    /// # Errors
    ///
    /// If a file cannot be written.
    pub fn draw(&self, curves: &[Curves], folder: &Path) -> Result<()> {
        let of_ways = |runs: &dyn Fn(&Curves) -> Runs| curves.iter().map(runs).collect::<Vec<_>>();
        let epochs = || Axis::whole("epoch", 1.0..self.epochs.max(2) as f64);
        let mut panels = vec![
            panel(
                "Strings without an error",
                [epochs(), shares()],
                &of_ways(&|of| of.over_epochs(exact)),
            ),
            distances(epochs(), &of_ways(&|of| of.over_epochs(distance_per_digit))),
        ];
        if self.longest > 1 {
            let lengths = Axis::whole("digits of the string", 1.0..self.longest as f64);
            panels.push(panel(
                "Without an error, by length",
                [lengths, shares()],
                &of_ways(&Curves::over_lengths),
            ));
        }
        let figure = Figure {
            columns: panels.len(),
            panel_size: (360, 300),
            panels,
            corner: String::new(),
            note: format!(
                "strings of up to {} of MNIST, {} per epoch, {}{}",
                counted(self.longest, "digit"),
                counted(self.samples, "picture"),
                match self.ways.contains(&Way::EditDistance) {
                    true => counted(self.draws, "draw") + ", ",
                    false => String::new(),
                },
                counted(self.seeds, "seed")
            ),
        };
        figure.write(folder, "levenshtein")?;
        let rows = curves.iter().flat_map(|of_way| {
            let seeds = of_way.seeds.iter().enumerate();
            seeds.flat_map(move |(seed, epochs)| rows(of_way.way, seed, epochs))
        });
        let header = ["way", "seed", "epoch", "digits", "exact", "edit_distance"];
        files::write_csv(&folder.join("levenshtein.csv"), header, rows)?;
        Ok(())
    }
}

/// The panel of the edit distance. Who reads more digits than there are makes more than one error per digit.
fn distances(epochs: Axis, ways: &[Runs]) -> Panel {
    let most = ways.iter().map(Runs::largest).fold(1.0, f64::max);
    panel(
        "Edit distance per digit",
        [epochs, Axis::new("", 0.0..most)],
        ways,
    )
}

fn rows(way: Way, seed: usize, epochs: &[Vec<Score>]) -> impl Iterator<Item = [String; 6]> {
    let scores = epochs.iter().enumerate();
    let scores = scores.flat_map(|(epoch, scores)| scores.iter().map(move |score| (epoch, score)));
    scores.map(move |(epoch, score)| {
        [
            way.title().to_owned(),
            seed.to_string(),
            (epoch + 1).to_string(),
            score.length.to_string(),
            score.exact.to_string(),
            score.distance.to_string(),
        ]
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_distance_of_more_than_one_error_per_digit_is_within_its_panel() {
        let panel = |distances: [f64; 2]| {
            let score = |distance| {
                vec![Score {
                    length: 2,
                    exact: 0.0,
                    distance,
                }]
            };
            let curves = Curves {
                way: Way::Ctc,
                seeds: vec![distances.map(score).into()],
            };
            let runs = curves.over_epochs(distance_per_digit);
            super::distances(Axis::whole("epoch", 1.0..2.0), &[runs])
        };
        assert_eq!(panel([5.0, 1.0]).y.range, 0.0..2.5);
        assert_eq!(panel([1.0, 0.5]).y.range, 0.0..1.0);
    }
}

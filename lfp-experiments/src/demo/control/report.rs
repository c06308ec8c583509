//! The table and the figure.

use std::path::Path;

use anyhow::Result;
use serde::Serialize;

use super::{Curves, LAST, Request, Task, Way};
use crate::{
    files::{self, to_json},
    plot::{Axis, Figure, GRADIENT, Key, LFP, Look, NEGATIVE, Panel, SURROGATE, Shape},
    study::{Spread, average_curves},
};

/// What is written beside the figure.
#[derive(Serialize)]
struct Numbers<'a> {
    request: &'a Request,
    ways: &'a [Curves],
}

impl Way {
    fn look(self) -> Look {
        match self {
            Self::Lfp => LFP,
            Self::Gradient => GRADIENT,
            Self::SpikingLfp => Look {
                colour: NEGATIVE,
                ..LFP
            },
            Self::SpikingSurrogate => SURROGATE,
        }
    }
}

impl Curves {
    /// Over the seeds, after each number of episodes.
    fn averaged(&self, episodes: usize) -> Vec<(f64, Spread)> {
        let of_seed = |returns: &Vec<f64>| -> Vec<(f64, f64)> {
            let points = returns.iter().enumerate();
            points
                .map(|(update, &value)| (((update + 1) * episodes) as f64, value))
                .collect()
        };
        let curves: Vec<_> = self.returns.iter().map(of_seed).collect();
        average_curves(curves.iter().map(Vec::as_slice))
    }

    /// A curve of means within a band of one deviation.
    fn shapes<T: Task>(&self, episodes: usize) -> [Shape; 2] {
        let points = self.averaged(episodes);
        let within = |value: f64| value.clamp(T::RETURNS.start, T::RETURNS.end);
        let area = points.iter().map(
            |&(
                x,
                Spread {
                    mean,
                    standard_deviation,
                },
            )| {
                (
                    x,
                    within(mean - standard_deviation),
                    within(mean + standard_deviation),
                )
            },
        );
        let line = points.iter().map(|&(x, spread)| (x, spread.mean));
        let look = self.way.look();
        [
            Shape::Band {
                points: area.collect(),
                colour: look.colour,
                opacity: 0.2,
            },
            Shape::Curve(line.collect(), look),
        ]
    }
}

/// Draws the figure, and writes its numbers.
///
/// # Errors
///
/// If a file cannot be written.
pub fn draw<T: Task>(request: &Request, curves: &[Curves], folder: &Path) -> Result<()> {
    let panel = |title: &str, ways: [Way; 2]| {
        let last = (request.updates * request.episodes).max(request.episodes + 1);
        let episodes = Axis::whole("episode", request.episodes as f64..last as f64);
        let mut panel = Panel::new(title, episodes, Axis::new("return", T::RETURNS));
        for of_way in curves.iter().filter(|curves| ways.contains(&curves.way)) {
            panel.shapes.extend(of_way.shapes::<T>(request.episodes));
            panel
                .legend
                .push(Key::curve(of_way.way.title(), of_way.way.look()));
        }
        panel
    };
    let figure = Figure {
        columns: 2,
        panel_size: (440, 300),
        panels: vec![
            panel(&format!("{}, ReLU", T::TITLE), [Way::Lfp, Way::Gradient]),
            panel(
                &format!("{}, spiking", T::TITLE),
                [Way::SpikingLfp, Way::SpikingSurrogate],
            ),
        ],
        corner: String::new(),
        note: format!(
            "{} hidden neurons, {} episodes per update, Adam {}, {} seeds",
            request.hidden, request.episodes, request.learning_rate, request.seeds
        ),
    };
    figure.write(folder, T::NAME)?;
    let name = format!("{}.json", T::NAME);
    files::write(
        &folder.join(name),
        &to_json(&Numbers {
            request,
            ways: curves,
        }),
    )?;
    Ok(())
}

/// The mean return of the last episodes, for each seed.
pub fn table(curves: &[Curves]) -> String {
    let mut text = format!("mean return of the last {LAST} episodes\n");
    for of_way in curves {
        text += &format!("{:28}", of_way.way.title());
        for last in &of_way.last {
            text += &format!(" {last:7.1}");
        }
        let Spread {
            mean,
            standard_deviation,
        } = Spread::of(of_way.last.iter().copied());
        text += &format!("   {mean:.1} \u{b1} {standard_deviation:.1}\n");
    }
    text
}

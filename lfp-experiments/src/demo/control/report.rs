//! The table and the figure.

use std::{iter, path::Path};

use anyhow::Result;
use serde::Serialize;

use super::{Curves, LAST, Mechanism, Request, Way};
use crate::{
    demo::{
        Compared,
        curves::{Runs, after_each, panel},
    },
    files::{self, to_json},
    plot::{Axis, Figure, GRADIENT, LFP, Look, NEGATIVE, Panel, SURROGATE},
    study::Spread,
    text::{columns, counted},
};

/// What is written beside the figure.
#[derive(Serialize)]
struct Numbers<'a> {
    request: &'a Request,
    ways: &'a [Curves],
}

impl Compared for Way {
    fn title(self) -> &'static str {
        match self {
            Self::Lfp => "LFP",
            Self::Gradient => "gradient",
            Self::SpikingLfp => "spiking, LFP",
            Self::SpikingSurrogate => "spiking, surrogate gradient",
        }
    }

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
    /// The returns after each number of episodes.
    fn runs(&self, episodes: usize) -> Runs {
        let of_seed = |returns: &Vec<f64>| after_each(episodes, returns.iter().copied());
        Runs::new(self.way, self.returns.iter().map(of_seed))
    }
}

/// Draws the figure, and writes its numbers.
///
/// # Errors
///
/// If a file cannot be written.
pub fn draw<M: Mechanism>(request: &Request, curves: &[Curves], folder: &Path) -> Result<()> {
    let last = (request.updates * request.episodes).max(request.episodes + 1);
    let kinds = [
        ("ReLU", [Way::Lfp, Way::Gradient]),
        ("spiking", [Way::SpikingLfp, Way::SpikingSurrogate]),
    ];
    let of_kind = |(kind, ways): (&str, [Way; 2])| -> Option<Panel> {
        let of_ways = curves.iter().filter(|curves| ways.contains(&curves.way));
        let runs: Vec<Runs> = of_ways
            .map(|of_way| of_way.runs(request.episodes))
            .collect();
        let axes = [
            Axis::whole("episode", request.episodes as f64..last as f64),
            Axis::new("return", M::RETURNS),
        ];
        let is_compared = !runs.is_empty();
        is_compared.then(|| panel(&format!("{}, {kind}", M::TITLE), axes, &runs))
    };
    let panels: Vec<Panel> = kinds.into_iter().filter_map(of_kind).collect();
    let figure = Figure {
        columns: panels.len(),
        panel_size: (440, 300),
        panels,
        corner: String::new(),
        note: format!(
            "{}, {} per update, Adam {}, {}",
            counted(request.hidden, "hidden neuron"),
            counted(request.episodes, "episode"),
            request.learning_rate,
            counted(request.seeds, "seed")
        ),
    };
    figure.write(folder, M::NAME)?;
    let name = format!("{}.json", M::NAME);
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
    let seeds = curves.iter().map(|of_way| of_way.last.len()).max();
    let seeds: Vec<String> = (0..seeds.unwrap_or(0))
        .map(|seed| format!("seed {seed}"))
        .collect();
    let mut header = vec!["way"];
    header.extend(seeds.iter().map(String::as_str));
    header.push("mean");
    let row = |of_way: &Curves| -> Vec<String> {
        let mean = Spread::of(of_way.last.iter().copied()).shown(1);
        let seeds = of_way.last.iter().map(|last| format!("{last:.1}"));
        let way = of_way.way.title().to_owned();
        iter::once(way).chain(seeds).chain([mean]).collect()
    };
    let rows: Vec<_> = curves.iter().map(row).collect();
    format!(
        "mean return of the last {LAST} episodes\n{}",
        columns(&header, &rows)
    )
}

//! The worst mistakes, as pictures; samples that are no images as a table.

use std::collections::BTreeMap;

use maud::{Markup, Render, html};

use super::{Classes, percent};
use crate::{
    report::{Cell, Picture, Table},
    train::{Evaluation, Exhibit, Mistake},
};

/// Largest width of a picture that is enlarged with sharp pixels.
const SMALL: u32 = 64;

pub(super) fn render(
    evaluation: &Evaluation,
    exhibits: &BTreeMap<usize, Exhibit>,
    classes: Classes,
    spikes: bool,
) -> Markup {
    let Evaluation { mistakes, .. } = evaluation;
    if mistakes.is_empty() {
        return html! { p { "No test sample is in a wrong class." } };
    }
    let wrong: usize = evaluation
        .confusion
        .iter()
        .filter(|[label, predicted, _]| label != predicted)
        .map(|[.., count]| count)
        .sum();
    let score = match spikes {
        true => "share of the time steps in which the output neuron of the class spikes",
        false => "softmax of the class",
    };
    let pictures: Option<Vec<Picture>> = mistakes
        .iter()
        .map(|mistake| picture(mistake, exhibits.get(&mistake.index)?, classes))
        .collect();
    html! {
        p {
            "Of the " (wrong) " test samples in a wrong class the " (mistakes.len()) " with the highest score there. The \
             score is the " (score) "."
        }
        @match pictures {
            Some(pictures) => div.pictures {
                // The captions have lines.
                @for picture in &pictures { div style="width: 11rem; white-space: pre-line" { (picture) } }
            },
            None => (table(mistakes, exhibits, classes)),
        }
    }
}

/// `None` if the sample is no image, or the file is damaged.
fn picture(mistake: &Mistake, exhibit: &Exhibit, classes: Classes) -> Option<Picture> {
    let Exhibit::Png(png) = exhibit else {
        return None;
    };
    let Mistake {
        index,
        label,
        predicted,
        score,
        label_score,
    } = mistake;
    let [label, predicted] = [*label, *predicted].map(|class| classes.label(class));
    let alt = format!("test image {index}, class {label}");
    let caption = format!(
        "true {label} ({})\npredicted {predicted} ({})\nimage {index}",
        percent(*label_score),
        percent(*score)
    );
    // A percent sign stays on the line of its number.
    let caption = caption.replace(" %", "\u{a0}%");
    let picture = Picture::new(png.clone(), alt).ok()?.with_caption(caption);
    let width = image::load_from_memory(png).ok()?.width();
    Some(match width <= SMALL {
        true => picture.pixelated(),
        false => picture,
    })
}

fn table(
    mistakes: &[Mistake],
    exhibits: &BTreeMap<usize, Exhibit>,
    classes: Classes,
) -> impl Render {
    let columns = [
        "test sample",
        "values",
        "true class",
        "predicted",
        "score",
        "score of the true class",
    ];
    let mut table = Table::new("", columns);
    for mistake in mistakes {
        let values = match exhibits.get(&mistake.index) {
            Some(Exhibit::Values(values)) => {
                let values: Vec<String> =
                    values.iter().map(|value| format!("{value:.3}")).collect();
                format!("({})", values.join(", "))
            }
            _ => "no picture".to_owned(),
        };
        table.row([
            Cell::head(mistake.index.to_string()),
            Cell::text(values),
            Cell::text(classes.label(mistake.label)),
            Cell::text(classes.label(mistake.predicted)),
            Cell::number(percent(mistake.score)).shaded(mistake.score),
            Cell::number(percent(mistake.label_score)),
        ]);
    }
    table
}

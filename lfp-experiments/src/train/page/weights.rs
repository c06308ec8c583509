//! The distribution of the weights of each layer.

use maud::{Markup, html};

use crate::{
    report::{Axis, Cell, Chart, Look, Series, Table},
    train::LayerSummary,
};

/// Most layers whose histograms are shown at once; those of deeper networks are folded.
const OPEN: usize = 8;

pub(super) fn render(layers: &[LayerSummary], initial: &[LayerSummary]) -> Markup {
    let histograms = html! {
        div.charts {
            @for (index, layer) in layers.iter().enumerate() { (histogram(layer, initial.get(index))) }
        }
    };
    html! {
        p {
            "Weights of convolutions and dense layers without biases. Percentiles of the magnitudes are relative to the "
            "largest magnitude of the layer. A Gini coefficient of 0 means that all magnitudes are equal, one near 1 that "
            "a few are large."
            @if initial.is_empty() { " The weights before training are not at hand." }
        }
        (table(layers, initial))
        @if layers.len() <= OPEN { (histograms) } @else {
            details { summary { "Histograms of the " (layers.len()) " layers" } (histograms) }
        }
    }
}

fn table(layers: &[LayerSummary], initial: &[LayerSummary]) -> Table {
    let columns = [
        "layer",
        "weights",
        "largest",
        "0 %",
        "25 %",
        "50 %",
        "75 %",
        "100 %",
        "Gini",
        "Gini before training",
    ];
    let mut table = Table::new("Magnitudes of the weights", columns);
    for (index, layer) in layers.iter().enumerate() {
        let before = initial.get(index);
        let before = before.map_or_else(|| "–".to_owned(), |before| format!("{:.3}", before.gini));
        let percentiles = layer.percentiles.iter();
        let head = [
            Cell::head(&layer.path),
            Cell::number(layer.weights),
            Cell::number(format!("{:.3}", layer.largest)),
        ];
        let ends = [
            Cell::number(format!("{:.3}", layer.gini)).shaded(layer.gini),
            Cell::number(before),
        ];
        let percentiles = percentiles.map(|value| Cell::number(format!("{value:.3}")));
        table.row(head.into_iter().chain(percentiles).chain(ends));
    }
    table
}

fn histogram(layer: &LayerSummary, initial: Option<&LayerSummary>) -> Chart {
    let mut chart = Chart::new(
        layer.path.clone(),
        Axis::linear("weight relative to the largest magnitude").within(-1.0, 1.0),
        Axis::percent("share of the weights"),
    );
    let series = |name: &str, look, layer: &LayerSummary| {
        let shares = layer.bins().zip(&layer.histogram);
        Series::new(name, look, shares.map(|(at, share)| (at, *share, 0.0)))
    };
    chart.add(series("after training", Look::LFP, layer));
    if let Some(initial) = initial {
        chart.add(series("before training", Look::REFERENCE, initial));
    }
    chart
}

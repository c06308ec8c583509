//! The sections of the page: a figure or table each.

use maud::{Markup, html};
use serde_json::{Map, Value};

use super::{
    Axis, Cell, Chart, Look, Section, Series, Table,
    claims::{self, Evidence, Finding, Verdict},
    number,
    provenance::provenance,
    results::{Curve, Folder},
};
use crate::{
    reproduce::{FIGURES, command},
    study::{
        Spread,
        report::{Entry, Report},
    },
    train::Outcome,
};

/// More scalars than this per result would make the table too wide.
const VALUES: usize = 6;

/// The title of a figure, such as `Figure A.3`.
pub(super) fn title(name: &str) -> String {
    let (kind, number) = match (name.strip_prefix("fig"), name.strip_prefix("table")) {
        (Some(number), _) => ("Figure ", number),
        (_, Some(number)) => ("Table ", number),
        _ => ("", name),
    };
    match number
        .strip_prefix('a')
        .filter(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
    {
        Some(number) => format!("{kind}A.{number}"),
        None => format!("{kind}{number}"),
    }
}

/// The overview: what was run, and how many claims are confirmed.
pub(super) fn overview(folders: &[Folder]) -> Section {
    let mut table = Table::new(
        "",
        [
            "",
            "what it shows",
            "profile",
            "results",
            "claims confirmed",
        ],
    );
    for entry in FIGURES {
        let folder = folders.iter().find(|folder| folder.name == entry.name);
        let report = folder.and_then(Folder::report);
        let profile = report.and_then(|report| report.header.profile.clone());
        table.row([
            Cell::head(html! { a href={ "#" (entry.name) } { (title(entry.name)) } }),
            Cell::text(entry.summary),
            Cell::text(profile.unwrap_or_default()),
            Cell::text(report.map_or("not run".to_owned(), ran_of_all)),
            Cell::text(folder.map(confirmed).unwrap_or_default()),
        ]);
    }
    Section {
        id: "overview".to_owned(),
        title: "Overview".to_owned(),
        body: html! {
            (table)
            p.soft { "Figures 1 and 2 and Tables 1 and 2 of the paper explain the method and measure nothing; the book has them." }
        },
    }
}

/// How many conditions and methods were run.
fn ran_of_all(report: &Report) -> String {
    let all = report.results.len();
    let ran = report
        .results
        .iter()
        .filter(|entry| entry.ran().is_some())
        .count();
    match (all, ran == all) {
        (0, _) | (_, true) => "all".to_owned(),
        _ => format!("{ran} of {all}"),
    }
}

fn confirmed(folder: &Folder) -> String {
    let findings = findings(folder);
    let known = findings.iter().flatten();
    let confirmed = known.filter(|finding| finding.verdict == Verdict::Confirmed);
    match findings.is_empty() {
        true => String::new(),
        false => format!("{} of {}", confirmed.count(), findings.len()),
    }
}

pub(super) fn findings(folder: &Folder) -> Vec<Option<Finding>> {
    let claims = claims::of(&folder.name).iter();
    let evidence = folder.report().map(|report| Evidence {
        report,
        curves: &folder.curves,
    });
    claims
        .map(|claim| claim.check(evidence.as_ref()?))
        .collect()
}

/// A figure or table of the paper.
pub(super) fn figure(name: &str, summary: &str, folder: Option<&Folder>) -> Section {
    let report = folder.and_then(Folder::report);
    Section {
        id: name.to_owned(),
        title: title(name),
        body: html! {
            p { (summary) "." }
            @if let Some(folder) = folder { (problems(folder)) }
            @if report.is_none() { (not_run(name, folder)) }
            (claims_list(name, folder))
            @if let Some(folder) = folder { (content(folder)) }
        },
    }
}

/// A folder that is none of the paper's figures.
pub(super) fn other(folder: &Folder) -> Section {
    Section {
        id: format!("other-{}", folder.name),
        title: folder.name.clone(),
        body: html! { (problems(folder)) (content(folder)) },
    }
}

fn problems(folder: &Folder) -> Markup {
    html! { @for problem in &folder.problems { p.problem { (problem.to_string()) } } }
}

fn not_run(name: &str, folder: Option<&Folder>) -> Markup {
    let runs = folder.map_or(0, |folder| folder.runs);
    let reason = match runs {
        0 => "Not run: no data here.".to_owned(),
        runs => format!(
            "Not finished: {runs} runs are kept, and the command continues with the others."
        ),
    };
    let command = command(name);
    html! {
        div.not-run {
            p { (reason) " This command makes it:" }
            pre { (command) }
            @if command.contains("DATA") { p.soft { "DATA: the folder of the data sets." } }
            @if command.contains("WEIGHTS") { p.soft { "WEIGHTS: the folder of torchvision's ImageNet weights." } }
        }
    }
}

/// The paper's claims, and what our numbers say of each.
fn claims_list(name: &str, folder: Option<&Folder>) -> Markup {
    let claims = claims::of(name);
    let findings = folder.map(findings).unwrap_or_default();
    let finding = |index: usize| findings.get(index).and_then(Option::as_ref);
    html! {
        @if !claims.is_empty() {
            h3 { "The paper's claims" }
            ul.claims {
                @for (index, claim) in claims.iter().enumerate() {
                    li {
                        p { (verdict(finding(index))) " " (claim.text) }
                        @if let Some(finding) = finding(index) { p { "Ours: " (finding.ours) "." } }
                        p.soft { "Confirmed if: " (claim.criterion) "." }
                    }
                }
            }
        }
    }
}

fn verdict(finding: Option<&Finding>) -> Markup {
    let Some(verdict) = finding.map(|finding| finding.verdict) else {
        return html! { span.soft { "? not known:" } };
    };
    let text = verdict.text();
    match verdict {
        Verdict::Confirmed => html! { span.yes { "\u{2713} " (text) ":" } },
        Verdict::InPart { .. } => html! { span.no { "\u{2713}\u{2717} " (text) ":" } },
        Verdict::NotConfirmed => html! { span.no { "\u{2717} " (text) ":" } },
    }
}

/// Pictures, numbers, curves, and how they were made.
fn content(folder: &Folder) -> Markup {
    let report = folder.report();
    let (main, further) = charts(folder);
    html! {
        @for picture in &folder.pictures { (picture) }
        @if let Some(report) = report {
            (results_table(&report.results))
            (other_tables(report))
        }
        @if !main.is_empty() { div.charts { @for chart in &main { (chart) } } }
        @if !further.is_empty() {
            details {
                summary { "Further curves (" (further.len()) ")" }
                div.charts { @for chart in &further { (chart) } }
            }
        }
        @if let Some(report) = report { (provenance(report)) }
    }
}

/// The results. Cells that were not run are folded if others were: of Table 3 there are 96.
fn results_table(entries: &[Entry]) -> Markup {
    let (ran, not_run): (Vec<_>, Vec<_>) = entries.iter().partition(|entry| entry.ran().is_some());
    let title = "Test accuracy at the best learning rate";
    html! {
        @if ran.is_empty() {
            (table(title, &not_run))
        } @else {
            (table(title, &ran))
            @if !not_run.is_empty() {
                details { summary { "Not run (" (not_run.len()) ")" } (table("", &not_run)) }
            }
        }
    }
}

fn table(title: &str, entries: &[&Entry]) -> Markup {
    let values = entries.iter().filter_map(|entry| entry.ran());
    let mut names: Vec<&str> = values
        .flat_map(|ran| ran.values.keys().map(String::as_str))
        .collect();
    names.sort_unstable();
    names.dedup();
    names.truncate(VALUES);
    let with_paper = entries.iter().any(|entry| entry.paper.is_some());
    let mut columns = vec![
        "condition",
        "method",
        "measure",
        "best learning rate",
        "test accuracy, %",
        "seeds",
    ];
    if with_paper {
        columns.extend(["paper, %", "difference, points", "in standard deviations"]);
    }
    let readable: Vec<String> = names.iter().map(|name| words(name)).collect();
    columns.extend(readable.iter().map(String::as_str));
    let mut table = Table::new(title, columns);
    for entry in entries {
        table.row(row(entry, with_paper, &names));
    }
    html! { @if !table.is_empty() { (table) } }
}

fn row(entry: &Entry, with_paper: bool, values: &[&str]) -> Vec<Cell> {
    let ran = entry.ran();
    let mut cells = vec![
        Cell::head(entry.name()),
        Cell::text(entry.method.title()),
        Cell::text(entry.measure.title()),
        Cell::number(ran.map(|ran| number(ran.best_lr)).unwrap_or_default()),
        match (ran, entry.not_run()) {
            (Some(ran), _) => Cell::number(ran.accuracy.percent()),
            (None, reason) => {
                Cell::number(reason.map(|reason| reason.to_string()).unwrap_or_default())
            }
        },
        Cell::number(ran.map(|ran| ran.runs.to_string()).unwrap_or_default()),
    ];
    if with_paper {
        let paper = entry.paper;
        let difference = ran
            .zip(paper)
            .map(|(ran, paper)| Difference::of(ran.accuracy, paper));
        cells.push(Cell::number(paper.map(Spread::percent).unwrap_or_default()));
        cells.push(Cell::number(
            difference
                .as_ref()
                .map(|of| format!("{:+.1}", of.points))
                .unwrap_or_default(),
        ));
        cells.push(Cell::number(
            difference
                .and_then(|of| of.deviations)
                .map(|of| format!("{of:.1}"))
                .unwrap_or_default(),
        ));
    }
    cells.extend(values.iter().map(|name| {
        let value = ran.and_then(|ran| ran.values.get(*name));
        Cell::number(value.map(|of| of.shown(3)).unwrap_or_default())
    }));
    cells
}

/// How far we are from the paper.
struct Difference {
    /// In percentage points.
    points: f64,
    /// In standard deviations, of ours and the paper's together; `None` if both are 0.
    deviations: Option<f64>,
}

impl Difference {
    fn of(ours: Spread, paper: Spread) -> Self {
        let difference = ours.mean - paper.mean;
        let deviation = ours.width().hypot(paper.width());
        Self {
            points: 100.0 * difference,
            deviations: (deviation > 0.0).then(|| difference.abs() / deviation),
        }
    }
}

/// Members of a report that are lists of objects, as tables.
fn other_tables(report: &Report) -> Markup {
    let lists = report
        .rest
        .iter()
        .filter_map(|(name, value)| Some((name, value.as_array()?)));
    html! {
        @for (name, list) in lists {
            @if let Some(Value::Object(first)) = list.first() {
                (objects(&words(name), &columns(first), list))
            }
        }
    }
}

/// The members that a cell can show: texts first, numbers last.
fn columns(object: &Map<String, Value>) -> Vec<&String> {
    let mut members: Vec<_> = object.iter().filter(|(_, value)| !is_long(value)).collect();
    members.sort_by_key(|(_, value)| (!value.is_string(), value.is_number()));
    members.into_iter().map(|(name, _)| name).collect()
}

/// Whether a value is a list that no cell can show.
fn is_long(value: &Value) -> bool {
    value.as_array().is_some_and(|list| list.len() > 4)
}

fn objects(caption: &str, columns: &[&String], list: &[Value]) -> Table {
    let mut table = Table::new(caption, columns.iter().map(|name| words(name)));
    for object in list {
        table.row(columns.iter().map(|name| match object.get(name.as_str()) {
            Some(Value::Number(value)) => Cell::number(number(value.as_f64().unwrap_or(f64::NAN))),
            Some(value) => Cell::text(text(value)),
            None => Cell::text(""),
        }));
    }
    table
}

/// A JSON value in words.
pub(super) fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(value) => value.as_f64().map(number).unwrap_or_default(),
        Value::Array(list) => list.iter().map(text).collect::<Vec<_>>().join(", "),
        Value::Null => "none".to_owned(),
        value => value.to_string(),
    }
}

/// A name in words: `share_neutral` is the neutral share.
fn words(name: &str) -> String {
    match name.strip_prefix("share_") {
        Some(of) => format!("{} share", words(of)),
        None => name.replace('_', " "),
    }
}

/// A name for the curves before training, which all methods share.
const INITIAL: &str = "initial_";

/// The charts of a folder's curves: those to show at once, and the others.
fn charts(folder: &Folder) -> (Vec<Chart>, Vec<Chart>) {
    let mut groups: Vec<(String, Vec<&Curve>)> = Vec::new();
    for curve in &folder.curves {
        let quantity = curve
            .quantity
            .strip_prefix(INITIAL)
            .unwrap_or(&curve.quantity);
        let key = format!("{}\n{quantity}\n{}", curve.condition, curve.over);
        match groups.iter_mut().find(|(of, _)| *of == key) {
            Some((_, curves)) => curves.push(curve),
            None => groups.push((key, vec![curve])),
        }
    }
    let (mut main, mut further) = (Vec::new(), Vec::new());
    for (_, curves) in &groups {
        let Some(chart) = chart(folder, curves) else {
            continue;
        };
        match is_main(curves[0]) {
            true => main.push(chart),
            false => further.push(chart),
        }
    }
    (main, further)
}

/// Whether a curve is what its figure is about.
fn is_main(curve: &Curve) -> bool {
    let quantity = curve.quantity.as_str();
    let long_enough = curve.over != "epoch" || curve.points.len() > 3;
    let quantities = ["accuracy", "gini", "neutral"];
    long_enough && quantities.iter().any(|of| quantity.contains(of))
}

fn chart(folder: &Folder, curves: &[&Curve]) -> Option<Chart> {
    let first = curves[0];
    let quantity = first
        .quantity
        .strip_prefix(INITIAL)
        .unwrap_or(&first.quantity);
    let entries = folder
        .report()
        .map(|report| report.results.as_slice())
        .unwrap_or_default();
    let of_condition = entries
        .iter()
        .find(|entry| entry.condition == first.condition);
    let title = of_condition.map_or(first.condition.as_str(), Entry::name);
    let x = match first.over.as_str() {
        "learning_rate" => Axis::logarithmic("learning rate"),
        "pruning_rate" => Axis::percent("connections pruned"),
        over @ ("epoch" | "iteration" | "layer") => Axis::whole(over),
        over => Axis::linear(words(over)),
    };
    let is_share = quantity.contains("accuracy") || quantity.contains("share");
    let y = match is_share {
        true => Axis::percent(words(quantity)),
        false => Axis::linear(words(quantity)),
    };
    let mut chart = Chart::new(
        format!("{title}: {} over {}", words(quantity), words(&first.over)),
        x,
        y,
    );
    let mut before = false;
    for curve in curves {
        let is_initial = curve.quantity.starts_with(INITIAL);
        if is_initial && std::mem::replace(&mut before, true) {
            continue;
        }
        let (name, look) = match is_initial {
            true => ("before training", Look::REFERENCE),
            false => (curve.method.title(), Look::of_method(curve.method.name())),
        };
        let best = entries
            .iter()
            .find(|entry| entry.condition == curve.condition && entry.method == curve.method);
        let best = best
            .and_then(Entry::ran)
            .filter(|_| curve.over == "learning_rate");
        let series = Series::new(name, look, curve.points.iter().copied());
        chart.add(series.with_best(best.map(|ran| ran.best_lr)));
    }
    // The table has what a chart of one point would show.
    let is_line = curves.iter().any(|curve| curve.points.len() > 1);
    (is_line && !chart.is_empty()).then_some(chart)
}

/// Training runs that belong to no figure.
pub(super) fn runs(folders: &[Folder]) -> Option<Section> {
    let runs: Vec<(&Folder, &Outcome)> = folders
        .iter()
        .filter_map(|of| Some((of, of.run()?)))
        .collect();
    if runs.is_empty() {
        return None;
    }
    let columns = [
        "run",
        "network",
        "data",
        "method",
        "learning rate",
        "seed",
        "epochs",
        "test accuracy, %",
        "best, %",
        "training, s",
    ];
    let mut table = Table::new("", columns);
    let mut charts = Vec::new();
    for (folder, outcome) in &runs {
        let settings = &outcome.settings;
        let percent = |accuracy: Option<f64>| {
            accuracy
                .map(|accuracy| format!("{:.2}", 100.0 * accuracy))
                .unwrap_or_default()
        };
        let epochs = &outcome.test_accuracy;
        table.row([
            Cell::head(&folder.name),
            Cell::text(settings.model.to_string()),
            Cell::text(settings.dataset.to_string()),
            Cell::text(settings.method.to_string()),
            Cell::number(number(settings.lr)),
            Cell::number(settings.seed),
            Cell::number(epochs.len()),
            Cell::number(percent(epochs.last().copied())),
            Cell::number(percent(epochs.iter().copied().reduce(f64::max))),
            Cell::number(format!("{:.1}", outcome.seconds)),
        ]);
        if epochs.len() > 1 {
            charts.push(run_chart(&folder.name, outcome));
        }
    }
    Some(Section {
        id: "runs".to_owned(),
        title: "Training runs".to_owned(),
        body: html! {
            p { "Runs of " code { "train" } "." }
            @for (folder, _) in &runs { (problems(folder)) }
            (table)
            div.charts { @for chart in &charts { (chart) } }
        },
    })
}

fn run_chart(name: &str, outcome: &Outcome) -> Chart {
    let mut chart = Chart::new(name, Axis::whole("epoch"), Axis::percent("accuracy"));
    let over_epochs = |accuracies: &[f64]| {
        let points = accuracies.iter().enumerate();
        points
            .map(|(index, &accuracy)| ((index + 1) as f64, accuracy, 0.0))
            .collect::<Vec<_>>()
    };
    let look = Look::of_method(&outcome.settings.method.to_string());
    chart.add(Series::new(
        "test",
        look,
        over_epochs(&outcome.test_accuracy),
    ));
    chart.add(Series::new(
        "training",
        Look::REFERENCE,
        over_epochs(&outcome.train_accuracy),
    ));
    chart
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_have_the_papers_names() {
        let titles: Vec<String> = FIGURES.iter().map(|figure| title(figure.name)).collect();
        let expected = [
            "Figure 3",
            "Figure 4",
            "Table 3",
            "Figure 5",
            "Figure 6",
            "Figure 7",
            "Figure A.1",
            "Figure A.2",
            "Figure A.3",
            "Figure A.4",
            "Figure A.5",
            "Figure A.6",
            "Figure A.7",
            "Figure A.8",
        ];
        assert_eq!(titles, expected);
        assert_eq!(title("prune"), "prune");
    }

    #[test]
    fn cells_that_were_not_run_are_folded_if_others_were() {
        let entry = |outcome: serde_json::Value| {
            let mut entry = serde_json::json!({
                "condition": "blobs", "model": "mlp-toy", "dataset": "blobs", "activation": "relu",
                "method": "lfp", "measure": "top 1", "seeds": [1],
            });
            let outcome = outcome.as_object().unwrap().clone();
            entry.as_object_mut().unwrap().extend(outcome);
            serde_json::from_value::<Entry>(entry).unwrap()
        };
        let ran = serde_json::json!({
            "best_lr": 0.1, "mean": 0.9, "standard_deviation": 0.0, "runs": 1, "by_learning_rate": []
        });
        let (ran, not_run) = (entry(ran), entry(serde_json::json!({"not_run": "no data"})));
        let both = results_table(&[ran, not_run.clone()]).0;
        let (shown, folded) = both.split_once("<details>").expect("folded");
        assert!(shown.contains("90.0") && !shown.contains("not run: no data"));
        assert!(folded.contains("Not run (1)") && folded.contains("not run: no data"));
        assert!(!results_table(&[not_run]).0.contains("<details>"));
    }

    #[test]
    fn without_any_deviation_there_is_no_distance_in_deviations() {
        let spread = |mean| Spread {
            mean,
            standard_deviation: None,
        };
        assert!(
            Difference::of(spread(0.1), spread(0.1))
                .deviations
                .is_none()
        );
    }
}

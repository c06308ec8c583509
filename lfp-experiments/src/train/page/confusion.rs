//! The confusion matrix; of many classes the most frequent confusions and the accuracy of each class.

use maud::{Markup, html};

use super::{Classes, percent};
use crate::{
    report::{Axis, Cell, Chart, Look, Series, Table},
    text::counted,
    train::Evaluation,
};

/// Most classes of which the whole matrix is shown.
const WHOLE: usize = 25;
/// Number of pairs that are listed instead.
const PAIRS: usize = 25;

/// Samples of a class.
#[derive(Clone, Debug, Default, PartialEq)]
struct Class {
    samples: usize,
    right: usize,
}

impl Class {
    /// Share of the samples that are classified correctly; `None` without samples.
    fn accuracy(&self) -> Option<f64> {
        (self.samples > 0).then(|| self.right as f64 / self.samples as f64)
    }
}

pub(super) fn render(evaluation: &Evaluation, classes: Classes) -> Markup {
    let undecided = evaluation.accuracy.undecided;
    html! {
        @if undecided > 0 {
            p.problem { "The scores of " (counted(undecided, "sample")) " are NaN; the numbers below do not count them." }
        }
        @if classes.count <= WHOLE { (matrix(evaluation, classes)) } @else { (pairs(evaluation, classes)) }
    }
}

fn by_class(evaluation: &Evaluation, classes: usize) -> Vec<Class> {
    let mut all = vec![Class::default(); classes];
    for &[label, predicted, count] in &evaluation.confusion {
        all[label].samples += count;
        if label == predicted {
            all[label].right += count;
        }
    }
    all
}

fn matrix(evaluation: &Evaluation, classes: Classes) -> Markup {
    let mut counts = vec![vec![0; classes.count]; classes.count];
    for &[label, predicted, count] in &evaluation.confusion {
        counts[label][predicted] = count;
    }
    let columns = (0..classes.count).map(|class| class.to_string());
    let columns = ["true \\ predicted".to_owned()]
        .into_iter()
        .chain(columns)
        .chain(["samples", "accuracy"].map(str::to_owned));
    let mut table = Table::new(
        "Test samples by true class (row) and predicted class (column)",
        columns,
    );
    for (label, class) in by_class(evaluation, classes.count).iter().enumerate() {
        let cell = |(predicted, &count): (usize, &usize)| {
            let share = count as f64 / class.samples.max(1) as f64;
            let content = html! {
                @if count == 0 { span.soft { "·" } }
                @else if predicted == label { strong { (count) } }
                @else { (count) }
            };
            // The square root makes one mistake in a hundred visible.
            Cell::number(content).shaded(share.sqrt())
        };
        let cells = counts[label].iter().enumerate().map(cell);
        let ends = [Cell::number(class.samples), Cell::number(accuracy(class))];
        let head = [Cell::head(classes.label(label))];
        table.row(head.into_iter().chain(cells).chain(ends));
    }
    html! {
        (table)
        p.soft { "Bold: correct. A dot is 0. The shade is the square root of the share of the row." }
    }
}

fn accuracy(class: &Class) -> String {
    class
        .accuracy()
        .map_or_else(|| "no samples".to_owned(), percent)
}

fn pairs(evaluation: &Evaluation, classes: Classes) -> Markup {
    let by_class = by_class(evaluation, classes.count);
    let mut pairs: Vec<[usize; 3]> = evaluation.confusion.clone();
    pairs.retain(|[label, predicted, _]| label != predicted);
    // Stable: pairs with equal counts stay in the order of their classes.
    pairs.sort_by_key(|[.., count]| std::cmp::Reverse(*count));
    let columns = [
        "true class",
        "predicted",
        "samples",
        "share of the true class",
    ];
    let mut table = Table::new("The most frequent confusions", columns);
    for &[label, predicted, count] in pairs.iter().take(PAIRS) {
        let share = count as f64 / by_class[label].samples.max(1) as f64;
        table.row([
            Cell::text(classes.label(label)),
            Cell::text(classes.label(predicted)),
            Cell::number(count),
            Cell::number(percent(share)).shaded(share),
        ]);
    }
    let mut ranked: Vec<(usize, &Class, f64)> = by_class
        .iter()
        .enumerate()
        .filter_map(|(label, class)| Some((label, class, class.accuracy()?)))
        .collect();
    ranked.sort_by(|a, b| a.2.total_cmp(&b.2));
    html! {
        p {
            (classes.count) " classes: instead of a matrix of " (classes.count * classes.count) " cells, the " (PAIRS)
            " pairs with most samples, and the accuracy of each class. "
            "Number of such pairs: " (pairs.len()) "."
        }
        @if table.is_empty() { p { "No test sample is in a wrong class." } } @else { (table) }
        div.charts { (accuracies(&ranked)) }
        details { summary { "Accuracy of every class" } (ranking(&ranked, classes)) }
    }
}

fn accuracies(ranked: &[(usize, &Class, f64)]) -> Chart {
    let mut chart = Chart::new(
        "Accuracy of the classes, from the lowest",
        Axis::whole("rank of the class"),
        Axis::percent("accuracy").within(0.0, 1.0),
    );
    let points = (1..)
        .zip(ranked)
        .map(|(rank, of)| (f64::from(rank), of.2, 0.0));
    chart.add(Series::new("class", Look::REFERENCE, points));
    chart
}

fn ranking(ranked: &[(usize, &Class, f64)], classes: Classes) -> Table {
    let mut table = Table::new("", ["class", "samples", "correct", "accuracy"]);
    for (label, class, accuracy) in ranked {
        table.row([
            Cell::head(classes.label(*label)),
            Cell::number(class.samples),
            Cell::number(class.right),
            Cell::number(percent(*accuracy)).shaded(*accuracy),
        ]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::Accuracy;

    fn evaluation(confusion: Vec<[usize; 3]>) -> Evaluation {
        Evaluation {
            accuracy: Accuracy::default(),
            samples: confusion.iter().map(|[.., count]| count).sum(),
            confusion,
            mistakes: Vec::new(),
        }
    }

    fn unnamed(count: usize) -> Classes<'static> {
        Classes { count, names: &[] }
    }

    #[test]
    fn rows_are_true_classes_and_end_with_their_accuracy() {
        let html = render(
            &evaluation(vec![[0, 0, 7], [0, 1, 3], [1, 1, 5]]),
            unnamed(3),
        )
        .0;
        let rows: Vec<&str> = html.split("<tr>").skip(2).collect();
        assert_eq!(rows.len(), 3);
        assert!(rows[0].contains("<strong>7</strong>") && rows[0].contains(">3<"));
        assert!(rows[0].contains("70.00 %"), "{}", rows[0]);
        assert!(rows[1].contains("100.00 %"), "{}", rows[1]);
        assert!(rows[2].contains("no samples"), "{}", rows[2]);
    }

    #[test]
    fn many_classes_are_shown_as_pairs_from_the_most_frequent() {
        let right = (0..200).map(|class| [class, class, 10]);
        let wrong = (1..200).map(|class| [class, 0, class % 7 + usize::from(class == 150) * 90]);
        let html = render(&evaluation(right.chain(wrong).collect()), unnamed(200)).0;
        // 25 pairs, 200 classes, and two heads.
        assert_eq!(html.matches("<tr>").count(), 25 + 200 + 2);
        let first = html.split("<tr>").nth(2).unwrap_or_default();
        assert!(first.contains(">150<") && first.contains(">93<"), "{first}");
        assert!(html.contains("40000 cells"));
    }

    #[test]
    fn samples_with_nan_scores_are_named() {
        let mut evaluation = evaluation(vec![[0, 0, 1]]);
        evaluation.accuracy.undecided = 2;
        assert!(
            render(&evaluation, unnamed(2))
                .0
                .contains("2 samples are NaN")
        );
    }

    #[test]
    fn rows_have_the_names_of_the_classes() {
        let names = ["cat", "dog"].map(str::to_owned);
        let classes = Classes {
            count: 2,
            names: &names,
        };
        let html = render(&evaluation(vec![[1, 1, 1]]), classes).0;
        assert!(html.contains("0 cat") && html.contains("1 dog"), "{html}");
    }
}

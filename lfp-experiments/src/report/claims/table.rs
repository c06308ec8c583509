//! The claims with our findings as a table in Markdown, for the book.

use std::fmt::Write;

use super::{Claim, Finding, of};

/// The columns.
const HEAD: [&str; 5] = [
    "figure",
    "claim of the paper",
    "confirmed if",
    "our results",
    "verdict",
];

/// A row per claim. `figures` have their names, titles and profiles, and our findings on each of their claims.
pub(in crate::report) fn markdown<'a>(
    figures: impl IntoIterator<Item = (&'a str, String, String, Vec<Option<Finding>>)>,
) -> String {
    let mut table = line(&HEAD.map(str::to_owned)) + &line(&HEAD.map(|_| "---".to_owned()));
    for (name, title, profile, findings) in figures {
        for (index, claim) in of(name).iter().enumerate() {
            let finding = findings.get(index).and_then(Option::as_ref);
            let [figure, text, criterion] = stated(&title, claim);
            let (ours, verdict) = match finding {
                Some(finding) => (
                    format!("{} (`{profile}`)", escaped(&finding.ours)),
                    finding.verdict.text(),
                ),
                None => ("not run".to_owned(), "not known".to_owned()),
            };
            table += &line(&[figure, text, criterion, ours, verdict]);
        }
    }
    table
}

/// What a row says whatever the results are: figure, claim, criterion.
fn stated(title: &str, claim: &Claim) -> [String; 3] {
    [title, claim.text, claim.criterion].map(escaped)
}

fn line<const N: usize>(cells: &[String; N]) -> String {
    let mut line = String::new();
    for cell in cells {
        // Writing to a string does not fail.
        let _ = write!(line, "| {cell} ");
    }
    line + "|\n"
}

fn escaped(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        report::{claims::Verdict, sections::title},
        reproduce::FIGURES,
    };

    #[test]
    fn a_row_has_our_result_with_its_profile_or_says_that_there_is_none() {
        let found = Finding {
            ours: "|w|".to_owned(),
            verdict: Verdict::Confirmed,
        };
        let findings = vec![Some(found), None];
        let row = (
            "figa3",
            "Figure A.3".to_owned(),
            "quick".to_owned(),
            findings,
        );
        let table = markdown([row]);
        let rows: Vec<&str> = table.lines().skip(2).collect();
        assert_eq!(rows.len(), 2);
        assert!(rows[0].starts_with("| Figure A.3 | With LeNet and few time steps"));
        assert!(
            rows[0].ends_with("| \\|w\\| (`quick`) | confirmed |"),
            "{}",
            rows[0]
        );
        assert!(rows[1].ends_with("| not run | not known |"), "{}", rows[1]);
    }

    /// The book's table is what `report` writes, so its claims and criteria are those of the program.
    #[test]
    fn the_book_states_every_claim_and_criterion_of_the_program() {
        let book = include_str!("../../../../docs/reproduction.md");
        let head = line(&HEAD.map(str::to_owned));
        let (_, table) = book.split_once(&head).expect("the table of claims");
        let mut rows = table.lines().skip(1).take_while(|row| row.starts_with('|'));
        for figure in FIGURES {
            for claim in of(figure.name) {
                let stated = line(&stated(&title(figure.name), claim));
                let stated = stated.trim_end_matches("|\n");
                let row = rows.next().unwrap_or_default();
                assert!(row.starts_with(stated), "expected {stated} in {row}");
            }
        }
        assert_eq!(rows.next(), None);
    }
}

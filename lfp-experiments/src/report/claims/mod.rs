//! What the paper says of each figure, in our words, and what our numbers say.

mod evidence;
mod photographs;
mod spiking;
mod table;
mod toy;

pub(super) use evidence::Evidence;
pub(super) use table::markdown;

use crate::study::{Spread, report::Ran};

/// A statement of the paper about a figure.
pub(super) struct Claim {
    /// In our words.
    pub(super) text: &'static str,
    /// When our numbers count as confirming it.
    pub(super) criterion: &'static str,
    check: fn(&Evidence) -> Option<Finding>,
}

/// What our numbers say.
pub(super) struct Finding {
    /// The numbers.
    pub(super) ours: String,
    /// Whether they confirm the claim.
    pub(super) verdict: Verdict,
}

/// Whether numbers confirm a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Confirmed,
    /// In some of the cases.
    InPart {
        held: usize,
        of: usize,
    },
    NotConfirmed,
}

impl Claim {
    /// `None` if the results do not tell.
    pub(super) fn check(&self, evidence: &Evidence) -> Option<Finding> {
        (self.check)(evidence)
    }
}

/// The claims about a figure, by the name of its subcommand.
pub(super) fn of(figure: &str) -> &'static [Claim] {
    match figure {
        "fig3" => toy::FIG3,
        "fig4" => toy::FIG4,
        "table3" => photographs::TABLE3,
        "fig5" | "figa5" => photographs::FIG5,
        "fig6" | "figa8" => photographs::FIG6,
        "fig7" => spiking::FIG7,
        "figa1" => toy::FIGA1,
        "figa2" => toy::FIGA2,
        "figa3" => spiking::FIGA3,
        _ => &[],
    }
}

impl Finding {
    /// Confirmed if all are; `None` without any.
    fn all(findings: impl IntoIterator<Item = (String, bool)>) -> Option<Self> {
        Self::judged(findings, |held, of| match held {
            0 => Verdict::NotConfirmed,
            held if held == of => Verdict::Confirmed,
            held => Verdict::InPart { held, of },
        })
    }

    /// Confirmed if more than half are; `None` without any.
    fn most(findings: impl IntoIterator<Item = (String, bool)>) -> Option<Self> {
        Self::judged(findings, |held, of| match 2 * held > of {
            true => Verdict::Confirmed,
            false => Verdict::NotConfirmed,
        })
    }

    fn judged(
        findings: impl IntoIterator<Item = (String, bool)>,
        judge: fn(usize, usize) -> Verdict,
    ) -> Option<Self> {
        let (texts, held): (Vec<String>, Vec<bool>) = findings.into_iter().unzip();
        let count = held.iter().filter(|&&held| held).count();
        (!texts.is_empty()).then(|| Self {
            ours: texts.join("; "),
            verdict: judge(count, held.len()),
        })
    }
}

impl Verdict {
    /// One or the other.
    fn of(confirmed: bool) -> Self {
        match confirmed {
            true => Self::Confirmed,
            false => Self::NotConfirmed,
        }
    }

    /// In words, such as `confirmed in part, 1 of 2`.
    pub(super) fn text(self) -> String {
        match self {
            Self::Confirmed => "confirmed".to_owned(),
            Self::InPart { held, of } => format!("confirmed in part, {held} of {of}"),
            Self::NotConfirmed => "not confirmed".to_owned(),
        }
    }
}

fn accuracies(lfp: &Ran, gradient: &Ran) -> String {
    accuracies_of("gradient", lfp, gradient)
}

fn accuracies_of(other: &str, lfp: &Ran, of_other: &Ran) -> String {
    let [lfp, of_other] = [lfp, of_other].map(|of| Spread::percent(of.accuracy));
    format!("LFP {lfp} %, {other} {of_other} %")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::study::report::Report;

    /// A result of `fig3`: method, best rate, accuracy, neutral share.
    fn result(
        condition: &str,
        method: &str,
        lr: f64,
        mean: f64,
        neutral: f64,
    ) -> serde_json::Value {
        let spread = |mean: f64| json!({"mean": mean, "standard_deviation": 0.0});
        json!({
            "condition": condition, "model": "mlp-toy", "dataset": condition, "activation": "relu",
            "method": method, "measure": "top 1", "seeds": [1], "best_lr": lr, "mean": mean,
            "standard_deviation": 0.001, "runs": 1, "by_learning_rate": [],
            "values": {"neutral_share": spread(neutral), "initial_neutral_share": spread(0.5)},
        })
    }

    /// Whether each claim on Figure 3 is confirmed.
    fn fig3(results: Vec<serde_json::Value>) -> Vec<Option<Verdict>> {
        let report = json!({"figure": "fig3", "results": results});
        let report: Report = serde_json::from_value(report).unwrap();
        let evidence = Evidence {
            report: &report,
            curves: &[],
        };
        let claims = of("fig3").iter();
        claims
            .map(|claim| Some(claim.check(&evidence)?.verdict))
            .collect()
    }

    #[test]
    fn a_claim_is_confirmed_if_it_holds_on_all_data() {
        let good = [
            result("blobs", "lfp", 0.001, 0.995, 0.9),
            result("blobs", "gradient", 0.1, 1.0, 0.8),
        ];
        assert_eq!(fig3(good.to_vec()), [Some(Verdict::Confirmed); 3]);
        // Two points worse, at the gradient's rate, with fewer neutral weights than before training.
        let bad = [
            result("swirl", "lfp", 0.1, 0.97, 0.4),
            result("swirl", "gradient", 0.1, 0.99, 0.3),
        ];
        assert_eq!(fig3(bad.to_vec()), [Some(Verdict::NotConfirmed); 3]);
        let half = Verdict::InPart { held: 1, of: 2 };
        assert_eq!(fig3([good, bad].concat()), [Some(half); 3]);
        assert_eq!(half.text(), "confirmed in part, 1 of 2");
    }

    #[test]
    fn without_both_methods_nothing_is_known() {
        assert_eq!(
            fig3(vec![result("blobs", "lfp", 0.001, 1.0, 0.9)]),
            [None; 3]
        );
        assert_eq!(fig3(Vec::new()), [None; 3]);
    }

    #[test]
    fn one_run_does_not_tell_whether_training_is_stable() {
        let report =
            json!({"figure": "figa2", "results": [result("blobs", "lfp", 0.0003, 0.93, 0.9)]});
        let report: Report = serde_json::from_value(report).unwrap();
        let evidence = Evidence {
            report: &report,
            curves: &[],
        };
        let [converges, stable] = [0, 1].map(|claim| of("figa2")[claim].check(&evidence));
        assert_eq!(converges.unwrap().verdict, Verdict::Confirmed);
        assert!(stable.is_none());
    }

    #[test]
    fn trajectories_tell_whether_zero_weights_move() {
        let trajectory = |method: &str, end: f64| json!({"method": method, "start": [0.0, 4.0], "end": [end, 5.0]});
        let report = json!({"figure": "fig4", "trajectories": [trajectory("lfp", 0.0), trajectory("gradient", 0.7)]});
        let report: Report = serde_json::from_value(report).unwrap();
        let evidence = Evidence {
            report: &report,
            curves: &[],
        };
        let finding = of("fig4")[0].check(&evidence).unwrap();
        assert_eq!(finding.verdict, Verdict::Confirmed);
    }
}

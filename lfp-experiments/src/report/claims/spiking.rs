//! Claims about Figures 7 and A.3: spiking networks.

use super::{Claim, Evidence, Finding, accuracies_of};
use crate::{
    report::number,
    study::{
        MethodVariant,
        report::{Entry, Ran},
    },
};

pub(super) const FIG7: &[Claim] = &[
    Claim {
        text: "The true gradient does not improve the network at all.",
        criterion: "its best accuracy is within five points of guessing",
        check: |of| {
            let cells = of.of_method(MethodVariant::Gradient);
            Finding::all(cells.map(|(entry, ran)| {
                let text = format!("{}: {} %", entry.name(), ran.accuracy.percent());
                // MNIST has ten classes.
                (text, ran.accuracy.mean < 0.15)
            }))
        },
    },
    Claim {
        text: "LFP and the surrogate gradient reach comparable accuracies, the surrogate gradient slightly higher ones.",
        criterion: "LFP's best is at most two points below or above",
        check: |of| {
            of.compare_with(MethodVariant::SurrogateGradient, |_, lfp, surrogate| {
                let difference = lfp.accuracy.mean - surrogate.accuracy.mean;
                Some((
                    accuracies_of("surrogate", lfp, surrogate),
                    difference.abs() <= 0.02,
                ))
            })
        },
    },
    Claim {
        text: "LFP is accurate over a wide range of learning rates, and saturates at lower ones than the surrogate gradient.",
        criterion: "the lowest rate within five points of the best is lower for LFP",
        check: |of| {
            of.compare_with(MethodVariant::SurrogateGradient, |_, lfp, surrogate| {
                let (lfp, surrogate) = (lowest_good_rate(lfp)?, lowest_good_rate(surrogate)?);
                let text = format!("from {} against {}", number(lfp), number(surrogate));
                Some((text, lfp < surrogate))
            })
        },
    },
];

pub(super) const FIGA3: &[Claim] = &[
    Claim {
        text: "With LeNet and few time steps, LFP is less accurate than the surrogate gradient.",
        criterion: "at the fewest steps of those that were tried",
        check: |of| of.spiking_lenet(Varied::Steps, f64::min, |lfp, surrogate| lfp < surrogate),
    },
    Claim {
        text: "With LeNet and a high beta, LFP is more accurate than the surrogate gradient.",
        criterion: "at the highest beta of those that were tried",
        check: |of| of.spiking_lenet(Varied::Beta, f64::max, |lfp, surrogate| lfp > surrogate),
    },
];

/// The lowest learning rate within five points of the best.
fn lowest_good_rate(ran: &Ran) -> Option<f64> {
    let good = ran.by_learning_rate.iter();
    let good = good.filter(|of| of.accuracy.mean >= ran.accuracy.mean - 0.05);
    good.map(|of| of.lr).reduce(f64::min)
}

/// A setting that Figure A.3 varies.
#[derive(Clone, Copy)]
enum Varied {
    Steps,
    Beta,
}

/// What LFP and surrogate gradient measured on a network with these settings.
struct Pair<'a> {
    name: &'a str,
    lfp: &'a Ran,
    surrogate: &'a Ran,
    steps: f64,
    beta: f64,
}

impl Varied {
    /// The setting that varies, and the one that is fixed meanwhile.
    fn of(self, pair: &Pair) -> (f64, f64) {
        match self {
            Self::Steps => (pair.steps, pair.beta),
            Self::Beta => (pair.beta, pair.steps),
        }
    }
}

impl<'a> Evidence<'a> {
    /// Whether LFP and surrogate gradient of the spiking LeNet are as `judge` has it at the extreme value of one setting,
    /// while the other has its fixed value: the one with most results.
    fn spiking_lenet(
        &self,
        varied: Varied,
        extreme: fn(f64, f64) -> f64,
        judge: fn(f64, f64) -> bool,
    ) -> Option<Finding> {
        let pairs = self.spiking_lenet_pairs();
        let with_fixed = |value: f64| pairs.iter().filter(move |pair| varied.of(pair).1 == value);
        let fixed = pairs.iter().map(|pair| varied.of(pair).1);
        let fixed = fixed.max_by_key(|&value| with_fixed(value).count())?;
        let values = with_fixed(fixed).map(|pair| varied.of(pair).0);
        let wanted = values.reduce(extreme)?;
        let chosen = with_fixed(fixed).filter(|pair| varied.of(pair).0 == wanted);
        Finding::all(chosen.map(|pair| {
            let Pair { lfp, surrogate, .. } = pair;
            let text = format!(
                "{}: {}",
                pair.name,
                accuracies_of("surrogate", lfp, surrogate)
            );
            (text, judge(lfp.accuracy.mean, surrogate.accuracy.mean))
        }))
    }

    fn spiking_lenet_pairs(&self) -> Vec<Pair<'a>> {
        let of_lenet = self.of_method(MethodVariant::Lfp);
        let of_lenet = of_lenet.filter(|(entry, _)| entry.model.starts_with("snn-lenet"));
        let pair = |(entry, lfp): (&'a Entry, &'a Ran)| {
            let mut others = self.of_method(MethodVariant::SurrogateGradient);
            let (_, surrogate) = others.find(|(other, _)| other.condition == entry.condition)?;
            let spiking = lfp.settings.get("spiking")?;
            Some(Pair {
                name: entry.name(),
                lfp,
                surrogate,
                steps: spiking.get("steps")?.as_f64()?,
                beta: spiking.get("lif")?.get("beta")?.as_f64()?,
            })
        };
        of_lenet.filter_map(pair).collect()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::{report::claims::Verdict, study::report::Report};

    fn result(method: &str, steps: usize, beta: f64, mean: f64) -> Value {
        json!({
            "condition": format!("n = {steps}, beta = {beta}"), "model": "snn-lenet", "dataset": "mnist",
            "activation": "relu", "method": method, "measure": "top 1", "seeds": [1], "best_lr": 0.1, "mean": mean,
            "standard_deviation": 0.0, "runs": 1, "by_learning_rate": [],
            "settings": {"spiking": {"steps": steps, "lif": {"beta": beta}}},
        })
    }

    /// The grid of Figure A.3: a cross through n = 10 and beta = 0.9. With few steps LFP is worse, also at the highest beta:
    /// that says nothing about beta.
    #[test]
    fn one_setting_is_judged_while_the_other_is_fixed() {
        let grid = [
            (5, 0.9, 0.80),
            (10, 0.9, 0.95),
            (15, 0.9, 0.95),
            (10, 0.3, 0.80),
            (10, 0.6, 0.90),
        ];
        let results = grid.map(|(steps, beta, lfp)| {
            [
                result("lfp", steps, beta, lfp),
                result("surrogate", steps, beta, 0.9),
            ]
        });
        let report = json!({"figure": "figa3", "results": results.concat()});
        let report: Report = serde_json::from_value(report).unwrap();
        let evidence = Evidence {
            report: &report,
            curves: &[],
        };
        let findings = [0, 1].map(|claim| FIGA3[claim].check(&evidence).unwrap());
        assert_eq!(
            findings[0].ours,
            "n = 5, beta = 0.9: LFP 80.0 \u{b1} 0.0 %, surrogate 90.0 \u{b1} 0.0 %"
        );
        assert_eq!(
            findings[1].ours,
            "n = 10, beta = 0.9: LFP 95.0 \u{b1} 0.0 %, surrogate 90.0 \u{b1} 0.0 %"
        );
        assert!(
            findings
                .iter()
                .all(|finding| finding.verdict == Verdict::Confirmed)
        );
    }
}

//! Claims about Figures 3, 4, A.1 and A.2: small networks on toy data.

use std::collections::BTreeMap;

use super::{Claim, Evidence, Finding, Verdict, accuracies};
use crate::{report::number, study::MethodVariant};

pub(super) const FIG3: &[Claim] = &[
    Claim {
        text: "LFP reaches the test accuracy of gradient descent on all three data sets.",
        criterion: "LFP is less than one point, or less than both standard deviations together, below the gradient",
        check: |of| {
            of.compare(|_, lfp, gradient| {
                let below = gradient.accuracy.mean - lfp.accuracy.mean;
                let spread = gradient.accuracy.width() + lfp.accuracy.width();
                (accuracies(lfp, gradient), below < spread.max(0.01))
            })
        },
    },
    Claim {
        text: "For the same accuracy, the learning rate of LFP is about a hundredth of the gradient's.",
        criterion: "the ratio of the best rates is between 1/1000 and 1/10",
        check: |of| {
            of.compare(|_, lfp, gradient| {
                let ratio = gradient.best_lr / lfp.best_lr;
                let rates = format!(
                    "{} against {}, 1/{}",
                    number(lfp.best_lr),
                    number(gradient.best_lr),
                    number(ratio)
                );
                (rates, (10.0..=1000.0).contains(&ratio))
            })
        },
    },
    Claim {
        text: "LFP has far more neutral weights than the network before training and than gradient descent.",
        criterion: "LFP's neutral share is the largest of the three",
        check: |of| {
            of.compare_if(|_, lfp, gradient| {
                let initial = lfp.values.get("initial_neutral_share")?.mean;
                let [lfp, gradient] = [lfp, gradient].map(|of| of.values.get("neutral_share"));
                let (lfp, gradient) = (lfp?.mean, gradient?.mean);
                let shares =
                    format!("LFP {lfp:.3}, before training {initial:.3}, gradient {gradient:.3}");
                Some((shares, lfp > initial.max(gradient)))
            })
        },
    },
];

pub(super) const FIG4: &[Claim] = &[Claim {
    text: "LFP scales each step by the weight, which favours sparse solutions; gradient descent moves all weights towards \
           one optimum.",
    criterion: "under LFP, a weight that starts at zero ends at zero; under gradient descent, it does not",
    check: |of| {
        let trajectories = of.report.rest.get("trajectories")?.as_array()?;
        let mut zeros: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
        for trajectory in trajectories {
            let method = trajectory.get("method")?.as_str()?;
            let [start, end] = ["start", "end"].map(|name| trajectory.get(name)?.as_array());
            for (start, end) in start?.iter().zip(end?) {
                if start.as_f64() == Some(0.0) {
                    zeros.entry(method).or_default().push(end.as_f64()?.abs());
                }
            }
        }
        let largest = |method: &str| zeros.get(method)?.iter().copied().reduce(f64::max);
        let (lfp, gradient) = (largest("lfp")?, largest("gradient")?);
        Some(Finding {
            ours: format!(
                "weights that started at 0 end at most {} from it (LFP), {} (gradient)",
                number(lfp),
                number(gradient)
            ),
            verdict: Verdict::of(lfp == 0.0 && gradient > 0.0),
        })
    },
}];

pub(super) const FIGA1: &[Claim] = &[
    Claim {
        text: "LFP trains with SiLU, ELU and tanh: also with activations that are not piecewise linear.",
        criterion: "more than 90 %",
        check: |of| of.activations(&["silu", "elu", "tanh"]),
    },
    Claim {
        text: "LFP trains with sigmoid, too, although section 3.4 excludes activations that do not keep the sign.",
        criterion: "more than 90 %",
        check: |of| of.activations(&["sigmoid"]),
    },
    Claim {
        text: "With the step function, accuracy is clearly better than guessing, and clearly worse than with the others.",
        criterion: "at least ten points above guessing, and below every other activation on the same data",
        check: |of| {
            let cells: Vec<_> = of.of_method(MethodVariant::Lfp).collect();
            let steps = cells
                .iter()
                .filter(|(entry, _)| entry.activation == "heaviside");
            Finding::all(steps.map(|(entry, ran)| {
                let guessing = if entry.dataset == "swirl" {
                    1.0 / 3.0
                } else {
                    0.5
                };
                let mut others = cells.iter().filter(|(other, _)| {
                    other.dataset == entry.dataset && other.activation != entry.activation
                });
                let mean = ran.accuracy.mean;
                let worse = others.all(|(_, other)| mean < other.accuracy.mean);
                let text = format!("{}: {} %", entry.name(), ran.accuracy.percent());
                (text, mean > guessing + 0.1 && worse)
            }))
        },
    },
];

pub(super) const FIGA2: &[Claim] = &[
    Claim {
        text: "LFP also converges by a reward without a derivative, with the right learning rate, such as 0.0003.",
        criterion: "at least 90 % at the best rate",
        check: |of| {
            let cells = of.of_method(MethodVariant::Lfp);
            Finding::all(cells.map(|(entry, ran)| {
                let (accuracy, rate) = (ran.accuracy.percent(), number(ran.best_lr));
                let text = format!("{}: {accuracy} % at {rate}", entry.name());
                (text, ran.accuracy.mean >= 0.9)
            }))
        },
    },
    Claim {
        text: "Training is less stable than by reward #3, and depends on the settings.",
        criterion: "the accuracy at the best rate varies over the drawn data sets",
        check: |of| {
            // One run has no deviation.
            let cells = of.of_method(MethodVariant::Lfp);
            let cells = cells.filter(|(_, ran)| ran.runs > 1);
            Finding::all(cells.map(|(entry, ran)| {
                let deviation = 100.0 * ran.accuracy.width();
                let text = format!("{}: standard deviation {deviation:.1} points", entry.name());
                (text, deviation > 1.0)
            }))
        },
    },
];

impl Evidence<'_> {
    /// Whether LFP trains networks with these activations.
    fn activations(&self, activations: &[&str]) -> Option<Finding> {
        let cells = self.of_method(MethodVariant::Lfp);
        let cells = cells.filter(|(of, _)| activations.contains(&of.activation.as_str()));
        Finding::all(cells.map(|(entry, ran)| {
            let text = format!("{}: {} %", entry.name(), ran.accuracy.percent());
            (text, ran.accuracy.mean > 0.9)
        }))
    }
}

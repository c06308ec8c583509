//! What the paper says of each figure, in our words, and what our numbers say.

use std::collections::BTreeMap;

use super::{number, results::Curve};
use crate::study::{
    MethodVariant, Spread,
    report::{Entry, Ran, Report},
};

/// A statement of the paper about a figure.
pub(super) struct Claim {
    /// In our words.
    pub(super) text: &'static str,
    /// When our numbers count as confirming it.
    pub(super) criterion: &'static str,
    check: fn(&Evidence) -> Option<Finding>,
}

/// Our results of a figure.
pub(super) struct Evidence<'a> {
    pub(super) report: &'a Report,
    pub(super) curves: &'a [Curve],
}

/// What our numbers say.
pub(super) struct Finding {
    /// The numbers.
    pub(super) ours: String,
    /// Whether they confirm the claim.
    pub(super) confirmed: bool,
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
        "fig3" => FIG3,
        "fig4" => FIG4,
        "table3" => TABLE3,
        "fig5" | "figa5" => FIG5,
        "fig6" | "figa8" => FIG6,
        "fig7" => FIG7,
        "figa1" => FIGA1,
        "figa2" => FIGA2,
        "figa3" => FIGA3,
        _ => &[],
    }
}

const FIG3: &[Claim] = &[
    Claim {
        text: "LFP reaches the test accuracy of gradient descent on all three data sets.",
        criterion: "LFP is less than one point, or less than both standard deviations together, below the gradient",
        check: |of| {
            of.compare(|_, lfp, gradient| {
                let below = gradient.accuracy.mean - lfp.accuracy.mean;
                let spread = gradient.accuracy.standard_deviation + lfp.accuracy.standard_deviation;
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

const FIG4: &[Claim] = &[Claim {
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
            confirmed: lfp == 0.0 && gradient > 0.0,
        })
    },
}];

const TABLE3: &[Claim] = &[
    Claim {
        text: "With its best activation, LFP is at most one point below the gradient with its best, except for VGG-like on \
               CIFAR-10 (2.6) and CIFAR-100 (4.8) and ResNet-18 on CUB (3.7).",
        criterion: "LFP is more than one point below in these rows, and in no other",
        check: |of| {
            let rows = of.best_by_network();
            let excepted = |row: &str| {
                ["vgg-like, cifar", "resnet18, cub"]
                    .iter()
                    .any(|name| row.starts_with(name))
            };
            let all = rows.iter().map(|(row, [lfp, gradient])| {
                let below = 100.0 * (gradient - lfp);
                (
                    format!("{row}: {below:+.1}"),
                    (below > 1.0) == excepted(row),
                )
            });
            Finding::all(all)
        },
    },
    Claim {
        text: "LFP with sigmoid stays at the level of guessing, since a sigmoid does not keep the sign.",
        criterion: "the same accuracy as the paper within one point",
        check: |of| {
            let cells = of.entries().filter(|(entry, _)| {
                entry.activation == "sigmoid" && entry.method == MethodVariant::Lfp
            });
            Finding::all(cells.filter_map(|(entry, ran)| {
                let difference = ran.accuracy.mean - entry.paper?.mean;
                let text = format!("{}: {} %", entry.name(), ran.accuracy.percent());
                Some((text, difference.abs() <= 0.01))
            }))
        },
    },
    Claim {
        text: "All printed accuracies.",
        criterion: "at least nine of ten cells are within two points of the paper",
        check: |of| {
            let differences = of.entries().filter_map(|(entry, ran)| {
                Some(100.0 * (ran.accuracy.mean - entry.paper?.mean).abs())
            });
            let differences: Vec<f64> = differences.collect();
            let worst = differences.iter().copied().reduce(f64::max)?;
            let within = differences.iter().filter(|&&points| points <= 2.0).count();
            Some(Finding {
                ours: format!(
                    "{within} of {} cells within two points; the largest difference is {worst:.1}",
                    differences.len()
                ),
                confirmed: 10 * within >= 9 * differences.len(),
            })
        },
    },
];

const FIG5: &[Claim] = &[
    Claim {
        text: "The Gini coefficients of LFP are as high as the gradient's or higher, layer by layer.",
        criterion: "in at least three quarters of the layers",
        check: |of| of.layers("gini", |lfp, gradient| lfp >= gradient),
    },
    Claim {
        text: "Relative to the layer's largest magnitude, the percentiles up to the 75th are lower for LFP.",
        criterion: "the median is lower in at least three quarters of the layers",
        check: |of| {
            of.layers("relative_magnitude_percentile_50", |lfp, gradient| {
                lfp < gradient
            })
        },
    },
];

const FIG6: &[Claim] = &[Claim {
    text: "Networks trained by LFP keep their accuracy for longer under all three criteria, with few exceptions.",
    criterion: "the area under the accuracy is larger for LFP in most cases",
    check: |of| {
        let mut cases = Vec::new();
        for (condition, lfp, gradient) in of.pairs() {
            for (name, ours) in lfp
                .values
                .iter()
                .filter(|(name, _)| name.starts_with("area_"))
            {
                let theirs = gradient.values.get(name)?;
                let criterion = name.trim_start_matches("area_");
                let text = format!(
                    "{condition}, {criterion}: {:.3} against {:.3}",
                    ours.mean, theirs.mean
                );
                cases.push((text, ours.mean > theirs.mean));
            }
        }
        let larger = cases.iter().filter(|(_, larger)| *larger).count();
        let most = 2 * larger > cases.len();
        Some(Finding {
            confirmed: most,
            ..Finding::all(cases)?
        })
    },
}];

const FIG7: &[Claim] = &[
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

const FIGA1: &[Claim] = &[
    Claim {
        text: "LFP trains with all these activations, not only with piecewise linear ones.",
        criterion: "more than 90 % with SiLU, ELU and tanh",
        check: |of| {
            let cells = of.of_method(MethodVariant::Lfp);
            let smooth =
                cells.filter(|(of, _)| ["silu", "elu", "tanh"].contains(&of.activation.as_str()));
            Finding::all(smooth.map(|(entry, ran)| {
                let text = format!("{}: {} %", entry.name(), ran.accuracy.percent());
                (text, ran.accuracy.mean > 0.9)
            }))
        },
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

const FIGA2: &[Claim] = &[
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
                let deviation = 100.0 * ran.accuracy.standard_deviation;
                let text = format!("{}: standard deviation {deviation:.1} points", entry.name());
                (text, deviation > 1.0)
            }))
        },
    },
];

const FIGA3: &[Claim] = &[
    Claim {
        text: "With LeNet and few time steps, LFP is less accurate than the surrogate gradient.",
        criterion: "at the fewest steps",
        check: |of| of.spiking_lenet("steps", f64::min, |lfp, surrogate| lfp < surrogate),
    },
    Claim {
        text: "With LeNet and a high beta, LFP is more accurate than the surrogate gradient.",
        criterion: "at the highest beta",
        check: |of| of.spiking_lenet("beta", f64::max, |lfp, surrogate| lfp > surrogate),
    },
];

/// A condition with what LFP and another method measured.
type Pair<'a> = (&'a str, &'a Ran, &'a Ran);

impl<'a> Evidence<'a> {
    /// The entries that were run.
    fn entries(&self) -> impl Iterator<Item = (&'a Entry, &'a Ran)> {
        let entries = self.report.results.iter();
        entries.filter_map(|entry| Some((entry, entry.ran()?)))
    }

    fn of_method(&self, method: MethodVariant) -> impl Iterator<Item = (&'a Entry, &'a Ran)> {
        self.entries()
            .filter(move |(entry, _)| entry.method == method)
    }

    fn pairs_with(&self, other: MethodVariant) -> Vec<Pair<'a>> {
        let others: Vec<_> = self.of_method(other).collect();
        let pair = |(entry, lfp): (&'a Entry, &'a Ran)| {
            let mut others = others.iter();
            let (_, other) = others.find(|(other, _)| other.condition == entry.condition)?;
            Some((entry.name(), lfp, *other))
        };
        self.of_method(MethodVariant::Lfp)
            .filter_map(pair)
            .collect()
    }

    fn pairs(&self) -> Vec<Pair<'a>> {
        self.pairs_with(MethodVariant::Gradient)
    }

    /// Whether LFP and gradient are as `judge` has it in all conditions.
    fn compare(&self, judge: impl Fn(&str, &Ran, &Ran) -> (String, bool)) -> Option<Finding> {
        self.compare_if(|name, lfp, other| Some(judge(name, lfp, other)))
    }

    fn compare_if(
        &self,
        judge: impl Fn(&str, &Ran, &Ran) -> Option<(String, bool)>,
    ) -> Option<Finding> {
        self.compare_with(MethodVariant::Gradient, judge)
    }

    fn compare_with(
        &self,
        other: MethodVariant,
        judge: impl Fn(&str, &Ran, &Ran) -> Option<(String, bool)>,
    ) -> Option<Finding> {
        let pairs = self.pairs_with(other);
        Finding::all(pairs.into_iter().filter_map(|(name, lfp, other)| {
            let (text, confirmed) = judge(name, lfp, other)?;
            Some((format!("{name}: {text}"), confirmed))
        }))
    }

    /// The best accuracies of LFP and gradient over the activations, by network and data set of the paper.
    fn best_by_network(&self) -> BTreeMap<String, [f64; 2]> {
        let mut best: BTreeMap<String, [Option<f64>; 2]> = BTreeMap::new();
        let of_paper = self.entries().filter(|(entry, _)| entry.paper.is_some());
        for (entry, ran) in of_paper {
            let row = best
                .entry(format!("{}, {}", entry.model, entry.dataset))
                .or_default();
            let cell = &mut row[usize::from(entry.method != MethodVariant::Lfp)];
            *cell = Some(cell.map_or(ran.accuracy.mean, |best| best.max(ran.accuracy.mean)));
        }
        let both = best
            .into_iter()
            .filter_map(|(row, [lfp, gradient])| Some((row, [lfp?, gradient?])));
        both.collect()
    }

    /// In how many layers LFP and gradient are as `judge` has it.
    fn layers(&self, quantity: &str, judge: fn(f64, f64) -> bool) -> Option<Finding> {
        let of = |method| {
            let curves = self.curves.iter();
            curves.filter(move |curve| curve.quantity == quantity && curve.method == method)
        };
        let all = of(MethodVariant::Lfp).filter_map(|lfp| {
            let gradient =
                of(MethodVariant::Gradient).find(|other| other.condition == lfp.condition)?;
            let layers = lfp.points.iter().zip(&gradient.points);
            let as_judged = layers
                .clone()
                .filter(|((_, lfp, _), (_, gradient, _))| judge(*lfp, *gradient));
            let (count, of) = (as_judged.count(), layers.count());
            Some((
                format!("{}: {count} of {of} layers", lfp.condition),
                4 * count >= 3 * of,
            ))
        });
        Finding::all(all)
    }

    /// Whether LFP and surrogate gradient of the spiking LeNet are as `judge` has it where a setting is extreme.
    fn spiking_lenet(
        &self,
        setting: &str,
        extreme: fn(f64, f64) -> f64,
        judge: fn(f64, f64) -> bool,
    ) -> Option<Finding> {
        let value = |ran: &Ran| {
            let spiking = ran.settings.get("spiking")?;
            let value = spiking
                .get(setting)
                .or_else(|| spiking.get("lif")?.get(setting));
            value?.as_f64()
        };
        let is_lenet = |entry: &Entry| entry.model.starts_with("snn-lenet");
        let values = self
            .entries()
            .filter(|(entry, _)| is_lenet(entry))
            .filter_map(|(_, ran)| value(ran));
        let wanted = values.reduce(extreme)?;
        let pairs = self
            .pairs_with(MethodVariant::SurrogateGradient)
            .into_iter();
        let lenet: Vec<&str> = self
            .entries()
            .filter(|(entry, _)| is_lenet(entry))
            .map(|(entry, _)| entry.name())
            .collect();
        let chosen =
            pairs.filter(|(name, lfp, _)| lenet.contains(name) && value(lfp) == Some(wanted));
        Finding::all(chosen.map(|(name, lfp, surrogate)| {
            let text = format!("{name}: {}", accuracies_of("surrogate", lfp, surrogate));
            (text, judge(lfp.accuracy.mean, surrogate.accuracy.mean))
        }))
    }
}

impl Finding {
    /// Confirmed if all are; `None` without any.
    fn all(findings: impl IntoIterator<Item = (String, bool)>) -> Option<Self> {
        let (texts, confirmed): (Vec<String>, Vec<bool>) = findings.into_iter().unzip();
        (!texts.is_empty()).then(|| Self {
            ours: texts.join("; "),
            confirmed: confirmed.into_iter().all(|one| one),
        })
    }
}

fn accuracies(lfp: &Ran, gradient: &Ran) -> String {
    accuracies_of("gradient", lfp, gradient)
}

fn accuracies_of(other: &str, lfp: &Ran, of_other: &Ran) -> String {
    let [lfp, of_other] = [lfp, of_other].map(|of| Spread::percent(of.accuracy));
    format!("LFP {lfp} %, {other} {of_other} %")
}

/// The lowest learning rate within five points of the best.
fn lowest_good_rate(ran: &Ran) -> Option<f64> {
    let good = ran.by_learning_rate.iter();
    let good = good.filter(|of| of.accuracy.mean >= ran.accuracy.mean - 0.05);
    good.map(|of| of.lr).reduce(f64::min)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

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
    fn fig3(results: Vec<serde_json::Value>) -> Vec<Option<bool>> {
        let report = json!({"figure": "fig3", "results": results});
        let report: Report = serde_json::from_value(report).unwrap();
        let evidence = Evidence {
            report: &report,
            curves: &[],
        };
        let claims = of("fig3").iter();
        claims
            .map(|claim| Some(claim.check(&evidence)?.confirmed))
            .collect()
    }

    #[test]
    fn a_claim_is_confirmed_if_it_holds_on_all_data() {
        let good = [
            result("blobs", "lfp", 0.001, 0.995, 0.9),
            result("blobs", "gradient", 0.1, 1.0, 0.8),
        ];
        assert_eq!(fig3(good.to_vec()), [Some(true); 3]);
        // Two points worse, at the gradient's rate, with fewer neutral weights than before training.
        let mut mixed = good.to_vec();
        mixed.push(result("swirl", "lfp", 0.1, 0.97, 0.4));
        mixed.push(result("swirl", "gradient", 0.1, 0.99, 0.3));
        assert_eq!(fig3(mixed), [Some(false); 3]);
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
        assert!(converges.unwrap().confirmed && stable.is_none());
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
        assert!(of("fig4")[0].check(&evidence).unwrap().confirmed);
    }
}

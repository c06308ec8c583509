//! Claims about Table 3 and Figures 5, 6, A.5 and A.8: accuracy, sparsity and pruning of networks on images.

use std::collections::BTreeMap;

use super::{Claim, Evidence, Finding, Verdict, accuracies};
use crate::{
    prune::Criterion,
    study::{
        MethodVariant,
        report::{Entry, Ran},
    },
};

pub(super) const TABLE3: &[Claim] = &[
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
        text: "LFP generally also trains with SiLU, ELU and tanh.",
        criterion: "at least half the accuracy of ReLU on the same network and data, in most cases",
        check: |of| {
            let entries = of.of_method(MethodVariant::Lfp);
            let smooth = entries
                .filter(|(entry, _)| ["silu", "elu", "tanh"].contains(&entry.activation.as_str()));
            Finding::most(smooth.filter_map(|(entry, ran)| {
                let relu = of
                    .with_activation(entry, MethodVariant::Lfp, "relu")?
                    .accuracy;
                let text = format!(
                    "{}: {} % against {} %",
                    entry.name(),
                    ran.accuracy.percent(),
                    relu.percent()
                );
                Some((text, 2.0 * ran.accuracy.mean >= relu.mean))
            }))
        },
    },
    Claim {
        text: "LFP with sigmoid or Heaviside stays at the level of guessing.",
        criterion: "the paper's value within one point; where the paper has none, guessing within two",
        check: |of| {
            let entries = of.of_method(MethodVariant::Lfp);
            let steps = entries
                .filter(|(entry, _)| ["sigmoid", "heaviside"].contains(&entry.activation.as_str()));
            Finding::all(steps.filter_map(|(entry, ran)| {
                let (expected, tolerance) = match entry.paper {
                    Some(paper) => (paper.mean, 0.01),
                    None => (guessing(ran)?, 0.02),
                };
                let text = format!("{}: {} %", entry.name(), ran.accuracy.percent());
                Some((text, (ran.accuracy.mean - expected).abs() <= tolerance))
            }))
        },
    },
    Claim {
        text: "With Heaviside the gradient learns a little more than LFP: it trains the last layer alone.",
        criterion: "the gradient's accuracy is higher",
        check: |of| {
            let entries = of.of_method(MethodVariant::Lfp);
            let steps = entries.filter(|(entry, _)| entry.activation == "heaviside");
            Finding::all(steps.filter_map(|(entry, lfp)| {
                let gradient =
                    of.with_activation(entry, MethodVariant::Gradient, &entry.activation)?;
                let text = format!("{}: {}", entry.name(), accuracies(lfp, gradient));
                Some((text, gradient.accuracy.mean > lfp.accuracy.mean))
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
                verdict: Verdict::of(10 * within >= 9 * differences.len()),
            })
        },
    },
];

pub(super) const FIG5: &[Claim] = &[
    Claim {
        text: "The Gini coefficients of LFP are as high as the gradient's or higher, layer by layer.",
        criterion: "in at least three quarters of the layers",
        check: |of| of.layers(&["gini".to_owned()], |lfp, gradient| lfp >= gradient),
    },
    Claim {
        text: "Relative to the layer's largest magnitude, the percentiles up to the 75th are lower for LFP.",
        criterion: "the 25th, 50th and 75th are lower in at least three quarters of the layers",
        check: |of| {
            let quantities = [25, 50, 75].map(|at| format!("relative_magnitude_percentile_{at}"));
            of.layers(&quantities, |lfp, gradient| lfp < gradient)
        },
    },
];

pub(super) const FIG6: &[Claim] = &[Claim {
    text: "Networks trained by LFP keep their accuracy for longer under all three criteria, with few exceptions.",
    criterion: "the area under the accuracy is larger for LFP in most cases",
    check: |of| {
        let mut cases = Vec::new();
        for (condition, lfp, gradient) in of.pairs() {
            for criterion in Criterion::ALL {
                let area = |of: &Ran| Some(of.values.get(&format!("area_{criterion}"))?.mean);
                let (Some(lfp), Some(gradient)) = (area(lfp), area(gradient)) else {
                    continue;
                };
                let title = criterion.title();
                let text = format!("{condition}, {title}: {lfp:.3} against {gradient:.3}");
                cases.push((text, lfp > gradient));
            }
        }
        Finding::most(cases)
    },
}];

impl<'a> Evidence<'a> {
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

    /// What a method measured with another activation on the network and data of `entry`.
    fn with_activation(
        &self,
        entry: &Entry,
        method: MethodVariant,
        activation: &str,
    ) -> Option<&'a Ran> {
        let mut others = self.of_method(method);
        let found = others.find(|(other, _)| {
            let place = |of: &Entry| (of.model.clone(), of.dataset.clone());
            place(other) == place(entry) && other.activation == activation
        });
        found.map(|(_, ran)| ran)
    }

    /// In how many layers LFP and gradient are as `judge` has it, in all of `quantities`.
    fn layers(&self, quantities: &[String], judge: fn(f64, f64) -> bool) -> Option<Finding> {
        let of = |quantity: &str, condition: &str, method| {
            let mut curves = self.curves.iter();
            let found = curves.find(|curve| {
                curve.quantity == quantity && curve.method == method && curve.condition == condition
            });
            found.map(|curve| curve.points.as_slice())
        };
        let judged = |condition: &str| {
            let mut held: Option<Vec<bool>> = None;
            for quantity in quantities {
                let lfp = of(quantity, condition, MethodVariant::Lfp)?;
                let gradient = of(quantity, condition, MethodVariant::Gradient)?;
                let layers = lfp.iter().zip(gradient);
                let layers = layers.map(|((_, lfp, _), (_, gradient, _))| judge(*lfp, *gradient));
                let layers: Vec<bool> = layers.collect();
                held = Some(match held {
                    None => layers,
                    Some(held) => held.iter().zip(layers).map(|(a, b)| *a && b).collect(),
                });
            }
            held
        };
        let mut conditions: Vec<&str> =
            self.curves.iter().map(|of| of.condition.as_str()).collect();
        conditions.dedup();
        Finding::all(conditions.into_iter().filter_map(|condition| {
            let held = judged(condition)?;
            let (count, of) = (held.iter().filter(|&&held| held).count(), held.len());
            let entries = self.report.results.iter();
            let mut named = entries.filter(|entry| entry.condition == condition);
            let name = named.next().map_or(condition, Entry::name);
            let text = format!("{name}: {count} of {of} layers");
            Some((text, 4 * count >= 3 * of))
        }))
    }
}

/// The accuracy of guessing among classes of equal size.
fn guessing(ran: &Ran) -> Option<f64> {
    let classes = ran.settings.get("classes")?.as_f64()?;
    Some(1.0 / classes)
}

//! Signs that a run does not train, or trains less than it seems to.

use std::collections::BTreeMap;

use burn::{
    module::{Module, ModuleVisitor, Param},
    tensor::{Int, Tensor},
};
use lfp_models::Network;

use super::{Epoch, Schedule, Settings};
use crate::objective::Method;

/// Most parameters that a warning names.
const NAMED: usize = 3;

/// Why a run cannot learn anything.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NothingToLearn {
    /// LFP moves a parameter in proportion to itself.
    #[error(
        "all parameters are exactly zero, and LFP moves a parameter in proportion to itself: nothing can be learned"
    )]
    ZeroParameters,
    /// No parameter changed.
    #[error("the first epoch changed no parameter: nothing can be learned{0}")]
    NoChange(String),
}

/// Warnings before the first step of a run with `steps` steps, whose smallest batch on a device has `smallest` samples.
///
/// # Errors
///
/// If nothing can be learned.
pub(super) fn at_start(
    settings: &Settings,
    network: &Network,
    steps: usize,
    smallest: usize,
) -> Result<Vec<String>, NothingToLearn> {
    let mut warnings = Vec::new();
    if settings.schedule == Schedule::OneCycle && steps == 1 {
        warnings.push(
            "the schedule has one step, at its lowest learning rate; use more epochs, a smaller --batch, or --schedule \
             constant"
                .to_owned(),
        );
    }
    if settings.model.takes().batch_norm && smallest == 1 {
        warnings.push(
            "batch normalisation sees one sample at a time in some steps; where it has one value per channel, its output \
             does not depend on its input"
                .to_owned(),
        );
    }
    if settings.method == Method::Lfp {
        warnings.extend(zero_parameters(network)?);
    }
    Ok(warnings)
}

fn zero_parameters(network: &Network) -> Result<Option<String>, NothingToLearn> {
    let mut zeros = Zeros::default();
    network.visit(&mut zeros);
    let [all, zero] = [0, 1].map(|index| {
        let counts = zeros.counts.iter();
        counts.map(|(_, counts)| counts[index]).sum::<usize>()
    });
    if zero == 0 {
        return Ok(None);
    }
    if zero == all {
        return Err(NothingToLearn::ZeroParameters);
    }
    let mut names = zeros.counts.iter().filter(|(_, [_, zero])| *zero > 0);
    let shown: Vec<&str> = names
        .by_ref()
        .take(NAMED)
        .map(|(name, _)| name.as_str())
        .collect();
    let more = match names.count() {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    Ok(Some(format!(
        "{zero} of {all} parameters are exactly zero and stay so, because LFP moves a parameter in proportion to itself: \
         {}{more}",
        shown.join(", ")
    )))
}

/// Number of values and of zeros of each parameter.
#[derive(Default)]
struct Zeros {
    path: Vec<String>,
    counts: Vec<(String, [usize; 2])>,
}

impl ModuleVisitor for Zeros {
    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        // Running statistics and frozen parameters do not move anyway.
        if !param.is_require_grad() {
            return;
        }
        let values = param.val().inner();
        let all = values.shape().num_elements();
        let zeros = values.equal_elem(0.0).int().sum().into_scalar::<i64>();
        // Without the name of the network, which is its first part.
        let name = self.path.iter().skip(1).map(String::as_str);
        let name = name.collect::<Vec<_>>().join(".");
        self.counts.push((name, [all, zeros as usize]));
    }
}

/// Whether any parameter differs between two states of a network. Reads one number back from the device.
pub(super) fn has_changed(before: &Network, after: &Network) -> bool {
    let mut values = Values(Vec::new());
    before.visit(&mut values);
    let mut changes = Changes {
        before: values.0.into_iter(),
        count: None,
    };
    after.visit(&mut changes);
    changes
        .count
        .is_some_and(|count| count.into_scalar::<i64>() > 0)
}

/// All parameters, each as a vector.
struct Values(Vec<Tensor<1>>);

impl ModuleVisitor for Values {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let values = param.val().inner();
        let length = values.shape().num_elements();
        self.0.push(values.reshape([length]));
    }
}

struct Changes {
    before: std::vec::IntoIter<Tensor<1>>,
    /// Number of values that differ, `[1]`.
    count: Option<Tensor<1, Int>>,
}

impl ModuleVisitor for Changes {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let Some(before) = self.before.next() else {
            return;
        };
        let after = param.val().inner();
        let length = after.shape().num_elements();
        let changed = after.reshape([length]).not_equal(before).int().sum();
        self.count = Some(match self.count.take() {
            Some(count) => count + changed,
            None => changed,
        });
    }
}

/// Warnings about the epochs of a run with `samples` test samples: at most one of each kind, always in the same place.
pub(super) fn of_epochs(epochs: &[Epoch], samples: usize) -> [Option<String>; 2] {
    let undecided = seen(epochs, |epoch| epoch.test.undecided > 0);
    let unchanged = seen(epochs, |epoch| epoch.unchanged);
    [
        undecided.map(|(first, when)| {
            let count = first.test.undecided;
            format!(
                "{when}: the outputs for {count} of {samples} test samples are NaN; they count as wrong"
            )
        }),
        unchanged.map(|(_, when)| format!("{when} changed no parameter")),
    ]
}

/// The first epoch of a kind, and its number with that of later ones.
fn seen(epochs: &[Epoch], kind: fn(&Epoch) -> bool) -> Option<(&Epoch, String)> {
    let mut found = epochs.iter().enumerate().filter(|(_, epoch)| kind(epoch));
    let (index, first) = found.next()?;
    let number = index + 1;
    let when = match found.count() {
        0 => format!("epoch {number}"),
        later => format!("epoch {number} (and {later} later)"),
    };
    Some((first, when))
}

/// A warning about spiking layers in which no neuron fires, or every neuron at every step.
pub(super) fn of_firing_rates(rates: &BTreeMap<String, f64>) -> Vec<String> {
    let with = |rate: f64| -> Vec<&str> {
        let layers = rates.iter().filter(|(_, found)| **found == rate);
        layers.map(|(layer, _)| layer.as_str()).collect()
    };
    let kinds = [
        (
            with(0.0),
            "no neuron fires; try a lower --threshold, a higher --beta, or more --steps",
        ),
        (
            with(1.0),
            "every neuron fires at every step; try a higher --threshold or a lower --beta",
        ),
    ];
    let kinds = kinds.into_iter().filter(|(layers, _)| !layers.is_empty());
    kinds
        .map(|(layers, what)| format!("{}: {what}", layers.join(", ")))
        .collect()
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;
    use indicatif::{MultiProgress, ProgressDrawTarget};
    use lfp_models::{Model, NetworkConfig, initialized};

    use super::*;
    use crate::{
        data::DataSet,
        train::{Computing, run_in_memory},
    };

    fn network(model: Model) -> Network {
        let config = NetworkConfig::new([3, 32, 32], 10);
        initialized(model.init(&config, &Device::default().autodiff()).unwrap())
    }

    /// Multiplies all parameters by a factor.
    struct Scale(f64);

    impl burn::module::ModuleMapper for Scale {
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            param.map(|tensor| (tensor * self.0).detach().require_grad())
        }
    }

    fn settings(model: Model, method: Method) -> Settings {
        Settings::new(model, DataSet::CIFAR10, method, 10)
    }

    #[test]
    fn parameters_that_are_exactly_zero_are_counted_and_named() {
        let network = network(Model::RESNET18);
        let warnings = at_start(&settings(Model::RESNET18, Method::Lfp), &network, 9, 9).unwrap();
        let [warning] = warnings.as_slice() else {
            panic!("{warnings:?}");
        };
        // The shifts of batch normalisation begin at zero: 4,800 in a ResNet-18. One of its 11 million random weights may be
        // zero, too, because they are drawn from 2^24 numbers.
        let count = warning
            .split(' ')
            .next()
            .and_then(|count| count.parse().ok());
        assert!(
            count.is_some_and(|count: usize| (4800..4810).contains(&count)),
            "{warning}"
        );
        assert!(
            warning.contains("beta") && !warning.contains("running"),
            "{warning}"
        );
        let by_gradient = settings(Model::RESNET18, Method::Gradient);
        assert!(at_start(&by_gradient, &network, 9, 9).unwrap().is_empty());
    }

    #[test]
    fn a_network_of_zeros_cannot_learn_by_lfp() {
        let network = network(Model::LENET);
        assert!(
            at_start(&settings(Model::LENET, Method::Lfp), &network, 9, 9)
                .unwrap()
                .is_empty()
        );
        let zeros = network.clone().map(&mut Scale(0.0));
        let refused = at_start(&settings(Model::LENET, Method::Lfp), &zeros, 9, 9);
        assert_eq!(refused, Err(NothingToLearn::ZeroParameters));
        assert!(has_changed(&network, &zeros));
        assert!(!has_changed(&network, &network.clone()));
    }

    #[test]
    fn one_step_and_one_sample_are_warned_of() {
        let network = network(Model::RESNET18);
        let by_gradient = settings(Model::RESNET18, Method::Gradient);
        let warnings = at_start(&by_gradient, &network, 1, 1).unwrap();
        assert_eq!(warnings.len(), 2, "{warnings:?}");
        assert!(warnings[0].contains("one step") && warnings[1].contains("one sample"));
        assert!(at_start(&by_gradient, &network, 2, 2).unwrap().is_empty());
    }

    #[test]
    fn a_warning_about_many_epochs_is_one_line_with_the_first_and_their_number() {
        let mut epochs = vec![Epoch::default(); 9];
        assert_eq!(of_epochs(&epochs, 20), [None, None]);
        epochs[2].unchanged = true;
        epochs[4].test.undecided = 7;
        let now = of_epochs(&epochs, 20).map(Option::unwrap_or_default);
        assert!(now[0].starts_with("epoch 5: the outputs for 7 of 20"));
        assert_eq!(now[1], "epoch 3 changed no parameter");
        for index in [3, 8] {
            epochs[index].unchanged = true;
        }
        let [_, unchanged] = of_epochs(&epochs, 20);
        assert_eq!(
            unchanged.as_deref(),
            Some("epoch 3 (and 2 later) changed no parameter")
        );
    }

    #[test]
    fn a_run_in_memory_is_looked_at_like_one_in_a_folder() {
        let mut settings = Settings::new(Model::MLP_TOY, DataSet::BLOBS, Method::Lfp, 2);
        settings.epochs = 1;
        settings.batch = 1_000;
        let data = settings.dataset.load(None, settings.reading()).unwrap();
        let run = |settings: &Settings| {
            let computing = Computing::on(&Device::default());
            let bars = MultiProgress::with_draw_target(ProgressDrawTarget::hidden());
            let run = run_in_memory(settings, &data, &computing, &bars).unwrap();
            run.outcome.warnings.join("; ")
        };
        let one_step = run(&settings);
        assert!(one_step.contains("the schedule has one step"), "{one_step}");
        settings.schedule = Schedule::Constant;
        settings.lr = 1e-37;
        assert_eq!(run(&settings), "epoch 1 changed no parameter");
        settings.lr = 0.1;
        assert_eq!(run(&settings), "");
    }

    #[test]
    fn layers_in_which_nobody_or_everybody_fires_are_named() {
        let rates = [("layer 1", 0.5), ("layer 2", 0.0), ("layer 3", 1.0)];
        let rates = rates.map(|(layer, rate)| (layer.to_owned(), rate)).into();
        let warnings = of_firing_rates(&rates);
        assert_eq!(warnings.len(), 2);
        assert!(warnings[0].starts_with("layer 2: no neuron fires"));
        assert!(warnings[1].starts_with("layer 3: every neuron fires"));
    }
}

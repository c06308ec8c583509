//! Options that have no effect beside the others. The same rules serve the command line and `settings.json`.

use std::collections::BTreeSet;

use burn::module::{Flag, Module, ModuleVisitor, Param};
use lfp_burn::{ActsOn, FreezeError, LfpConfig, Surrogate, check_freeze};
use lfp_models::{Model, Network};

use super::{Optimizer, Schedule, Settings};
use crate::objective::Method;

/// Settings that do not go together.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Contradiction {
    /// An option that does nothing.
    #[error("--{option} has no effect: {reason}")]
    NoEffect {
        /// The option, without dashes.
        option: String,
        /// The reason.
        reason: String,
    },
    /// The pattern of `--freeze`.
    #[error(transparent)]
    Freeze(#[from] FreezeError),
}

/// An option, whether it does nothing, and why.
type Rule = (bool, String, String);

/// A rule that is known by name.
fn rule(has_no_effect: bool, option: &str, reason: impl Into<String>) -> Rule {
    (has_no_effect, option.to_owned(), reason.into())
}

/// # Errors
///
/// The first option that is given and has no effect.
fn check_rules(
    rules: impl IntoIterator<Item = Rule>,
    is_given: impl Fn(&str) -> bool,
) -> Result<(), Contradiction> {
    for (has_no_effect, option, reason) in rules {
        if has_no_effect && is_given(&option) {
            return Err(Contradiction::NoEffect { option, reason });
        }
    }
    Ok(())
}

impl Settings {
    /// Checks that every option that `is_given` acts on this run. It gets names without dashes, such as `cycle-momentum`.
    ///
    /// # Errors
    ///
    /// The first that does not.
    pub fn check_effects(&self, is_given: impl Fn(&str) -> bool) -> Result<(), Contradiction> {
        self.check_recorded_effects(&is_given)?;
        check_rules(self.rules_of_values(), is_given)
    }

    /// The same for settings of a file, which may be of an earlier version: combinations of values that are refused since then
    /// change nothing, and stay readable.
    ///
    /// # Errors
    ///
    /// The first option that has no effect.
    pub(super) fn check_recorded_effects(
        &self,
        is_given: impl Fn(&str) -> bool,
    ) -> Result<(), Contradiction> {
        if let Some(pattern) = &self.freeze {
            check_freeze(pattern)?;
        }
        let rules = self.rules_of_training().into_iter();
        let rules = rules
            .chain(self.rules_of_momentum())
            .chain(self.rules_of_network())
            .chain(self.rules_of_spikes())
            .chain(self.rules_of_propagation());
        check_rules(rules, is_given)
    }

    /// The options, without dashes, whose values are not the default for model, data, method and optimiser.
    pub(super) fn chosen(&self) -> BTreeSet<String> {
        let default = Self::new(self.model, self.dataset, self.method, self.classes);
        let default = default.with_optimizer(self.optimizer).options();
        let chosen = self.options().into_iter();
        let chosen =
            chosen.filter(|(name, value)| !value.is_null() && default.get(name) != Some(value));
        chosen.map(|(name, _)| name.replace('_', "-")).collect()
    }

    fn rules_of_network(&self) -> Vec<Rule> {
        let (model, dataset) = (self.model, self.dataset);
        let takes = model.takes();
        let has_images = dataset.has_image_files();
        vec![
            rule(
                !takes.activation,
                "activation",
                format!("{model} has no hidden activation"),
            ),
            rule(
                !takes.output_activation,
                "output-activation",
                format!("the outputs of {model} have no activation"),
            ),
            rule(
                self.weight_bits.is_none(),
                "latent-rule",
                "it acts on weights that --weight-bits quantises",
            ),
            rule(
                self.method == Method::Gradient,
                "latent-rule",
                "gradients pass straight through",
            ),
            rule(!takes.dropout, "dropout", format!("{model} has no dropout")),
            rule(
                !takes.hidden_layer,
                "hidden-layer",
                format!("it acts on {}, not on {model}", Model::SNN_LENET),
            ),
            rule(
                model.spikes(),
                "class-weights",
                format!("the reward and the loss of spikes take no weights, and {model} spikes"),
            ),
            rule(
                !has_images,
                "cache",
                format!("{dataset} is in memory already"),
            ),
            rule(
                !has_images,
                "image-size",
                format!("only photographs (cub, isic, food11, folder) are resized, not {dataset}"),
            ),
        ]
    }

    fn rules_of_training(&self) -> Vec<Rule> {
        let of_rewards = match (self.method, self.model.spikes()) {
            (Method::Gradient, _) => "--method gradient uses the cross-entropy".to_owned(),
            (Method::Lfp, _) => format!("{} uses the rate-coded reward of spikes", self.model),
        };
        vec![
            rule(
                self.method == Method::Gradient || self.model.spikes(),
                "reward",
                of_rewards,
            ),
            rule(
                self.schedule != Schedule::Cosine,
                "warmup",
                "it acts on --schedule cosine",
            ),
        ]
    }

    fn rules_of_momentum(&self) -> Vec<Rule> {
        let optimizer = self.optimizer;
        let has_no_momentum = match self.cycle_momentum {
            Some(cycle) => cycle == [0.0; 2],
            None => self.momentum == 0.0,
        };
        vec![
            rule(
                !optimizer.has_momentum(),
                "momentum",
                "adagrad has no momentum",
            ),
            rule(
                self.cycle_momentum.is_some(),
                "momentum",
                "the momentum cycles",
            ),
            rule(
                !optimizer.has_momentum(),
                "cycle-momentum",
                "adagrad has no momentum",
            ),
            rule(
                self.schedule != Schedule::OneCycle,
                "cycle-momentum",
                "the momentum cycles only with --schedule onecycle",
            ),
            rule(
                optimizer != Optimizer::Sgd,
                "dampening",
                "it acts on the momentum of --optimizer sgd",
            ),
            rule(has_no_momentum, "dampening", "the momentum is 0"),
        ]
    }

    fn rules_of_spikes(&self) -> Vec<Rule> {
        let by_gradient = self.method == Method::Gradient;
        let surrogate = self.spiking.map(|spiking| spiking.lif.surrogate);
        let mut rules = Vec::new();
        if !self.model.spikes() {
            let (spiking, model) = (spiking_models(), self.model);
            let reason = format!("it acts on spiking networks ({spiking}), and {model} is none");
            rules = [
                "steps",
                "beta",
                "threshold",
                "surrogate",
                "gradient-normalization",
                "spike-reward",
            ]
            .map(|option| rule(true, option, reason.clone()))
            .into();
        }
        rules.extend([
            rule(
                !by_gradient,
                "surrogate",
                "--method lfp takes no derivative of a spike",
            ),
            rule(
                !by_gradient,
                "gradient-normalization",
                "--method lfp propagates rewards; see --lfp-reward-normalization",
            ),
            rule(
                surrogate == Some(Surrogate::None),
                "gradient-normalization",
                "without a surrogate every gradient is zero",
            ),
            rule(
                by_gradient,
                "spike-reward",
                "--method gradient uses the cross-entropy",
            ),
        ]);
        rules
    }

    /// Options whose values leave nothing to do.
    fn rules_of_values(&self) -> [Rule; 3] {
        let devices = self.device.len();
        let per_device = self.batch.div_ceil(devices);
        [
            rule(
                per_device == 1,
                "accumulate",
                "a device gets one sample at a time, which is not split",
            ),
            rule(
                self.batch < devices,
                "devices",
                format!("a batch of {} leaves some without samples", self.batch),
            ),
            rule(
                self.spiking.is_some_and(|spiking| spiking.steps == 1),
                "beta",
                "with --steps 1 no membrane potential decays",
            ),
        ]
    }

    fn rules_of_propagation(&self) -> impl Iterator<Item = Rule> {
        let by_gradient = self.method == Method::Gradient;
        LfpConfig::OPTIONS.iter().map(move |option| {
            let name = format!("lfp-{}", option.field.replace('_', "-"));
            let model = self.model;
            match self.part(option.acts_on) {
                _ if by_gradient => (true, name, "it acts on --method lfp".to_owned()),
                Some(part) => (
                    true,
                    name,
                    format!("it acts on {part}, and {model} has none here"),
                ),
                None => (false, name, String::new()),
            }
        })
    }

    /// The part that a setting of the propagation acts on, if the network has no such part.
    fn part(&self, acts_on: ActsOn) -> Option<&'static str> {
        let takes = self.model.takes();
        let drops = self
            .dropout
            .map_or(takes.dropout_by_default, |probability| probability > 0.0);
        let (has, part) = match acts_on {
            ActsOn::Anything => (true, ""),
            ActsOn::BatchNorm => (takes.batch_norm, "batch normalisation"),
            ActsOn::Sums => (takes.sums, "residual sums"),
            ActsOn::LayerNorm => (takes.attention, "layer normalisation"),
            ActsOn::Products => (takes.attention, "attention"),
            ActsOn::Embeddings => (takes.attention, "class and position tokens"),
            ActsOn::Dropout => (takes.dropout && drops, "dropout"),
            ActsOn::SignChanges => (
                takes.activation && !self.activation.keeps_sign(),
                "activations that change the sign (sigmoid, softplus)",
            ),
            ActsOn::SpikingNeurons => (self.model.spikes(), "spiking neurons"),
        };
        (!has).then_some(part)
    }
}

/// Checks that no option that `is_given` acts on the frozen layers of `network` alone, which behave as in inference.
///
/// # Errors
///
/// The first that does.
pub fn check_frozen_effects(
    network: &Network,
    is_given: impl Fn(&str) -> bool,
) -> Result<(), Contradiction> {
    let active = ActiveParts::of(network);
    let rule = |option: &str, is_active: bool, part: &str| {
        let reason = format!("--freeze leaves no {part} that trains");
        rule(!is_active, option, reason)
    };
    let rules = [
        rule("dropout", active.dropout, "dropout"),
        rule("lfp-dropout", active.dropout, "dropout"),
        rule("lfp-batch-norm", active.batch_norm, "batch normalisation"),
    ];
    check_rules(rules, is_given)
}

/// Layers that behave otherwise in training, and are not frozen.
#[derive(Default)]
struct ActiveParts {
    modules: Vec<String>,
    dropout: bool,
    batch_norm: bool,
}

impl ActiveParts {
    fn of(network: &Network) -> Self {
        let mut parts = Self::default();
        network.visit(&mut parts);
        parts
    }
}

impl ModuleVisitor for ActiveParts {
    fn enter_module(&mut self, _: &str, container: &str) {
        self.modules.push(container.to_owned());
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.modules.pop();
    }

    fn visit_flag(&mut self, flag: &Param<Flag>) {
        let is_in = |module: &str| self.modules.iter().any(|of| of.ends_with(module));
        let trains = flag.val().is_enabled();
        self.dropout |= trains && is_in(":Dropout");
        self.batch_norm |= trains && is_in(":BatchNorm");
    }
}

/// The names of all spiking models.
pub(crate) fn spiking_models() -> String {
    let names: Vec<&str> = Model::all()
        .filter(|model| model.spikes())
        .map(Model::name)
        .collect();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;
    use lfp_burn::{quantize::LatentRule, reward::SpikeRateForm};

    use super::*;
    use crate::{data::DataSet, objective::RewardKind};

    /// Otherwise a run could not be resumed.
    #[test]
    fn no_default_contradicts_another() {
        for model in Model::all() {
            for dataset in DataSet::all() {
                for method in [Method::Lfp, Method::Gradient] {
                    let default = Settings::new(model, dataset, method, 10);
                    for optimizer in [Optimizer::Sgd, Optimizer::AdamW, Optimizer::AdaGrad] {
                        let settings = default.clone().with_optimizer(optimizer);
                        assert_eq!(settings.chosen(), BTreeSet::new(), "{model} {dataset}");
                        assert_eq!(settings.check(), Ok(()));
                    }
                }
            }
        }
    }

    #[test]
    fn values_that_leave_nothing_to_do_are_refused_on_the_command_line_alone() {
        let refused = |settings: &Settings, option: &str| {
            let error = settings.check_effects(|of| of == option).unwrap_err();
            let start = format!("--{option} has no effect");
            assert!(error.to_string().starts_with(&start), "{error}");
            assert_eq!(settings.check(), Ok(()));
        };
        let settings = |model| Settings::new(model, DataSet::MNIST, Method::Lfp, 10);
        let mut one = settings(Model::LENET);
        one.accumulate = 4;
        one.batch = 1;
        refused(&one, "accumulate");
        one.batch = 2;
        assert_eq!(one.check_effects(|of| of == "accumulate"), Ok(()));
        one.device = "cuda,cuda:1".to_owned().try_into().unwrap();
        refused(&one, "accumulate");
        one.batch = 1;
        refused(&one, "devices");
        let mut spikes = settings(Model::SNN_MLP);
        if let Some(spiking) = &mut spikes.spiking {
            spiking.steps = 1;
            spiking.lif.beta = 0.5;
        }
        refused(&spikes, "beta");
    }

    #[test]
    fn options_of_layers_that_are_all_frozen_have_no_effect() {
        let mut settings = Settings::new(Model::VGG_LIKE_BN, DataSet::CIFAR10, Method::Lfp, 10);
        settings.dropout = Some(0.2);
        let config = settings.network([3, 32, 32], 10);
        let network = settings.model.init(&config, &Device::default()).unwrap();
        let mut check = |pattern: &str, option: &str| {
            settings.freeze = Some(pattern.to_owned());
            // A run of an earlier version may have such settings.
            assert_eq!(settings.check(), Ok(()));
            let frozen = settings.frozen(network.clone()).unwrap();
            check_frozen_effects(&frozen, |given| given == option)
                .map_err(|error| error.to_string())
        };
        for option in ["dropout", "lfp-dropout", "lfp-batch-norm"] {
            assert_eq!(check("blocks.0.0", option), Ok(()));
        }
        assert_eq!(check("blocks.*", "dropout"), Ok(()));
        let refused = [
            ("blocks.*", "lfp-batch-norm"),
            ("dropout|blocks.0.0", "dropout"),
            ("dropout|blocks.0.0", "lfp-dropout"),
        ];
        for (pattern, option) in refused {
            let error = check(pattern, option).unwrap_err();
            let start = format!("--{option} has no effect: --freeze");
            assert!(error.starts_with(&start), "{error}");
        }
    }

    #[test]
    fn a_file_is_checked_like_the_command_line() {
        let settings = |model, method| Settings::new(model, DataSet::MNIST, method, 10);
        let refused = |mut settings: Settings, change: fn(&mut Settings), words: &str| {
            assert_eq!(settings.check(), Ok(()));
            change(&mut settings);
            let error = settings.check().unwrap_err();
            assert!(error.contains(words), "expected {words}: {error}");
        };
        let lenet = || settings(Model::LENET, Method::Lfp);
        refused(
            lenet(),
            |of| of.warmup = Some(0.2),
            "--warmup has no effect",
        );
        refused(
            lenet(),
            |of| {
                of.schedule = Schedule::Constant;
                of.cycle_momentum = Some([0.8, 0.9]);
            },
            "--cycle-momentum has no effect",
        );
        refused(
            lenet(),
            |of| {
                of.cycle_momentum = Some([0.8, 0.9]);
                of.momentum = 0.5;
            },
            "--momentum has no effect: the momentum cycles",
        );
        refused(
            lenet().with_optimizer(Optimizer::Adam),
            |of| of.dampening = true,
            "--dampening has no effect",
        );
        refused(
            lenet(),
            |of| {
                of.momentum = 0.0;
                of.dampening = true;
            },
            "--dampening has no effect: the momentum is 0",
        );
        refused(
            lenet(),
            |of| of.spike_reward = Some(SpikeRateForm::default()),
            "--spike-reward has no effect",
        );
        refused(
            lenet(),
            |of| of.freeze = Some("head(".to_owned()),
            "unclosed group",
        );
        refused(
            lenet(),
            |of| of.latent_rule = LatentRule::StraightThrough,
            "--latent-rule has no effect: it acts on weights that --weight-bits quantises",
        );
        refused(
            settings(Model::LENET, Method::Gradient),
            |of| {
                of.weight_bits = Some(1);
                of.latent_rule = LatentRule::StraightThrough;
            },
            "--latent-rule has no effect: gradients",
        );
        refused(
            settings(Model::LENET, Method::Gradient),
            |of| of.lfp.epsilon = 0.1,
            "--lfp-epsilon has no effect",
        );
        let snn = || settings(Model::SNN_MLP, Method::Lfp);
        refused(
            snn(),
            |of| of.reward = RewardKind::Sigmoid,
            "--reward has no effect",
        );
        refused(
            snn(),
            |of| of.class_weights = true,
            "--class-weights has no effect",
        );
        refused(
            snn(),
            |of| {
                if let Some(spiking) = &mut of.spiking {
                    spiking.hidden_layer = true;
                }
            },
            "--hidden-layer has no effect",
        );
    }
}

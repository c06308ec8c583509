//! Layers of a model that have no hook.

use std::collections::HashSet;

use burn::module::{Module, ModuleVisitor};

/// A layer that rewards would pass by its derivative instead of a rule of LFP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unhooked {
    /// The path in the model, such as `blocks.0.conv`.
    pub path: String,
    /// The type of the layer, such as `Conv2d`.
    pub layer: String,
}

/// Burn's layers that need a [hook](crate::nn::Hook::hooked): weighted sums, normalisation, activations, attention,
/// recurrence.
const NEED_HOOKS: &[&str] = &[
    "AdaptiveAvgPool1d",
    "AdaptiveAvgPool2d",
    "AvgPool1d",
    "AvgPool2d",
    "BatchNorm",
    "Celu",
    "Conv1d",
    "Conv2d",
    "Conv3d",
    "ConvTranspose1d",
    "ConvTranspose2d",
    "ConvTranspose3d",
    "Elu",
    "Embedding",
    "Gelu",
    "GroupNorm",
    "Gru",
    "HardShrink",
    "HardSigmoid",
    "HardSwish",
    "Hardtanh",
    "InstanceNorm",
    "LayerNorm",
    "LeakyRelu",
    "Linear",
    "Lstm",
    "Mish",
    "MultiHeadAttention",
    "PRelu",
    "PositionWiseFeedForward",
    "Relu",
    "Relu6",
    "RmsNorm",
    "Rnn",
    "Selu",
    "Shrink",
    "SiLU",
    "Sigmoid",
    "SoftShrink",
    "Softplus",
    "Softsign",
    "SwiGlu",
    "Tanh",
    "Tanhshrink",
    "ThresholdedRelu",
    "TransformerDecoder",
    "TransformerDecoderLayer",
    "TransformerEncoder",
    "TransformerEncoderLayer",
];

/// Burn's layers that have no hook: their outputs need one of the functions in [`hooks`](crate::hooks), or no rule exists.
const NO_RULE: &[&str] = &[
    "AdaptiveAvgPool3d",
    "BiGru",
    "BiLstm",
    "BiRnn",
    "CosineSimilarity",
    "CrossAttention",
    "DeformConv2d",
    "Fold4d",
    "GLU",
    "GaussianNoise",
    "Interpolate1d",
    "Interpolate2d",
    "LocalResponseNorm",
    "LogSigmoid",
    "PairwiseDistance",
    "PositionalEncoding",
    "RRelu",
    "RotaryEncoding",
    "Threshold",
];

/// Lists Burn's layers in `model` that lack a hook, or that LFP has no rule for. Rewards pass them by their derivative,
/// without an error.
///
/// Only Burn's layers are found: the fields of modules whose type, as `Debug` prints it, is one of these. Tensor operations in
/// a forward pass, free parameters and layers of your own are not. Layers inside a hooked one follow its rule. Fields with
/// `#[module(skip)]` are settings.
///
/// # Example
///
/// ```
/// use burn::module::Module;
/// use burn::nn::{Gelu, Linear, LinearConfig};
/// use burn::tensor::Device;
/// use lfp_burn::{audit, nn::{Hook, Hooked}};
///
/// #[derive(Module, Debug)]
/// struct Model {
///     hidden: Vec<Hooked<Linear>>,
///     gelu: Gelu,
///     output: Linear,
/// }
///
/// let linear = || LinearConfig::new(2, 2).init(&Device::default());
/// let model = Model { hidden: vec![linear().hooked()], gelu: Gelu::new(), output: linear() };
/// let found = audit(&model);
/// let paths: Vec<&str> = found.iter().map(|layer| layer.path.as_str()).collect();
/// assert_eq!(paths, ["gelu", "output"]);
/// ```
pub fn audit<M: Module>(model: &M) -> Vec<Unhooked> {
    let mut modules = Modules::default();
    modules.paths.insert(String::new());
    model.visit(&mut modules);
    let mut audit = Audit {
        modules: modules.paths,
        open: Vec::new(),
        found: Vec::new(),
    };
    for line in format!("{model:#?}").lines() {
        audit.read(line.trim());
    }
    audit.found
}

/// The paths of all modules. `Debug` prints settings, too, and `ActivationFn::Relu` as it prints the layer.
#[derive(Default)]
struct Modules {
    /// The names of the modules around the visited one; empty for the variants of an enum.
    open: Vec<String>,
    paths: HashSet<String>,
}

impl ModuleVisitor for Modules {
    fn enter_module(&mut self, name: &str, container: &str) {
        let name = match container.starts_with("Enum:") {
            true => "",
            false => name,
        };
        self.open.push(name.to_owned());
        self.paths.insert(joined(self.open.iter()));
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.open.pop();
    }
}

/// A path of the names that are not empty.
fn joined<'a>(names: impl Iterator<Item = &'a String>) -> String {
    let names = names.map(String::as_str).filter(|name| !name.is_empty());
    names.collect::<Vec<_>>().join(".")
}

/// A value of which the members are printed next: a module, a list, an option, an enum.
struct Open {
    /// The name of the field, or the place in the list; empty for what is no part of a path.
    name: String,
    /// Whether the layers inside follow the rule of a hook, or belong to one that is listed.
    covered: bool,
    is_list: bool,
    members: usize,
}

struct Audit {
    /// The paths of modules; what is printed elsewhere is a setting.
    modules: HashSet<String>,
    open: Vec<Open>,
    found: Vec<Unhooked>,
}

impl Audit {
    /// Reads a line that `{:#?}` prints: `field: Type {`, `Type(`, `[`, `field: Unit,` or a closing bracket.
    fn read(&mut self, line: &str) {
        if line.starts_with(['}', ')', ']']) {
            self.open.pop();
            return;
        }
        let line = line.strip_suffix(',').unwrap_or(line);
        let opened = line.chars().last().filter(|last| "{([".contains(*last));
        let line = line.trim_end_matches(['{', '(', '[']).trim_end();
        let (field, value) = match (line.split_once(": "), line.strip_suffix(':')) {
            (Some((field, value)), _) => (field, value),
            // A list prints as `field: [`.
            (None, Some(field)) => (field, ""),
            (None, None) => ("", line),
        };
        let name = self.name(field);
        // The members of lists, arrays and tuples are modules by their place.
        let is_list = opened == Some('[') || (opened == Some('(') && value.is_empty());
        let covered = match opened {
            // An option, a tuple, or the variant of an enum: its name is that of no layer.
            Some('(') => self.is_covered(),
            _ => self.layer(&name, value),
        };
        if opened.is_some() {
            self.open.push(Open {
                name,
                covered,
                is_list,
                members: 0,
            });
        }
    }

    /// The part of the path: the field, or the place in the list around it.
    fn name(&mut self, field: &str) -> String {
        let is_covered = self.is_covered();
        match self.open.last_mut() {
            Some(list) if list.is_list => {
                list.members += 1;
                (list.members - 1).to_string()
            }
            // The field of a hook is no part of a path.
            _ if field == "layer" && is_covered => String::new(),
            _ => field.to_owned(),
        }
    }

    fn is_covered(&self) -> bool {
        self.open.last().is_some_and(|open| open.covered)
    }

    /// Lists the value if it is a layer without a rule. Returns whether what it holds is covered.
    fn layer(&mut self, name: &str, value: &str) -> bool {
        let covered = self.is_covered();
        let hook = ["Hooked", "Spiking"].contains(&value);
        let needs = NEED_HOOKS.contains(&value) && !covered;
        // A recurrent layer is made of gates, an encoder of attention: only the whole has a rule.
        if needs || NO_RULE.contains(&value) {
            let name = name.to_owned();
            let path = joined(self.open.iter().map(|open| &open.name).chain([&name]));
            if !self.modules.contains(&path) {
                return covered;
            }
            self.found.push(Unhooked {
                path,
                layer: value.to_owned(),
            });
            return true;
        }
        covered || hook
    }
}

#[cfg(test)]
mod tests {
    use burn::{
        module::Module,
        nn::{
            Linear, LinearConfig, LocalResponseNorm, LocalResponseNormConfig, Relu,
            attention::{CrossAttention, CrossAttentionConfig},
            pool::{MaxPool2d, MaxPool2dConfig},
            transformer::{TransformerEncoder, TransformerEncoderConfig},
        },
        tensor::Device,
    };

    use super::*;
    use crate::{
        ActivationFn,
        nn::{Hook, Hooked},
    };

    #[derive(Module, Debug)]
    enum Head {
        Linear(Linear),
    }

    #[derive(Module, Debug)]
    struct Model {
        encoder: Hooked<TransformerEncoder>,
        plain: Vec<TransformerEncoder>,
        pool: MaxPool2d,
        maybe: Option<Relu>,
        none: Option<Relu>,
        norm: Hooked<LocalResponseNorm>,
        cross: CrossAttention,
        heads: Vec<Head>,
    }

    #[derive(Module, Debug)]
    struct Activated {
        activation: Relu,
        #[module(skip)]
        after: ActivationFn,
        pair: (Hooked<Relu>, Relu),
    }

    #[test]
    fn an_activation_is_a_layer_or_a_setting_whatever_its_name() {
        let model = Activated {
            activation: Relu::new(),
            after: ActivationFn::Relu,
            pair: (Relu::new().hooked(), Relu::new()),
        };
        let found = audit(&model);
        let paths: Vec<&str> = found.iter().map(|layer| layer.path.as_str()).collect();
        assert_eq!(paths, ["activation", "pair.1"]);
    }

    #[test]
    fn layers_without_a_rule_are_listed_with_their_paths() {
        let device = Device::default();
        let encoder = || TransformerEncoderConfig::new(4, 8, 2, 1).init(&device);
        let linear = || LinearConfig::new(2, 2).init(&device);
        let model = Model {
            encoder: encoder().hooked(),
            plain: vec![encoder(), encoder()],
            pool: MaxPool2dConfig::new([2, 2]).init(),
            maybe: Some(Relu::new()),
            none: None,
            norm: LocalResponseNormConfig::new(3).init().hooked(),
            cross: CrossAttentionConfig::new(4, 4, 2, 2, 2).init(&device),
            heads: vec![Head::Linear(linear()), Head::Linear(linear())],
        };
        let found = audit(&model);
        let found: Vec<(&str, &str)> = found
            .iter()
            .map(|found| (found.path.as_str(), found.layer.as_str()))
            .collect();
        let expected = [
            ("plain.0", "TransformerEncoder"),
            ("plain.1", "TransformerEncoder"),
            ("maybe", "Relu"),
            ("norm", "LocalResponseNorm"),
            ("cross", "CrossAttention"),
            ("heads.0", "Linear"),
            ("heads.1", "Linear"),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn a_layer_alone_has_an_empty_path() {
        let layer = LinearConfig::new(2, 2).init(&Device::default());
        let expected = Unhooked {
            path: String::new(),
            layer: "Linear".to_owned(),
        };
        assert_eq!(audit(&layer), [expected]);
        assert!(audit(&layer.hooked()).is_empty());
    }
}

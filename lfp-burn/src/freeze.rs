//! Freezing parts of a model by the paths of their parameters.

use burn::{
    module::{Flag, Module, ModuleVisitor, Param, ParamGroup, ParamGroupError, ParamId},
    tensor::Tensor,
};

/// A pattern that [`freeze`] refuses.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FreezeError {
    /// The pattern is no regular expression.
    #[error("freeze: '{pattern}' is no regular expression: {reason}")]
    Pattern {
        /// The pattern.
        pattern: String,
        /// What is wrong.
        reason: String,
    },
    /// No parameter has such a path.
    #[error("freeze: '{pattern}' is the path of no parameter; expected paths such as {examples}")]
    Nothing {
        /// The pattern.
        pattern: String,
        /// The path of the first parameter of each field of the model.
        examples: String,
    },
    /// The pattern matches every parameter that learns.
    #[error("freeze: '{pattern}' leaves no parameter to train")]
    Everything {
        /// The pattern.
        pattern: String,
    },
}

/// Freezes the parts of `model` whose paths match `pattern`, for fine-tuning.
///
/// Frozen parameters get no updates, and no backward pass is computed below the first that learns. Frozen layers behave as
/// in inference: no dropout, batch normalisation by running statistics.
///
/// `pattern` is a regular expression for a whole path, or for the whole path of a module: `encoder.layers.1` freezes that
/// layer, not `encoder.layers.10`. The variants of an enum are no part of a path.
///
/// # Errors
///
/// If the pattern is no regular expression, or matches no parameter or all that learn.
///
/// # Example
///
/// ```
/// use burn::nn::LinearConfig;
/// use burn::module::Module;
/// use burn::tensor::{Device, Tensor};
/// use lfp_burn::{freeze, prelude::*};
///
/// #[derive(Module, Debug)]
/// struct Model {
///     first: Hooked<burn::nn::Linear>,
///     second: Hooked<burn::nn::Linear>,
/// }
///
/// let device = Device::default().autodiff();
/// let model = Model {
///     first: LinearConfig::new(2, 3).init(&device).hooked(),
///     second: LinearConfig::new(3, 4).init(&device).hooked(),
/// };
/// let model = freeze(model, "first|second.bias")?;
/// let outputs = model.second.forward(model.first.forward(Tensor::<2>::ones([1, 2], &device)));
/// let grads = outputs.propagate(Tensor::ones([1, 4], &device)).into_grads(&model);
/// assert_eq!(grads.len(), 1);
/// # Ok::<(), lfp_burn::FreezeError>(())
/// ```
pub fn freeze<M: Module>(model: M, pattern: &str) -> Result<M, FreezeError> {
    let mut found = Matches::new(parse(pattern)?);
    model.visit(&mut found);
    let pattern = pattern.to_owned();
    match (found.frozen, found.learning) {
        (0, _) => Err(FreezeError::Nothing {
            pattern,
            examples: found.examples.join(", "),
        }),
        (_, 0) => Err(FreezeError::Everything { pattern }),
        _ => Ok(model.freeze_group(ParamGroup::from_ids(found.ids))),
    }
}

/// Checks the pattern of a later [`freeze`], before there is a model.
///
/// # Errors
///
/// If the pattern is no regular expression.
pub fn check_freeze(pattern: &str) -> Result<(), FreezeError> {
    parse(pattern).map(|_| ())
}

fn parse(pattern: &str) -> Result<ParamGroup, FreezeError> {
    let group = ParamGroup::from_regex(format!(r"^(?:{pattern})(?:\.|$)"));
    group.map_err(
        |ParamGroupError::InvalidPatternError(reason)| FreezeError::Pattern {
            pattern: pattern.to_owned(),
            // The last line states the error; those before it show its place in the pattern.
            reason: reason.lines().last().unwrap_or_default().to_owned(),
        },
    )
}

/// Collects the parameters and training flags whose paths match.
struct Matches {
    group: ParamGroup,
    path: Vec<String>,
    ids: Vec<ParamId>,
    /// Number of parameters that match.
    frozen: usize,
    /// Number of other parameters that learn.
    learning: usize,
    /// The path of the first parameter of each field of the model.
    examples: Vec<String>,
}

impl Matches {
    fn new(group: ParamGroup) -> Self {
        Self {
            group,
            path: Vec::new(),
            ids: Vec::new(),
            frozen: 0,
            learning: 0,
            examples: Vec::new(),
        }
    }

    /// The path without variants of enums.
    fn path(&self) -> String {
        let names = self.path.iter().filter(|name| !name.is_empty());
        names.map(String::as_str).collect::<Vec<_>>().join(".")
    }

    fn matches(&mut self, id: ParamId) -> bool {
        let found = self.group.matches(&id, Some(&self.path()));
        if found {
            self.ids.push(id);
        }
        found
    }
}

impl ModuleVisitor for Matches {
    fn enter_module(&mut self, name: &str, container: &str) {
        let name = match container.starts_with("Enum:") {
            true => "",
            false => name,
        };
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let path = self.path();
        let part = |path: &str| path.split('.').next().map(str::to_owned);
        if !self.examples.iter().any(|known| part(known) == part(&path)) {
            self.examples.push(path);
        }
        match self.matches(param.id) {
            true => self.frozen += 1,
            // Without autodiff no tensor requires gradients, and each parameter counts as one that learns.
            false => {
                let value = param.val();
                let learns = value.is_require_grad() || !value.is_autodiff();
                self.learning += usize::from(learns);
            }
        }
    }

    fn visit_flag(&mut self, flag: &Param<Flag>) {
        self.matches(flag.id);
    }
}

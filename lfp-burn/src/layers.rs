//! The weights of a module by layer.

use burn::{
    module::{Module, ModuleVisitor, Param, ParamId},
    tensor::Tensor,
};

/// The kind of a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LayerKind {
    /// A convolution, transposed or not, of any number of dimensions.
    Convolution,
    /// A dense layer.
    Linear,
}

/// The weights of a layer, without its biases.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerWeights {
    /// The path in the module, such as `blocks.0.1.conv`.
    pub path: String,
    /// The kind of the layer.
    pub kind: LayerKind,
    /// The parameter's identifier.
    pub id: ParamId,
    /// The values, in row-major order.
    pub values: Vec<f32>,
}

/// The weights of all convolutions and dense layers of `module`, in the order of its parameters.
///
/// # Example
///
/// ```
/// use burn::nn::LinearConfig;
/// use burn::tensor::Device;
/// use lfp_burn::{LayerKind, layer_weights};
///
/// let layer = LinearConfig::new(3, 2).init(&Device::default());
/// let layers = layer_weights(&layer);
/// assert_eq!((layers[0].kind, layers[0].values.len()), (LayerKind::Linear, 6));
/// ```
pub fn layer_weights<M: Module>(module: &M) -> Vec<LayerWeights> {
    let mut collect = Collect::default();
    module.visit(&mut collect);
    collect.layers
}

#[derive(Default)]
struct Collect {
    /// Names and container types on the path from the module to the visited parameter.
    names: Vec<String>,
    containers: Vec<String>,
    layers: Vec<LayerWeights>,
}

impl Collect {
    /// The kind of the layer, if the visited parameter is its weight.
    fn kind(&self) -> Option<LayerKind> {
        let is_weight = self.names.last().is_some_and(|name| name == "weight");
        let container = self.containers.last()?.strip_prefix("Struct:")?;
        match container {
            _ if !is_weight => None,
            "Linear" => Some(LayerKind::Linear),
            _ if container.starts_with("Conv") => Some(LayerKind::Convolution),
            _ => None,
        }
    }
}

impl ModuleVisitor for Collect {
    fn enter_module(&mut self, name: &str, container: &str) {
        self.names.push(name.to_owned());
        self.containers.push(container.to_owned());
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.names.pop();
        self.containers.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some(kind) = self.kind() {
            self.layers.push(LayerWeights {
                path: self.names[..self.names.len() - 1].join("."),
                kind,
                id: param.id,
                values: param.val().into_data().iter::<f32>().collect(),
            });
        }
    }
}

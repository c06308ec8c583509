//! Hooked layers are Burn's own to everything else in Burn.

use burn::{
    module::{Module, ModuleVisitor, Param},
    nn::{
        Linear, LinearConfig,
        conv::{Conv2d, Conv2dConfig},
        loss::CrossEntropyLossConfig,
    },
    optim::{AdaGradConfig, AdamConfig, AdamWConfig, ModuleOptimizer, RmsPropConfig, SgdConfig},
    tensor::{Device, Distribution, Int, Tensor},
};
use lfp_burn::{
    ActivationFn, Propagate, audit,
    nn::{Hook, Hookable, Hooked},
    reward::{Reward, SoftmaxReward},
    spiking::{LifConfig, Spike},
};
use lfp_models::{Classifier, Model, NetworkConfig};

use crate::{assert_close, seeded, values};

#[derive(Module, Debug)]
struct Plain {
    conv: Conv2d,
    layers: Vec<Linear>,
}

#[derive(Module, Debug)]
struct WithHooks {
    conv: Hooked<Conv2d>,
    layers: Vec<Hooked<Linear>>,
}

fn plain(device: &Device) -> Plain {
    Plain {
        conv: Conv2dConfig::new([1, 2], [3, 3]).init(device),
        layers: vec![
            LinearConfig::new(3, 4).init(device),
            LinearConfig::new(4, 2).init(device),
        ],
    }
}

fn with_hooks(device: &Device) -> WithHooks {
    let Plain { conv, layers } = plain(device);
    WithHooks {
        conv: conv.hooked(),
        layers: layers.into_iter().map(Hook::hooked).collect(),
    }
}

/// Every parameter by path, with its values.
#[derive(Default, PartialEq, Debug)]
struct Parameters {
    path: Vec<String>,
    found: Vec<(String, Vec<f64>)>,
}

impl ModuleVisitor for Parameters {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.found.push((self.path.join("."), values(param.val())));
    }
}

fn parameters<M: Module>(model: &M) -> Vec<(String, Vec<f64>)> {
    let mut parameters = Parameters::default();
    model.visit(&mut parameters);
    parameters.found
}

#[test]
fn records_of_plain_layers_load_into_hooked_ones_and_back() {
    let (device, _alone) = seeded(13);
    let (theirs, ours) = (plain(&device), with_hooks(&device));
    let loaded = ours.clone().load_record(theirs.clone().into_record());
    assert_eq!(parameters(&loaded), parameters(&theirs));
    let back = theirs.load_record(ours.clone().into_record());
    assert_eq!(parameters(&back), parameters(&ours));
}

#[test]
fn records_of_plain_layers_load_into_spiking_ones_and_back() {
    let (device, _alone) = seeded(18);
    let linear = || LinearConfig::new(3, 4).init(&device);
    let (theirs, ours) = (linear(), linear().spiking(LifConfig::new().init().unwrap()));
    let loaded = ours.clone().load_record(theirs.clone().into_record());
    assert_eq!(parameters(&loaded), parameters(&theirs));
    let back = theirs.load_record(ours.clone().into_record());
    assert_eq!(parameters(&back), parameters(&ours));
    let text = format!("{ours}");
    assert!(text.contains("threshold: 1"), "{text}");
}

#[test]
fn a_hooked_layer_prints_its_activation() {
    let (device, _alone) = seeded(14);
    let layer = LinearConfig::new(3, 4).init(&device).hooked();
    let text = format!("{}", layer.with_activation(ActivationFn::Silu));
    assert!(
        text.contains("silu") && text.contains("params: 16"),
        "{text}"
    );
}

#[test]
fn every_optimiser_of_burn_takes_the_feedback() {
    let (device, _alone) = seeded(10);
    let layer = LinearConfig::new(6, 3).init(&device).hooked();
    let x = Tensor::<2>::random([8, 6], Distribution::Normal(0.0, 1.0), &device);
    let targets = Tensor::<1, Int>::from_ints([0, 1, 2, 0, 1, 2, 0, 1], &device);
    let loss = |logits: Tensor<2>| {
        let loss = CrossEntropyLossConfig::new().init(&device);
        loss.forward(logits, targets.clone()).into_scalar::<f32>()
    };
    let before = loss(layer.forward(x.clone()));
    let optimizers: [ModuleOptimizer; 5] = [
        SgdConfig::new().init(),
        AdamConfig::new().init(),
        AdamWConfig::new().init(),
        RmsPropConfig::new().init(),
        AdaGradConfig::new().init(),
    ];
    for mut optimizer in optimizers {
        let mut layer = layer.clone();
        for _ in 0..50 {
            let logits = layer.forward(x.clone());
            let reward = SoftmaxReward::new().forward(logits.clone(), targets.clone());
            let grads = logits.propagate(reward).into_grads(&layer);
            layer = optimizer.step(0.01, layer, grads);
        }
        let after = loss(layer.forward(x.clone()));
        assert!(after < 0.9 * before, "from {before} to {after}");
    }
}

#[test]
fn weights_leave_by_the_names_and_layouts_of_pytorch() {
    let (device, _alone) = seeded(15);
    let of_lenet: &[(&str, &[usize])] = &[
        ("features.0.weight", &[16, 1, 5, 5]),
        ("features.3.bias", &[16]),
        ("classifier.0.weight", &[120, 256]),
        ("classifier.3.weight", &[84, 120]),
        ("classifier.6.weight", &[10, 84]),
    ];
    let of_mlp: &[(&str, &[usize])] = &[
        ("classifier.0.weight", &[512, 784]),
        ("classifier.9.weight", &[10, 128]),
    ];
    let of_snn_mlp: &[(&str, &[usize])] = &[
        ("classifier.0.weight", &[1000, 784]),
        ("classifier.4.bias", &[10]),
    ];
    let of_snn_lenet: &[(&str, &[usize])] = &[
        ("classifier.0.weight", &[12, 1, 5, 5]),
        ("classifier.3.weight", &[64, 12, 5, 5]),
        ("classifier.7.weight", &[10, 1024]),
    ];
    for (model, tensors) in [
        (Model::LENET, of_lenet),
        (Model::MLP, of_mlp),
        (Model::SNN_MLP, of_snn_mlp),
        (Model::SNN_LENET, of_snn_lenet),
    ] {
        let config = NetworkConfig::new([1, 28, 28], 10);
        let network = model.init(&config, &device).unwrap();
        let bytes = network.to_safetensors().unwrap();
        assert_eq!(
            bytes,
            network.to_safetensors().unwrap(),
            "the same bytes every time"
        );
        let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
        for (name, shape) in tensors {
            let tensor = file
                .tensor(name)
                .unwrap_or_else(|_| panic!("{name} is missing"));
            assert_eq!(tensor.shape(), *shape, "{name}");
        }
    }
}

/// A user's own layer: one weight per feature, which is a dense layer with a diagonal matrix.
#[derive(Module, Debug)]
struct Scale {
    weight: Param<Tensor<1>>,
}

impl<const D: usize> Hookable<D> for Scale {
    fn forward_raw(&self, input: Tensor<D>) -> Tensor<D> {
        input * self.weight.val().unsqueeze()
    }
}

#[test]
fn a_layer_of_the_user_learns_like_the_dense_layer_that_computes_the_same() {
    let (device, _alone) = seeded(31);
    let weights = [0.5_f32, -1.25, 2.0];
    let scale = Scale {
        weight: Param::from_tensor(Tensor::from_floats(weights, &device)),
    };
    let [a, b, c] = weights;
    let diagonal = [[a, 0.0, 0.0], [0.0, b, 0.0], [0.0, 0.0, c]];
    let dense = Linear {
        weight: Param::from_tensor(Tensor::<2>::from_floats(diagonal, &device)),
        bias: None,
    };
    let scale = scale.hooked().with_activation(ActivationFn::Tanh);
    let dense = dense.hooked().with_activation(ActivationFn::Tanh);
    let inputs = Tensor::<2>::random([6, 3], Distribution::Normal(0.0, 1.0), &device);
    let reward = Tensor::random(
        [6, 3],
        Distribution::Uniform(-1.0, 1.0),
        &device.clone().inner(),
    );

    let feedback = scale.forward(inputs.clone()).propagate(reward.clone());
    let ours = feedback.into_grads(&scale);
    let feedback = dense.forward(inputs).propagate(reward);
    let expected = feedback.into_grads(&dense);

    let ours = values(ours.get::<1>(scale.inner().weight.id).unwrap());
    let expected = values(expected.get::<2>(dense.inner().weight.id).unwrap());
    assert!(ours.iter().all(|update| *update != 0.0));
    // The diagonal of the dense layer; its other weights are zero and stay so.
    let diagonal = [expected[0], expected[4], expected[8]];
    assert_close("updates", &ours, &diagonal, 1e-6);
}

#[test]
fn no_layer_of_our_networks_lacks_a_hook() {
    let device = Device::default();
    for model in Model::all() {
        let config = NetworkConfig::new(model.spec().image_shape, 10);
        let network = model.init(&config, &device).unwrap();
        assert_eq!(audit(&network), [], "{model}");
    }
}

//! Rewards through whole networks: VGG-16 with batch normalisation, and ResNets.

use std::collections::BTreeMap;

use burn::{
    module::Module,
    tensor::{Distribution, Int, Tensor},
};
use lfp_burn::{
    Feedback, LfpConfig, Propagate,
    optim::global_norm,
    reward::{Reward, SoftmaxReward},
};
use lfp_models::{Classifier, ResNet, ResNetConfig, VggConfig};
use lfp_tests::{Layer, Numbers, WeightedSum, forward, propagate};
use safetensors::SafeTensors;

use crate::{
    UNIT, assert_close, autodiff, seeded, tensor,
    torchvision::{uniform, with_weights},
    values,
};

/// A step of training from drawn weights; the norm of its updates.
fn norm_of_updates<M: Module>(model: &M, logits: Tensor<2>) -> f64 {
    let targets = Tensor::<1, Int>::from_ints([0, 1], &logits.device());
    let reward = SoftmaxReward::new().forward(logits.clone(), targets);
    let updates = logits.propagate(reward).into_grads(model);
    assert!(updates.len() > 40, "an update for every parameter");
    values(global_norm(&updates, model).unwrap())[0]
}

#[test]
fn the_updates_of_resnet_18_and_vgg_16_with_batch_norm_are_finite() {
    let (device, _alone) = seeded(18);
    let images = Tensor::<4>::random([2, 3, 64, 64], Distribution::Normal(0.0, 1.0), &device);
    let resnet = ResNetConfig::resnet18().with_num_classes(5).init(&device);
    let norm = norm_of_updates(&resnet, resnet.forward(images.clone()));
    assert!(norm.is_finite() && norm > 0.0, "ResNet-18: {norm}");
    let vgg = narrow_vgg_16().init(&device);
    let norm = norm_of_updates(&vgg, vgg.forward(images));
    assert!(norm.is_finite() && norm > 0.0, "VGG-16-BN: {norm}");
}

fn narrow_vgg_16() -> VggConfig {
    let config = VggConfig::vgg16_bn()
        .with_image_size([64, 64])
        .with_num_classes(5)
        .with_dropout(0.0);
    VggConfig {
        hidden: vec![64, 64],
        ..config
    }
}

/// Weights that let nothing get lost: positive, so that no sum comes near zero, and without biases.
fn conserving(name: &str, shape: &[usize]) -> Vec<f32> {
    let count = shape.iter().product();
    let fan_in: usize = shape[1..].iter().product();
    match () {
        () if shape.len() > 1 => uniform(name, count)
            .map(|number| (1.0 + 0.5 * number) / fan_in as f32)
            .collect(),
        () if name.ends_with("weight") || name.ends_with("running_var") => vec![1.0; count],
        () => vec![0.0; count],
    }
}

/// Propagates a reward of 1 at each of five outputs of two samples to the inputs.
///
/// No sum cancels, so the stabiliser's share vanishes and only rounding loses rewards. The sums of all layers, forward and
/// backward, have about 70,000 terms on a path; their rounding errors are independent, which makes about 256 units in all.
fn assert_conserved(name: &str, images: &Tensor<4>, logits: Tensor<2>) {
    let reward = Tensor::ones([2, 5], &logits.device());
    let rule = LfpConfig::new().with_epsilon(1e-9);
    let feedback = logits.propagate_with(reward, &rule);
    let rewards = values(feedback.reward(images).unwrap());
    for sample in rewards.chunks(rewards.len() / 2) {
        let sum: f64 = sample.iter().sum();
        let tolerance = 5.0 * 256.0 * UNIT;
        assert!(
            (sum - 5.0).abs() <= tolerance,
            "{name}: expected 5, found {sum}"
        );
    }
}

#[test]
fn without_biases_they_conserve_rewards_down_to_the_image() {
    // Frozen, batch normalisation has no mean to subtract, which would take its share like a bias.
    let (device, _alone) = seeded(34);
    let images = Tensor::<4>::random([2, 3, 64, 64], Distribution::Uniform(0.1, 1.0), &device);
    let images = images.require_grad();
    let resnet = ResNetConfig::resnet18().with_num_classes(5).init(&device);
    let resnet = with_weights(resnet, conserving).freeze();
    assert_conserved("ResNet-18", &images, resnet.forward(images.clone()));
    let vgg = with_weights(narrow_vgg_16().init(&device), conserving).freeze();
    assert_conserved("VGG-16-BN", &images, vgg.forward(images.clone()));
}

/// What is known of the layers of a ResNet, by PyTorch's names.
struct Weights(BTreeMap<String, Vec<f64>>);

impl Weights {
    fn of(model: &ResNet) -> Self {
        let file = model.to_safetensors().unwrap();
        let file = SafeTensors::deserialize(&file).unwrap();
        let numbers = |bytes: &[u8]| {
            let numbers = bytes
                .chunks(4)
                .map(|bytes| f32::from_le_bytes(bytes.try_into().unwrap()));
            numbers.map(f64::from).collect()
        };
        let tensors = file
            .iter()
            .map(|(name, view)| (name.to_owned(), numbers(view.data())));
        Self(tensors.collect())
    }

    fn get(&self, layer: &str, what: &str) -> Vec<f64> {
        self.0[&format!("{layer}.{what}")].clone()
    }

    fn convolution(
        &self,
        layer: &str,
        channels: [usize; 2],
        size: usize,
        kernel: usize,
        stride: usize,
    ) -> Layer {
        let weights = self.get(layer, "weight");
        let sum = WeightedSum::convolution(channels, size, kernel, weights, vec![]);
        Layer::Sum(sum.strided(size, stride))
    }

    fn batch_norm(&self, layer: &str, channels: usize, size: usize) -> Layer {
        let neurons = 0..channels * size * size;
        Layer::BatchNorm {
            channel_of: neurons.map(|neuron| neuron / (size * size)).collect(),
            gamma: self.get(layer, "weight"),
            beta: self.get(layer, "bias"),
            epsilon: 1e-5,
        }
    }

    /// A basic block that halves images of `size`.
    fn block(&self, name: &str, [from, to]: [usize; 2], size: usize, stride: usize) -> Vec<Layer> {
        let relu = || Layer::Activation(|z| z.max(0.0));
        let part = |part: &str| format!("{name}.{part}");
        let half = size / stride;
        let body = vec![
            self.convolution(&part("conv1"), [from, to], size, 3, stride),
            self.batch_norm(&part("bn1"), to, half),
            relu(),
            self.convolution(&part("conv2"), [to, to], half, 3, 1),
            self.batch_norm(&part("bn2"), to, half),
        ];
        let shortcut = match stride {
            1 => vec![],
            _ => vec![
                self.convolution(&part("downsample.0"), [from, to], size, 1, stride),
                self.batch_norm(&part("downsample.1"), to, half),
            ],
        };
        vec![Layer::Residual { body, shortcut }, relu()]
    }
}

/// The feedback `d` of a parameter, by PyTorch's name for it, in PyTorch's layout.
fn feedback_of(model: &ResNet, feedback: &Feedback, name: &str) -> Vec<f64> {
    let relevances = feedback.relevances(model);
    let signed = with_relevances(model, &relevances);
    // `w V` and `|w| V` differ by the sign of the weight.
    let weights = Weights::of(model);
    let signs = weights.0[name].iter().map(|weight| weight.signum());
    signed.0[name]
        .iter()
        .zip(signs)
        .map(|(value, sign)| value * sign)
        .collect()
}

/// The model with relevances in place of its weights.
fn with_relevances(model: &ResNet, relevances: &burn::optim::GradientsParams) -> Weights {
    struct Put<'a>(&'a burn::optim::GradientsParams);
    impl burn::module::ModuleMapper for Put<'_> {
        fn map_float<const D: usize>(
            &mut self,
            param: burn::module::Param<Tensor<D>>,
        ) -> burn::module::Param<Tensor<D>> {
            match self.0.get::<D>(param.id) {
                Some(relevance) => {
                    let device = param.val().device();
                    let relevance = Tensor::from_data(relevance.into_data(), &device);
                    burn::module::Param::initialized(param.id, relevance)
                }
                None => param,
            }
        }
    }
    Weights::of(&model.clone().map(&mut Put(relevances)))
}

#[test]
fn a_small_resnet_agrees_with_the_reward_form() {
    let epsilon = 1e-2;
    let size = 6;
    let device = autodiff();
    let model = ResNetConfig::new(vec![1, 1], vec![2, 3])
        .with_large_images(false)
        .with_channels(1)
        .with_num_classes(2)
        .init(&device);
    let model = with_weights(model, |name, shape| {
        let numbers = uniform(name, shape.iter().product());
        let offset = if shape.len() == 1 { 0.6 } else { 0.0 };
        numbers.map(|number| offset + 0.5 * number).collect()
    });
    let weights = Weights::of(&model);
    let mut layers = vec![
        weights.convolution("conv1", [1, 2], size, 3, 1),
        weights.batch_norm("bn1", 2, size),
        Layer::Activation(|z| z.max(0.0)),
    ];
    layers.extend(weights.block("layer1.0", [2, 2], size, 1));
    layers.extend(weights.block("layer2.0", [2, 3], size, 2));
    let windows = lfp_tests::windows(3, size / 2, size / 2);
    layers.push(Layer::Sum(WeightedSum::average(&windows)));
    // PyTorch's `[outputs, inputs]` the other way round.
    let fc = weights.get("fc", "weight");
    let fc = (0..6).map(|index| fc[index % 2 * 3 + index / 2]).collect();
    layers.push(Layer::Sum(WeightedSum::dense(
        3,
        2,
        fc,
        weights.get("fc", "bias"),
    )));

    let mut numbers = Numbers::new(32);
    let batch = 3;
    let x = numbers.uniform(batch * size * size, -1.0, 1.0);
    let r = numbers.uniform(batch * 2, -1.0, 1.0);
    let inputs: Vec<_> = x.chunks(size * size).map(<[f64]>::to_vec).collect();
    let rewards = r.chunks(2).map(<[f64]>::to_vec).collect();
    let expected = propagate(&layers, &inputs, rewards, epsilon);

    let images = tensor(&x, [batch, 1, size, size], &device).require_grad();
    let logits = model.forward(images.clone());
    let found = values(logits.clone().inner());
    assert_close("logits", &found, &forward(&layers, &inputs).concat(), 1e-5);
    let rule = LfpConfig::new().with_epsilon(epsilon);
    let ours = logits.propagate_with(tensor(&r, [batch, 2], &device), &rule);
    let rewards = values(ours.reward(&images).unwrap());
    assert_close("image", &rewards, &expected.rewards.concat(), 1e-5);
    // In the order of the layers; a residual's body comes before its shortcut.
    let names = [
        "conv1",
        "bn1",
        "layer1.0.conv1",
        "layer1.0.bn1",
        "layer1.0.conv2",
        "layer1.0.bn2",
        "layer2.0.conv1",
        "layer2.0.bn1",
        "layer2.0.conv2",
        "layer2.0.bn2",
        "layer2.0.downsample.0",
        "layer2.0.downsample.1",
    ];
    // The last entries belong to the average pooling, which has no parameters of its own, and to the output layer.
    assert_eq!(names.len() + 2, expected.feedback.len());
    for (name, (of_weights, of_biases)) in names.iter().zip(&expected.feedback) {
        let found = feedback_of(&model, &ours, &format!("{name}.weight"));
        assert_close(name, &found, of_weights, 1e-5);
        if !of_biases.is_empty() {
            let found = feedback_of(&model, &ours, &format!("{name}.bias"));
            assert_close(name, &found, of_biases, 1e-5);
        }
    }
    assert_eq!(model.last_layer(), "fc");
}

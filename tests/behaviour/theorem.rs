//! Theorem 1: in a ReLU network with `r_c = o_c (-dL/do_c)` and a vanishing epsilon, the update of a
//! weight is `|w|` times its negative gradient.

use burn::{
    module::{Module, ModuleVisitor, Param},
    nn::{
        Linear, LinearConfig, PaddingConfig2d,
        conv::{Conv2d, Conv2dConfig},
        loss::CrossEntropyLossConfig,
        pool::MaxPool2dConfig,
    },
    optim::GradientsParams,
    tensor::{Device, Distribution, Int, Tensor},
};
use lfp_burn::{
    ActivationFn, LfpConfig, Propagate,
    nn::{Hook, Hooked},
    reward::{LossReward, Reward, SigmoidReward, SoftmaxReward},
};

use crate::{assert_close, max_abs, seeded, values};

/// A stabiliser that vanishes beside the outputs, in f32.
const VANISHING: f64 = 1e-12;
const TOLERANCE: f64 = 1e-5;

#[derive(Module, Debug)]
struct Dense {
    hidden: Hooked<Linear>,
    deeper: Hooked<Linear>,
    output: Hooked<Linear>,
}

impl Dense {
    fn new(device: &Device, activation: ActivationFn) -> Self {
        let layer = |from, to| LinearConfig::new(from, to).init(device).hooked();
        Self {
            hidden: layer(6, 20).with_activation(activation),
            deeper: layer(20, 15).with_activation(activation),
            output: layer(15, 4),
        }
    }

    fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        self.output
            .forward(self.deeper.forward(self.hidden.forward(x)))
    }
}

#[derive(Module, Debug)]
struct Convolutional {
    first: Hooked<Conv2d>,
    second: Hooked<Conv2d>,
    output: Hooked<Linear>,
}

impl Convolutional {
    fn new(device: &Device) -> Self {
        let conv = |from, to, groups| {
            Conv2dConfig::new([from, to], [3, 3])
                .with_padding(PaddingConfig2d::Explicit(1, 1, 1, 1))
                .with_groups(groups)
                .init(device)
                .hooked()
                .with_activation(ActivationFn::Relu)
        };
        Self {
            first: conv(2, 6, 1),
            second: conv(6, 8, 2),
            output: LinearConfig::new(8 * 16, 4).init(device).hooked(),
        }
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<2> {
        let x = self.second.forward(self.first.forward(x));
        let pool = MaxPool2dConfig::new([2, 2]).with_strides([2, 2]).init();
        self.output.forward(pool.forward(x).flatten(1, 3))
    }
}

/// Asserts `update == |w| grad` for every parameter: both are what an optimiser takes away.
struct Compare<'a> {
    updates: &'a GradientsParams,
    gradients: &'a GradientsParams,
    compared: usize,
}

impl ModuleVisitor for Compare<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let update = self.updates.get::<D>(param.id).expect("an update");
        let gradient = self.gradients.get::<D>(param.id).expect("a gradient");
        let expected = param.val().inner().abs() * gradient;
        let largest = max_abs(&values(expected.clone()));
        assert!(largest > 0.0, "a gradient that is zero proves nothing");
        assert_close("update", &values(update), &values(expected), TOLERANCE);
        self.compared += 1;
    }
}

fn compare<M: Module>(model: &M, forward: impl Fn() -> Tensor<2>, targets: &Tensor<1, Int>) {
    let rule = LfpConfig::new().with_epsilon(VANISHING);
    let outputs = forward();
    let reward = SoftmaxReward::new().forward(outputs.clone(), targets.clone());
    let updates = outputs.propagate_with(reward, &rule).into_grads(model);

    // Reward #3 is the cross-entropy of each sample, summed; the loss is its mean.
    let outputs = forward();
    let batch = outputs.dims()[0] as f64;
    let loss = CrossEntropyLossConfig::new().init(&outputs.device());
    let loss = loss.forward(outputs, targets.clone()) * batch;
    let gradients = GradientsParams::from_grads(loss.backward(), model);

    let mut compare = Compare {
        updates: &updates,
        gradients: &gradients,
        compared: 0,
    };
    model.visit(&mut compare);
    assert_eq!(compare.compared, 6);
}

/// The theorem holds for any piecewise linear activation (section 3.3).
#[test]
fn it_holds_for_dense_networks() {
    let (device, _alone) = seeded(1);
    for activation in ["relu", "leaky_relu:0.01", "leaky_relu:0.5", "leaky_relu:1"] {
        let model = Dense::new(&device, activation.parse().unwrap());
        let x = Tensor::<2>::random([10, 6], Distribution::Normal(0.0, 1.0), &device);
        let targets = Tensor::<1, Int>::from_ints([0, 1, 2, 3, 0, 1, 2, 3, 0, 1], &device);
        compare(&model, || model.forward(x.clone()), &targets);
    }
}

/// The second half of the theorem: with a rate `eta / |w|` for each weight, LFP-0 is plain gradient descent.
#[test]
fn with_a_rate_for_each_weight_it_is_gradient_descent() {
    let (device, _alone) = seeded(4);
    let eta = 0.05;
    let model = LinearConfig::new(5, 3)
        .with_bias(false)
        .init(&device)
        .hooked();
    let x = Tensor::<2>::random([4, 5], Distribution::Normal(0.0, 1.0), &device);
    let targets = Tensor::<1, Int>::from_ints([0, 1, 2, 0], &device);
    let summed = |outputs: Tensor<2>, targets: Tensor<1, Int>| {
        let loss = CrossEntropyLossConfig::new().init(&outputs.device());
        loss.forward(outputs, targets) * 4.0
    };
    let outputs = model.forward(x.clone());
    let reward = LossReward::new(summed).forward(outputs.clone(), targets.clone());
    let rule = LfpConfig::new().with_epsilon(VANISHING);
    let updates = outputs.propagate_with(reward, &rule).into_grads(&model);
    let loss = summed(model.forward(x), targets);
    let gradients = GradientsParams::from_grads(loss.backward(), &model);

    let weight = &model.inner().weight;
    let rates = weight.val().inner().abs().recip() * eta;
    let moved = rates * updates.get::<2>(weight.id).unwrap();
    let expected = gradients.get::<2>(weight.id).unwrap() * eta;
    assert_close("step", &values(moved), &values(expected), TOLERANCE);
}

#[test]
fn it_holds_for_convolutions_and_max_pooling() {
    let (device, _alone) = seeded(2);
    let model = Convolutional::new(&device);
    let x = Tensor::<4>::random([5, 2, 8, 8], Distribution::Normal(0.0, 1.0), &device);
    let targets = Tensor::<1, Int>::from_ints([0, 1, 2, 3, 0], &device);
    compare(&model, || model.forward(x.clone()), &targets);
}

#[test]
fn reward_4_follows_the_binary_cross_entropy() {
    let (device, _alone) = seeded(3);
    let model = LinearConfig::new(5, 1).init(&device).hooked();
    let x = Tensor::<2>::random([4, 5], Distribution::Normal(0.0, 1.0), &device);
    let targets = Tensor::<1, Int>::from_ints([0, 1, 1, 0], &device);

    let outputs = model.forward(x.clone());
    let reward = SigmoidReward::new().forward(outputs.clone(), targets.clone());
    let rule = LfpConfig::new().with_epsilon(VANISHING);
    let updates = outputs.propagate_with(reward, &rule).into_grads(&model);

    let loss = burn::nn::loss::BinaryCrossEntropyLossConfig::new()
        .with_logits(true)
        .init(&device);
    let loss = loss.forward(model.forward(x).squeeze_dim::<1>(1), targets) * 4.0;
    let gradients = GradientsParams::from_grads(loss.backward(), &model);
    let update = values(updates.get::<2>(model.inner().weight.id).unwrap());
    let gradient = gradients.get::<2>(model.inner().weight.id).unwrap();
    let expected = values(model.inner().weight.val().inner().abs() * gradient);
    assert_close("update", &update, &expected, TOLERANCE);
}

#[test]
fn for_heaviside_the_reward_of_the_theorem_is_zero() {
    // Footnote 6: the gradient below a Heaviside function is zero, so the reward that follows from it moves nothing. Any other
    // reward passes a Heaviside function, and then the update is no gradient.
    let (device, _alone) = seeded(5);
    let layer = |from, to| LinearConfig::new(from, to).init(&device).hooked();
    let hidden = layer(6, 20).with_activation(ActivationFn::Heaviside);
    let output = layer(20, 4).with_activation(ActivationFn::Heaviside);
    let x = Tensor::<2>::random([10, 6], Distribution::Normal(0.0, 1.0), &device).require_grad();
    let outputs = || output.forward(hidden.forward(x.clone()));
    let gradient = x.grad(&outputs().sum().backward()).unwrap();
    assert_eq!(max_abs(&values(gradient)), 0.0);

    let update = |reward: Tensor<2>| {
        let grads = outputs().propagate(reward).into_grads(&hidden);
        max_abs(&values(grads.get::<2>(hidden.inner().weight.id).unwrap()))
    };
    assert_eq!(update(Tensor::zeros([10, 4], &device)), 0.0);
    assert!(update(Tensor::ones([10, 4], &device)) > 0.0);
}

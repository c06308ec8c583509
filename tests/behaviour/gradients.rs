//! `backward()` on a hooked model is Burn's gradient of the plain model, bit for bit.

use burn::{
    module::{Module, ModuleVisitor, Param},
    nn::{
        BatchNorm, BatchNormConfig, Dropout, DropoutConfig, Linear, LinearConfig,
        conv::{Conv2d, Conv2dConfig},
        pool::{AvgPool2dConfig, MaxPool2dConfig},
    },
    optim::GradientsParams,
    tensor::{Device, Distribution, Tensor, activation},
};
use lfp_burn::{
    Activation, Propagate, hooks,
    nn::{Hook, Hooked},
};

use lfp_models::initialized;

use crate::{assert_close, autodiff, seeded, values};

/// Burn's own activation.
fn plain<const D: usize>(z: Tensor<D>, function: Activation) -> Tensor<D> {
    match function {
        Activation::Relu => activation::relu(z),
        Activation::LeakyRelu { slope } => activation::leaky_relu(z, slope),
        Activation::Silu => activation::silu(z),
        Activation::Elu { alpha } => activation::elu(z, alpha),
        Activation::Tanh => activation::tanh(z),
        Activation::Sigmoid => activation::sigmoid(z),
        Activation::Heaviside => z.greater_elem(0.0).float(),
    }
}

#[derive(Module, Debug)]
struct Plain {
    conv: Conv2d,
    norm: BatchNorm,
    dropout: Dropout,
    linear: Linear,
}

impl Plain {
    fn new(device: &Device) -> Self {
        Self {
            conv: Conv2dConfig::new([2, 4], [3, 3]).init(device),
            norm: BatchNormConfig::new(4).init(device),
            dropout: DropoutConfig::new(0.3).init(),
            linear: LinearConfig::new(4 * 9, 3).init(device),
        }
    }

    fn forward(&self, x: Tensor<4>, function: Activation) -> Tensor<2> {
        let x = plain(self.norm.forward(self.conv.forward(x)), function);
        let x = MaxPool2dConfig::new([2, 2])
            .with_strides([1, 1])
            .init()
            .forward(x);
        let x = AvgPool2dConfig::new([2, 2])
            .with_strides([2, 2])
            .init()
            .forward(x);
        self.linear
            .forward(self.dropout.forward(x.flatten::<2>(1, 3)))
    }
}

#[derive(Module, Debug)]
struct WithHooks {
    conv: Hooked<Conv2d>,
    norm: Hooked<BatchNorm>,
    dropout: Hooked<Dropout>,
    linear: Hooked<Linear>,
}

impl WithHooks {
    fn new(plain: &Plain, function: Activation) -> Self {
        let Plain {
            conv,
            norm,
            dropout,
            linear,
        } = plain.clone();
        Self {
            conv: conv.hooked(),
            norm: norm.hooked().with_activation(function),
            dropout: dropout.hooked(),
            linear: linear.hooked(),
        }
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<2> {
        let x = self.norm.forward(self.conv.forward(x));
        let x = MaxPool2dConfig::new([2, 2])
            .with_strides([1, 1])
            .init()
            .forward(x);
        let pool = AvgPool2dConfig::new([2, 2])
            .with_strides([2, 2])
            .init()
            .hooked();
        let x = self.dropout.forward(pool.forward(x).flatten::<2>(1, 3));
        self.linear.forward(x)
    }
}

/// The bits of every gradient.
#[derive(Default)]
struct Bits {
    grads: GradientsParams,
    bits: Vec<u32>,
}

impl ModuleVisitor for Bits {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        // Where Burn's tape ends before a parameter, its gradient is zero all the same.
        let grad = self.grads.get::<D>(param.id);
        let grad = grad.unwrap_or_else(|| param.val().inner().zeros_like());
        let bits = grad
            .into_data()
            .iter::<f32>()
            .map(f32::to_bits)
            .collect::<Vec<_>>();
        self.bits.extend(bits);
    }
}

fn gradient_bits<M: Module>(model: &M, outputs: Tensor<2>) -> Vec<u32> {
    // Any function of the outputs will do that gives each its own gradient.
    let loss = (outputs.clone() * outputs.sin()).sum();
    let mut bits = Bits {
        grads: GradientsParams::from_grads(loss.backward(), model),
        bits: Vec::new(),
    };
    model.visit(&mut bits);
    assert!(!bits.bits.is_empty());
    bits.bits
}

fn assert_same_gradients(function: Activation, device: &Device) {
    let plain = initialized(Plain::new(device));
    let hooked = WithHooks::new(&plain, function);
    let x = Tensor::<4>::random([6, 2, 9, 9], Distribution::Normal(0.0, 1.0), device);

    device.seed(8);
    let expected_outputs = plain.forward(x.clone(), function);
    device.seed(8);
    let outputs = hooked.forward(x);
    let bits = |x: &Tensor<2>| {
        x.to_data()
            .iter::<f32>()
            .map(f32::to_bits)
            .collect::<Vec<_>>()
    };
    assert_eq!(
        bits(&outputs),
        bits(&expected_outputs),
        "{function:?}: outputs"
    );
    let expected = gradient_bits(&plain, expected_outputs);
    assert_eq!(
        gradient_bits(&hooked, outputs),
        expected,
        "{function:?}: gradients"
    );
}

#[test]
fn of_every_layer_and_activation() {
    let (device, _alone) = seeded(7);
    for function in Activation::ALL {
        assert_same_gradients(function, &device);
    }
}

#[test]
fn with_gradient_checkpointing() {
    let (device, _alone) = seeded(7);
    let device = device.gradient_checkpointing();
    for function in [Activation::Relu, Activation::Silu] {
        assert_same_gradients(function, &device);
    }
}

#[test]
fn running_statistics_are_burns() {
    let (device, _alone) = seeded(9);
    let plain = BatchNormConfig::new(3).init(&device);
    let hooked = plain.clone().hooked();
    let x = Tensor::<4>::random([5, 3, 4, 4], Distribution::Normal(2.0, 3.0), &device);
    let (expected, found) = (plain.forward(x.clone()), hooked.forward(x.clone()));
    assert_eq!(values(found.inner()), values(expected.inner()));
    for (theirs, ours) in [
        (&plain.running_mean, &hooked.running_mean),
        (&plain.running_var, &hooked.running_var),
    ] {
        assert_eq!(values(ours.value_sync()), values(theirs.value_sync()));
    }
    // And so is inference with them.
    let x = x.inner();
    let found = values(hooked.valid().forward(x.clone()));
    assert_eq!(found, values(plain.valid().forward(x)));
}

#[test]
fn of_the_users_own_activation() {
    let device = autodiff();
    let z = Tensor::<1>::from_floats([-1.5, 0.3, 2.0], &device).require_grad();
    let softsign = |z: Tensor<1>| z.clone() / (z.abs() + 1.0);
    let expected = z.grad(&softsign(z.clone()).sum().backward()).unwrap();
    let found = z
        .grad(&hooks::custom_neuron(z.clone(), softsign).sum().backward())
        .unwrap();
    assert_eq!(values(found), values(expected));
}

#[test]
fn rewards_pass_the_users_own_activation_differentiable_or_not() {
    let device = autodiff();
    let epsilon = 1e-6;
    // z of -0.4 rounds to zero: a silent neuron. The root has an infinite derivative at zero.
    let functions: [fn(Tensor<1>) -> Tensor<1>; 3] = [
        |z| z.round(),
        |z| z.clone().sign() * z.abs().sqrt(),
        |z| Tensor::from_data(z.to_data(), &z.device()).powi_scalar(3),
    ];
    let z = [-0.4, 0.0, 1.6, -2.5];
    for function in functions {
        let x = crate::tensor(&z, [4], &device).require_grad();
        let a = hooks::custom_neuron(x.clone(), function);
        let activations = values(a.clone().inner());
        let doubled = hooks::stabilize(a * 2.0);
        let feedback = doubled.propagate(Tensor::ones([4], &device));
        let expected: Vec<f64> = z
            .iter()
            .zip(&activations)
            // A weight of 2, the activation, and a weight of 1: the reward shrinks by stabilisers
            // alone, unless the neuron is silent.
            .map(|(z, a)| {
                2.0 * a / (2.0 * a.abs() + epsilon) * a.signum() * z.abs() / (z.abs() + epsilon)
            })
            .collect();
        assert_close(
            "rewards",
            &values(feedback.reward(&x).unwrap()),
            &expected,
            1e-5,
        );
    }
}

#[test]
fn every_hook_tells_rewards_from_gradients() {
    // A recorded operation without its own backward pass would silently give the gradient.
    let device = autodiff();
    let x = crate::tensor(&[0.5, -1.5, 2.0], [1, 3], &device).require_grad();
    let ones = || Tensor::<1>::ones([3], &device);
    type Op = Box<dyn Fn(Tensor<2>) -> Tensor<2>>;
    let mut operations: Vec<(String, Op)> = vec![
        // Behind something else than the outputs, so that the stabiliser has to act itself.
        ("stabilize".into(), Box::new(|x| hooks::stabilize(x) * 1.0)),
        (
            "custom".into(),
            Box::new(|x| hooks::custom_neuron(x, |z| z.tanh()) * 1.0),
        ),
    ];
    for function in Activation::ALL {
        operations.push((
            function.name().into(),
            Box::new(move |x| hooks::neuron(x, function) * 1.0),
        ));
    }
    let norm = {
        let (gamma, beta) = (ones(), ones());
        move |x: Tensor<2>| {
            let spread = Tensor::cat(vec![x.clone(), x * 3.0 + 1.0], 0);
            hooks::batch_norm_train(spread, gamma.clone(), beta.clone(), 1e-5).0
        }
    };
    operations.push(("batch_norm".into(), Box::new(norm)));
    for (name, operation) in operations {
        let outputs = operation(x.clone());
        let rule = lfp_burn::Rule::new(0.1).unwrap();
        // Seeded by the outputs' own stabilised values, rewards start with quotients of one.
        let stabilised = outputs.clone() + (outputs.clone().lower_elem(0.0).float() * -0.2 + 0.1);
        let quotients = outputs.clone().try_propagate(stabilised, rule).unwrap();
        let rewarded = values(quotients.reward(&x).unwrap() / x.clone().inner());
        let derived = values(x.grad(&operation(x.clone()).sum().backward()).unwrap());
        assert_ne!(rewarded, derived, "{name}");
    }
}

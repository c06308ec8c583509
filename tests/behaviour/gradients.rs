//! `backward()` on a hooked model is Burn's gradient of the plain model: bit for bit, except for convolutions and batch
//! normalisation, which have kernels of their own and are compared to rounding, and for dropout, which draws random numbers of its own.

use burn::{
    module::{Module, ModuleVisitor, Param, RunningState},
    nn::{
        BatchNorm, BatchNormConfig, DropoutConfig, Linear, LinearConfig, PaddingConfig2d,
        conv::{Conv2d, Conv2dConfig},
        pool::{AvgPool2dConfig, MaxPool2dConfig},
    },
    optim::GradientsParams,
    tensor::{Device, Distribution, FloatDType, Tensor, activation, ops::ConvOptions},
};
use lfp_burn::{
    ActivationFn, Centering, DropoutRule, LfpConfig, LifNeuron, NormalizationRule, Propagate,
    Surrogate, hooks,
    nn::{Hook, Hooked},
};

use lfp_models::initialized;

use crate::{assert_close, autodiff, seeded, values};

/// Burn's own activation.
fn plain<const D: usize>(z: Tensor<D>, function: ActivationFn) -> Tensor<D> {
    match function {
        ActivationFn::Relu => activation::relu(z),
        ActivationFn::LeakyRelu { slope } => activation::leaky_relu(z, slope),
        ActivationFn::Silu => activation::silu(z),
        ActivationFn::Elu { alpha } => activation::elu(z, alpha),
        ActivationFn::Gelu => activation::gelu(z),
        ActivationFn::GeluTanh => activation::gelu_approximate(z),
        ActivationFn::Tanh => activation::tanh(z),
        ActivationFn::Hardtanh { min, max } => activation::hardtanh(z, min, max),
        ActivationFn::Softplus { beta } => activation::softplus(z, beta),
        ActivationFn::Sigmoid => activation::sigmoid(z),
        ActivationFn::Heaviside => z.greater_elem(0.0).float(),
        ActivationFn::Sign => {
            let sign = z.clone().detach().sign();
            straight_through(z.clamp(-1, 1), sign)
        }
        ActivationFn::Levels { count } => {
            let limited = z.clamp(0, 1);
            let steps = limited.clone().detach() * (count - 1.0) + 0.5;
            straight_through(limited, steps.floor() / (count - 1.0))
        }
    }
}

/// The values of one tensor with the gradient of another.
fn straight_through<const D: usize>(gradient: Tensor<D>, values: Tensor<D>) -> Tensor<D> {
    let difference = values - gradient.clone().detach();
    gradient + difference
}

#[derive(Module, Debug)]
struct Plain {
    conv: Conv2d,
    norm: BatchNorm,
    linear: Linear,
}

impl Plain {
    fn new(device: &Device) -> Self {
        Self {
            conv: Conv2dConfig::new([2, 4], [3, 3]).init(device),
            norm: BatchNormConfig::new(4).init(device),
            linear: LinearConfig::new(4 * 9, 3).init(device),
        }
    }

    /// By the kernels of hooked convolutions and batch normalisation: all that follows must equal Burn's to the last bit.
    fn forward(&self, x: Tensor<4>, function: ActivationFn) -> Tensor<2> {
        let Conv2d { weight, bias, .. } = &self.conv;
        let bias = bias.as_ref().map(Param::val);
        let options = ConvOptions::new([1; 2], [0; 2], [1; 2], 1);
        let z = hooks::conv2d(x, weight.val(), bias, options);
        let (gamma, beta) = (self.norm.gamma.val(), self.norm.beta.val());
        let (z, _, _) = hooks::batch_norm_train(z, gamma, beta, self.norm.epsilon);
        let x = plain(z, function);
        let x = MaxPool2dConfig::new([2, 2])
            .with_strides([1, 1])
            .init()
            .forward(x);
        let x = AvgPool2dConfig::new([2, 2])
            .with_strides([2, 2])
            .init()
            .forward(x);
        self.linear.forward(x.flatten::<2>(1, 3))
    }
}

#[derive(Module, Debug)]
struct WithHooks {
    conv: Hooked<Conv2d>,
    norm: Hooked<BatchNorm>,
    linear: Hooked<Linear>,
}

impl WithHooks {
    fn new(plain: &Plain, function: ActivationFn) -> Self {
        let Plain { conv, norm, linear } = plain.clone();
        Self {
            conv: conv.hooked(),
            norm: norm.hooked().with_activation(function),
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
        self.linear.forward(pool.forward(x).flatten::<2>(1, 3))
    }
}

/// Every gradient by the path of its parameter.
#[derive(Default)]
struct Gradients {
    grads: GradientsParams,
    path: Vec<String>,
    found: Vec<(String, Vec<f32>)>,
}

impl ModuleVisitor for Gradients {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        // Where Burn's tape ends before a parameter, its gradient is zero all the same.
        let grad = self.grads.get::<D>(param.id);
        let grad = grad.unwrap_or_else(|| param.val().inner().zeros_like());
        let grad: Vec<f32> = grad.into_data().iter().collect();
        assert!(grad.iter().all(|value| value.is_finite()));
        self.found.push((self.path.join("."), grad));
    }
}

fn gradients<M: Module>(model: &M, outputs: Tensor<2>) -> Vec<(String, Vec<f32>)> {
    // Any function of the outputs will do that gives each its own gradient.
    let loss = (outputs.clone() * outputs.sin()).sum();
    let mut gradients = Gradients {
        grads: GradientsParams::from_grads(loss.backward(), model),
        ..Gradients::default()
    };
    model.visit(&mut gradients);
    gradients.found
}

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|value| value.to_bits()).collect()
}

fn assert_same_gradients(function: ActivationFn, device: &Device) {
    let plain = initialized(Plain::new(device));
    let hooked = WithHooks::new(&plain, function);
    let x = Tensor::<4>::random([6, 2, 9, 9], Distribution::Normal(0.0, 1.0), device);

    let expected_outputs = plain.forward(x.clone(), function);
    let outputs = hooked.forward(x);
    let numbers = |x: &Tensor<2>| x.to_data().iter::<f32>().collect::<Vec<_>>();
    assert_eq!(
        bits(&numbers(&outputs)),
        bits(&numbers(&expected_outputs)),
        "{function}: outputs"
    );
    let expected = gradients(&plain, expected_outputs);
    let found = gradients(&hooked, outputs);
    assert_eq!(found.len(), expected.len());
    assert!(found.iter().any(|(name, _)| name == "conv.weight"));
    for ((name, found), (theirs, expected)) in found.iter().zip(&expected) {
        assert_eq!(name, theirs);
        let name = format!("{function}: {name}");
        assert_eq!(bits(found), bits(expected), "{name}");
    }
}

#[test]
fn a_hooked_convolution_equals_burns_to_rounding() {
    let (device, _alone) = seeded(7);
    // By Winograd's algorithm, by patches, depthwise.
    for (channels, groups, stride) in [([16, 20], 1, 1), ([3, 8], 1, 2), ([6, 6], 6, 1)] {
        let conv = Conv2dConfig::new(channels, [3, 3])
            .with_groups(groups)
            .with_stride([stride; 2])
            .with_padding(PaddingConfig2d::Explicit(1, 1, 1, 1))
            .init(&device);
        let conv = initialized(conv);
        let input = Tensor::<4>::random([3, channels[0], 9, 7], Distribution::Default, &device);
        let [x, y] = [(); 2].map(|()| Param::from_tensor(input.clone().detach()));
        let pass = |outputs: Tensor<4>, x: &Param<Tensor<4>>| {
            let outputs = outputs.flatten::<2>(1, 3);
            let loss = (outputs.clone() * outputs.clone().sin()).sum();
            let mut grads = loss.backward();
            let below = x.val().grad_remove(&mut grads).unwrap();
            let grads = GradientsParams::from_grads(grads, &conv);
            (values(outputs), values(below), grads)
        };
        let (plain, plain_below, plain_grads) = pass(conv.forward(x.val()), &x);
        let hooked = conv.clone().hooked();
        let (ours, ours_below, our_grads) = pass(hooked.forward(y.val()), &y);
        let name = |part: &str| format!("{part}, {channels:?}, {groups} groups, stride {stride}");
        assert_close(&name("outputs"), &ours, &plain, 1e-5);
        assert_close(&name("input"), &ours_below, &plain_below, 1e-5);
        let weight = |grads: &GradientsParams| values(grads.get::<4>(conv.weight.id).unwrap());
        let bias = conv.bias.as_ref().unwrap().id;
        let bias = |grads: &GradientsParams| values(grads.get::<1>(bias).unwrap());
        assert_close(&name("bias"), &bias(&our_grads), &bias(&plain_grads), 1e-5);
        assert_close(
            &name("weight"),
            &weight(&our_grads),
            &weight(&plain_grads),
            1e-5,
        );
    }
}

#[test]
fn of_every_layer_and_activation() {
    let (device, _alone) = seeded(7);
    for function in ActivationFn::ALL {
        assert_same_gradients(function, &device);
    }
}

#[test]
fn with_gradient_checkpointing() {
    let (device, _alone) = seeded(7);
    let device = device.gradient_checkpointing();
    for function in [ActivationFn::Relu, ActivationFn::Silu] {
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
    assert_close(
        "output",
        &values(found.inner()),
        &values(expected.inner()),
        1e-6,
    );
    for (name, theirs, ours) in [
        ("mean", &plain.running_mean, &hooked.inner().running_mean),
        ("variance", &plain.running_var, &hooked.inner().running_var),
    ] {
        assert_close(
            name,
            &values(ours.value_sync()),
            &values(theirs.value_sync()),
            1e-6,
        );
    }
    // Inference with the same statistics has no kernel of its own.
    let hooked = plain.clone().hooked();
    let x = x.inner();
    let found = values(hooked.valid().forward(x.clone()));
    assert_eq!(found, values(plain.valid().forward(x)));
}

/// In f64 the body is Burn's. Planes that fill the vectors or not, one sample or several, values far from zero.
#[test]
fn batch_normalisation_in_f32_equals_that_in_f64() {
    let (device, _alone) = seeded(10);
    // A large epsilon: outputs near zero, which no division may enlarge, are not the subject here.
    let constant = LfpConfig::new().with_epsilon(0.1);
    let through = constant.with_batch_norm(lfp_burn::BatchNormRule::ThroughStatistics);
    for (shape, offset) in [
        ([5, 3, 4, 4], 0.0),
        ([2, 5, 7, 9], 3.0),
        ([1, 20, 5, 31], -2.0),
        ([3, 4, 130, 129], 20.0),
        ([1, 1, 2048, 2048], 0.0),
        ([4, 3, 2, 3], 1.0),
    ] {
        let normal = Distribution::Normal(offset, 2.0);
        let x = Tensor::<4>::random(shape, normal, &device);
        let arriving = Tensor::<4>::random(shape, Distribution::Normal(0.1, 1.0), &device);
        let scales = Tensor::<1>::random([shape[1]], Distribution::Normal(1.0, 0.5), &device);
        let pass = |dtype: FloatDType, config: Option<&LfpConfig>| {
            let mut norm = BatchNormConfig::new(shape[1]).init(&device);
            norm.gamma = Param::from_tensor(scales.clone().cast(dtype).detach());
            norm.beta = Param::from_tensor(scales.clone().cast(dtype).detach() * 0.3);
            norm.running_mean = RunningState::new(norm.running_mean.value().cast(dtype));
            norm.running_var = RunningState::new(norm.running_var.value().cast(dtype));
            let x = x.clone().cast(dtype).detach().require_grad();
            let norm = norm.hooked();
            let output = norm.forward(x.clone());
            let arriving = arriving.clone().cast(dtype).inner();
            let parameters = [&norm.inner().gamma, &norm.inner().beta].map(|param| param.val());
            let (below, parameters) = match config {
                None => {
                    let arriving = Tensor::from_inner(arriving);
                    let grads = (output.clone() * arriving).sum().backward();
                    let of = parameters.map(|param| values(param.grad(&grads).unwrap()));
                    (values(x.grad(&grads).unwrap()), of)
                }
                Some(config) => {
                    let reward = arriving * output.clone().inner();
                    let feedback = output.clone().propagate_with(reward, config);
                    let of = parameters.map(|param| values(feedback.reward(&param).unwrap()));
                    (values(feedback.reward(&x).unwrap()), of)
                }
            };
            [vec![values(output.inner()), below], parameters.into()].concat()
        };
        for config in [None, Some(&constant), Some(&through)] {
            let exact = pass(FloatDType::F64, config);
            let found = pass(FloatDType::F32, config);
            for (index, (found, exact)) in found.iter().zip(&exact).enumerate() {
                let name = format!("{shape:?}, {config:?}, result {index}");
                assert_close(&name, found, exact, 2e-5);
            }
        }
    }
}

#[test]
fn of_the_users_own_activation() {
    let device = autodiff();
    let z = Tensor::<1>::from_floats([-1.5, 0.3, 2.0], &device).require_grad();
    let softsign = |z: Tensor<1>| z.clone() / (z.abs() + 1.0);
    let expected = z.grad(&softsign(z.clone()).sum().backward()).unwrap();
    let found = z
        .grad(
            &hooks::custom_linear_activation(z.clone(), softsign)
                .sum()
                .backward(),
        )
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
        let a = hooks::custom_linear_activation(x.clone(), function);
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
    let (device, _alone) = seeded(13);
    let x = crate::tensor(&[0.5, -1.5, 2.0], [1, 3], &device).require_grad();
    let ones = || Tensor::<1>::ones([3], &device);
    type Op = Box<dyn Fn(Tensor<2>) -> Tensor<2>>;
    let mut operations: Vec<(String, Op)> = vec![
        ("stabilize".into(), Box::new(hooks::stabilize)),
        (
            "custom_linear_activation".into(),
            Box::new(|x| hooks::custom_linear_activation(x, |z| z.tanh())),
        ),
        (
            "custom_activation".into(),
            Box::new(|x| hooks::custom_activation(x, |z| z.sin())),
        ),
        ("dropout".into(), Box::new(|x| hooks::dropout(x, 0.1))),
        ("sum".into(), Box::new(|x| hooks::sum(x.clone(), x * 2.0))),
        (
            "product".into(),
            Box::new(|x| hooks::product(x.clone(), x + 1.0)),
        ),
        (
            "matmul".into(),
            Box::new(|x| hooks::matmul(x.clone().transpose(), x)),
        ),
        ("table".into(), Box::new(hooks::table)),
        (
            "layer norm".into(),
            Box::new(|x| hooks::normalize(x, Centering::Mean, 1e-5)),
        ),
        (
            "RMS norm".into(),
            Box::new(|x| hooks::normalize(x, Centering::None, 1e-5)),
        ),
        (
            "lif".into(),
            Box::new(|x| {
                hooks::lif(
                    x,
                    1,
                    LifNeuron::new(0.9, 1.0, Surrogate::default()).unwrap(),
                )
                .0
            }),
        ),
    ];
    for function in ActivationFn::ALL {
        operations.push((
            format!("linear_activation {function}"),
            Box::new(move |x| hooks::linear_activation(x, function)),
        ));
        // The derivative of a piecewise linear activation is `phi(z) / z`, away from its other pieces.
        let is_linear = matches!(
            function,
            ActivationFn::Relu | ActivationFn::LeakyRelu { .. }
        );
        if !is_linear {
            operations.push((
                format!("activation {function}"),
                Box::new(move |x| hooks::activation(x, function)),
            ));
        }
    }
    let norm = {
        let (gamma, beta) = (ones(), ones());
        move |x: Tensor<2>| {
            let spread = Tensor::cat(vec![x.clone(), x * 3.0 + 1.0], 0);
            hooks::batch_norm_train(spread, gamma.clone(), beta.clone(), 1e-5).0
        }
    };
    operations.push(("batch_norm".into(), Box::new(norm)));
    let config = LfpConfig::new()
        .with_epsilon(0.1)
        .with_layer_norm(NormalizationRule::ConstantStatistics)
        .with_dropout(DropoutRule::Scale);
    for (name, operation) in operations {
        // Under an output layer of its own, so that the operation is not the first to receive the reward.
        let forward = || {
            device.seed(13);
            hooks::stabilize(operation(x.clone()))
        };
        let outputs = forward();
        // With the stabilised outputs as rewards, the quotients start with one, like a gradient of a sum.
        let negative = outputs.clone().lower_elem(0.0).float();
        let stabilised = outputs.clone() + (negative * -0.2 + 0.1);
        let feedback = outputs.propagate_with(stabilised, &config);
        let rewarded = values(feedback.reward(&x).unwrap() / x.clone().inner());
        let derived = values(x.grad(&forward().sum().backward()).unwrap());
        let finite = rewarded
            .iter()
            .chain(&derived)
            .all(|value| value.is_finite());
        assert!(finite, "{name}: {rewarded:?} {derived:?}");
        let differ = |(a, b): (&f64, &f64)| (a - b).abs() > 1e-6;
        assert!(rewarded.iter().zip(&derived).any(differ), "{name}");
    }
}

#[test]
fn a_convolution_is_linear_so_its_quotients_are_its_gradients() {
    let (device, _alone) = seeded(19);
    let options = || burn::tensor::ops::ConvOptions::new([1, 1], [1, 1], [1, 1], 1);
    let x = Tensor::<4>::random([2, 3, 6, 5], Distribution::Normal(0.0, 1.0), &device);
    let x = x.require_grad();
    let weight = Tensor::<4>::random([4, 3, 3, 3], Distribution::Normal(0.0, 1.0), &device);
    let weight = weight.require_grad();
    let convolved = || hooks::conv2d(x.clone(), weight.clone(), None, options());
    let gradients = convolved().sum().backward();
    let outputs = convolved();
    let epsilon = 1e-6;
    let sign = outputs.clone().lower_elem(0.0).float() * (-2.0 * epsilon) + epsilon;
    let quotients_of_one = outputs.clone() + sign;
    let feedback = outputs.propagate(quotients_of_one);
    let quotient =
        |tensor: &Tensor<4>| values(feedback.reward(tensor).unwrap() / tensor.clone().inner());
    let gradient = |tensor: &Tensor<4>| values(tensor.grad(&gradients).unwrap());
    assert_close("input", &quotient(&x), &gradient(&x), 1e-5);
    assert_close("weight", &quotient(&weight), &gradient(&weight), 1e-5);
}

#[test]
fn of_dropout_the_gradient_is_zero_where_the_output_is_and_the_same_factor_elsewhere() {
    let (device, _alone) = seeded(11);
    let drop = DropoutConfig::new(0.4).init().hooked();
    for dtype in [FloatDType::F32, FloatDType::F64, FloatDType::F16] {
        let x = Tensor::<2>::ones([30, 70], &device)
            .cast(dtype)
            .require_grad();
        // A view: its elements lie in another order than those of the output.
        let outputs = drop.forward(x.clone().transpose());
        let below = x.grad(&outputs.clone().sum().backward()).unwrap();
        let (outputs, below) = (values(outputs.transpose()), values(below));
        assert_eq!(outputs, below, "{dtype:?}");
        let kept = outputs.iter().filter(|&&output| output != 0.0).count();
        assert!((1150..1370).contains(&kept), "{kept} of 2,100");
        let factor = outputs
            .iter()
            .fold(0.0, |most: f64, output| most.max(*output));
        assert!((factor - 1.0 / 0.6).abs() < 1e-3, "{factor}");
        assert!(
            outputs
                .iter()
                .all(|&output| output == 0.0 || output == factor)
        );
    }
}

#[test]
fn dropout_drops_nothing_where_burns_does_not() {
    let (device, _alone) = seeded(12);
    let drop = |probability: f64| DropoutConfig::new(probability).init();
    let x = Tensor::<2>::ones([3, 50], &device);
    let ones = vec![1.0; 150];
    assert_eq!(values(drop(0.0).hooked().forward(x.clone())), ones);
    assert_eq!(values(drop(0.9).hooked().forward(x.clone().inner())), ones);
    let inference = lfp_burn::inference_mode(drop(0.9).hooked());
    assert_eq!(values(inference.forward(x.clone())), ones);
    assert_eq!(values(hooks::dropout(x, 1.0)), vec![0.0; 150]);
}

/// Values with ties in every window; sizes that the windows fill or not; f32 and f64, which have bodies of their own.
#[test]
fn hooked_max_pooling_equals_burns_bit_for_bit() {
    let device = autodiff();
    for (window, stride, padding, size) in [
        ([2, 2], [2, 2], [0, 0], [8, 10]),
        ([2, 2], [2, 2], [0, 0], [9, 7]),
        ([3, 3], [3, 3], [0, 0], [11, 10]),
        ([1, 2], [1, 2], [0, 0], [3, 33]),
        ([2, 5], [2, 5], [0, 0], [4, 21]),
        ([3, 2], [3, 2], [0, 0], [2, 6]),
        // Windows that overlap, or leave pixels out; with padding.
        ([3, 3], [2, 2], [1, 1], [14, 15]),
        ([3, 3], [2, 2], [0, 0], [14, 15]),
        ([2, 3], [1, 1], [1, 1], [5, 40]),
        ([2, 2], [3, 4], [1, 0], [9, 9]),
        ([5, 4], [2, 3], [2, 2], [6, 17]),
        ([3, 3], [4, 4], [1, 1], [1, 1]),
    ] {
        let shape = [3, 4, size[0], size[1]];
        let pixels: Vec<f32> = (0..shape.iter().product::<usize>())
            .map(|index| ((index * index + 3 * index) % 7) as f32 - 3.0)
            .collect();
        let [vertical, horizontal] = padding;
        let pool = MaxPool2dConfig::new(window)
            .with_strides(stride)
            .with_padding(PaddingConfig2d::Explicit(
                vertical, horizontal, vertical, horizontal,
            ))
            .init();
        for dtype in [FloatDType::F32, FloatDType::F64] {
            let pass = |pool: &dyn Fn(Tensor<4>) -> Tensor<4>| {
                let x = Tensor::<1>::from_floats(pixels.as_slice(), &device);
                let x = x.reshape(shape).cast(dtype).require_grad();
                let pooled = pool(x.clone());
                assert_eq!(pooled.dtype(), dtype.into());
                let loss = (pooled.clone() * pooled.clone().cos()).sum();
                let below = x.grad(&loss.backward()).unwrap();
                (pooled.dims(), values(pooled), values(below))
            };
            let ours = pass(&|x| pool.clone().hooked().forward(x));
            assert!(
                ours == pass(&|x| pool.forward(x)),
                "{window:?} every {stride:?} with {padding:?} on {size:?}, {dtype:?}"
            );
        }
    }
}

#[test]
fn hooked_max_pooling_passes_on_what_is_not_a_number() {
    let x = Tensor::<1>::from_floats([1.0, f32::NAN, 3.0, 4.0], &Device::default());
    let pool = MaxPool2dConfig::new([2, 2]).init().hooked();
    let pooled = values(pool.forward(x.reshape([1, 1, 2, 2])));
    assert!(pooled[0].is_nan());
}

//! The quotient form of the crates against the reward form of the paper (Eqs. 2 to 4, 6, 7 and 9 to 11).

use burn::{
    module::Param,
    tensor::{
        Tensor,
        module::{avg_pool2d, conv2d, linear, max_pool2d},
        ops::{AvgPoolOptions, ConvOptions, MaxPoolOptions},
    },
};
use lfp_burn::{ActivationFn, Feedback, LfpConfig, Propagate, SignChangeRule, hooks};
use lfp_tests::{Layer, Numbers, WeightedSum, forward, propagate, windows};
use proptest::prelude::*;

use crate::{assert_close, autodiff, tensor, values};

/// f32 against f64, over a few layers whose outputs stay away from the stabiliser.
const TOLERANCE: f64 = 5e-5;

/// An activation of the crates, and the function that it is.
type Phi = (ActivationFn, fn(f64) -> f64);

fn activations() -> [Phi; 8] {
    [
        (ActivationFn::Relu, |z| z.max(0.0)),
        (ActivationFn::LeakyRelu { slope: 0.01 }, |z| z.max(0.01 * z)),
        (ActivationFn::Silu, |z| z / (1.0 + (-z).exp())),
        (ActivationFn::Elu { alpha: 1.0 }, |z| {
            z.max(z.exp().min(1.0) - 1.0)
        }),
        (ActivationFn::Tanh, f64::tanh),
        (ActivationFn::Sigmoid, |z| 1.0 / (1.0 + (-z).exp())),
        (ActivationFn::Heaviside, |z| if z > 0.0 { 1.0 } else { 0.0 }),
        (ActivationFn::Sign, f64::signum),
    ]
}

/// What the crates leave at a parameter: `d`, which is the negative of the descent.
fn feedback<const D: usize>(feedback: &Feedback, param: &Param<Tensor<D>>) -> Vec<f64> {
    let quotient = feedback
        .reward(&param.val())
        .expect("a reward at every parameter");
    // `w V` and `|w| V` differ by the sign of the weight.
    let sign = param.val().inner().sign();
    values(quotient * sign)
}

fn param<const D: usize>(values: &[f64], shape: [usize; D]) -> Param<Tensor<D>> {
    Param::from_tensor(tensor(values, shape, &autodiff()))
}

/// Whether all values are at least that far from zero. Closer to it, rounding to f32 moves an activation
/// that jumps there, and an output by much of its size, on which both forms then disagree.
fn away_from_zero(values: &[Vec<f64>], distance: f64) -> bool {
    values.iter().flatten().all(|value| value.abs() >= distance)
}

fn rows(values: &[f64], width: usize) -> Vec<Vec<f64>> {
    values.chunks(width).map(<[f64]>::to_vec).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_dense_network_agrees(seed in any::<u64>(), which in 0usize..7, exponent in 2i32..5) {
        let epsilon = 10f64.powi(-exponent);
        let (activation, phi) = activations()[which];
        let mut numbers = Numbers::new(seed);
        let (batch, widths) = (5, [4, 9, 3]);
        let x = numbers.uniform(batch * widths[0], -1.0, 1.0);
        let w1 = numbers.uniform(widths[0] * widths[1], -1.0, 1.0);
        let b1 = numbers.uniform(widths[1], -0.5, 0.5);
        let w2 = numbers.uniform(widths[1] * widths[2], -1.0, 1.0);
        let r = numbers.uniform(batch * widths[2], -1.0, 1.0);

        let layers = [
            Layer::Sum(WeightedSum::dense(widths[0], widths[1], w1.clone(), b1.clone())),
            Layer::Activation(phi),
            Layer::Sum(WeightedSum::dense(widths[1], widths[2], w2.clone(), vec![])),
        ];
        let inputs = rows(&x, 4);
        prop_assume!(away_from_zero(&forward(&layers[..1], &inputs), 0.01));
        prop_assume!(away_from_zero(&forward(&layers, &inputs), 0.01));
        let expected = propagate(&layers, &inputs, rows(&r, 3), epsilon);

        let (w1, b1, w2) = (param(&w1, [4, 9]), param(&b1, [9]), param(&w2, [9, 3]));
        let x = tensor(&x, [batch, 4], &autodiff()).require_grad();
        let a = hooks::linear_activation(linear(x.clone(), w1.val(), Some(b1.val())), activation);
        let outputs = hooks::stabilize(linear(a, w2.val(), None));
        let reward = tensor(&r, [batch, 3], &autodiff());
        let ours = outputs.propagate_with(reward, &LfpConfig::new().with_epsilon(epsilon));

        let rewards = values(ours.reward(&x).unwrap());
        assert_close("input", &rewards, &expected.rewards.concat(), TOLERANCE);
        assert_close("w1", &feedback(&ours, &w1), &expected.feedback[0].0, TOLERANCE);
        assert_close("b1", &feedback(&ours, &b1), &expected.feedback[0].1, TOLERANCE);
        assert_close("w2", &feedback(&ours, &w2), &expected.feedback[1].0, TOLERANCE);
    }

    #[test]
    fn an_activation_that_changes_the_sign_negates_rewards_on_request(
        seed in any::<u64>(), which in 0usize..3, form in 0usize..4,
    ) {
        // Footnote 12. Softplus and the convolution run other kernels than sigmoid.
        let epsilon = 1e-3;
        let sigmoid: fn(f64) -> f64 = |z| 1.0 / (1.0 + (-z).exp());
        let shifted: fn(f64) -> f64 = |z| z - 0.25;
        let (function, phi): (Option<ActivationFn>, fn(f64) -> f64) = [
            (Some(ActivationFn::Sigmoid), sigmoid),
            (Some(ActivationFn::Softplus { beta: 1.0 }), |z| z.exp().ln_1p()),
            (None, shifted),
        ][which];
        // After a linear map the activation is fused with the stabiliser; it may also stand at the output.
        let (fused, at_output) = (form % 2 == 0, form / 2 == 1);
        let mut numbers = Numbers::new(seed);
        let (batch, widths) = (5, [4, 9, 3]);
        let x = numbers.uniform(batch * widths[0], -1.0, 1.0);
        let w1 = numbers.uniform(widths[0] * widths[1], -1.0, 1.0);
        let w2 = numbers.uniform(widths[1] * widths[2], -1.0, 1.0);
        let outputs = widths[if at_output { 1 } else { 2 }];
        let r = numbers.uniform(batch * outputs, -1.0, 1.0);

        let mut layers = vec![
            Layer::Sum(WeightedSum::dense(widths[0], widths[1], w1.clone(), vec![])),
            Layer::NegatingActivation(phi),
        ];
        if !at_output {
            let sum = WeightedSum::dense(widths[1], widths[2], w2.clone(), vec![]);
            layers.push(Layer::Sum(sum));
        }
        let inputs = rows(&x, 4);
        prop_assume!(away_from_zero(&forward(&layers[..1], &inputs), 0.01));
        prop_assume!(away_from_zero(&forward(&layers[..2], &inputs), 0.01));
        prop_assume!(away_from_zero(&forward(&layers, &inputs), 0.01));
        let expected = propagate(&layers, &inputs, rows(&r, outputs), epsilon);
        layers[1] = Layer::Activation(phi);
        let unchanged = propagate(&layers, &inputs, rows(&r, outputs), epsilon);
        prop_assert!(expected.feedback[0].0 != unchanged.feedback[0].0);

        let (w1, w2) = (param(&w1, [4, 9]), param(&w2, [9, 3]));
        let x = tensor(&x, [batch, 4], &autodiff()).require_grad();
        let z = linear(x.clone(), w1.val(), None);
        let custom = |z: Tensor<2>| z - 0.25;
        let a = match (fused, function) {
            (true, Some(function)) => hooks::linear_activation(z, function),
            (true, None) => hooks::custom_linear_activation(z, custom),
            (false, Some(function)) => hooks::activation(hooks::stabilize(z), function),
            (false, None) => hooks::custom_activation(hooks::stabilize(z), custom),
        };
        let ends = match at_output {
            true => a,
            false => hooks::stabilize(linear(a, w2.val(), None)),
        };
        let reward = tensor(&r, [batch, outputs], &autodiff());
        let config = LfpConfig::new().with_epsilon(epsilon);
        let negate = config.with_sign_change(SignChangeRule::Negate);
        let ours = ends.propagate_with(reward, &negate);
        let rewards = values(ours.reward(&x).unwrap());
        assert_close("input", &rewards, &expected.rewards.concat(), TOLERANCE);
        assert_close("w1", &feedback(&ours, &w1), &expected.feedback[0].0, TOLERANCE);
    }

    #[test]
    fn an_activation_that_keeps_the_sign_never_negates(seed in any::<u64>()) {
        let mut numbers = Numbers::new(seed);
        let z = numbers.uniform(64, -2.0, 2.0);
        let r = numbers.uniform(64, -1.0, 1.0);
        for function in ActivationFn::ALL {
            for at_output in [true, false] {
                let rewards = [SignChangeRule::Pass, SignChangeRule::Negate].map(|rule| {
                    let z = tensor(&z, [64], &autodiff()).require_grad();
                    let a = hooks::linear_activation(z.clone(), function);
                    let a = if at_output { a } else { hooks::stabilize(a * 2.0) };
                    let config = LfpConfig::new().with_sign_change(rule);
                    let feedback = a.propagate_with(tensor(&r, [64], &autodiff()), &config);
                    values(feedback.reward(&z).unwrap())
                });
                let [pass, negate] = rewards;
                prop_assert_eq!(function.keeps_sign(), pass == negate, "{}", function);
            }
        }
    }

    #[test]
    fn convolutions_batch_norm_residuals_and_pooling_agree(seed in any::<u64>(), which in 0usize..6) {
        let epsilon = 1e-2;
        let (activation, phi) = activations()[which];
        let mut numbers = Numbers::new(seed);
        let (batch, size) = (3, 6);
        let x = numbers.uniform(batch * 2 * size * size, -1.0, 1.0);
        let w1 = numbers.uniform(4 * 2 * 9, -0.5, 0.5);
        let b1 = numbers.uniform(4, -0.5, 0.5);
        let gamma = numbers.uniform(4, -1.5, 1.5);
        let beta = numbers.uniform(4, -0.5, 0.5);
        let w2 = numbers.uniform(4 * 4 * 9, -0.3, 0.3);
        let r = numbers.uniform(batch * 4, -1.0, 1.0);

        let channel_of = (0..4 * size * size).map(|neuron| neuron / (size * size)).collect();
        let convolution = WeightedSum::convolution;
        let layers = [
            Layer::Sum(convolution([2, 4], size, 3, w1.clone(), b1.clone())),
            Layer::BatchNorm { channel_of, gamma: gamma.clone(), beta: beta.clone(), epsilon: 1e-5 },
            Layer::Activation(phi),
            Layer::Residual {
                body: vec![Layer::Sum(convolution([4, 4], size, 3, w2.clone(), vec![]))],
                shortcut: vec![],
            },
            Layer::Sum(WeightedSum::average(&windows(4, size, 2))),
            Layer::Max(windows(4, 3, 3)),
        ];
        let inputs = rows(&x, 2 * size * size);
        prop_assume!(away_from_zero(&forward(&layers[..2], &inputs), 1e-5));
        prop_assume!(away_from_zero(&forward(&layers, &inputs), 1e-5));
        let expected = propagate(&layers, &inputs, rows(&r, 4), epsilon);

        let (w1, b1) = (param(&w1, [4, 2, 3, 3]), param(&b1, [4]));
        let (gamma, beta) = (param(&gamma, [4]), param(&beta, [4]));
        let w2 = param(&w2, [4, 4, 3, 3]);
        let x = tensor(&x, [batch, 2, size, size], &autodiff()).require_grad();
        let same = || ConvOptions::new([1, 1], [1, 1], [1, 1], 1);
        let z = hooks::stabilize(conv2d(x.clone(), w1.val(), Some(b1.val()), same()));
        let (z, ..) = hooks::batch_norm_train(z, gamma.val(), beta.val(), 1e-5);
        let a = hooks::linear_activation(z, activation);
        let branch = hooks::stabilize(conv2d(a.clone(), w2.val(), None, same()));
        let a = hooks::stabilize(a + branch);
        let a = avg_pool2d(a, AvgPoolOptions::new([2, 2]).with_stride([2, 2]));
        // The stabiliser of the average pooling, which the largest value takes along.
        let a = max_pool2d(a, MaxPoolOptions::new([3, 3])).flatten::<2>(1, 3);
        let outputs = hooks::stabilize(a);
        let found = values(outputs.clone().inner());
        assert_close("outputs", &found, &forward(&layers, &inputs).concat(), TOLERANCE);
        let reward = tensor(&r, [batch, 4], &autodiff());
        let ours = outputs.propagate_with(reward, &LfpConfig::new().with_epsilon(epsilon));

        let rewards = values(ours.reward(&x).unwrap());
        assert_close("input", &rewards, &expected.rewards.concat(), TOLERANCE);
        assert_close("w1", &feedback(&ours, &w1), &expected.feedback[0].0, TOLERANCE);
        assert_close("b1", &feedback(&ours, &b1), &expected.feedback[0].1, TOLERANCE);
        assert_close("gamma", &feedback(&ours, &gamma), &expected.feedback[1].0, TOLERANCE);
        assert_close("beta", &feedback(&ours, &beta), &expected.feedback[1].1, TOLERANCE);
        assert_close("w2", &feedback(&ours, &w2), &expected.feedback[2].0, TOLERANCE);
    }
}

//! Layers conserve rewards, except for the shares of biases and of the stabiliser.

use burn::{
    nn::{DropoutConfig, LinearConfig, conv::Conv2dConfig, pool::AvgPool2dConfig},
    tensor::{Distribution, Tensor, module::max_pool2d, ops::MaxPoolOptions},
};
use lfp_burn::{ActivationFn, LfpConfig, Propagate, hooks, mark, nn::Hook};
use proptest::prelude::*;

use crate::{UNIT, seeded, values};

/// The sum of the rewards of each of `batch` samples.
fn sums<const D: usize>(rewards: Tensor<D>, batch: usize) -> Vec<f64> {
    let rewards = values(rewards);
    rewards
        .chunks(rewards.len() / batch)
        .map(|sample| sample.iter().sum())
        .collect()
}

#[track_caller]
fn assert_conserved(at_outputs: &[f64], below: &[f64], tolerance: f64) {
    assert_eq!(at_outputs.len(), below.len(), "one sum per sample");
    for (at_output, below) in at_outputs.iter().zip(below) {
        let lost = (at_output - below).abs();
        assert!(
            lost <= tolerance * at_output.abs(),
            "expected {at_output}, found {below}: {:.1e} of it lost",
            lost / at_output.abs()
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    // Inputs and weights are positive, so no sum cancels. Two effects lose rewards:
    //
    // - The stabiliser takes `epsilon / z` of a neuron's reward. An output of the convolution is at least
    //   18 * 0.1 * 0.01 = 0.018, its activation 0.009 (SiLU), a residual sum 0.018, and an output 0.018 * 0.01: a share of
    //   `epsilon * (1/0.018 + 1/0.009 + 1/0.018 + 1/0.00018)` in all.
    // - Rounding. A sum of n positive terms has a relative error of at most n units: 18 + 36 in the convolution (forward and
    //   backward), 32 + 3 in the linear layer, 4 in the pooling, and about 15 elementwise operations: fewer than 128 units.
    #[test]
    fn every_sample_keeps_its_reward(seed in any::<u64>(), which in 0usize..5, dropout in 0.0f64..0.7) {
        let (device, _alone) = seeded(seed);
        let epsilon = 1e-9;
        let tolerance = 128.0 * UNIT + epsilon * (1.0 / 0.018 + 1.0 / 0.009 + 1.0 / 0.018 + 1.0 / 0.00018);
        let activation = [
            ActivationFn::Relu,
            ActivationFn::Silu,
            ActivationFn::Tanh,
            ActivationFn::Sigmoid,
            ActivationFn::Elu { alpha: 1.0 },
        ][which];
        let batch = 3;
        let positive = burn::nn::Initializer::Uniform { min: 0.01, max: 0.3 };
        let conv = Conv2dConfig::new([2, 4], [3, 3])
            .with_bias(false)
            .with_initializer(positive.clone())
            .init(&device)
            .hooked()
            .with_activation(activation);
        let pool = AvgPool2dConfig::new([2, 2]).with_strides([2, 2]).init().hooked();
        let drop = DropoutConfig::new(dropout).init().hooked();
        let output = LinearConfig::new(2 * 4 * 4, 3)
            .with_bias(false)
            .with_initializer(positive)
            .init(&device)
            .hooked();

        let x = Tensor::<4>::random([batch, 2, 10, 10], Distribution::Uniform(0.1, 1.0), &device);
        let x = x.require_grad();
        let (a, marked) = mark(conv.forward(x.clone()));
        let small = max_pool2d(pool.forward(a.clone()), MaxPoolOptions::new([2, 2]).with_stride([2, 2]));
        let large = max_pool2d(a, MaxPoolOptions::new([4, 4]).with_stride([4, 4]));
        let both = Tensor::cat(vec![small.clone(), large.clone()], 1);
        let both = hooks::stabilize(both.clone() + Tensor::cat(vec![large, small], 1));
        let outputs = output.forward(drop.forward(both.flatten::<2>(1, 3)));

        let reward = Tensor::<2>::random([batch, 3], Distribution::Uniform(0.2, 1.0), &device);
        let at_outputs = sums(reward.clone(), batch);
        let feedback = outputs.propagate_with(reward, &LfpConfig::new().with_epsilon(epsilon));
        assert_conserved(&at_outputs, &sums(feedback.reward_at(&marked).unwrap(), batch), tolerance);
        assert_conserved(&at_outputs, &sums(feedback.reward(&x).unwrap(), batch), tolerance);
    }
}

#[test]
fn the_relevances_of_a_layer_add_up_to_the_reward() {
    let (device, _alone) = seeded(4);
    let layer = LinearConfig::new(6, 4)
        .with_bias(false)
        .init(&device)
        .hooked();
    let x = Tensor::<2>::random([5, 6], Distribution::Uniform(0.5, 1.0), &device);
    let outputs = layer.forward(x.clone());
    let epsilon = 1e-6;
    let config = LfpConfig::new().with_epsilon(epsilon);
    let feedback = outputs.clone().propagate_with(outputs.ones_like(), &config);
    let weight = &layer.inner().weight;
    let relevances = values(feedback.relevances(&layer).get::<2>(weight.id).unwrap());
    // The connections of an output `z` share `|z| / (|z| + epsilon)` of its reward.
    let magnitudes = values(outputs.clone().inner().abs());
    let expected: f64 = magnitudes.iter().map(|z| z / (z + epsilon)).sum();
    // Terms of both signs cancel, so the rounding of a sum is relative to the sum of magnitudes: 6 units for the forward
    // pass, 5 for the sum over the batch, and a few products.
    let terms = values(x.inner().abs().matmul(weight.val().inner().abs()));
    let cancellation: f64 = terms.iter().zip(&magnitudes).map(|(t, z)| t / z).sum();
    let found: f64 = relevances.iter().sum();
    assert!(
        (found - expected).abs() <= 16.0 * UNIT * cancellation,
        "expected {expected}, found {found}"
    );
    assert!(
        16.0 * UNIT * cancellation < 1e-3,
        "the outputs cancel too much for a meaningful test"
    );
}

#[test]
fn dropout_conserves_rewards_or_scales_them() {
    let (device, _alone) = seeded(5);
    let p = 0.75;
    let x = Tensor::<2>::ones([1, 400], &device).require_grad();
    let drop = DropoutConfig::new(p).init().hooked();
    let propagated = |config: &LfpConfig| {
        device.seed(5);
        let sum = hooks::stabilize(drop.forward(x.clone()).sum_dim(1));
        let feedback = sum.propagate_with(Tensor::ones([1, 1], &device), config);
        values(feedback.reward(&x).unwrap()).iter().sum::<f64>()
    };
    let conserved = propagated(&LfpConfig::new());
    let scaled = propagated(&LfpConfig::new().with_dropout(lfp_burn::DropoutRule::Scale));
    // The sum of about a hundred fours is exact, and so is the factor of 4; a division and two products round. Epsilon
    // vanishes beside the sum.
    let expected = 1.0 / (1.0 - p);
    assert!((conserved - 1.0).abs() <= 4.0 * UNIT, "found {conserved}");
    assert!(
        (scaled - expected).abs() <= 4.0 * UNIT * expected,
        "found {scaled}"
    );
}

#[test]
fn batch_statistics_pass_rewards_between_samples_by_one_rule_only() {
    let (device, _alone) = seeded(6);
    let layer = burn::nn::BatchNormConfig::new(3).init(&device).hooked();
    let x = Tensor::<2>::random([4, 3], Distribution::Normal(1.0, 1.0), &device).require_grad();
    // Rewards of the other samples when the first one alone is rewarded.
    let rewards_of_others = |config: &LfpConfig| {
        let outputs = layer.forward(x.clone());
        let mut reward = vec![0.0; 12];
        reward[..3].fill(1.0);
        let reward = crate::tensor(&reward, [4, 3], &device);
        let feedback = outputs.propagate_with(reward, config);
        values(feedback.reward(&x).unwrap())[3..].to_vec()
    };
    let constant = rewards_of_others(&LfpConfig::new());
    assert!(constant.iter().all(|&reward| reward == 0.0));
    let through = LfpConfig::new().with_batch_norm(lfp_burn::BatchNormRule::ThroughStatistics);
    let largest = crate::max_abs(&rewards_of_others(&through));
    assert!(largest.is_finite() && largest > 1e-3, "found {largest}");
}

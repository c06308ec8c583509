//! Rewards are neither made nor lost on the way, but for what biases and the stabiliser keep.

use burn::{
    nn::{DropoutConfig, LinearConfig, conv::Conv2dConfig, pool::AvgPool2dConfig},
    tensor::{Distribution, Tensor, module::max_pool2d, ops::MaxPoolOptions},
};
use lfp_burn::{ActivationFn, LfpConfig, Propagate, hooks, mark, nn::Hook};
use proptest::prelude::*;

use crate::{seeded, values};

/// The sum of rewards of each of `batch` samples.
fn sums<const D: usize>(rewards: Tensor<D>, batch: usize) -> Vec<f64> {
    let rewards = values(rewards);
    rewards
        .chunks(rewards.len() / batch)
        .map(|sample| sample.iter().sum())
        .collect()
}

#[track_caller]
fn assert_conserved(at_outputs: &[f64], below: &[f64]) {
    for (at_output, below) in at_outputs.iter().zip(below) {
        let lost = (at_output - below).abs();
        assert!(
            lost <= 1e-3 * at_output.abs(),
            "expected {at_output}, found {below}"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    // Positive inputs and weights keep every sum away from zero, where the stabiliser would take its
    // share. Dropout, pooling, concatenation and a residual sum are all on the way.
    #[test]
    fn every_sample_keeps_its_reward(seed in any::<u64>(), which in 0usize..5, dropout in 0.0f64..0.7) {
        let (device, _alone) = seeded(seed);
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
        let feedback = outputs.propagate_with(reward, &LfpConfig::new().with_epsilon(1e-7));
        assert_conserved(&at_outputs, &sums(feedback.reward_at(&marked).unwrap(), batch));
        assert_conserved(&at_outputs, &sums(feedback.reward(&x).unwrap(), batch));
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
    let outputs = layer.forward(x);
    let feedback = outputs.clone().propagate(outputs.ones_like());
    let relevances = feedback.relevances(&layer);
    let relevance: f64 = values(relevances.get::<2>(layer.inner().weight.id).unwrap())
        .iter()
        .sum();
    assert!(
        (relevance - 20.0).abs() < 1e-3,
        "expected 20, found {relevance}"
    );
}

#[test]
fn dropout_scales_rewards_by_the_other_rule() {
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
    assert!((conserved - 1.0).abs() < 1e-4, "found {conserved}");
    assert!((scaled - 1.0 / (1.0 - p)).abs() < 1e-3, "found {scaled}");
}

#[test]
fn batch_statistics_take_part_by_the_other_rule_alone() {
    // With its statistics as constants, batch normalisation hands a sample's reward to that sample
    // only; through the statistics the others are touched, too.
    let (device, _alone) = seeded(6);
    let layer = burn::nn::BatchNormConfig::new(3).init(&device).hooked();
    let x = Tensor::<2>::random([4, 3], Distribution::Normal(1.0, 1.0), &device).require_grad();
    let touched = |config: &LfpConfig| {
        let outputs = layer.forward(x.clone());
        let mut reward = vec![0.0; 12];
        reward[..3].fill(1.0);
        let reward = crate::tensor(&reward, [4, 3], &device);
        let feedback = outputs.propagate_with(reward, config);
        values(feedback.reward(&x).unwrap())[3..]
            .iter()
            .any(|&reward| reward != 0.0)
    };
    assert!(!touched(&LfpConfig::new()));
    assert!(touched(
        &LfpConfig::new().with_batch_norm(lfp_burn::BatchNormRule::ThroughStatistics)
    ));
}

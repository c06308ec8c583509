//! `LFP_CONVOLUTION` selects the algorithm of convolutions. It is read once in a process, so tests of this binary run again in
//! processes of their own.

use std::{
    env,
    process::{Command, Output},
};

use burn::{
    nn::{
        PaddingConfig2d,
        conv::{Conv2d, Conv2dConfig},
    },
    tensor::{Distribution, Tensor},
};
use lfp_burn::nn::Hook;

use crate::{seeded, values};

const VARIABLE: &str = "LFP_CONVOLUTION";

/// Whether this process uses Burn's convolutions.
pub(crate) fn are_burns() -> bool {
    env::var(VARIABLE).is_ok_and(|algorithm| algorithm == "burn")
}

/// Runs the tests whose names contain `filter` with another algorithm.
fn rerun(algorithm: &str, filter: &[&str]) -> Output {
    Command::new(env::current_exe().unwrap())
        .args(filter)
        .env(VARIABLE, algorithm)
        .output()
        .unwrap()
}

#[track_caller]
fn assert_passes(algorithm: &str, filter: &[&str]) {
    let output = rerun(algorithm, filter);
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{algorithm}: {text}");
    assert!(!text.contains("running 0 tests"), "{filter:?} selects none");
}

#[test]
fn burns_own_give_torchvisions_logits_one_by_one() {
    assert_passes("burn", &["torchvision::"]);
}

#[test]
fn each_algorithm_gives_torchvisions_logits_and_burns_gradients() {
    for algorithm in ["direct", "lowered"] {
        assert_passes(algorithm, &["torchvision::resnets", "gradients::"]);
    }
}

#[test]
fn spiking_networks_follow_their_recurrences_without_gathering_too() {
    assert_passes("winograd", &["spiking::", "conformance::"]);
}

#[test]
fn burns_own_make_a_hooked_convolution_burns_bit_for_bit() {
    assert_passes(
        "burn",
        &["--ignored", "convolutions::a_hooked_convolution_is_burns"],
    );
}

#[test]
#[ignore = "run by `burns_own_make_a_hooked_convolution_burns_bit_for_bit`, with LFP_CONVOLUTION=burn"]
fn a_hooked_convolution_is_burns() {
    let (device, _guard) = seeded(21);
    for (channels, kernel, stride) in [([16, 24], 3, 1), ([3, 8], 5, 2), ([16, 16], 1, 1)] {
        let conv: Conv2d = Conv2dConfig::new(channels, [kernel; 2])
            .with_stride([stride; 2])
            .with_padding(PaddingConfig2d::Explicit(1, 1, 1, 1))
            .init(&device);
        let shape = [2, channels[0], 12, 9];
        let x = Tensor::<4>::random(shape, Distribution::Default, &device).require_grad();
        let pass = |output: Tensor<4>| {
            let grads = (output.clone() * output.clone()).sum().backward();
            let weight = conv.weight.val().grad(&grads).unwrap();
            let below = x.grad(&grads).unwrap();
            let bias = conv.bias.as_ref().unwrap().val().grad(&grads).unwrap();
            [values(output), values(below), values(weight), values(bias)]
        };
        let ours = pass(conv.clone().hooked().forward(x.clone()));
        assert!(ours == pass(conv.forward(x.clone())), "{channels:?}");
    }
}

#[test]
fn another_value_is_refused_with_those_that_exist() {
    let output = rerun("fast", &["torchvision::resnets"]);
    assert!(!output.status.success());
    let text = String::from_utf8_lossy(&output.stdout);
    let expected =
        "LFP_CONVOLUTION: expected gather, winograd, direct, lowered or burn, found \"fast\"";
    assert!(text.contains(expected), "{text}");
}

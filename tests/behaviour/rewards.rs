//! Initial rewards (Table 2), by hand.

use burn::{
    nn::loss::CrossEntropyLossConfig,
    tensor::{Device, FloatDType, Int, Tensor, TensorData},
};
use lfp_burn::reward::{
    ClassWeighted, CorrectReward, FnReward, LossReward, MisclassificationReward, Reduction, Reward,
    RewardError, SigmoidReward, SoftmaxReward,
};

use crate::{assert_close, values};

fn logits() -> Tensor<2> {
    // Right; wrong, with a negative winner; a tie, which counts as right.
    Tensor::from_floats(
        [[2.0, -1.0, 0.5], [-3.0, -0.5, -2.0], [1.0, 1.0, -1.0]],
        &Device::default(),
    )
}

fn targets() -> Tensor<1, Int> {
    Tensor::from_ints([0, 2, 1], &Device::default())
}

#[test]
fn reward_1_is_the_sign_of_a_winning_target() {
    let reward = CorrectReward::new().forward(logits(), targets());
    assert_eq!(
        values(reward),
        [1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0]
    );
}

#[test]
fn reward_2_turns_against_every_output_that_beats_the_target() {
    let reward = MisclassificationReward::new().forward(logits(), targets());
    assert_eq!(
        values(reward),
        [0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0]
    );
}

#[test]
fn reward_3_is_the_output_times_the_error_of_the_softmax() {
    let reward = values(SoftmaxReward::new().forward(logits(), targets()));
    let o = [2.0f64, -1.0, 0.5];
    let sum: f64 = o.iter().map(|o| o.exp()).sum();
    let expected = [
        2.0 * (1.0 - o[0].exp() / sum),
        o[1].exp() / sum,
        -0.5 * o[2].exp() / sum,
    ];
    assert_close("reward", &reward[..3], &expected, 1e-6);
}

#[test]
fn reward_4_asks_every_output_for_itself() {
    let sigmoid = |o: f64| 1.0 / (1.0 + (-o).exp());
    let reward = values(SigmoidReward::new().forward(logits(), targets()));
    let expected = [
        2.0 * (1.0 - sigmoid(2.0)),
        sigmoid(-1.0),
        -0.5 * sigmoid(0.5),
    ];
    assert_close("reward", &reward[..3], &expected, 1e-6);

    let one = Tensor::<2>::from_floats([[1.5], [-0.5]], &Device::default());
    let yes_or_no = Tensor::<1, Int>::from_ints([0, 1], &Device::default());
    let reward = values(SigmoidReward::new().forward(one, yes_or_no));
    let expected = [-1.5 * sigmoid(1.5), -0.5 * (1.0 - sigmoid(-0.5))];
    assert_close("reward", &reward, &expected, 1e-6);
}

#[test]
fn a_mean_is_the_sum_divided_by_the_batch() {
    let sum = values(SoftmaxReward::new().forward(logits(), targets()));
    let mean = SoftmaxReward::new().with_reduction(Reduction::Mean);
    let mean = values(mean.forward(logits(), targets()));
    let expected: Vec<f64> = sum.iter().map(|reward| reward / 3.0).collect();
    assert_close("reward", &mean, &expected, 1e-6);
}

#[test]
fn a_closure_may_leave_the_device_and_the_tape() {
    let device = Device::default().autodiff();
    let reward = FnReward::new(|logits: Tensor<2>, targets: Tensor<1, Int>| {
        assert!(!logits.is_autodiff());
        let count = logits.shape().num_elements();
        let points: Vec<f32> = (0..count).map(|index| index as f32).collect();
        let shape = logits.dims();
        assert_eq!(targets.dims(), [shape[0]]);
        Tensor::from_data(TensorData::new(points, shape), &logits.device())
    });
    let logits = Tensor::<2>::ones([2, 2], &device);
    let targets = Tensor::<1, Int>::from_ints([0, 1], &device);
    assert_eq!(
        values(reward.forward(logits, targets)),
        [0.0, 1.0, 2.0, 3.0]
    );
}

#[test]
fn rewards_that_are_not_finite_are_named() {
    let reward = FnReward::new(|logits: Tensor<2>, _| logits);
    let logits =
        Tensor::<2>::from_floats([[f32::NAN, 1.0], [f32::INFINITY, 0.0]], &Device::default());
    let targets = Tensor::<1, Int>::from_ints([0, 1], &Device::default());
    let error = reward
        .try_forward(logits.clone(), targets.clone())
        .unwrap_err();
    assert!(error.to_string().starts_with("2 of 4"), "{error}");
    let finite = logits.zeros_like();
    assert!(reward.try_forward(finite, targets).is_ok());
}

/// The rewards of Table 2.
fn table_2() -> [Box<dyn Reward<2>>; 4] {
    [
        Box::new(CorrectReward::new()),
        Box::new(MisclassificationReward::new()),
        Box::new(SoftmaxReward::new()),
        Box::new(SigmoidReward::new()),
    ]
}

#[test]
fn one_output_means_two_classes_and_rates_the_choice() {
    let device = Device::default();
    // Class 1 is chosen by an output of at least 0: right, wrong, right, wrong; a tie chooses class 1.
    let outputs = Tensor::<2>::from_floats([[1.5], [0.5], [-2.0], [-1.0], [0.0]], &device);
    let labels = Tensor::<1, Int>::from_ints([1, 0, 0, 1, 1], &device);
    let rewards = table_2().map(|reward| values(reward.forward(outputs.clone(), labels.clone())));
    assert_eq!(rewards[0], [1.0, 0.0, 1.0, 0.0, 1.0]);
    assert_eq!(rewards[1], [0.0, -1.0, 0.0, -1.0, 0.0]);
    let sigmoid = |o: f64| 1.0 / (1.0 + (-o).exp());
    let expected = [
        1.5 * (1.0 - sigmoid(1.5)),
        -0.5 * sigmoid(0.5),
        2.0 * sigmoid(-2.0),
        -(1.0 - sigmoid(-1.0)),
        0.0,
    ];
    // The softmax over the logits [0, o] of two classes is the sigmoid of o.
    assert_close("softmax", &rewards[2], &expected, 1e-6);
    assert_close("sigmoid", &rewards[3], &expected, 1e-6);
}

#[test]
fn a_label_that_is_no_class_gets_no_reward_and_is_named() {
    let device = Device::default();
    let outputs = logits();
    for label in [-1, 3, 255] {
        let labels = Tensor::<1, Int>::from_ints([0, label, 1], &device);
        let known = targets();
        for (index, reward) in table_2().iter().enumerate() {
            let found = values(reward.forward(outputs.clone(), labels.clone()));
            let mut expected = values(reward.forward(outputs.clone(), known.clone()));
            expected[3..6].fill(0.0);
            assert_eq!(found, expected, "reward #{}, label {label}", index + 1);
            let error = reward.try_forward(outputs.clone(), labels.clone());
            let expected = RewardError::Label {
                label: label.into(),
                classes: 3,
            };
            assert_eq!(error.err(), Some(expected), "reward #{}", index + 1);
        }
        let weighted = ClassWeighted::new(SoftmaxReward::new(), [1.0, 2.0, 3.0]);
        let found = values(weighted.forward(outputs.clone(), labels.clone()));
        assert_eq!(found[3..6], [0.0; 3]);
        assert!(weighted.try_forward(outputs.clone(), labels).is_err());
    }
}

#[test]
fn a_mean_does_not_count_samples_without_a_class() {
    let labels = Tensor::<1, Int>::from_ints([0, -1, 1], &Device::default());
    let sum = values(SoftmaxReward::new().forward(logits(), labels.clone()));
    let mean = SoftmaxReward::new().with_reduction(Reduction::Mean);
    let mean = values(mean.forward(logits(), labels));
    let expected: Vec<f64> = sum.iter().map(|reward| reward / 2.0).collect();
    assert_close("reward", &mean, &expected, 1e-6);
}

#[test]
fn logits_of_any_float_type_keep_their_type() {
    // The unit roundoff of each type; a reward takes a handful of roundings.
    let types = [
        (FloatDType::F16, 2f64.powi(-11)),
        (FloatDType::BF16, 2f64.powi(-8)),
        (FloatDType::F64, 2f64.powi(-24)),
    ];
    for (dtype, roundoff) in types {
        for (index, reward) in table_2().iter().enumerate() {
            let expected = values(reward.forward(logits(), targets()));
            let outputs = logits().cast(dtype);
            let found = reward.forward(outputs.clone(), targets());
            assert_eq!(found.dtype(), outputs.dtype(), "reward #{}", index + 1);
            let found: Vec<f64> = found.into_data().iter::<f64>().collect();
            assert_close("reward", &found, &expected, 8.0 * roundoff);
        }
    }
}

#[test]
fn logits_of_rank_3_are_rated_position_by_position() {
    let device = Device::default();
    let rank_2 = SoftmaxReward::new().forward(logits(), targets());
    let sequences = logits().reshape([1, 3, 3]);
    let labels = Tensor::<2, Int>::from_ints([[0, 2, 1]], &device);
    let rank_3 = SoftmaxReward::new().forward(sequences, labels);
    assert_eq!(rank_3.dims(), [1, 3, 3]);
    assert_eq!(values(rank_3), values(rank_2));
}

#[test]
#[should_panic(expected = "labels: expected [3]")]
fn a_label_is_expected_for_every_sample() {
    let labels = Tensor::<1, Int>::from_ints([0, 1], &Device::default());
    let _ = SigmoidReward::new().forward(logits(), labels);
}

/// Theorem 1: `r = o (-dL/do)`, which for the summed cross-entropy is reward #3.
#[test]
fn the_reward_of_the_cross_entropy_is_the_softmax_reward() {
    let device = Device::default().autodiff();
    let outputs = Tensor::<2>::from_data(logits().into_data(), &device);
    let labels = Tensor::<1, Int>::from_data(targets().into_data(), &device);
    let reward = LossReward::new(|outputs: Tensor<2>, targets: Tensor<1, Int>| {
        let samples = targets.dims()[0] as f64;
        let mean = CrossEntropyLossConfig::new().init(&outputs.device());
        mean.forward(outputs, targets) * samples
    });
    let reward = reward.forward(outputs, labels);
    assert!(!reward.is_autodiff());
    let expected = values(SoftmaxReward::new().forward(logits(), targets()));
    assert_close("reward", &values(reward), &expected, 1e-6);
}

#[test]
#[should_panic(expected = "expected outputs on an autodiff device")]
fn the_reward_of_a_loss_needs_an_autodiff_device() {
    let reward = LossReward::new(|outputs: Tensor<2>, _: Tensor<1, Int>| outputs.sum());
    let _ = reward.forward(logits(), targets());
}

//! Initial rewards (Table 2), by hand.

use burn::tensor::{Device, Int, Tensor, TensorData};
use lfp_burn::reward::{
    CorrectReward, FnReward, MisclassificationReward, Reduction, Reward, SigmoidReward,
    SoftmaxReward,
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

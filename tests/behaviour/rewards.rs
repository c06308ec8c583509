//! Initial rewards (Table 2), by hand.

use burn::{
    module::Param,
    nn::{LinearConfig, loss::CrossEntropyLossConfig},
    optim::SgdConfig,
    tensor::{Bool, Device, FloatDType, Int, Tensor, TensorData, activation},
};
use lfp_burn::{
    Propagate,
    nn::Hook,
    reward::{
        BatchObjectiveReward, ClassWeighted, CorrectReward, Counts, FnReward, HalfTime, LossReward,
        MisclassificationReward, Reduction, Reward, RewardError, SigmoidReward, SignedReward,
        SoftmaxReward, SpikeRateForm, SpikeRateReward, TrueClassReward, accuracy, macro_f1,
    },
};
use proptest::prelude::*;

use crate::{UNIT, assert_close, autodiff, tensor, values};

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
fn reward_1_is_the_sign_of_the_true_output_predicted_or_not() {
    let reward = TrueClassReward::new().forward(logits(), targets());
    assert_eq!(
        values(reward),
        [1.0, 0.0, 0.0, 0.0, 0.0, -1.0, 0.0, 1.0, 0.0]
    );
}

#[test]
fn the_package_rewards_only_a_true_class_that_wins_or_ties() {
    let reward = CorrectReward::new().forward(logits(), targets());
    assert_eq!(
        values(reward),
        [1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0]
    );
}

#[test]
fn reward_2_turns_against_every_output_that_beats_the_target_and_not_against_ties() {
    let reward = MisclassificationReward::new().forward(logits(), targets());
    assert_eq!(
        values(reward),
        [0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0]
    );
}

/// Section 3.1.2: `sign(0) = 1`, where Burn's own sign is 0.
#[test]
fn the_sign_of_an_output_of_zero_is_positive() {
    let outputs = Tensor::<2>::from_floats([[0.0, -1.0], [-0.0, -1.0]], &Device::default());
    let of = |reward: &dyn Reward<2>, class: i32| {
        let targets = Tensor::from_ints([class, class], &Device::default());
        values(reward.forward(outputs.clone(), targets))
    };
    assert_eq!(of(&TrueClassReward::new(), 0), [1.0, 0.0, 1.0, 0.0]);
    assert_eq!(of(&CorrectReward::new(), 0), [1.0, 0.0, 1.0, 0.0]);
    let beaten = of(&MisclassificationReward::new(), 1);
    assert_eq!(beaten, [-1.0, 0.0, -1.0, 0.0]);
    let signed = SignedReward::new(|outputs: Tensor<2>, _| outputs.full_like(0.5));
    assert_eq!(of(&signed, 0), [0.5, -0.5, 0.5, -0.5]);
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

/// The rewards of Table 2, and the package's variant of the first.
fn table_2() -> [(&'static str, Box<dyn Reward<2>>); 5] {
    [
        ("#1", Box::new(TrueClassReward::new())),
        ("#2", Box::new(MisclassificationReward::new())),
        ("#3", Box::new(SoftmaxReward::new())),
        ("#4", Box::new(SigmoidReward::new())),
        ("#1 in lfprop", Box::new(CorrectReward::new())),
    ]
}

#[test]
fn one_output_means_two_classes_and_rates_the_choice() {
    let device = Device::default();
    // Class 1 is chosen by an output of at least 0: right, wrong, right, wrong; a tie chooses class 1.
    let outputs = Tensor::<2>::from_floats([[1.5], [0.5], [-2.0], [-1.0], [0.0]], &device);
    let labels = Tensor::<1, Int>::from_ints([1, 0, 0, 1, 1], &device);
    let forward = |reward: &dyn Reward<2>| values(reward.forward(outputs.clone(), labels.clone()));
    let rewards = table_2().map(|(_, reward)| forward(reward.as_ref()));
    // `r = R`, without the sign of the output (section 3.2).
    assert_eq!(rewards[0], [1.0, 0.0, 1.0, 0.0, 1.0]);
    assert_eq!(rewards[4], rewards[0]);
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

    let rating = [0.5, -1.0, 0.25, -2.0, 1.0];
    let rated = SignedReward::new(|outputs: Tensor<2>, _| {
        let rating = TensorData::from(rating.map(|rating: f32| [rating]));
        Tensor::from_data(rating, &outputs.device())
    });
    assert_eq!(forward(&rated), rating.map(f64::from));
}

#[test]
fn a_label_that_is_no_class_gets_no_reward_and_is_named() {
    let device = Device::default();
    let outputs = logits();
    for label in [-1, 3, 255] {
        let labels = Tensor::<1, Int>::from_ints([0, label, 1], &device);
        let known = targets();
        for (name, reward) in table_2() {
            let found = values(reward.forward(outputs.clone(), labels.clone()));
            let mut expected = values(reward.forward(outputs.clone(), known.clone()));
            expected[3..6].fill(0.0);
            assert_eq!(found, expected, "reward {name}, label {label}");
            let error = reward.try_forward(outputs.clone(), labels.clone());
            let expected = RewardError::Label {
                label: label.into(),
                classes: 3,
            };
            assert_eq!(error.err(), Some(expected), "reward {name}");
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
        for (name, reward) in table_2() {
            let expected = values(reward.forward(logits(), targets()));
            let outputs = logits().cast(dtype);
            let found = reward.forward(outputs.clone(), targets());
            assert_eq!(found.dtype(), outputs.dtype(), "reward {name}");
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

/// The true class of every sample as booleans, `[batch, classes]`.
fn is_target(outputs: &Tensor<2>, targets: Tensor<1, Int>) -> Tensor<2, Bool> {
    targets.inner().one_hot::<2>(outputs.dims()[1]).bool()
}

/// `R_c` and `rho` of Table 2 in the notation of Eq. 13, with `y_c` as booleans.
fn table_2_by_parts() -> [Box<dyn Reward<2>>; 4] {
    let ones = |at: Tensor<2, Bool>| at.float();
    // `|o_c|` for the true class, `-|o_c|` for the others.
    let confidence = |outputs: Tensor<2>, targets| {
        let target = is_target(&outputs, targets);
        let size = outputs.abs();
        (-size.clone()).mask_where(target, size)
    };
    // `1 - p_c` for the true class, `p_c` for the others.
    let remaining = |probabilities: Tensor<2>, target| {
        let missing = -probabilities.clone() + 1.0;
        probabilities.mask_where(target, missing)
    };
    [
        Box::new(SignedReward::new(move |outputs, targets| {
            ones(is_target(&outputs, targets))
        })),
        Box::new(SignedReward::new(move |outputs: Tensor<2>, targets| {
            let target = is_target(&outputs, targets);
            let of_target = outputs.clone().mask_fill(target.bool_not(), 0.0).sum_dim(1);
            -ones(outputs.greater(of_target))
        })),
        Box::new(SignedReward::new(confidence).with_convergence(
            move |outputs: Tensor<2>, targets| {
                let target = is_target(&outputs, targets);
                remaining(activation::softmax(outputs, 1), target)
            },
        )),
        Box::new(SignedReward::new(confidence).with_convergence(
            move |outputs: Tensor<2>, targets| {
                let target = is_target(&outputs, targets);
                remaining(activation::sigmoid(outputs), target)
            },
        )),
    ]
}

/// Logits with zeros and ties, of 1 to 4 samples and 2 to 5 classes, and their labels.
fn rated_logits() -> impl Strategy<Value = (Tensor<2>, Tensor<1, Int>)> {
    (1usize..5, 2usize..6).prop_flat_map(|(batch, classes)| {
        let some = prop::sample::select(vec![-3.0, -1.0, -0.5, -0.0, 0.0, 0.5, 1.0, 3.0]);
        let logits = prop::collection::vec(some, batch * classes);
        let targets = prop::collection::vec(0..classes as i64, batch);
        (logits, targets).prop_map(move |(logits, targets)| {
            let logits = tensor(&logits, [batch, classes], &Device::default());
            (
                logits,
                Tensor::from_data(targets.as_slice(), &Device::default()),
            )
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn table_2_is_the_sign_times_the_convergence_times_the_rating((logits, targets) in rated_logits()) {
        for ((name, reward), by_parts) in table_2().into_iter().zip(table_2_by_parts()) {
            let found = values(by_parts.forward(logits.clone(), targets.clone()));
            let expected = values(reward.forward(logits.clone(), targets.clone()));
            for (found, expected) in found.iter().zip(&expected) {
                assert!((found - expected).abs() <= 1e-6, "{name}: {found}, not {expected}");
            }
        }
    }
}

/// The example of the quickstart: 1 for the target, -1 for every other class that beats the threshold 0.
fn rating_of_the_quickstart(outputs: Tensor<2>, targets: Tensor<1, Int>) -> Tensor<2> {
    let target = is_target(&outputs, targets);
    let wrong = outputs
        .clone()
        .greater_elem(0.0)
        .bool_and(target.clone().bool_not());
    outputs
        .zeros_like()
        .mask_fill(target, 1.0)
        .mask_fill(wrong, -1.0)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// A step of Eq. 7 of rate `eta` in a linear layer without bias changes an output by
    /// `sum_i a_i eta |w_ic| a_i r_c / s(o_c) = eta R_c sum_i |w_ic| a_i^2 / (|o_c| + epsilon)`, since `r_c = sign(o_c) R_c`:
    /// in the direction of its rating, whatever its own sign.
    #[test]
    fn an_output_moves_in_the_direction_of_its_rating(
        weights in prop::collection::vec(0.1..1.0f64, 12),
        negative in prop::collection::vec(any::<bool>(), 12),
        inputs in prop::collection::vec(-1.0..1.0f64, 4),
        target in 0..3i32,
    ) {
        let (eta, epsilon) = (0.01, 1e-6);
        let signs = negative.iter().map(|&negative| if negative { -1.0 } else { 1.0 });
        let weights: Vec<f64> = weights.iter().zip(signs).map(|(weight, sign)| weight * sign).collect();
        let device = autodiff();
        let mut layer = LinearConfig::new(4, 3).with_bias(false).init(&device);
        layer.weight = Param::from_tensor(tensor(&weights, [4, 3], &device));
        let layer = layer.hooked();
        let x = tensor(&inputs, [1, 4], &device);
        let targets = Tensor::<1, Int>::from_ints([target], &device);

        let outputs = layer.forward(x.clone());
        let before = values(outputs.clone());
        prop_assume!(before.iter().all(|output| output.abs() > 0.05));
        let reward = SignedReward::new(rating_of_the_quickstart);
        let reward = reward.forward(outputs.clone(), targets);
        let grads = outputs.propagate(reward).into_grads(&layer);
        let layer = SgdConfig::new().init().step(eta, layer, grads);
        let after = values(layer.forward(x));

        for class in 0..3 {
            let rating = match (class == target as usize, before[class] > 0.0) {
                (true, _) => 1.0,
                (false, true) => -1.0,
                (false, false) => 0.0,
            };
            let pull: f64 = (0..4).map(|i| weights[3 * i + class].abs() * inputs[i].powi(2)).sum();
            let expected = eta * rating * pull / (before[class].abs() + epsilon);
            let moved = after[class] - before[class];
            // A few roundings of outputs of at most 4.
            assert!((moved - expected).abs() <= 32.0 * UNIT * 4.0 + 1e-4 * expected.abs(), "{moved}, not {expected}");
        }
    }
}

#[test]
#[should_panic(expected = "the ratings of outcomes: expected [3, 3]")]
fn a_rating_is_expected_for_every_output() {
    let reward = SignedReward::new(|outputs: Tensor<2>, _: Tensor<1, Int>| outputs.sum_dim(1));
    let _ = reward.forward(logits(), targets());
}

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// Eq. A.4 as printed, on `[steps, batch, classes]`.
fn equation_a_4(spikes: &[f64], shape: [usize; 3], targets: &[usize]) -> Vec<f64> {
    let [steps, batch, classes] = shape;
    let n = steps as f64;
    let reward = |index: usize| {
        let (sample, class) = (index / classes % batch, index % classes);
        let output = |i: usize| spikes[(i * batch + sample) * classes + class];
        let sum = |term: fn(f64) -> f64| -> f64 { (0..steps).map(|i| term(output(i))).sum() };
        match targets[sample] == class {
            true => 1.0 - sigmoid(sum(|o| o) - n / 2.0),
            false => sigmoid(sum(|o| (o - 1.0).abs()) - n / 2.0) - 1.0,
        }
    };
    (0..spikes.len()).map(reward).collect()
}

/// Spikes of 1 to 6 steps, 1 to 3 samples and 2 to 4 classes, and the labels.
fn spikes() -> impl Strategy<Value = (Vec<f64>, [usize; 3], Vec<usize>)> {
    (1usize..7, 1usize..4, 2usize..5).prop_flat_map(|(steps, batch, classes)| {
        let count = steps * batch * classes;
        let spikes = prop::collection::vec(prop::sample::select(vec![0.0, 1.0]), count);
        let targets = prop::collection::vec(0..classes, batch);
        (spikes, Just([steps, batch, classes]), targets)
    })
}

fn spike_reward(
    reward: &SpikeRateReward,
    spikes: &[f64],
    shape: [usize; 3],
    targets: &[usize],
) -> Vec<f64> {
    let spikes = tensor(spikes, shape, &autodiff());
    let targets: Vec<i64> = targets.iter().map(|&class| class as i64).collect();
    let targets = Tensor::<1, Int>::from_data(targets.as_slice(), &autodiff());
    values(reward.forward(spikes, targets))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_rate_coded_reward_is_equation_a_4_at_every_step((spikes, shape, targets) in spikes()) {
        let found = spike_reward(&SpikeRateReward::new(), &spikes, shape, &targets);
        assert_close("reward", &found, &equation_a_4(&spikes, shape, &targets), 1e-6);
        // No factor `out[t]`: silent steps are rewarded like the others.
        let (first, rest) = found.split_at(shape[1] * shape[2]);
        for step in rest.chunks(first.len()) {
            assert_eq!(step, first);
        }
    }

    /// The lines of Eq. A.4 mirror each other: to be silent is for another class what firing is for the true one.
    #[test]
    fn another_class_is_punished_as_its_silence_would_be_rewarded((spikes, shape, _) in spikes()) {
        let silence: Vec<f64> = spikes.iter().map(|spike| 1.0 - spike).collect();
        for class in 1..shape[2] {
            let of = |spikes: &[f64], target| {
                let targets = vec![target; shape[1]];
                let reward = spike_reward(&SpikeRateReward::new(), spikes, shape, &targets);
                reward.into_iter().skip(class).step_by(shape[2]).collect::<Vec<_>>()
            };
            let mirrored: Vec<f64> = of(&silence, class).iter().map(|reward| -reward).collect();
            assert_close("reward", &of(&spikes, 0), &mirrored, 1e-6);
        }
    }
}

#[test]
fn the_package_punishes_other_classes_only_where_they_fire() {
    // Three steps, one sample, classes that fire 3, 0 and 1 times; n = 3.
    let spikes = [[1.0, 0.0, 0.0], [1.0, 0.0, 1.0], [1.0, 0.0, 0.0]].concat();
    let of = |target, reward: SpikeRateReward| spike_reward(&reward, &spikes, [3, 1, 3], &[target]);
    let at_spikes = SpikeRateReward::new().with_form(SpikeRateForm::AtSpikes);
    // Exact: n/2 = 1.5. The true class 1 has p = 0; class 0 has m = 0, class 2 m = 2.
    let (lacking, often, once) = (1.0 - sigmoid(-1.5), 1.0 - sigmoid(-1.5), 1.0 - sigmoid(0.5));
    let expected = [
        -often, lacking, 0.0, -often, lacking, -once, -often, lacking, 0.0,
    ];
    assert_close("exact", &of(1, at_spikes.clone()), &expected, 1e-6);
    // The package: 3 / 2 = 1.
    let (lacking, often, once) = (1.0 - sigmoid(-1.0), 1.0 - sigmoid(-1.0), 1.0 - sigmoid(1.0));
    let expected = [
        -often, lacking, 0.0, -often, lacking, -once, -often, lacking, 0.0,
    ];
    let floor = at_spikes.with_half(HalfTime::Floor);
    assert_close("floor", &of(1, floor), &expected, 1e-6);

    let sum = of(0, SpikeRateReward::new());
    let thirds: Vec<f64> = sum.iter().map(|reward| reward / 3.0).collect();
    let mean = SpikeRateReward::new().with_steps(Reduction::Mean);
    assert_close("steps", &of(0, mean), &thirds, 1e-6);
}

/// Batches with any decisions.
fn batches() -> impl Strategy<Value = (Vec<f64>, Vec<i64>)> {
    (2usize..9).prop_flat_map(|samples| {
        let logits = prop::collection::vec(-3.0..3.0, samples * 4);
        (logits, prop::collection::vec(0i64..4, samples))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn by_the_accuracy_of_the_batch_it_is_the_softmax_reward((logits, labels) in batches()) {
        let device = Device::default();
        let outputs = tensor(&logits, [labels.len(), 4], &device);
        let targets = Tensor::<1, Int>::from_ints(labels.as_slice(), &device);
        let ours = BatchObjectiveReward::new(accuracy).forward(outputs.clone(), targets.clone());
        let softmax = SoftmaxReward::new().with_reduction(Reduction::Sum);
        assert_close("rewards", &values(ours), &values(softmax.forward(outputs, targets)), 1e-5);
    }

    /// The definition: decide the sample anew, and count the whole batch again.
    #[test]
    fn a_gain_is_the_objective_with_the_right_decision_minus_that_with_another((logits, labels) in batches()) {
        let device = Device::default();
        let outputs = tensor(&logits, [labels.len(), 4], &device);
        let targets = Tensor::<1, Int>::from_ints(labels.as_slice(), &device);
        let rewards = BatchObjectiveReward::new(macro_f1).forward(outputs.clone(), targets);
        let rewards = values(rewards);
        let shares = values(activation::softmax(outputs, 1));
        let decided: Vec<usize> = logits.chunks(4).map(|row| {
            (0..4).max_by(|&a, &b| row[a].total_cmp(&row[b])).unwrap()
        }).collect();
        let objective = |decided: &[usize]| {
            let counts: Vec<Counts> = (0..4).map(|class| {
                let count = |is: bool, was: bool| {
                    let of = decided.iter().zip(&labels);
                    of.filter(|&(&d, &y)| (y as usize == class) == is && (d == class) == was).count() as f64
                };
                Counts {
                    true_positives: count(true, true),
                    false_positives: count(false, true),
                    false_negatives: count(true, false),
                    true_negatives: count(false, false),
                }
            }).collect();
            macro_f1(&counts)
        };
        for (sample, &label) in labels.iter().enumerate() {
            let with = |class: usize| {
                let mut decided = decided.clone();
                decided[sample] = class;
                objective(&decided) * labels.len() as f64
            };
            for class in (0..4).filter(|&class| class as i64 != label) {
                let gain = with(label as usize) - with(class);
                let expected = -logits[sample * 4 + class] * shares[sample * 4 + class] * gain;
                prop_assert!((rewards[sample * 4 + class] - expected).abs() < 1e-4);
            }
        }
    }
}

#[test]
fn by_f1_a_missed_sample_of_a_rare_class_counts_for_more() {
    // Eight of class 0, decided rightly; two of class 1, one of them missed. All outputs are as sure of themselves.
    let mut logits = vec![[1.0, -1.0]; 8];
    logits.extend([[-1.0, 1.0], [1.0, -1.0]]);
    let mut labels = vec![0; 8];
    labels.extend([1, 1]);
    let device = Device::default();
    let outputs = tensor(&logits.concat(), [10, 2], &device);
    let targets = Tensor::<1, Int>::from_ints(labels.as_slice(), &device);
    let rewards = BatchObjectiveReward::new(macro_f1).forward(outputs, targets);
    let rewards = values(rewards);
    // F1 of both classes now: 16 / 17 and 2 / 3; with the miss mended 1 and 1; with one of class 0 wrong as well 14 / 16
    // and 2 / 4. Half of the sum, times ten samples.
    let wrong = 1.0 / (1.0 + (-2f64).exp());
    let mended = 5.0 * (2.0 - 16.0 / 17.0 - 2.0 / 3.0);
    let kept = 5.0 * (16.0 / 17.0 + 2.0 / 3.0 - 14.0 / 16.0 - 2.0 / 4.0);
    let (missed, common) = (&rewards[18..20], &rewards[0..2]);
    assert_close("missed", missed, &[-wrong * mended, -wrong * mended], 1e-5);
    let right = 1.0 - wrong;
    assert_close("common", common, &[right * kept, right * kept], 1e-5);
}

#[test]
fn several_labels_per_sample_are_decisions_of_their_own() {
    let device = Device::default();
    let outputs = Tensor::<2>::from_floats([[2.0, -1.0], [0.5, 1.0], [-1.0, 3.0]], &device);
    let targets = Tensor::<2, Int>::from_ints([[1, 1], [0, 1], [0, 1]], &device);
    let rewards = BatchObjectiveReward::new(macro_f1).forward(outputs, targets);
    // Class 0: TP 1, FP 1, TN 1. Class 1: TP 2, FN 1. F1: 2/3 and 4/5. Decided otherwise, class 0 has 0, 1 and 1/2; class 1
    // has 1, 1/2 and 1/2 of F1. Half of the difference to the right decision, times three samples.
    let gains = [[2.0 / 3.0, 0.2], [1.0 / 3.0, 0.3], [2.0 / 3.0 - 0.5, 0.3]];
    let outputs = [[2.0, -1.0], [0.5, 1.0], [-1.0, 3.0]];
    let targets = [[1.0, 1.0], [0.0, 1.0], [0.0, 1.0]];
    let mut expected = Vec::new();
    for sample in 0..3 {
        for class in 0..2 {
            let output: f64 = outputs[sample][class];
            let error = targets[sample][class] - 1.0 / (1.0 + (-output).exp());
            expected.push(1.5 * gains[sample][class] * output * error);
        }
    }
    assert_close("rewards", &values(rewards), &expected, 1e-5);
}

#[test]
fn by_the_number_of_right_decisions_several_labels_have_the_sigmoid_reward() {
    let device = Device::default();
    let outputs = || Tensor::<2>::from_floats([[2.0, -1.0], [0.5, 1.0], [-1.0, 3.0]], &device);
    let right_per_sample = |classes: &[Counts]| {
        let right = |counts: &Counts| counts.true_positives + counts.true_negatives;
        classes
            .iter()
            .map(|counts| right(counts) / counts.samples())
            .sum()
    };
    let targets = Tensor::<2, Int>::from_ints([[1, 1], [0, 1], [0, 1]], &device);
    let rewards = BatchObjectiveReward::new(right_per_sample).forward(outputs(), targets);
    let logits = [2.0, -1.0, 0.5, 1.0, -1.0, 3.0];
    let targets = [1.0, 1.0, 0.0, 1.0, 0.0, 1.0];
    let sigmoid = |(o, t): (&f64, &f64)| o * (t - 1.0 / (1.0 + (-o).exp()));
    let expected: Vec<f64> = logits.iter().zip(&targets).map(sigmoid).collect();
    assert_close("rewards", &values(rewards), &expected, 1e-6);
}

#[test]
fn an_objective_of_the_batch_reports_a_label_that_is_no_class() {
    let device = Device::default();
    let outputs = Tensor::<2>::from_floats([[1.0, 0.0]], &device);
    let targets = Tensor::<1, Int>::from_ints([2], &device);
    let error = BatchObjectiveReward::new(accuracy)
        .try_forward(outputs, targets)
        .unwrap_err();
    assert_eq!(
        error,
        RewardError::Label {
            label: 2,
            classes: 2
        }
    );
}

#[test]
fn a_memory_counts_earlier_batches_less_and_a_label_that_is_no_class_not_at_all() {
    let device = Device::default();
    let seen = std::sync::Mutex::new(Vec::new());
    let reward = BatchObjectiveReward::new(|counts: &[Counts]| {
        let all = counts.iter().map(|counts| counts.true_positives);
        seen.lock().unwrap().push(all.sum::<f64>());
        accuracy(counts)
    })
    .with_memory(0.5);
    let outputs = Tensor::<2>::from_floats([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]], &device);
    let batch = || {
        (
            outputs.clone(),
            Tensor::<1, Int>::from_ints([0, 0, 255], &device),
        )
    };
    let most = |seen: &std::sync::Mutex<Vec<f64>>| {
        let seen = std::mem::take(&mut *seen.lock().unwrap());
        seen.into_iter().fold(0.0, f64::max)
    };
    let (outputs, targets) = batch();
    let rewards = values(reward.forward(outputs, targets));
    assert_eq!(most(&seen), 2.0, "two right decisions");
    assert_eq!(rewards[4..], [0.0, 0.0], "255 is no class");
    let (outputs, targets) = batch();
    reward.forward(outputs, targets);
    assert_eq!(most(&seen), 3.0, "two, and half of two");
}

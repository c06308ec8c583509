//! Rewards from scores of whole sequences, and from verdicts on single guesses.

use std::cell::RefCell;

use burn::tensor::{Device, Int, Tensor};
use lfp_burn::reward::{
    Decoding, Judged, Reward, RewardError, SequenceReward, SoftmaxReward, VerdictReward,
};
use proptest::prelude::*;

use crate::{assert_close, seeded, tensor, values};

const MERGE: Decoding = Decoding::Merge { blank: 3 };

/// By the recursion of its definition.
fn edit_distance(one: &[usize], other: &[usize]) -> usize {
    match (one, other) {
        ([], rest) | (rest, []) => rest.len(),
        ([a, one_rest @ ..], [b, other_rest @ ..]) => {
            let replaced = edit_distance(one_rest, other_rest) + usize::from(a != b);
            let left_out = edit_distance(one_rest, other) + 1;
            let inserted = edit_distance(one, other_rest) + 1;
            replaced.min(left_out).min(inserted)
        }
    }
}

#[expect(clippy::ptr_arg, reason = "the type of a target")]
fn score(read: &[usize], text: &Vec<usize>) -> f64 {
    -(edit_distance(read, text) as f64)
}

fn decoded(decoding: Decoding, decisions: &[usize]) -> Vec<usize> {
    let mut sequence = vec![7];
    decoding.decode(decisions, &mut sequence);
    sequence
}

#[test]
fn equal_neighbours_merge_unless_a_blank_separates_them() {
    let columns = [3, 1, 1, 3, 1, 2, 2, 3];
    assert_eq!(decoded(MERGE, &columns), [1, 1, 2]);
    assert_eq!(
        decoded(Decoding::Keep { blank: 3 }, &columns),
        [1, 1, 1, 2, 2]
    );
    assert_eq!(decoded(Decoding::Plain, &columns), columns);
    assert!(decoded(MERGE, &[3, 3]).is_empty());
}

/// Outputs of two samples with four columns of four classes, and their texts.
fn batches() -> impl Strategy<Value = (Vec<f64>, Vec<Vec<usize>>)> {
    let outputs = prop::collection::vec(-3.0..3.0f64, 32);
    let text = || prop::collection::vec(0..3usize, 0..4);
    (outputs, prop::collection::vec(text(), 2))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// The definition: decide a column anew, and score the whole sequence again.
    #[test]
    fn a_reward_moves_probability_from_worse_decisions_to_the_best_of_the_column((logits, texts) in batches()) {
        let outputs = tensor(&logits, [2, 4, 4], &Device::default());
        let rewards = SequenceReward::new(score, MERGE).forward(outputs, texts.as_slice());
        let rewards = values(rewards);
        for (sample, text) in texts.iter().enumerate() {
            let columns: Vec<&[f64]> = logits[sample * 16..][..16].chunks(4).collect();
            let largest = |row: &&[f64]| (0..4).max_by(|&a, &b| row[a].total_cmp(&row[b])).unwrap();
            let decided: Vec<usize> = columns.iter().map(largest).collect();
            for (column, outputs) in columns.iter().enumerate() {
                let scores: Vec<f64> = (0..4).map(|class| {
                    let mut decided = decided.clone();
                    decided[column] = class;
                    score(&decoded(MERGE, &decided), text)
                }).collect();
                let best = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                let weight = |class: usize| outputs[class].exp();
                let all: f64 = (0..4).map(weight).sum();
                let of_best: f64 = (0..4).filter(|&class| scores[class] == best).map(weight).sum();
                let lost = |class: usize| weight(class) / all * (best - scores[class]);
                let gained: f64 = (0..4).map(lost).sum();
                for class in 0..4 {
                    let share = if scores[class] == best { weight(class) / of_best } else { 0.0 };
                    let expected = outputs[class] * (share * gained - lost(class));
                    let found = rewards[sample * 16 + column * 4 + class];
                    prop_assert!((found - expected).abs() < 1e-5, "{found} {expected}");
                }
            }
        }
    }

    #[test]
    fn by_the_number_of_right_columns_a_sequence_has_the_softmax_reward((logits, _) in batches(), classes in prop::collection::vec(0..4i32, 8)) {
        let device = Device::default();
        let right = |read: &[usize], text: &&[i32]| {
            let pairs = read.iter().zip(text.iter());
            pairs.filter(|(read, text)| **read as i32 == **text).count() as f64
        };
        let outputs = tensor(&logits, [2, 4, 4], &device);
        let texts: Vec<&[i32]> = classes.chunks(4).collect();
        let ours = SequenceReward::new(right, Decoding::Plain).forward(outputs.clone(), texts.as_slice());
        let labels = Tensor::<1, Int>::from_ints(classes.as_slice(), &device).reshape([2, 4]);
        let softmax = SoftmaxReward::new().forward(outputs, labels);
        assert_close("rewards", &values(ours), &values(softmax), 1e-5);
    }
}

#[test]
fn alternatives_that_spell_the_same_are_scored_once() {
    let scored = RefCell::new(Vec::new());
    let reward = SequenceReward::new(
        |read: &[usize], &(): &()| {
            scored.borrow_mut().push(read.to_vec());
            0.0
        },
        MERGE,
    );
    // Three columns of blanks: nothing, or one of three classes in any of them.
    let blank = [0.0, 0.0, 0.0, 1.0];
    let outputs = Tensor::<3>::from_floats([[blank, blank, blank]], &Device::default());
    let rewards = values(reward.forward(outputs, &[()][..]));
    let mut scored = scored.into_inner();
    scored.sort();
    assert_eq!(scored, [vec![], vec![0], vec![1], vec![2]]);
    assert!(
        rewards.iter().all(|&reward| reward == 0.0),
        "all score alike"
    );
}

#[test]
fn drawn_decisions_find_what_two_columns_must_do_at_once() {
    let (device, _guard) = seeded(1);
    let both = |read: &[usize], &(): &()| f64::from(u8::from(read == [1, 1]));
    // Each column is decided for class 1 with a probability of 1/4.
    let outputs = Tensor::<3>::from_floats([[[3f32.ln(), 0.0], [3f32.ln(), 0.0]]], &device.inner());
    let outputs = outputs.expand([4000, 2, 2]);
    let targets = [(); 4000];
    let largest = SequenceReward::new(both, Decoding::Plain);
    let rewards = values(largest.clone().forward(outputs.clone(), &targets[..]));
    assert!(rewards.iter().all(|&reward| reward == 0.0));
    let drawn = values(largest.with_temperature(1.0).forward(outputs, &targets[..]));
    // The first column is asked for class 1 where the second one was drawn so.
    let asked = drawn.chunks(4).filter(|reward| reward[0] < 0.0).count();
    assert!((850..1150).contains(&asked), "{asked} of 4000");
}

/// Two columns that are to spell "01", with equal outputs. Given its own decision, a column's expected score is an average over
/// the two decisions of the other: of the first column, by class 0 the distances are 1 (00) and 0 (01), by class 1 they are 2
/// (10) and 1 (11). So the regret of class 1 is 1, and the reward moves its p = 1/2.
#[test]
fn with_many_draws_a_class_has_its_expected_score() {
    let (device, _guard) = seeded(1);
    let outputs = Tensor::<3>::ones([1, 2, 2], &device);
    let plain = SequenceReward::new(score, Decoding::Plain);
    let rewards = plain.with_temperature(1.0).with_draws(4000);
    let rewards = values(rewards.forward(outputs, &[vec![0, 1]][..]));
    assert_close("rewards", &rewards, &[0.5, -0.5, -0.5, 0.5], 0.05);
}

/// Each class scores 0.1, 0.2 or 0.3 by turns, so after three draws all have 0.6, summed in another order.
#[test]
fn scores_that_differ_by_rounding_alone_are_alike() {
    let (device, _guard) = seeded(1);
    let calls = RefCell::new(0);
    let rounded = |read: &[usize], &(): &()| {
        let call = *calls.borrow();
        *calls.borrow_mut() += 1;
        [0.1, 0.2, 0.3][(call / 3 + read[0]) % 3]
    };
    let reward = SequenceReward::new(rounded, Decoding::Plain);
    let outputs = Tensor::<3>::from_floats([[[0.5, 0.2, -0.3]]], &device);
    let reward = reward.with_temperature(1.0).with_draws(3);
    let rewards = values(reward.forward(outputs, &[()][..]));
    assert_eq!(*calls.borrow(), 9);
    let sums = [0.1 + 0.2 + 0.3, 0.2 + 0.3 + 0.1, 0.3 + 0.1 + 0.2];
    assert_ne!(sums[0], sums[1], "they round differently");
    assert_eq!(rewards, [0.0; 3]);
}

#[test]
fn decisions_that_are_not_drawn_are_scored_once() {
    let calls = RefCell::new(0);
    let count = |_: &[usize], &(): &()| {
        *calls.borrow_mut() += 1;
        0.0
    };
    let reward = SequenceReward::new(count, Decoding::Plain).with_draws(100);
    let outputs = Tensor::<3>::zeros([1, 1, 3], &Device::default());
    let _ = reward.forward(outputs, &[()][..]);
    assert_eq!(calls.into_inner(), 3);
}

#[test]
#[should_panic(expected = "expected a finite number, found -inf")]
fn a_score_is_finite() {
    let outputs = Tensor::<3>::zeros([1, 1, 2], &Device::default());
    let never = |_: &[usize], &(): &()| f64::NEG_INFINITY;
    let _ = SequenceReward::new(never, Decoding::Plain).forward(outputs, &[()][..]);
}

#[test]
#[should_panic(expected = "expected one of 3 classes, from 0, found 3")]
fn the_blank_of_a_decoding_is_a_class() {
    let outputs = Tensor::<3>::zeros([1, 1, 3], &Device::default());
    let _ = SequenceReward::new(score, MERGE).forward(outputs, &[vec![1]][..]);
}

#[test]
#[should_panic(expected = "expected a target for each of 2 samples, found 1")]
fn a_target_is_needed_for_each_sample() {
    let outputs = Tensor::<3>::zeros([2, 1, 2], &Device::default());
    let _ = SequenceReward::new(score, MERGE).forward(outputs, &[vec![1]][..]);
}

fn judged(guess: i64, verdict: i64) -> Judged {
    let of = |value: i64| Tensor::<1, Int>::from_ints([value], &Device::default());
    Judged {
        guesses: of(guess),
        verdicts: of(verdict),
    }
}

fn of_verdict(outputs: &[f64], error_rate: f64, guess: i64, verdict: i64) -> Vec<f64> {
    let outputs = tensor(outputs, [1, outputs.len()], &Device::default());
    let reward = VerdictReward::new().with_error_rate(error_rate);
    values(reward.forward(outputs, judged(guess, verdict)))
}

#[test]
fn a_guess_called_right_is_a_label() {
    let device = Device::default();
    let outputs = tensor(&[1.0, -2.0, 0.5], [1, 3], &device);
    let label = Tensor::<1, Int>::from_ints([1], &device);
    let softmax = values(SoftmaxReward::new().forward(outputs, label));
    let rewards = of_verdict(&[1.0, -2.0, 0.5], 0.0, 1, 1);
    assert_close("rewards", &rewards, &softmax, 1e-5);
}

/// The reward is the output times the derivative of the logarithm of the verdict's probability.
#[test]
fn a_verdict_is_followed_by_its_likelihood() {
    let outputs = [1.0, -2.0, 0.5];
    for (error_rate, verdict) in [(0.0, 1), (0.0, -1), (0.1, 1), (0.1, -1)] {
        let log_likelihood = |outputs: &[f64]| {
            let all: f64 = outputs.iter().map(|output| output.exp()).sum();
            let right = outputs[0].exp() / all;
            let right = error_rate + (1.0 - 2.0 * error_rate) * right;
            if verdict > 0 {
                right.ln()
            } else {
                (1.0 - right).ln()
            }
        };
        let expected: Vec<f64> = (0..3)
            .map(|class| {
                let at = |step: f64| {
                    let mut outputs = outputs;
                    outputs[class] += step;
                    log_likelihood(&outputs)
                };
                outputs[class] * (at(1e-5) - at(-1e-5)) / 2e-5
            })
            .collect();
        let rewards = of_verdict(&outputs, error_rate, 0, verdict);
        assert_close("rewards", &rewards, &expected, 1e-4);
    }
}

#[test]
fn without_a_verdict_or_a_guess_nothing_is_learned() {
    for (guess, verdict) in [(0, 0), (-1, 1), (3, -1)] {
        let rewards = of_verdict(&[1.0, -2.0, 0.5], 0.0, guess, verdict);
        assert_eq!(rewards, [0.0; 3], "{guess} {verdict}");
    }
    let outputs = tensor(&[1.0, -2.0], [1, 2], &Device::default());
    let error = VerdictReward::new().try_forward(outputs, judged(2, 1));
    let label = RewardError::Label {
        label: 2,
        classes: 2,
    };
    assert_eq!(error.unwrap_err(), label);
}

#[test]
fn a_wrong_guess_is_given_up_however_certain_it_was() {
    let rewards = of_verdict(&[200.0, 1.0, 1.0], 0.0, 0, -1);
    assert_close("rewards", &rewards, &[-200.0, 0.5, 0.5], 1e-6);
    // A person who errs now and then is not believed.
    let doubted = of_verdict(&[200.0, 1.0, 1.0], 0.1, 0, -1);
    assert!(doubted[0].abs() < 0.01, "{doubted:?}");
}

#[test]
#[should_panic(expected = "from 0 to below 0.5, found 0.5")]
fn verdicts_by_chance_are_refused() {
    let _ = VerdictReward::new().with_error_rate(0.5);
}

//! Rewards from a score of whole sequences, such as the edit distance.

mod decoding;

use std::collections::HashMap;

use burn::tensor::{Distribution, Int, Tensor, TensorData};

use super::{Reward, regret::of_regrets};
pub use decoding::Decoding;

/// Scores whose difference is less than this share of them are alike.
const ALIKE: f64 = 1e-9;

/// The reward of a decision per column by what it adds to the score of the sequence that the decisions spell: any function of
/// this sequence and a target, computed on the host. It needs neither a derivative nor an alignment, that is, nobody says
/// which column is to spell what.
///
/// The columns decide first: `d_t` is the class of the largest output, or drawn ([`with_temperature`](Self::with_temperature)).
/// Let `s_tc` be the score of the sequence with column `t` decided for class `c`, while all other columns stay. The *regret*
/// of a class is what it loses against the best one in its column, `g_tc = max_k s_tk - s_tc`. The reward moves the
/// probability of the worse classes to the best, in proportion to their regret:
///
/// ```text
/// r_tc = o_tc (q_tc sum_k p_tk g_tk - p_tc g_tc)        p_t = softmax(o_t)
/// ```
///
/// Here `q_t` is the softmax among the best classes of the column and 0 for the others, so a column leans to the best class
/// that it prefers already; where all classes score alike, its reward is 0. (Scores that differ by less than a billionth of
/// their size are alike: sums over draws are rounded.) If the score is the number of right columns, every
/// wrong class has regret 1, and the reward is [`SoftmaxReward`](super::SoftmaxReward).
///
/// # Shapes
///
/// - outputs and reward: `[batch_size, columns, classes]`
/// - targets: a slice of `batch_size` values of any type that the score takes; a score is finite
///
/// # Cost
///
/// A step waits once for the decisions, `batch_size * columns` numbers per draw, and brings one number per output to the
/// device. The score is called at most `columns (classes - 1) + 1` times per sample and draw, and once only for alternatives
/// that spell the same.
///
/// # Example
///
/// One point for each letter that stands in its place.
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use lfp_burn::reward::{Decoding, Reward, SequenceReward};
///
/// let right = |read: &[usize], text: &Vec<usize>| {
///     read.iter().zip(text).filter(|(read, text)| read == text).count() as f64
/// };
/// let reward = SequenceReward::new(right, Decoding::Merge { blank: 2 });
/// // Two columns, classes 0 and 1 and the blank. The columns spell "1"; the text is "01".
/// let outputs = Tensor::<3>::from_floats([[[0.1, 0.0, 0.2], [0.0, 0.3, 0.1]]], &Device::default());
/// let rewards = reward.forward(outputs, &[vec![0, 1]][..]);
/// let rewards = rewards.into_data().to_vec::<f32>().unwrap();
/// // The first column gains two points by class 0.
/// assert!(rewards[0] > 0.0 && rewards[2] < 0.0);
/// ```
#[derive(Clone, Debug)]
pub struct SequenceReward<F> {
    score: F,
    decoding: Decoding,
    temperature: f64,
    draws: usize,
}

impl<F> SequenceReward<F> {
    /// The reward for a score that is to grow.
    pub fn new(score: F, decoding: Decoding) -> Self {
        Self {
            score,
            decoding,
            temperature: 0.0,
            draws: 1,
        }
    }

    /// Draws the decisions of the columns, each from the softmax of its outputs divided by `temperature`, with the device's
    /// random numbers: a gain that needs two columns at once is found by chance. Default: 0, the largest output.
    ///
    /// # Panics
    ///
    /// If `temperature` is negative or not finite.
    #[must_use]
    pub fn with_temperature(mut self, temperature: f64) -> Self {
        assert!(
            temperature.is_finite() && temperature >= 0.0,
            "the temperature of decisions: expected 0 or a positive number, found {temperature}"
        );
        self.temperature = temperature;
        self
    }

    /// Averages the scores over several draws of the decisions, so the reward depends less on what the other columns happened
    /// to draw: with many draws, `s_tc` is the expected score given that column `t` decides for class `c`. The host scores as
    /// many times more. Default: 1. At a temperature of 0 all draws are the same, and one is made.
    ///
    /// # Panics
    ///
    /// If `draws` is 0.
    #[must_use]
    pub fn with_draws(mut self, draws: usize) -> Self {
        assert!(
            draws > 0,
            "draws of decisions: expected at least 1, found 0"
        );
        self.draws = draws;
        self
    }

    /// The decision of every column, draw by draw and sample by sample: of all draws by one transfer, for which the device is
    /// waited for once.
    fn decide(&self, outputs: &Tensor<3>, draws: usize) -> Vec<usize> {
        let draw = |_| -> Tensor<3, Int> {
            let outputs = outputs.clone();
            let outputs = match self.temperature > 0.0 {
                // The largest of outputs with noise of Gumbel's distribution is a draw from their softmax.
                true => {
                    let uniform = outputs.random_like(Distribution::Uniform(1e-6, 1.0 - 1e-6));
                    outputs - uniform.log().neg().log() * self.temperature
                }
                false => outputs,
            };
            outputs.argmax(2)
        };
        let decided = Tensor::cat((0..draws).map(draw).collect(), 0).into_data();
        decided.iter::<i64>().map(|class| class as usize).collect()
    }

    /// Adds the scores of a sample with each column decided anew, `[columns, classes]`.
    fn add_scores<Y>(&self, decided: &mut [usize], target: &Y, scores: &mut [Sum])
    where
        F: Fn(&[usize], &Y) -> f64,
    {
        let mut known: HashMap<Vec<usize>, f64> = HashMap::new();
        let mut sequence = Vec::with_capacity(decided.len());
        let mut score = |decided: &[usize]| {
            self.decoding.decode(decided, &mut sequence);
            match known.get(sequence.as_slice()) {
                Some(&score) => score,
                None => {
                    let score = (self.score)(&sequence, target);
                    assert!(
                        score.is_finite(),
                        "a score of sequences: expected a finite number, found {score}"
                    );
                    known.insert(sequence.clone(), score);
                    score
                }
            }
        };
        let classes = scores.len() / decided.len().max(1);
        for (column, scores) in scores.chunks_mut(classes.max(1)).enumerate() {
            let before = decided[column];
            for (class, sum) in scores.iter_mut().enumerate() {
                decided[column] = class;
                sum.add(score(decided));
            }
            decided[column] = before;
        }
    }
}

/// A sum of scores.
#[derive(Clone, Copy, Default)]
struct Sum {
    score: f64,
    /// The same of their magnitudes, to which the rounding of the sum is in proportion.
    size: f64,
}

impl Sum {
    fn add(&mut self, score: f64) {
        self.score += score;
        self.size += score.abs();
    }

    /// What is lost against the best; 0 if that is rounding.
    fn regret(self, best: Self) -> f64 {
        let regret = best.score - self.score;
        match regret > ALIKE * best.size.max(self.size) {
            true => regret,
            false => 0.0,
        }
    }
}

/// What each class loses against the best one in its column, from sums over the draws.
fn regrets(scores: &[Sum], classes: usize, draws: usize) -> Vec<f32> {
    let of_column = |scores: &[Sum]| {
        let best = scores.iter().copied();
        let best = best.max_by(|one, other| one.score.total_cmp(&other.score));
        let best = best.unwrap_or_default();
        let regret = |sum: &Sum| (sum.regret(best) / draws as f64) as f32;
        scores.iter().map(regret).collect::<Vec<f32>>()
    };
    scores.chunks(classes.max(1)).flat_map(of_column).collect()
}

impl<Y, F: Fn(&[usize], &Y) -> f64> Reward<3, &[Y]> for SequenceReward<F> {
    /// # Panics
    ///
    /// If there is another number of targets than of samples, the blank of the decoding is no class, or a score is not finite.
    fn forward(&self, outputs: Tensor<3>, targets: &[Y]) -> Tensor<3> {
        let outputs = outputs.inner();
        let [samples, columns, classes] = outputs.dims();
        assert_eq!(
            targets.len(),
            samples,
            "a score of sequences: expected a target for each of {samples} samples, found {}",
            targets.len()
        );
        self.decoding.check(classes);
        let draws = if self.temperature > 0.0 {
            self.draws
        } else {
            1
        };
        let mut scores = vec![Sum::default(); samples * columns * classes];
        let mut decided = self.decide(&outputs, draws);
        for decided in decided.chunks_mut((samples * columns).max(1)) {
            let of_samples = decided.chunks_mut(columns.max(1)).zip(targets);
            let of_samples = of_samples.zip(scores.chunks_mut((columns * classes).max(1)));
            for ((decided, target), scores) in of_samples {
                self.add_scores(decided, target, scores);
            }
        }
        let regrets = TensorData::new(regrets(&scores, classes, draws), outputs.dims());
        let regrets = Tensor::<3>::from_data(regrets, &outputs.device()).cast(outputs.dtype());
        of_regrets(outputs, regrets)
    }
}

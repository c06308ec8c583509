//! The reward of a guess that was judged, when nobody tells the right class.

use burn::tensor::{Int, Tensor, activation::softmax};

use super::{Reward, RewardError, classification::Samples, finite};

/// Smallest probability in the fraction of [`VerdictReward::share`], in the dividend and in the divisor: without false verdicts
/// (`e = 0`) the fraction is `p / p`, and so stays 1 at `p = 0`, where a verdict contradicts a guess that was certain.
const LEAST: f64 = 1e-6;

/// Guesses that were judged.
#[derive(Clone, Debug)]
pub struct Judged {
    /// The class that was guessed for each sample, `[batch_size]`.
    pub guesses: Tensor<1, Int>,
    /// 1 for a guess that was called right, -1 for one that was called wrong, 0 for one that was not judged, `[batch_size]`.
    pub verdicts: Tensor<1, Int>,
}

/// The reward of a guess by a verdict on this guess alone (*bandit feedback*): right or wrong, but not what would be right.
///
/// It follows the likelihood of the verdict. A right guess `a` takes probability from all other classes; a wrong one gives its
/// own to the others, in proportion to what they have:
///
/// ```text
/// right:  r_c =  o_c (1[c = a] - q_c) (1 - p_a)        p = softmax(o)
/// wrong:  r_c = -o_c (1[c = a] - q_c) p_a              q = softmax(o) without class a
/// ```
///
/// For a right guess this is [`SoftmaxReward`](super::SoftmaxReward) with the guess as label. The guess need not be that of the
/// present network, so verdicts can be learned from again, as labels are. Samples without a verdict, and guesses that are no
/// class, get a reward of 0.
///
/// # Example
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use lfp_burn::reward::{Judged, Reward, VerdictReward};
///
/// let device = Device::default();
/// let outputs = Tensor::<2>::from_floats([[2.0, 1.0, 1.0], [2.0, 1.0, 1.0]], &device);
/// let judged = Judged {
///     guesses: Tensor::from_ints([0, 0], &device),
///     verdicts: Tensor::from_ints([1, -1], &device),
/// };
/// let rewards = VerdictReward::new().forward(outputs, judged).into_data();
/// let rewards = rewards.to_vec::<f32>().unwrap();
/// assert!(rewards[0] > 0.0 && rewards[1] < 0.0 && rewards[3] < 0.0 && rewards[4] > 0.0);
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct VerdictReward {
    error_rate: f64,
}

impl VerdictReward {
    /// The reward for verdicts that are all true.
    pub fn new() -> Self {
        Self::default()
    }

    /// The share `e` of verdicts that are false. The factors `1 - p_a` and `p_a` become
    ///
    /// ```text
    /// right:  (1 - 2 e) p_a (1 - p_a) / (e + (1 - 2 e) p_a)
    /// wrong:  (1 - 2 e) p_a (1 - p_a) / (e + (1 - 2 e) (1 - p_a))
    /// ```
    ///
    /// so a verdict against all that the network knows counts for little. Default: 0.
    ///
    /// # Panics
    ///
    /// If it is not from 0 to below 0.5.
    #[must_use]
    pub fn with_error_rate(mut self, error_rate: f64) -> Self {
        assert!(
            (0.0..0.5).contains(&error_rate),
            "the share of false verdicts: expected a number from 0 to below 0.5, found {error_rate}"
        );
        self.error_rate = error_rate;
        self
    }

    /// How much of the probability of `of`, 1 without false verdicts, is to move.
    fn share(self, of: Tensor<2>) -> Tensor<2> {
        let of = of.clamp_min(LEAST);
        let sure = 1.0 - 2.0 * self.error_rate;
        of.clone() * sure / (of * sure + self.error_rate)
    }
}

impl Reward<2, Judged> for VerdictReward {
    /// # Panics
    ///
    /// If there are fewer than two outputs, or another number of guesses or verdicts than of samples.
    fn forward(&self, outputs: Tensor<2>, judged: Judged) -> Tensor<2> {
        let [count, classes] = outputs.dims();
        assert!(
            classes > 1,
            "a verdict on a guess: expected an output per class, found {classes}"
        );
        assert_eq!(
            judged.verdicts.dims(),
            [count],
            "a verdict on a guess: expected one for each of {count} samples, found {:?}",
            judged.verdicts.dims()
        );
        let samples = Samples::new(outputs, judged.guesses);
        let outputs = samples.logits.clone();
        let is_guess = samples.is_target();
        let others = outputs
            .clone()
            .mask_fill(is_guess.clone(), f32::NEG_INFINITY);
        let direction = samples.one_hot() - softmax(others, 1);
        let probabilities = softmax(outputs.clone(), 1);
        let guess = (probabilities.clone() * samples.one_hot()).sum_dim(1);
        let rest = probabilities.mask_fill(is_guess, 0.0).sum_dim(1);
        let right = rest.clone() * self.share(guess.clone());
        let wrong = -guess * self.share(rest);
        let verdicts = judged.verdicts.inner().unsqueeze_dim::<2>(1);
        let factor = right
            .mask_where(verdicts.clone().lower_elem(0), wrong)
            .mask_fill(verdicts.equal_elem(0), 0.0);
        samples.reduce(outputs * direction * factor, super::Reduction::Sum)
    }

    fn try_forward(&self, outputs: Tensor<2>, judged: Judged) -> Result<Tensor<2>, RewardError> {
        Samples::new(outputs.clone(), judged.guesses.clone()).check()?;
        finite(self.forward(outputs, judged))
    }
}

//! Rewards from ratings of outcomes (Eqs. 12 and 13).

use core::marker::PhantomData;

use burn::tensor::Tensor;

use super::{Reward, sign};

/// The reward `r_c = sign(o_c) rho R_c` of outputs (Eqs. 12 and 13) from a rating `R_c` of the outcomes that they stand for:
/// how good it would be to choose class `c`.
///
/// A positive rating makes an output grow, a negative one makes it fall, whatever the sign of the output: a positive reward
/// strengthens an output in its present direction, so that a negative output needs a negative reward to grow.
///
/// With **one output**, whose sign is the decision, the outcome is the choice, and `r = rho R`: a positive rating strengthens
/// the choice, whichever it is.
///
/// Nothing differentiates the rating, so it may leave the device. `sign(0) = 1`.
///
/// # Example
///
/// A rating from a table of costs that is looked up on the host: how bad it is to take class `y` for class `c`.
///
/// ```
/// use burn::tensor::{Device, Int, Tensor, TensorData};
/// use lfp_burn::reward::{Reward, SignedReward};
///
/// const RATING: [[f32; 3]; 3] = [[1.0, -0.1, -2.0], [-0.1, 1.0, -2.0], [-0.5, -0.5, 1.0]];
///
/// let reward = SignedReward::new(|outputs: Tensor<2>, targets: Tensor<1, Int>| {
///     let classes = targets.to_data();
///     let ratings: Vec<f32> = classes.iter::<i64>().flat_map(|y| RATING[y as usize]).collect();
///     Tensor::from_data(TensorData::new(ratings, outputs.dims()), &outputs.device())
/// });
///
/// let device = Device::default();
/// let outputs = Tensor::<2>::from_floats([[-0.4, 1.5, -2.0]], &device);
/// let rewards = reward.forward(outputs, Tensor::from_ints([0], &device));
/// // The true class has a negative output, which grows by a negative reward.
/// assert_eq!(rewards.into_data().to_vec::<f32>().unwrap(), [-1.0, -0.1, 2.0]);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct SignedReward<F, T> {
    rating: F,
    targets: PhantomData<fn(T)>,
}

impl<F, T> SignedReward<F, T> {
    /// A reward that calls `rating` with the outputs, off the tape, and the targets; it returns `R_c` in the shape of the
    /// outputs.
    pub fn new<const D: usize>(rating: F) -> Self
    where
        F: Fn(Tensor<D>, T) -> Tensor<D>,
    {
        Self {
            rating,
            targets: PhantomData,
        }
    }

    /// Multiplies the rating by a convergence mechanism `rho` (Eq. 13), which should be in `[0, 1]` and vanish when nothing is
    /// left to learn; without it a model is updated as long as a rating is not 0. Default: `rho = 1`.
    ///
    /// `rho` returns the shape of the outputs, or 1 in place of the last dimension for one factor per sample.
    ///
    /// # Example
    ///
    /// Reward #3 of Table 2, by its parts:
    ///
    /// ```
    /// use burn::tensor::{Device, Int, Tensor, activation::softmax};
    /// use lfp_burn::reward::{Reward, SignedReward, SoftmaxReward};
    ///
    /// fn one_hot(outputs: &Tensor<2>, targets: Tensor<1, Int>) -> Tensor<2> {
    ///     targets.inner().one_hot::<2>(outputs.dims()[1]).float()
    /// }
    ///
    /// let reward = SignedReward::new(|outputs: Tensor<2>, targets: Tensor<1, Int>| {
    ///     let plus_or_minus = one_hot(&outputs, targets) * 2.0 - 1.0;
    ///     outputs.abs() * plus_or_minus // |o_c| for the true class, -|o_c| for the others
    /// })
    /// .with_convergence(|outputs, targets| {
    ///     let target = one_hot(&outputs, targets);
    ///     (target - softmax(outputs, 1)).abs()
    /// });
    ///
    /// let device = Device::default();
    /// let outputs = Tensor::<2>::from_floats([[-0.4, 1.5, -2.0]], &device);
    /// let targets = Tensor::<1, Int>::from_ints([0], &device);
    /// let by_parts = reward.forward(outputs.clone(), targets.clone());
    /// let reward_3 = SoftmaxReward::new().forward(outputs, targets);
    /// assert!((by_parts - reward_3).abs().max().into_scalar::<f32>() < 1e-6);
    /// ```
    pub fn with_convergence<const D: usize, G>(
        self,
        rho: G,
    ) -> SignedReward<impl Fn(Tensor<D>, T) -> Tensor<D>, T>
    where
        F: Fn(Tensor<D>, T) -> Tensor<D>,
        G: Fn(Tensor<D>, T) -> Tensor<D>,
        T: Clone,
    {
        let rating = self.rating;
        SignedReward::new(move |outputs: Tensor<D>, targets: T| {
            let rho = rho(outputs.clone(), targets.clone());
            rating(outputs, targets) * rho
        })
    }
}

impl<const D: usize, F, T> Reward<D, T> for SignedReward<F, T>
where
    F: Fn(Tensor<D>, T) -> Tensor<D>,
{
    /// # Panics
    ///
    /// If the ratings have another shape than the outputs.
    fn forward(&self, outputs: Tensor<D>, targets: T) -> Tensor<D> {
        let outputs = outputs.inner();
        let ratings = (self.rating)(outputs.clone(), targets);
        let shape = outputs.dims();
        assert!(
            ratings.dims() == shape,
            "the ratings of outcomes: expected {shape:?}, one for each output, found {:?}",
            ratings.dims()
        );
        signed(outputs, ratings)
    }
}

/// `r_c = sign(o_c) R_c` (Eq. 12), or `r = R` for one output.
pub(super) fn signed<const D: usize>(outputs: Tensor<D>, ratings: Tensor<D>) -> Tensor<D> {
    match outputs.dims()[D - 1] {
        1 => ratings,
        _ => sign(outputs) * ratings,
    }
}

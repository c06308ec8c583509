//! Batch normalisation (Eqs. 9 and 10): with constant statistics it is a linear map with the diagonal weight
//! `gamma / sigma`.

use burn_core::backend::{
    Backend, Shape, TensorMetadata, ops::BatchNormTrainBackward, tensor::FloatTensor,
};

/// The quotients of input, gamma and beta for the stabilised quotient `q` of the output: `gamma / sigma * q`, `sum a~ q`
/// and `sum q`, where `a~ = (a - mu) / sigma`.
///
/// # Shapes
///
/// `x`, `quotient`: `[batch, channels, ...]`; the others: `[channels]`.
pub(crate) fn constant_statistics<B: Backend>(
    x: FloatTensor<B>,
    gamma: FloatTensor<B>,
    mean: FloatTensor<B>,
    variance: FloatTensor<B>,
    epsilon: f64,
    quotient: FloatTensor<B>,
) -> BatchNormTrainBackward<B> {
    let rank = x.shape().num_dims();
    let channels = x.shape()[1];
    let mut per_channel = vec![1; rank];
    per_channel[1] = channels;
    let per_channel = Shape::from(per_channel);
    let reduced: Vec<usize> = (0..rank).filter(|&dim| dim != 1).collect();
    let sum =
        |tensor| B::float_reshape(B::float_sum_dims(tensor, &reduced), Shape::new([channels]));

    let sigma = B::float_sqrt(B::float_add_scalar(variance, epsilon.into()));
    let inverse_sigma = B::float_reshape(B::float_recip(sigma), per_channel.clone());
    let centred = B::float_sub(x, B::float_reshape(mean, per_channel.clone()));
    let normalized = B::float_mul(centred, inverse_sigma.clone());
    let weight = B::float_mul(B::float_reshape(gamma, per_channel), inverse_sigma);

    BatchNormTrainBackward::new(
        B::float_mul(quotient.clone(), weight),
        sum(B::float_mul(quotient.clone(), normalized)),
        sum(quotient),
    )
}

//! Batch normalisation (Eqs. 9 and 10): with constant statistics it is a linear map with the diagonal weight
//! `gamma / sigma`.

use burn_core::backend::{Backend, Shape, TensorMetadata, tensor::FloatTensor};

use crate::BatchNormRule;

/// Output, mean and biased variance, by Burn's own operations.
pub(crate) fn train<B: Backend>(
    x: FloatTensor<B>,
    gamma: FloatTensor<B>,
    beta: FloatTensor<B>,
    epsilon: f64,
) -> (FloatTensor<B>, FloatTensor<B>, FloatTensor<B>) {
    let result = B::batch_norm_train(x, gamma, beta, epsilon);
    (result.output, result.mean, result.variance)
}

/// What arrives at input, gamma and beta, for what arrives at the output.
pub(crate) fn backward<B: Backend>(
    x: FloatTensor<B>,
    gamma: FloatTensor<B>,
    mean: FloatTensor<B>,
    variance: FloatTensor<B>,
    grad: FloatTensor<B>,
    epsilon: f64,
    rule: BatchNormRule,
) -> (FloatTensor<B>, FloatTensor<B>, FloatTensor<B>) {
    match rule {
        BatchNormRule::ConstantStatistics => {
            constant_statistics::<B>(x, gamma, mean, variance, epsilon, grad)
        }
        BatchNormRule::ThroughStatistics => {
            let backward = B::batch_norm_train_backward(x, gamma, mean, variance, epsilon, grad);
            (backward.x_grad, backward.gamma_grad, backward.beta_grad)
        }
    }
}

/// The quotients of input, gamma and beta for the stabilised quotient `q` of the output: `gamma / sigma * q`, `sum a~ q`
/// and `sum q`, where `a~ = (a - mu) / sigma`.
///
/// # Shapes
///
/// `x`, `quotient`: `[batch, channels, ...]`; the others: `[channels]`.
fn constant_statistics<B: Backend>(
    x: FloatTensor<B>,
    gamma: FloatTensor<B>,
    mean: FloatTensor<B>,
    variance: FloatTensor<B>,
    epsilon: f64,
    quotient: FloatTensor<B>,
) -> (FloatTensor<B>, FloatTensor<B>, FloatTensor<B>) {
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

    (
        B::float_mul(quotient.clone(), weight),
        sum(B::float_mul(quotient.clone(), normalized)),
        sum(quotient),
    )
}

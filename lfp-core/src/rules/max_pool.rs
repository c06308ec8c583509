//! Max pooling: the maximum of a window receives its whole reward. By Burn's own operations.

use burn_core::backend::{
    Backend, TensorMetadata,
    tensor::{FloatTensor, IntTensor},
};
use burn_core::tensor::{FloatDType, IntDType, Shape};

use crate::PoolWindows;

/// The maxima, and the index of each in its plane. (f32 holds those of up to [`MOST_PIXELS`](crate::functions::MOST_PIXELS).)
pub(crate) fn winners<B: Backend>(
    x: FloatTensor<B>,
    windows: PoolWindows,
) -> (FloatTensor<B>, FloatTensor<B>) {
    let PoolWindows {
        size,
        stride,
        padding,
    } = windows;
    let pooled = B::max_pool2d_with_indices(x, size, stride, padding, [1; 2], false, IntDType::I32);
    let indices = B::int_into_float(pooled.indices, FloatDType::F32);
    (pooled.output, indices)
}

/// Passes what arrives at each maximum to its pixel.
pub(crate) fn backward<B: Backend>(
    grad: FloatTensor<B>,
    winners: FloatTensor<B>,
    [height, width]: [usize; 2],
    windows: PoolWindows,
) -> FloatTensor<B> {
    let [samples, channels, _, _] = grad.shape().dims();
    let shape = Shape::new([samples, channels, height, width]);
    let x = B::float_zeros(shape, &grad.device(), grad.dtype().into());
    let indices: IntTensor<B> = B::float_into_int(winners, IntDType::I32);
    let PoolWindows {
        size,
        stride,
        padding,
    } = windows;
    B::max_pool2d_with_indices_backward(x, size, stride, padding, [1; 2], false, grad, indices)
        .x_grad
}

//! Convolutions as products of matrices (im2col), for any kernel, stride, padding, dilation and groups.

mod axis;
mod forward;
mod gradient;
mod input;
mod matrix;
mod patches;

pub(super) use forward::forward;
pub(super) use gradient::weight_gradient;
pub(super) use input::input_gradient;

//! Implementations of [`LfpOps`](crate::LfpOps): the tape (`autodiff`), fused kernels (`flex`, and `cube` on GPUs), and backends
//! that use the default bodies.

#[cfg(test)]
mod agreement;
mod autodiff;
#[cfg(feature = "cubecl")]
mod cube;
#[cfg(feature = "flex")]
mod flex;
#[cfg(feature = "ndarray")]
mod ndarray;
#[cfg(feature = "router")]
mod router;
#[cfg(feature = "tch")]
mod tch;

#[cfg(feature = "flex")]
pub use flex::{UnknownConvolution, check_convolution};

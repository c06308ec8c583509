//! Implementations of [`LfpOps`](crate::LfpOps): the tape (`autodiff`), fused kernels (`flex`), and backends that use the
//! default bodies.

mod autodiff;
#[cfg(feature = "cubecl")]
mod cubecl;
#[cfg(feature = "flex")]
mod flex;
#[cfg(feature = "ndarray")]
mod ndarray;

#[cfg(feature = "flex")]
pub use flex::{UnknownConvolution, check_convolution};

//! Convolutions with kernels of three by three and stride 1 by Winograd's algorithm F(4x4, 3x3): 36 products instead of 144
//! for each tile of four by four outputs and pair of channels.
//!
//! All three passes transform tiles so that each of the 36 positions becomes a product of matrices, `[tiles, channels] *
//! [channels, channels]`, and transform the results back. Sums run over channels (or, for the weight gradient, over tiles in
//! their order), so results do not depend on the number of threads.
//!
//! Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", CVPR 2016.

mod few;
mod forward;
mod gradient;
mod outputs;
mod products;
mod tiles;
mod transform;
mod transformed;
mod weights;

pub(super) use forward::Correlation;
pub(super) use gradient::WeightGradient;
pub(super) use tiles::Images;
pub(super) use transform::TAPS;
pub(super) use weights::Weights;

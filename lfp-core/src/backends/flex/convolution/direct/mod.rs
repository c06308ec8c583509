//! Convolutions by their definition, without patches: for few channels, where patches take longer to write than to multiply.
//!
//! An image is copied once, into planes with its padding ([`planes`]). Along a flattened plane every tap is a constant
//! distance, so a vector of successive outputs reads a vector of successive inputs: that sums over taps and channels while it
//! stays in registers. Outputs at the end of each line, where a window would wrap around, are computed and left out.

mod forward;
mod gradient;
mod planes;

pub(super) use forward::{Correlation, Orientation};
pub(super) use gradient::WeightGradient;

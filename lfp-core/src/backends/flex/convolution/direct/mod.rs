//! Convolutions by their definition, without patches: for few channels, where patches take longer to write than to multiply.
//!
//! An image is copied once, into planes that contain its padding ([`planes`]). Within a plane every tap lies at a constant
//! distance from the output, so a vector of successive outputs reads a vector of successive inputs, and is summed over taps
//! and channels in registers. Windows that wrap around the end of a line are computed, too, and their outputs left out.

mod forward;
mod gradient;
mod planes;

pub(super) use forward::{Correlation, Orientation};
pub(super) use gradient::WeightGradient;
pub(super) use planes::columns;

//! Grids that several figures are made from.

pub(super) mod activations;
pub(super) mod sparsity;
pub(super) mod spiking;
pub(super) mod toy;

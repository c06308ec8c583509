//! One rule per file, composed of backend primitives, so that every backend can run it. The folder `backends` replaces
//! some bodies by fused kernels.

pub(crate) mod activation;
pub(crate) mod batch_norm;
pub(crate) mod dropout;
pub(crate) mod epsilon;
pub(crate) mod feedback;
pub(crate) mod lif;
pub(crate) mod max_pool;
pub(crate) mod normalization;

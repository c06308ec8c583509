//! One rule per file, composed of backend primitives. Every backend can run these; the folder
//! `backends` replaces some by fused kernels.

pub(crate) mod activation;
pub(crate) mod batch_norm;
pub(crate) mod epsilon;
pub(crate) mod feedback;
pub(crate) mod lif;

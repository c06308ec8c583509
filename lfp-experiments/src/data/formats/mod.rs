//! File formats that no maintained crate reads the way these data sets need it.

pub(super) mod idx;
pub(super) mod jpeg;
pub(super) mod pickle;

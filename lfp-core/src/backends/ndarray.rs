//! `NdArray` runs the default bodies.

use burn_ndarray::NdArray;

use crate::LfpOps;

impl LfpOps for NdArray {}

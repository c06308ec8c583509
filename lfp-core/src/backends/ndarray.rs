//! `NdArray` runs the default bodies.
#![allow(deprecated)] // Burn deprecates the backend; it stays a cross-check of the defaults.

use burn_ndarray::NdArray;

use crate::LfpOps;

impl LfpOps for NdArray {}

//! `LibTorch` runs the default bodies.

use burn_tch::LibTorch;

use crate::LfpOps;

impl LfpOps for LibTorch {}

//! The GPU backends run the default bodies; Burn fuses their elementwise chains into one kernel.

use burn_cubecl::CubeBackend;

use crate::LfpOps;

impl LfpOps for CubeBackend {}

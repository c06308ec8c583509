//! The GPU backends run the default bodies, whose elementwise chains Burn fuses into one kernel.

use burn_cubecl::CubeBackend;

use crate::LfpOps;

impl LfpOps for CubeBackend {}

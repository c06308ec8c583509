//! Devices of another machine, and captured graphs, run the default bodies: the other side needs nothing but Burn.

use burn_router::{BackendRouter, RouterChannel};

use crate::LfpOps;

impl<C: RouterChannel> LfpOps for BackendRouter<C> {}

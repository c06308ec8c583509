//! How fast a run learns: the learning rate, and the momentum that goes with it.

use burn::lr_scheduler::LrScheduler;
use lfp_burn::optim::{Momentum, OneCycle};

/// What a run's schedule sets before each step.
pub(super) enum Pace {
    /// The same learning rate at every step.
    Constant(f64),
    /// The cycle, and the momentum if it takes part.
    OneCycle(OneCycle, Option<Momentum>),
}

impl Pace {
    /// Sets the momentum of the next step, and returns its learning rate.
    pub(super) fn step(&mut self) -> f64 {
        match self {
            Self::Constant(lr) => *lr,
            Self::OneCycle(cycle, momentum) => {
                let lr = cycle.step();
                if let Some(momentum) = momentum {
                    momentum.set(cycle.momentum());
                }
                lr
            }
        }
    }

    /// What of it a checkpoint keeps.
    pub(super) fn scheduler(&self) -> &dyn LrScheduler {
        match self {
            Self::Constant(lr) => lr,
            Self::OneCycle(cycle, _) => cycle,
        }
    }

    /// The same, to be put back.
    pub(super) fn scheduler_mut(&mut self) -> &mut dyn LrScheduler {
        match self {
            Self::Constant(lr) => lr,
            Self::OneCycle(cycle, _) => cycle,
        }
    }
}

//! Momentum that changes while an optimiser runs.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use burn::{
    optim::{LearningRate, Optimizer},
    tensor::{Device, Tensor},
};

/// A momentum that an optimiser reads before each of its steps, and that a schedule sets.
///
/// Clones show the same momentum.
///
/// # Example
///
/// ```
/// use burn::lr_scheduler::LrScheduler;
/// use burn::optim::{ModuleOptimizer, SgdConfig, momentum::MomentumConfig};
/// use lfp_burn::optim::{Momentum, OneCycleConfig};
///
/// let mut schedule = OneCycleConfig::new(0.1, 100).init()?;
/// let momentum = Momentum::new(schedule.momentum());
/// let optim: ModuleOptimizer = momentum.drive(|momentum| {
///     let momentum = MomentumConfig::new().with_momentum(momentum).with_dampening(0.0);
///     SgdConfig::new().with_momentum(Some(momentum)).build()
/// }).into();
///
/// // Before each step of `optim`:
/// let lr = schedule.step();
/// momentum.set(schedule.momentum());
/// # let _ = (lr, optim);
/// # Ok::<(), lfp_burn::optim::OneCycleError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Momentum {
    bits: Arc<AtomicU64>,
}

impl Momentum {
    /// A momentum to start with.
    pub fn new(momentum: f64) -> Self {
        Self {
            bits: Arc::new(AtomicU64::new(momentum.to_bits())),
        }
    }

    /// The momentum now.
    pub fn get(&self) -> f64 {
        f64::from_bits(self.bits.load(Ordering::Relaxed))
    }

    /// Changes the momentum of every optimiser that it drives.
    pub fn set(&self, momentum: f64) {
        self.bits.store(momentum.to_bits(), Ordering::Relaxed);
    }

    /// The optimiser that `build` makes of the momentum of the moment: any of Burn's, by its config's
    /// `build()`. What it remembers of a parameter stays when the momentum changes.
    pub fn drive<O, F>(&self, build: F) -> Driven<F>
    where
        O: Optimizer,
        F: Fn(f64) -> O + Clone + Send + Sync + 'static,
    {
        Driven {
            momentum: self.clone(),
            build,
        }
    }
}

/// An optimiser that a [`Momentum`] drives.
#[derive(Clone)]
pub struct Driven<F> {
    momentum: Momentum,
    build: F,
}

impl<O, F> Optimizer for Driven<F>
where
    O: Optimizer,
    F: Fn(f64) -> O + Clone + Send + Sync + 'static,
{
    type State<const D: usize> = O::State<D>;

    fn step<const D: usize>(
        &self,
        lr: LearningRate,
        tensor: Tensor<D>,
        grad: Tensor<D>,
        state: Option<Self::State<D>>,
    ) -> (Tensor<D>, Option<Self::State<D>>) {
        let optimizer = (self.build)(self.momentum.get());
        optimizer.step(lr, tensor, grad, state)
    }

    fn to_device<const D: usize>(state: Self::State<D>, device: &Device) -> Self::State<D> {
        O::to_device(state, device)
    }
}

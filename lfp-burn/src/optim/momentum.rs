//! Momentum that a schedule changes during training.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use burn::{
    optim::{LearningRate, Optimizer},
    tensor::{Device, Tensor},
};

/// A momentum that a schedule sets and optimisers read at each step. Clones share one value.
///
/// # Example
///
/// ```
/// use burn::lr_scheduler::LrScheduler;
/// use burn::optim::{ModuleOptimizer, SgdConfig, momentum::MomentumConfig};
/// use lfp_burn::optim::{Momentum, OneCycleConfig};
///
/// let momentum = Momentum::new(0.9);
/// let optim: ModuleOptimizer = momentum.drive(|momentum| {
///     let momentum = MomentumConfig::new().with_momentum(momentum).with_dampening(0.0);
///     SgdConfig::new().with_momentum(Some(momentum)).build()
/// }).into();
///
/// // Each step of the schedule sets the momentum, also inside Burn's `Learner`.
/// let mut schedule = OneCycleConfig::new(0.1, 100).init()?.driving(&momentum);
/// let lr = schedule.step();
/// assert_eq!(momentum.get(), 0.95);
/// # let _ = (lr, optim);
/// # Ok::<(), lfp_burn::optim::OneCycleError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Momentum {
    bits: Arc<AtomicU64>,
}

impl Momentum {
    /// The initial momentum.
    pub fn new(momentum: f64) -> Self {
        Self {
            bits: Arc::new(AtomicU64::new(momentum.to_bits())),
        }
    }

    /// The present momentum.
    pub fn get(&self) -> f64 {
        f64::from_bits(self.bits.load(Ordering::Relaxed))
    }

    /// Changes the momentum of every optimiser that reads it.
    pub fn set(&self, momentum: f64) {
        self.bits.store(momentum.to_bits(), Ordering::Relaxed);
    }

    /// An optimiser that reads this momentum at each step: `build` makes it from the present momentum, by the `build()` of a
    /// config of Burn. Its state of a parameter (the velocity) stays when the momentum changes.
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

/// An optimiser that reads a [`Momentum`] at each step.
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

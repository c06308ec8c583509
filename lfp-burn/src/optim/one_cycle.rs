//! The OneCycle policy.

use core::f64::consts::PI;

use burn::{
    config::Config,
    lr_scheduler::{LrScheduler, LrSchedulerRecord},
    optim::LearningRate,
};

use super::Momentum;

/// The OneCycle policy of Smith and Topin, as in PyTorch's `OneCycleLR`: the learning rate rises from `max_lr / div_factor`
/// to `max_lr`, then falls to `max_lr / (div_factor * final_div_factor)`, both along half a cosine; the momentum changes in
/// the opposite direction. One step per batch.
#[derive(Config, Debug)]
pub struct OneCycleConfig {
    /// The largest learning rate.
    pub max_lr: LearningRate,
    /// The number of steps of the whole cycle.
    pub num_steps: usize,
    /// The fraction of the steps in which the learning rate rises. Default: 0.3.
    #[config(default = 0.3)]
    pub pct_start: f64,
    /// `max_lr` divided by the first learning rate. Default: 25.
    #[config(default = 25.0)]
    pub div_factor: f64,
    /// The first learning rate divided by the last. Default: 1e4.
    #[config(default = 1e4)]
    pub final_div_factor: f64,
    /// The momentum at the lowest learning rates. Default: 0.95.
    #[config(default = 0.95)]
    pub max_momentum: f64,
    /// The momentum at the largest learning rate. Default: 0.85.
    #[config(default = 0.85)]
    pub base_momentum: f64,
}

/// Settings of a cycle that are out of range.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum OneCycleError {
    /// A setting that must be positive and finite.
    #[error("OneCycle: expected {name} to be positive and finite, found {value}")]
    NotPositive {
        /// The setting.
        name: &'static str,
        /// Its value.
        value: f64,
    },
    /// The fraction of rising steps.
    #[error("OneCycle: expected pct_start between 0 and 1, found {0}")]
    PctStart(f64),
    /// The momenta.
    #[error("OneCycle: expected momenta from 0 to below 1, found {0} and {1}")]
    Momentum(f64, f64),
    /// A cycle without steps.
    #[error("OneCycle: expected at least one step")]
    NoSteps,
}

impl OneCycleConfig {
    /// Starts the cycle.
    ///
    /// # Errors
    ///
    /// See [`OneCycleError`].
    pub fn init(&self) -> Result<OneCycle, OneCycleError> {
        let positive = [
            ("max_lr", self.max_lr),
            ("div_factor", self.div_factor),
            ("final_div_factor", self.final_div_factor),
        ];
        for (name, value) in positive {
            if !(value.is_finite() && value > 0.0) {
                return Err(OneCycleError::NotPositive { name, value });
            }
        }
        if !(0.0..=1.0).contains(&self.pct_start) {
            return Err(OneCycleError::PctStart(self.pct_start));
        }
        let momenta = [self.base_momentum, self.max_momentum];
        if !momenta.iter().all(|momentum| (0.0..1.0).contains(momentum)) {
            return Err(OneCycleError::Momentum(momenta[0], momenta[1]));
        }
        if self.num_steps == 0 {
            return Err(OneCycleError::NoSteps);
        }
        Ok(OneCycle {
            config: self.clone(),
            steps_done: 0,
            driven: None,
        })
    }
}

/// A running cycle; see [`OneCycleConfig`]. After its last step the learning rate stays at its lowest.
///
/// # Example
///
/// ```
/// use burn::lr_scheduler::LrScheduler;
/// use lfp_burn::optim::OneCycleConfig;
///
/// let mut schedule = OneCycleConfig::new(0.1, 100).init()?;
/// let rates: Vec<f64> = (0..100).map(|_| schedule.step()).collect();
/// assert!((rates[0] - 0.1 / 25.0).abs() < 1e-12);
/// assert!((rates[29] - 0.1).abs() < 1e-12);
/// assert!((rates[99] - 0.1 / 25.0 / 1e4).abs() < 1e-12);
/// # Ok::<(), lfp_burn::optim::OneCycleError>(())
/// ```
#[derive(Clone, Debug)]
pub struct OneCycle {
    config: OneCycleConfig,
    steps_done: usize,
    /// The momentum that each step sets.
    driven: Option<Momentum>,
}

impl OneCycle {
    /// Sets `momentum` at each step from now on, and to its initial value now.
    #[must_use]
    pub fn driving(mut self, momentum: &Momentum) -> Self {
        self.driven = Some(momentum.clone());
        self.set_momentum();
        self
    }

    fn set_momentum(&self) {
        if let Some(momentum) = &self.driven {
            momentum.set(self.momentum());
        }
    }

    /// The momentum of the last step; before the first step that of the first.
    pub fn momentum(&self) -> f64 {
        let OneCycleConfig {
            max_momentum,
            base_momentum,
            ..
        } = self.config;
        let step = self.steps_done.saturating_sub(1);
        self.along(step, [max_momentum, base_momentum, max_momentum])
    }

    fn rate(&self, step: usize) -> LearningRate {
        let OneCycleConfig {
            max_lr,
            div_factor,
            final_div_factor,
            ..
        } = self.config;
        let first = max_lr / div_factor;
        self.along(step, [first, max_lr, first / final_div_factor])
    }

    /// The value at a step of a cycle from `first` over `middle` to `last`.
    fn along(&self, step: usize, [first, middle, last]: [f64; 3]) -> f64 {
        let OneCycleConfig {
            num_steps,
            pct_start,
            ..
        } = self.config;
        // The steps at which the two phases end, counted from zero, as in PyTorch.
        let top = pct_start * num_steps as f64 - 1.0;
        let end = num_steps as f64 - 1.0;
        let step = (step as f64).min(end);
        if step <= top {
            anneal(first, middle, if top > 0.0 { step / top } else { 1.0 })
        } else {
            anneal(middle, last, (step - top) / (end - top))
        }
    }
}

/// Half a cosine from `start` to `end` at the fraction `progress`.
fn anneal(start: f64, end: f64, progress: f64) -> f64 {
    end + (start - end) / 2.0 * (1.0 + (PI * progress).cos())
}

impl LrScheduler for OneCycle {
    fn step(&mut self) -> LearningRate {
        let rate = self.rate(self.steps_done);
        self.steps_done += 1;
        self.set_momentum();
        rate
    }

    fn to_record(&self) -> LrSchedulerRecord {
        LrSchedulerRecord::new().with_scalar("steps_done", self.steps_done as u64)
    }

    fn load_record(&mut self, record: LrSchedulerRecord) {
        if let Some(steps_done) = record.scalar::<u64>("steps_done") {
            self.steps_done = steps_done as usize;
            self.set_momentum();
        }
    }
}

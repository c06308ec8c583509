//! Learning-rate schedules.

use burn::{
    lr_scheduler::{
        LrScheduler, LrSchedulerConfig, LrSchedulerRecord,
        cosine::CosineAnnealingLrSchedulerConfig, linear::LinearLrSchedulerConfig,
        module_lr_scheduler::ModuleLrScheduler, sequential::SequentialLrSchedulerConfig,
    },
    optim::LearningRate,
};
use clap::ValueEnum;
use lfp_burn::optim::{Momentum, OneCycleConfig, OneCycleError};
use serde::{Deserialize, Serialize};

use super::Settings;

/// The learning-rate schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Schedule {
    /// OneCycle over the whole run, with `--lr` as the largest learning rate.
    #[value(name = "onecycle")]
    OneCycle,
    /// Linear warm-up to `--lr`, then half a cosine to 0.
    Cosine,
    /// A constant learning rate.
    Constant,
}

/// A schedule that cannot be made.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ScheduleError {
    /// OneCycle.
    #[error(transparent)]
    OneCycle(#[from] OneCycleError),
    /// The cosine schedule.
    #[error("the cosine schedule: {0}")]
    Cosine(String),
}

/// The share of the steps in which the learning rate of the cosine schedule rises, unless it is given.
pub(super) const WARMUP: f64 = 0.1;

impl Settings {
    /// The learning-rate schedule, before its first step; it sets `momentum` if the momentum cycles.
    ///
    /// # Errors
    ///
    /// If the learning rate, the momentum or the number of steps is out of range.
    pub(super) fn schedule(
        &self,
        steps_per_epoch: usize,
        momentum: &Momentum,
    ) -> Result<Box<dyn LrScheduler>, ScheduleError> {
        let steps = self.epochs * steps_per_epoch;
        match self.schedule {
            Schedule::Constant => Ok(Box::new(self.lr)),
            Schedule::Cosine => {
                let warmup = self.warmup.unwrap_or(WARMUP);
                let cosine = cosine(self.lr, steps, warmup).map_err(ScheduleError::Cosine)?;
                Ok(Box::new(cosine))
            }
            Schedule::OneCycle => {
                let config = OneCycleConfig::new(self.lr, steps);
                Ok(match self.cycle_momentum {
                    Some([base, max]) => {
                        let config = config.with_base_momentum(base).with_max_momentum(max);
                        Box::new(config.init()?.driving(momentum))
                    }
                    None => Box::new(config.init()?),
                })
            }
        }
    }
}

/// The rate rises in equal parts to `lr`, at which the cosine begins.
fn cosine(lr: f64, steps: usize, warmup: f64) -> Result<OneRate, String> {
    let rising = ((steps as f64 * warmup).round() as usize).min(steps.saturating_sub(1));
    let falling = CosineAnnealingLrSchedulerConfig::new(lr, steps - rising);
    if rising == 0 {
        return falling.init().map(OneRate);
    }
    let part = lr / (rising + 1) as f64;
    let schedulers = vec![
        LrSchedulerConfig::Linear(LinearLrSchedulerConfig::new(part, lr, rising)),
        LrSchedulerConfig::Cosine(falling),
    ];
    let sequence = SequentialLrSchedulerConfig::new(schedulers, vec![rising]);
    sequence.init().map(OneRate)
}

/// A scheduler of Burn that has the same rate for all parameters.
#[derive(Clone)]
struct OneRate(ModuleLrScheduler);

impl LrScheduler for OneRate {
    fn step(&mut self) -> LearningRate {
        self.0.step().base()
    }

    fn to_record(&self) -> LrSchedulerRecord {
        self.0.to_record()
    }

    fn load_record(&mut self, record: LrSchedulerRecord) {
        self.0 = self.0.clone().load_record(record);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rates(steps: usize, warmup: f64) -> Vec<f64> {
        let mut schedule = cosine(0.5, steps, warmup).unwrap();
        (0..steps).map(|_| schedule.step()).collect()
    }

    #[test]
    fn the_rate_rises_in_equal_parts_and_falls_along_half_a_cosine() {
        let found = rates(10, 0.4);
        for (step, rate) in found.iter().enumerate() {
            let expected = match step {
                0..4 => 0.5 * (step + 1) as f64 / 5.0,
                _ => 0.25 * (1.0 + (core::f64::consts::PI * (step - 4) as f64 / 6.0).cos()),
            };
            assert!(
                (rate - expected).abs() < 1e-12,
                "{step}: {rate}, {expected}"
            );
        }
        assert_eq!(rates(3, 0.0)[0], 0.5);
    }

    #[test]
    fn a_schedule_continues_from_its_record() {
        let mut first = cosine(0.5, 10, 0.4).unwrap();
        for _ in 0..6 {
            first.step();
        }
        let mut second = cosine(0.5, 10, 0.4).unwrap();
        second.load_record(first.to_record());
        assert_eq!(first.step(), second.step());
    }
}

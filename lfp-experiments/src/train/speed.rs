//! The time of a few steps, from which that of a run is estimated.

use std::time::Instant;

use burn::{module::Module, tensor::Device};
use serde::{Deserialize, Serialize};

use super::{Accuracy, Computing, EpochError, Run, Settings, TrainError, run::clip, train_epoch};
use crate::data::{Batches, Order, Split};

/// Measured training steps, after a first one that warms up.
const STEPS: usize = 5;
/// Seconds after which no further step is measured.
const ENOUGH: f64 = 2.0;

/// Seconds per step and per tested sample.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Speed {
    /// A training step: forward and backward pass of a batch, and the update.
    pub step: f64,
    /// Classifying a test sample, in batches.
    pub test_sample: f64,
}

/// Measures a few training steps of a run, and the test of one batch.
///
/// # Errors
///
/// If a sample cannot be read, or the network cannot be made.
pub fn measure(settings: &Settings, data: &Split, device: &Device) -> Result<Speed, TrainError> {
    let computing = Computing::on(device);
    let mut run = Run::new(settings, data, &computing)?;
    let step = step(&mut run, device)?;
    let part = data.first(0, settings.batch);
    let batch = Batches {
        data: &part.test,
        size: settings.batch,
        order: Order::Given,
        workers: 0,
    };
    let network = run.network.valid();
    let seconds = [(); 2].map(|()| {
        let start = Instant::now();
        Accuracy::of(&network, &batch, &device.clone().inner()).map(|_| seconds_since(start))
    });
    // The first test warms up.
    let [_, test] = seconds;
    Ok(Speed {
        step,
        test_sample: test? / part.test.len().max(1) as f64,
    })
}

/// The fastest of the steps: other processes only slow a step down.
fn step(run: &mut Run, device: &Device) -> Result<f64, TrainError> {
    let batches = Batches {
        data: &run.data.train,
        size: run.settings.batch,
        order: Order::Given,
        workers: 0,
    };
    let mut batches = batches.iter(device);
    let mut seconds = Vec::new();
    while seconds.len() <= STEPS && seconds.iter().sum::<f64>() < ENOUGH {
        let Some(batch) = batches.next() else { break };
        let start = Instant::now();
        let (optimizer, schedule, settings) = (&mut run.optimizer, &mut run.schedule, run.settings);
        let trained = train_epoch(
            run.network.clone(),
            &run.objective,
            &run.sharing,
            std::iter::once(batch),
            |network, grads| {
                let grads = clip(settings, grads, &network);
                optimizer.step(schedule.step(), network, grads)
            },
        );
        match trained {
            Ok((network, _)) => run.network = network,
            // A step that diverges takes as long as another.
            Err(EpochError::Diverged(_)) => {}
            Err(EpochError::Data(error)) => return Err(error.into()),
            Err(EpochError::Sharing(error)) => return Err(error.into()),
        }
        seconds.push(seconds_since(start));
    }
    if seconds.len() > 1 {
        seconds.remove(0);
    }
    Ok(seconds.into_iter().reduce(f64::min).unwrap_or_default())
}

fn seconds_since(start: Instant) -> f64 {
    start.elapsed().as_secs_f64()
}

//! Data parallelism over devices, and accumulation over micro-batches.
//!
//! The batch is split over the devices. On each of them a thread runs a fork of the network on micro-batches, one after
//! the other, and accumulates their updates; these are summed on the first device, whose optimiser takes one step. The
//! memory needed is that of one micro-batch. Burn's `MultiDevice` strategy with the optimiser on the main device does the
//! same inside a `Learner`.

use std::{io, thread};

use burn::{
    module::Module,
    optim::{GradientsAccumulator, GradientsParams},
    tensor::{Device, Int, Tensor},
};

use lfp_models::{Classifier, Network};

use crate::{data::Batch, objective::Objective};

/// Devices and micro-batches of a training step.
#[derive(Clone, Debug)]
pub struct Sharing {
    /// Devices; each gets an equal part of every batch.
    pub devices: Vec<Device>,
    /// Micro-batches per device.
    pub passes: usize,
}

/// Result of a batch.
pub(super) struct Worked {
    pub(super) updates: GradientsParams,
    /// Scores `[batch_size, classes]` before the update.
    pub(super) scores: Tensor<2>,
}

/// The threads of the devices beside the first cannot be started.
#[derive(Debug, thiserror::Error)]
#[error(
    "cannot start the threads of {devices} devices: {source}; end other programs, name fewer by `--devices`, or raise the limit of threads"
)]
pub struct SharingError {
    /// Number of devices.
    devices: usize,
    /// Reason.
    source: io::Error,
}

impl Sharing {
    /// One device, one micro-batch.
    pub fn none(device: &Device) -> Self {
        Self {
            devices: vec![device.clone()],
            passes: 1,
        }
    }

    /// The first device, which holds the network and the optimiser.
    pub fn main_device(&self) -> &Device {
        &self.devices[0]
    }

    /// The least samples that a forward pass sees, of an epoch with `samples` in batches of `batch`.
    pub(super) fn smallest_part(&self, samples: usize, batch: usize) -> usize {
        let batch = batch.min(samples);
        let last = match samples.checked_rem(batch) {
            Some(0) | None => batch,
            Some(rest) => rest,
        };
        let smallest = |whole: usize, parts: usize| {
            let size = whole.div_ceil(parts.max(1)).max(1);
            match whole % size {
                0 => size,
                rest => rest,
            }
        };
        let of_batch = |size| smallest(smallest(size, self.devices.len()), self.passes);
        of_batch(batch).min(of_batch(last))
    }

    /// The update of a batch. It depends on the split where a part computes something over its samples: the statistics of
    /// batch normalisation, the largest magnitude by which spiking layers normalise rewards or gradients
    /// (`Normalization::MaxAbs`, the default under LFP), and the sum of class weights by which the cross-entropy divides.
    /// Dropout draws other masks. Everything else differs by rounding only.
    ///
    /// # Errors
    ///
    /// If the thread of a device cannot be started.
    pub(super) fn updates(
        &self,
        network: &Network,
        objective: &Objective,
        batch: &Batch,
    ) -> Result<Worked, SharingError> {
        let samples = batch.targets.dims()[0];
        let per_device = samples.div_ceil(self.devices.len());
        let worker = |batch| Worker {
            objective,
            passes: self.passes,
            samples,
            batch,
        };
        let mut parts = parts(batch, per_device).into_iter().map(worker);
        let first = parts.next().expect("a batch has a sample");
        let others: Vec<_> = parts.zip(&self.devices[1..]).collect();
        let worked = thread::scope(|scope| {
            let others = others.into_iter().map(|(part, device)| {
                let work = move || part.work_on(network, device);
                thread::Builder::new().spawn_scoped(scope, work)
            });
            let others = others.collect::<io::Result<Vec<_>>>()?;
            // Batch normalisation takes its running statistics from the first part.
            let first = first.work(network);
            let others = others.into_iter().map(|other| {
                let other = other.join();
                other.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            });
            Ok((first, others.collect()))
        });
        let (first, others) = worked.map_err(|source| SharingError {
            devices: self.devices.len(),
            source,
        })?;
        Ok(self.joined(network, first, others))
    }

    fn joined(&self, network: &Network, first: Worked, others: Vec<Worked>) -> Worked {
        if others.is_empty() {
            return first;
        }
        let main = self.main_device();
        let mut sum = GradientsAccumulator::new();
        sum.accumulate(network, first.updates);
        let mut scores = vec![first.scores];
        for other in others {
            sum.accumulate(network, other.updates.to_device(main, network));
            scores.push(other.scores.to_device(&main.clone().inner()));
        }
        Worked {
            updates: sum.grads(),
            scores: Tensor::cat(scores, 0),
        }
    }
}

/// The part of a batch that one device computes.
struct Worker<'a> {
    objective: &'a Objective,
    passes: usize,
    /// Samples in the whole batch.
    samples: usize,
    batch: Batch,
}

impl Worker<'_> {
    fn work_on(self, network: &Network, device: &Device) -> Worked {
        let network = network.clone().fork(device);
        let batch = Batch {
            inputs: self.batch.inputs.to_device(device),
            targets: self.batch.targets.to_device(device),
        };
        Worker { batch, ..self }.work(&network)
    }

    fn work(self, network: &Network) -> Worked {
        let samples = self.batch.targets.dims()[0];
        let mut sum = GradientsAccumulator::new();
        let mut scores = Vec::new();
        for Batch { inputs, targets } in parts(&self.batch, samples.div_ceil(self.passes)) {
            let share = targets.dims()[0] as f64 / self.samples as f64;
            let outputs = network.outputs(inputs);
            scores.push(outputs.scores());
            let pass = self.objective.backward_of_part(outputs, targets, share);
            sum.accumulate(network, pass.into_grads(network));
        }
        Worked {
            updates: sum.grads(),
            scores: Tensor::cat(scores, 0),
        }
    }
}

/// Splits a batch into parts of at most `size` samples.
fn parts(batch: &Batch, size: usize) -> Vec<Batch> {
    let samples = batch.targets.dims()[0];
    if size >= samples {
        return vec![batch.clone()];
    }
    let part = |start: usize| {
        let count = size.min(samples - start);
        let targets: Tensor<1, Int> = batch.targets.clone().narrow(0, start, count);
        Batch {
            inputs: batch.inputs.clone().narrow(0, start, count),
            targets,
        }
    };
    (0..samples).step_by(size).map(part).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_sample_alone_is_the_smallest_part() {
        let smallest = |samples, batch, passes| {
            let sharing = Sharing {
                passes,
                ..Sharing::none(&Device::default())
            };
            sharing.smallest_part(samples, batch)
        };
        assert_eq!(smallest(100, 25, 1), 25);
        assert_eq!(smallest(101, 25, 1), 1);
        assert_eq!(smallest(100, 1000, 1), 100);
        assert_eq!(smallest(100, 20, 20), 1);
        assert_eq!(smallest(100, 10, 3), 2, "parts of 4, 4 and 2");
    }
}

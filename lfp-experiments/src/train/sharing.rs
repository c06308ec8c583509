//! Data parallelism over devices, and accumulation over micro-batches.
//!
//! The batch is split over the devices. On each of them a thread runs a fork of the network on micro-batches, one after
//! the other, and accumulates their updates; these are summed on the first device, whose optimiser takes one step. The
//! memory needed is that of one micro-batch. Burn's `MultiDevice` strategy with the optimiser on the main device does the
//! same inside a `Learner`.

use std::{io, ops::Range, thread};

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
    /// Devices; each gets a part of every batch, as equal as whole samples allow.
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
    "cannot start a thread for each of {devices} devices: {source}; end other programs, name fewer by `--devices`, or raise the limit of threads"
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
        let parts = self.devices.len() * self.passes;
        (last / parts.max(1)).max(1)
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
        let worker = |batch| Worker {
            objective,
            passes: self.passes,
            samples,
            batch,
        };
        let mut parts = parts(batch, self.devices.len()).into_iter().map(worker);
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
        let mut sum = GradientsAccumulator::new();
        let mut scores = Vec::new();
        for Batch { inputs, targets } in parts(&self.batch, self.passes) {
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

/// Splits a batch into `count` parts whose sizes differ by one sample at most; of fewer samples, one sample each.
fn parts(batch: &Batch, count: usize) -> Vec<Batch> {
    let samples = batch.targets.dims()[0];
    if count.min(samples) <= 1 {
        return vec![batch.clone()];
    }
    let part = |Range { start, end }: Range<usize>| {
        let targets: Tensor<1, Int> = batch.targets.clone().narrow(0, start, end - start);
        Batch {
            inputs: batch.inputs.clone().narrow(0, start, end - start),
            targets,
        }
    };
    let ranges = (0..count).map(|index| samples * index / count..samples * (index + 1) / count);
    ranges.filter(|range| !range.is_empty()).map(part).collect()
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
        assert_eq!(smallest(100, 10, 3), 3, "parts of 3, 3 and 4");
    }

    #[test]
    fn no_device_idles_while_there_are_samples_for_all() {
        let device = Device::default();
        let sizes = |samples: usize, count| -> Vec<usize> {
            let targets = Tensor::<1, Int>::arange(0..samples as i64, &device);
            let inputs = targets.clone().float().reshape([samples, 1, 1, 1]);
            let batch = Batch { inputs, targets };
            let parts = parts(&batch, count);
            let labels = parts.iter().map(|part| part.targets.clone()).collect();
            let joined: Tensor<1, Int> = Tensor::cat(labels, 0);
            assert_eq!(joined.into_data(), batch.targets.into_data());
            parts.iter().map(|part| part.inputs.dims()[0]).collect()
        };
        assert_eq!(sizes(6, 4), [1, 2, 1, 2]);
        assert_eq!(sizes(6, 3), [2, 2, 2]);
        assert_eq!(sizes(2, 4), [1, 1]);
        assert_eq!(sizes(5, 1), [5]);
    }
}

//! A batch shared out: over devices, and on each over several passes.
//!
//! From the parts of which Burn's `MultiDevice` strategy with its main device's optimiser is made: the
//! network is forked to each device, works there on its part of the batch in a thread of its own, and the
//! updates are accumulated on the first device. Passes one after the other need the memory of one.

use burn::{
    module::Module,
    optim::{GradientsAccumulator, GradientsParams},
    tensor::{Device, Int, Tensor},
};

use lfp_models::{Classifier, Network};

use crate::{data::Batch, objective::Objective};

/// Who works on a batch.
#[derive(Clone, Debug)]
pub struct Sharing {
    /// The devices, on each of which is a part of every batch.
    pub devices: Vec<Device>,
    /// Passes over a device's part.
    pub passes: usize,
}

/// What a batch left.
pub(super) struct Worked {
    pub(super) updates: GradientsParams,
    /// A number for each class of each sample, by the network before it learned from them.
    pub(super) scores: Tensor<2>,
}

impl Sharing {
    /// All of it on one device, in one pass.
    pub fn none(device: &Device) -> Self {
        Self {
            devices: vec![device.clone()],
            passes: 1,
        }
    }

    /// The first device, where the network is kept.
    pub fn main_device(&self) -> &Device {
        &self.devices[0]
    }

    /// The updates of a batch: the same, but for rounding and what is drawn or normalised by batch, however it
    /// is shared out.
    pub(super) fn updates(
        &self,
        network: &Network,
        objective: &Objective,
        batch: &Batch,
    ) -> Worked {
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
        let (first, others) = std::thread::scope(|scope| {
            let others: Vec<_> = others
                .into_iter()
                .map(|(part, device)| scope.spawn(|| part.work_on(network, device)))
                .collect();
            // The network itself learns the statistics of batch normalisation from the first part.
            let first = first.work(network);
            let others = others.into_iter().map(|other| {
                let other = other.join();
                other.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            });
            (first, others.collect::<Vec<_>>())
        });
        self.joined(network, first, others)
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

/// A part of a batch, for one device.
struct Worker<'a> {
    objective: &'a Objective,
    passes: usize,
    /// In the whole batch.
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

/// A batch in parts of at most `size` samples.
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

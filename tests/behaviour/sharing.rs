//! A batch shared out over passes and devices leaves what it leaves as a whole.

use burn::{
    module::{Module, ModuleVisitor, Param},
    optim::GradientsParams,
    tensor::{Device, Distribution, Int, Tensor},
};
use lfp_burn::{ActivationFn, LfpConfig, Normalization, reward::SpikeRateForm};
use lfp_experiments::{
    data::Batch,
    objective::{Method, Objective, RewardKind},
    train::{Sharing, train_epoch},
};
use lfp_models::{Model, Network, NetworkConfig, SpikingConfig, initialized};

use crate::{assert_close, seeded, values};

/// All updates, one after the other, in the order of the parameters.
struct Flat<'a> {
    grads: &'a GradientsParams,
    all: Vec<f64>,
}

impl ModuleVisitor for Flat<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some(grad) = self.grads.get::<D>(param.id) {
            self.all.extend(values(grad));
        }
    }
}

/// The updates of one batch.
fn updates(network: &Network, method: Method, batch: &Batch, sharing: &Sharing) -> Vec<f64> {
    updates_of(network, &Objective::of(method), batch, sharing)
}

fn updates_of(
    network: &Network,
    objective: &Objective,
    batch: &Batch,
    sharing: &Sharing,
) -> Vec<f64> {
    let mut all = Vec::new();
    let batches = std::iter::once(Ok(batch.clone()));
    let keep = |network: Network, grads: GradientsParams| {
        let mut flat = Flat {
            grads: &grads,
            all: Vec::new(),
        };
        network.visit(&mut flat);
        all = flat.all;
        network
    };
    train_epoch(network.clone(), objective, sharing, batches, keep).unwrap();
    all
}

fn network(device: &Device) -> Network {
    let config = NetworkConfig::new([1, 16, 16], 10)
        .with_activation(ActivationFn::Silu)
        .with_dropout(Some(0.0));
    initialized(Model::LENET.init(&config, device).unwrap())
}

fn batch(samples: usize, device: &Device) -> Batch {
    let shape = [samples, 1, 16, 16];
    Batch {
        inputs: Tensor::random(shape, Distribution::Normal(0.0, 1.0), device),
        targets: Tensor::<1, Int>::arange(0..samples as i64, device) % 10,
    }
}

#[test]
fn passes_and_devices_leave_the_updates_of_the_whole() {
    let (device, _alone) = seeded(11);
    let network = network(&device);
    // Uneven parts: eleven samples on two devices are five and six, in three passes of two samples (or one).
    let batch = batch(11, &device);
    for method in [Method::Lfp, Method::Gradient] {
        let whole = updates(&network, method, &batch, &Sharing::none(&device));
        assert!(whole.len() > 10_000 && whole.iter().any(|update| *update != 0.0));
        for (devices, passes) in [(1, 3), (2, 1), (2, 3), (3, 2), (20, 20)] {
            let sharing = Sharing {
                devices: vec![device.clone(); devices],
                passes,
            };
            let shared = updates(&network, method, &batch, &sharing);
            let name = format!("{method}, {devices} devices, {passes} passes");
            assert_close(&name, &shared, &whole, 1e-5);
        }
    }
}

/// Spiking layers divide rewards by the largest magnitude of a part (A.6.4 does not say over what), so the split matters
/// with this normalisation and without it does not.
#[test]
fn the_updates_of_a_spiking_network_depend_on_the_split_by_the_normalisation_alone() {
    let (device, _alone) = seeded(13);
    let spiking = SpikingConfig::new().with_steps(4);
    let config = NetworkConfig::new([1, 28, 28], 10).with_spiking(spiking);
    let network = initialized(Model::SNN_MLP.init(&config, &device).unwrap());
    // Bright enough for the hidden layers to spike.
    let images = Tensor::random([6, 1, 28, 28], Distribution::Uniform(0.0, 16.0), &device);
    let batch = Batch {
        inputs: images,
        ..batch(6, &device)
    };
    let in_passes = |passes, normalization| {
        let config = LfpConfig::new().with_reward_normalization(normalization);
        let (reward, form) = (RewardKind::default(), SpikeRateForm::default());
        let objective = Objective::new(Method::Lfp, reward, form, None, config);
        let sharing = Sharing {
            passes,
            ..Sharing::none(&device)
        };
        updates_of(&network, &objective, &batch, &sharing)
    };
    let [whole, split] = [1, 3].map(|passes| in_passes(passes, Normalization::None));
    assert!(whole.iter().any(|update| *update != 0.0));
    assert_close("not normalised", &split, &whole, 1e-5);
    let [whole, split] = [1, 3].map(|passes| in_passes(passes, Normalization::MaxAbs));
    let largest = whole
        .iter()
        .fold(0.0, |largest: f64, update| largest.max(update.abs()));
    let differences = whole
        .iter()
        .zip(&split)
        .map(|(whole, split)| (whole - split).abs());
    let difference = differences.fold(0.0, f64::max);
    assert!(difference > 0.01 * largest, "{difference} of {largest}");
}

#[test]
fn checkpointing_leaves_the_same_updates() {
    let (device, _alone) = seeded(12);
    let saving = device.clone().gradient_checkpointing();
    assert!(saving.gradient_checkpointing_strategy().is_some());
    let plain = (network(&device), batch(6, &device));
    // The same numbers: drawn once, whoever else draws meanwhile.
    let record = plain.0.clone().into_record();
    let Batch { inputs, targets } = plain.1.clone();
    let copied = Batch {
        inputs: Tensor::from_data(inputs.into_data(), &saving),
        targets: Tensor::from_data(targets.into_data(), &saving),
    };
    let saved = (network(&saving).load_record(record), copied);
    for method in [Method::Lfp, Method::Gradient] {
        let whole = updates(&plain.0, method, &plain.1, &Sharing::none(&device));
        let other = updates(&saved.0, method, &saved.1, &Sharing::none(&saving));
        assert_close(&method.to_string(), &other, &whole, 1e-6);
    }
}

//! What training needs beside Burn's optimisers.

use burn::{
    lr_scheduler::LrScheduler,
    module::{Module, Param},
    nn::{Linear, LinearConfig, loss::CrossEntropyLossConfig},
    optim::{
        GradientsParams, ModuleOptimizer, SgdConfig, decay::WeightDecayConfig,
        momentum::MomentumConfig,
    },
    tensor::{Device, Distribution, Int, Tensor, activation::relu},
};
use lfp_burn::{
    ActivationFn, LfpConfig, Propagate,
    nn::Hook,
    optim::{
        GlobalNormClip, LfpZero, Momentum, OneCycleConfig, OneCycleError, clip_global_norm,
        global_norm,
    },
    reward::{Reward, SoftmaxReward},
};
use lfp_experiments::{data::DataSet, objective::Method, train::Settings};
use lfp_models::Model;
use proptest::prelude::*;

use crate::{assert_close, autodiff, seeded, values};

#[test]
fn one_cycle_gives_the_rates_of_pytorch() {
    // torch.optim.lr_scheduler.OneCycleLR(max_lr=0.1, total_steps=10)
    let expected = [
        0.004,
        0.052,
        0.1,
        0.09504846320134738,
        0.0811745653949763,
        0.06112620219362893,
        0.03887419780637107,
        0.0188258346050237,
        0.004951936798652629,
        4e-07,
    ];
    let mut schedule = OneCycleConfig::new(0.1, 10).init().unwrap();
    let found: Vec<f64> = (0..10).map(|_| schedule.step()).collect();
    assert_close("rates", &found, &expected, 1e-12);

    // (max_lr=0.5, total_steps=7, pct_start=0.5, div_factor=10, final_div_factor=100)
    let expected = [
        0.05,
        0.20547117626563682,
        0.45702882373436315,
        0.47526697475862917,
        0.3058246032555895,
        0.09453342198578131,
        0.0005,
    ];
    let config = OneCycleConfig::new(0.5, 7)
        .with_pct_start(0.5)
        .with_div_factor(10.0)
        .with_final_div_factor(100.0);
    let mut schedule = config.init().unwrap();
    let found: Vec<f64> = (0..7).map(|_| schedule.step()).collect();
    assert_close("rates", &found, &expected, 1e-12);
}

#[test]
fn one_cycle_gives_the_momenta_of_pytorch() {
    // torch.optim.lr_scheduler.OneCycleLR(max_lr=0.1, total_steps=10), SGD's momentum at each step
    let expected = [
        0.95,
        0.9,
        0.85,
        0.854951556604879,
        0.8688255099070633,
        0.8888739533021842,
        0.9111260466978157,
        0.9311744900929366,
        0.945048443395121,
        0.95,
    ];
    let mut schedule = OneCycleConfig::new(0.1, 10).init().unwrap();
    assert_eq!(schedule.momentum(), 0.95, "before the first step");
    let momentum = |_| {
        schedule.step();
        schedule.momentum()
    };
    let found: Vec<f64> = (0..10).map(momentum).collect();
    assert_close("momenta", &found, &expected, 1e-12);
}

#[test]
fn an_optimizer_follows_its_momentum_and_keeps_its_velocity() {
    // From PyTorch: SGD(momentum=0.9, weight_decay=0.01) under OneCycleLR(max_lr=0.1, total_steps=6), which
    // minimises the sum of squares.
    let expected = [
        [0.99196, -1.98392],
        [0.6236820121199147, -1.2473640242398294],
        [0.26072916561923604, -0.5214583312384721],
        [0.04953952007195538, -0.09907904014391077],
        [-0.008861019272715468, 0.017722038545430936],
        [-0.008862674765745907, 0.017725349531491814],
    ];
    #[derive(Module, Debug)]
    struct Point {
        at: Param<Tensor<1>>,
    }
    let device = autodiff();
    let mut point = Point {
        at: Param::from_tensor(Tensor::from_floats([1.0, -2.0], &device)),
    };
    let mut schedule = OneCycleConfig::new(0.1, 6).init().unwrap();
    let momentum = Momentum::new(0.0);
    let optimizer = momentum.drive(|momentum| {
        let momentum = MomentumConfig::new()
            .with_momentum(momentum)
            .with_dampening(0.0);
        SgdConfig::new()
            .with_momentum(Some(momentum))
            .with_weight_decay(Some(WeightDecayConfig::new(0.01)))
            .build()
    });
    let mut optimizer: ModuleOptimizer = optimizer.into();
    for expected in expected {
        let grads = point.at.val().powi_scalar(2).sum().backward();
        let grads = GradientsParams::from_grads(grads, &point);
        let lr = schedule.step();
        momentum.set(schedule.momentum());
        point = optimizer.step(lr, point, grads);
        for (found, expected) in values(point.at.val()).iter().zip(expected) {
            // What rounding a position of about 1 to f32 leaves.
            assert!(
                (found - expected).abs() < 3e-7,
                "expected {expected}, found {found}"
            );
        }
    }
}

/// Weights after each of `steps` updates by SGD of `train`.
fn weights(settings: &Settings, lr: f64, updates: &[f64]) -> Vec<f64> {
    #[derive(Module, Debug)]
    struct Weight {
        value: Param<Tensor<1>>,
    }
    let device = autodiff();
    let (mut optimizer, _momentum) = settings.optimizer().unwrap();
    let mut model = Weight {
        value: Param::from_tensor(Tensor::zeros([1], &device)),
    };
    let step = |&update: &f64| {
        let mut grads = GradientsParams::new();
        // An optimiser minimises, so it takes `-d`.
        grads.register(
            model.value.id,
            Tensor::<1>::from_floats([-update], &device.clone().inner()),
        );
        model = optimizer.step(lr, model.clone(), grads);
        values(model.value.val())[0]
    };
    updates.iter().map(step).collect()
}

fn sgd(momentum: f64, dampening: bool) -> Settings {
    Settings {
        momentum,
        dampening,
        ..Settings::new(Model::LENET, DataSet::MNIST, Method::Lfp, 10)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Eq. 5 with the rate `eta` is PyTorch's momentum with `eta (1 - alpha)`, up to the first update `d_1`, which both take
    /// whole: with `v_t = alpha v_(t-1) + (1 - alpha) d_t`, `u_t = alpha u_(t-1) + d_t` and `v_1 = u_1 = d_1`, induction
    /// gives `v_t = (1 - alpha) u_t + alpha^t d_1`. The weights therefore differ by
    /// `eta d_1 (alpha + ... + alpha^t) = eta d_1 alpha (1 - alpha^t) / (1 - alpha)`, which stays bounded.
    #[test]
    fn dampened_momentum_is_equation_5_and_scales_the_learning_rate(
        alpha in 0.1..0.95f64,
        updates in prop::collection::vec(-1.0..1.0f64, 1..40),
    ) {
        let eta = 0.1;
        let found = weights(&sgd(alpha, true), eta, &updates);
        let (mut velocity, mut weight) = (updates[0], 0.0);
        let equation_5: Vec<f64> = updates.iter().map(|update| {
            velocity = alpha * velocity + (1.0 - alpha) * update;
            weight += eta * velocity;
            weight
        }).collect();
        let pytorch = weights(&sgd(alpha, false), eta * (1.0 - alpha), &updates);
        let first = |t: usize| eta * updates[0] * alpha * (1.0 - alpha.powi(t as i32 + 1)) / (1.0 - alpha);
        for t in 0..updates.len() {
            // f32, at most 40 steps of at most 0.1.
            prop_assert!((found[t] - equation_5[t]).abs() < 1e-5, "step {t}: {} by Eq. 5, found {}", equation_5[t], found[t]);
            let expected = pytorch[t] + first(t);
            prop_assert!((found[t] - expected).abs() < 1e-5, "step {t}: expected {expected}, found {}", found[t]);
        }
    }
}

/// For a constant update `d` a step ends as `eta d` by Eq. 5, and as `eta d / (1 - alpha)` by PyTorch's momentum.
#[test]
fn in_the_steady_state_dampened_momentum_takes_the_step_of_no_momentum() {
    let step = |settings: &Settings| {
        let weights = weights(settings, 0.01, &[0.5; 300]);
        weights[299] - weights[298]
    };
    assert!((step(&sgd(0.9, true)) / 0.005 - 1.0).abs() < 1e-3);
    assert!((step(&sgd(0.0, false)) / 0.005 - 1.0).abs() < 1e-3);
    assert!((step(&sgd(0.9, false)) / 0.05 - 1.0).abs() < 1e-3);
}

#[test]
fn a_recorded_cycle_goes_on_where_it_was() {
    let mut whole = OneCycleConfig::new(0.1, 10).init().unwrap();
    let mut resumed = whole.clone();
    (0..4).for_each(|_| {
        whole.step();
    });
    resumed.load_record(whole.to_record());
    assert_eq!(resumed.step(), whole.step());
}

#[test]
fn settings_that_make_no_cycle_are_named() {
    assert_eq!(
        OneCycleConfig::new(0.1, 0).init().unwrap_err(),
        OneCycleError::NoSteps
    );
    for lr in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        let error = OneCycleConfig::new(lr, 10).init().unwrap_err();
        assert!(error.to_string().contains("max_lr"), "{error}");
    }
    let error = OneCycleConfig::new(0.1, 10)
        .with_pct_start(1.5)
        .init()
        .unwrap_err();
    assert_eq!(error, OneCycleError::PctStart(1.5));
}

/// A layer, and updates of `(3, 4)` for its bias and `(12, 0)` for its weight: norm 13.
fn updates(device: &Device) -> (Linear, GradientsParams) {
    let layer = LinearConfig::new(1, 2).init(device);
    let mut grads = GradientsParams::new();
    let bias = layer.bias.as_ref().unwrap();
    grads.register(
        layer.weight.id,
        Tensor::<2>::from_floats([[12.0, 0.0]], device),
    );
    grads.register(bias.id, Tensor::<1>::from_floats([3.0, 4.0], device));
    (layer, grads)
}

#[test]
fn clipping_scales_all_updates_together() {
    let (device, _alone) = seeded(16);
    let (layer, grads) = updates(&device.inner());
    assert_close(
        "norm",
        &values(global_norm(&grads, &layer).unwrap()),
        &[13.0],
        1e-6,
    );
    let grads = clip_global_norm(grads, &layer, 3.0);
    // torch.nn.utils.clip_grad_norm_ with the same numbers.
    let weight = values(grads.get::<2>(layer.weight.id).unwrap());
    assert_close("weight", &weight, &[2.769230604171753, 0.0], 1e-6);
    let bias = values(grads.get::<1>(layer.bias.as_ref().unwrap().id).unwrap());
    assert_close(
        "bias",
        &bias,
        &[0.6923076510429382, 0.923076868057251],
        1e-6,
    );
}

#[test]
fn clipping_leaves_small_updates_alone() {
    let (device, _alone) = seeded(16);
    let (layer, grads) = updates(&device.inner());
    let grads = clip_global_norm(grads, &layer, 13.5);
    assert_eq!(
        values(grads.get::<2>(layer.weight.id).unwrap()),
        [12.0, 0.0]
    );
}

#[test]
fn lfp_0_by_wrapping_the_optimiser_is_lfp_by_hooks_with_a_vanishing_epsilon() {
    let (device, _alone) = seeded(11);
    let first = LinearConfig::new(5, 12).init(&device);
    let last = LinearConfig::new(12, 3).init(&device);
    let x = Tensor::<2>::random([7, 5], Distribution::Normal(0.0, 1.0), &device);
    let targets = Tensor::<1, Int>::from_ints([0, 1, 2, 0, 1, 2, 0], &device);
    let lr = 0.05;

    let model = vec![
        first.clone().hooked().with_activation(ActivationFn::Relu),
        last.clone().hooked(),
    ];
    let logits = model.iter().fold(x.clone(), |x, layer| layer.forward(x));
    let reward = SoftmaxReward::new().forward(logits.clone(), targets.clone());
    let rule = LfpConfig::new().with_epsilon(1e-12);
    let grads = logits.propagate_with(reward, &rule).into_grads(&model);
    let by_hooks = SgdConfig::new().init().step(lr, model, grads);

    let model = vec![first, last];
    let logits = model[1].forward(relu(model[0].forward(x)));
    let loss = CrossEntropyLossConfig::new()
        .init(&device)
        .forward(logits, targets)
        * 7.0;
    let grads = GradientsParams::from_grads(loss.backward(), &model);
    let mut wrapped: ModuleOptimizer = LfpZero::new(SgdConfig::new().build()).into();
    let by_wrapper = wrapped.step(lr, model, grads);

    for (ours, theirs) in by_hooks.iter().zip(&by_wrapper) {
        let weights = |layer: &Linear| values(layer.weight.val().inner());
        assert_close("weights", &weights(ours.inner()), &weights(theirs), 1e-5);
    }
}

#[test]
fn a_weight_of_zero_never_moves() {
    let device = autodiff();
    let weight = Tensor::<2>::from_floats([[0.0, 0.5], [1.0, 0.0]], &device);
    let layer = Linear {
        weight: Param::from_tensor(weight),
        bias: None,
    };
    let layer = layer.hooked();
    let outputs = layer.forward(Tensor::<2>::ones([1, 2], &device));
    let grads = outputs
        .clone()
        .propagate(outputs.ones_like())
        .into_grads(&layer);
    let update = values(grads.get::<2>(layer.inner().weight.id).unwrap());
    assert_eq!((update[0], update[3]), (0.0, 0.0));
    for moved in [update[1], update[2]] {
        assert!(moved.is_finite() && moved != 0.0, "{update:?}");
    }
    let _ = layer.valid();
}

/// A layer of ones and updates of its weight, `[2, 1]`.
fn layer_and_updates(updates: [f32; 2]) -> (Linear, GradientsParams) {
    let device = autodiff();
    let layer = Linear {
        weight: Param::from_tensor(Tensor::<2>::ones([2, 1], &device)),
        bias: None,
    };
    let mut grads = GradientsParams::new();
    let update = Tensor::<2>::from_floats(updates.map(|update| [update]), &device.inner());
    grads.register(layer.weight.id, update);
    (layer, grads)
}

#[test]
fn the_global_norm_of_very_large_updates_is_finite_and_clips_them() {
    let (layer, grads) = layer_and_updates([3e20, -4e20]);
    let norm = global_norm(&grads, &layer).unwrap();
    assert_close("norm", &values(norm), &[5e20], 1e-6);
    let clipped = clip_global_norm(grads, &layer, 10.0);
    let update = values(clipped.get::<2>(layer.weight.id).unwrap());
    assert_close("update", &update, &[6.0, -8.0], 1e-6);
}

#[test]
fn an_infinite_update_is_reported_by_the_norm_and_not_turned_into_nan() {
    let (layer, grads) = layer_and_updates([f32::INFINITY, 2.0]);
    assert_eq!(
        values(global_norm(&grads, &layer).unwrap()),
        [f64::INFINITY]
    );
    let clipped = clip_global_norm(grads, &layer, 10.0);
    let update = values(clipped.get::<2>(layer.weight.id).unwrap());
    assert_eq!(update, [f64::INFINITY, 2.0]);
}

#[test]
fn an_optimiser_with_a_global_norm_moves_weights_by_clipped_updates() {
    let (layer, grads) = layer_and_updates([30.0, -40.0]);
    let mut optimizer = GlobalNormClip::new(SgdConfig::new().init(), 5.0).unwrap();
    let layer = optimizer.step(0.1, layer, grads);
    // 1 - 0.1 * [3, -4]
    assert_close(
        "weight",
        &values(layer.weight.val().inner()),
        &[0.7, 1.4],
        1e-6,
    );
    for limit in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert!(
            GlobalNormClip::new(SgdConfig::new().init(), limit).is_err(),
            "{limit}"
        );
    }
}

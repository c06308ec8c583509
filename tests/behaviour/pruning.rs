//! Sparsity, canonisation, relevances and pruning.

use burn::{
    module::{Module, RunningState},
    nn::{BatchNormConfig, LinearConfig, conv::Conv2dConfig},
    tensor::{Device, Distribution, Int, Tensor},
};
use lfp_burn::{
    ActivationFn, LayerKind, LfpConfig, Propagate, layer_weights,
    nn::{Hook, MergeError},
    prune::{LayerFilter, PruneError, RankingScope, Relevance, Scores},
    reward::{Reward, TargetReward},
    sparsity::{gini, neutral_share, quantiles, updated_share},
};
use lfp_models::{Classifier, LeNetConfig, ResNetConfig, VggConfig};
use lfp_tests::Numbers;

use crate::{
    assert_close, autodiff, seeded, tensor,
    torchvision::{images, uniform, with_weights},
    values,
};

#[test]
fn gini_of_known_distributions() {
    // Evenly spaced from 0, (n + 1) / (3 n) of n values: 1/3 in the limit (a uniform distribution's).
    let n = 100_000;
    let even: Vec<f32> = (0..n).map(|value| value as f32 / (n - 1) as f32).collect();
    let expected = f64::from(n + 1) / f64::from(3 * n);
    assert!((gini(even) - expected).abs() < 1e-6);
    // Quantiles of an exponential distribution: 1/2.
    let exponential = (0..n).map(|index| -(1.0 - (index as f32 + 0.5) / n as f32).ln());
    assert!((gini(exponential) - 0.5).abs() < 1e-4);
    assert_eq!(gini([-2.0; 7]), 0.0);
    assert_eq!(gini([]), 0.0);
    assert_eq!(gini([0.0; 3]), 0.0);
    let alone = gini([0.0, 0.0, 0.0, 0.0, 5.0]);
    assert!((alone - 0.8).abs() < 1e-12, "1 - 1/n: {alone}");
    // Neither order, nor sign, nor scale matters.
    assert_eq!(gini([3.0, -1.0, 2.0]), gini([-200.0, 300.0, 100.0]));
}

#[test]
fn quantiles_are_relative_to_the_largest() {
    // numpy.quantile([0, 1, 2, 4], [0, 0.1, 0.25, 0.5, 0.9, 1]) / 4
    let found = quantiles([-4.0, 1.0, 0.0, 2.0], [0.0, 0.1, 0.25, 0.5, 0.9, 1.0]);
    assert_close(
        "quantiles",
        &found,
        &[0.0, 0.075, 0.1875, 0.375, 0.85, 1.0],
        1e-6,
    );
    assert_eq!(quantiles([0.0, 0.0], [0.5]), [0.0]);
    assert_eq!(neutral_share([], 1.0), 0.0);
    assert_eq!(neutral_share([-0.5, 0.5, 0.6, 0.0], 0.5), 0.75);
}

#[test]
fn a_step_by_lfp_moves_fewer_parameters_than_one_by_gradient_where_weights_are_zero() {
    let device = autodiff();
    let weight = [[1.0f32, 0.0, -2.0], [0.5, 0.0, 0.0]];
    let mut model = LinearConfig::new(2, 3).with_bias(false).init(&device);
    let weight = Tensor::<2>::from_floats(weight, &device);
    model.weight = burn::module::Param::initialized(model.weight.id, weight.require_grad());
    let x = Tensor::<2>::from_floats([[1.0, 2.0]], &device);
    let share = |grads| values(updated_share(&grads, &model).unwrap())[0];
    let outputs = model.forward(x.clone());
    let feedback = outputs.clone().propagate(outputs.ones_like());
    // A weight of zero stays, and so do those of the second output, whose reward nobody can be found for.
    assert_eq!(share(feedback.into_grads(&model)), 0.5);
    let loss = model.forward(x).sum().backward();
    assert_eq!(
        share(burn::optim::GradientsParams::from_grads(loss, &model)),
        1.0
    );
}

fn logits_of<M: Module>(
    model: M,
    forward: impl Fn(&M, Tensor<4>) -> Tensor<2>,
    size: usize,
) -> Vec<f64> {
    values(forward(&model, images(size, &Device::default())))
}

/// Statistics and scales as if it had been trained.
fn trained(name: &str, shape: &[usize]) -> Vec<f32> {
    let numbers = uniform(name, shape.iter().product());
    let fan_in: usize = shape[1..].iter().product();
    let scale = (6.0 / fan_in as f64).sqrt() as f32;
    match shape.len() {
        1 if name.ends_with("weight") || name.ends_with("running_var") => {
            numbers.map(|number| 1.0 + 0.4 * number).collect()
        }
        1 => numbers.map(|number| 0.3 * number).collect(),
        _ => numbers.map(|number| scale * number).collect(),
    }
}

#[test]
fn folding_batch_normalisation_leaves_the_function_as_it_was() {
    for device in [Device::default(), autodiff()] {
        let resnets = [
            (ResNetConfig::resnet18().with_num_classes(10), 64),
            (ResNetConfig::resnet32(), 32),
        ];
        for (config, size) in resnets {
            let model = with_weights(config.init(&device), trained).valid();
            let before = logits_of(model.clone(), |model, x| model.forward(x), size);
            let folded = model.merge_batch_norm().unwrap();
            let text = format!("{folded:?}");
            assert!(!text.contains("BatchNorm"), "all are gone");
            let after = logits_of(folded, |model, x| model.forward(x), size);
            assert_close("ResNet", &after, &before, 1e-5);
        }
        for activation in [ActivationFn::Relu, ActivationFn::Tanh] {
            let config = VggConfig::vgg_like_bn().with_activation(activation);
            let model = with_weights(config.init(&device), trained).valid();
            let before = logits_of(model.clone(), |model, x| model.forward(x), 32);
            let after = logits_of(
                model.merge_batch_norm().unwrap(),
                |model, x| model.forward(x),
                32,
            );
            assert_close("VGG-like", &after, &before, 1e-5);
        }
        let lenet = LeNetConfig::new().init(&device);
        assert_eq!(
            layer_weights(&lenet.clone().merge_batch_norm().unwrap()),
            layer_weights(&lenet)
        );
    }
}

#[test]
fn what_cannot_be_folded_is_named() {
    let device = Device::default();
    let conv = || Conv2dConfig::new([2, 4], [3, 3]).init(&device).hooked();
    let norm = |features| BatchNormConfig::new(features).init(&device).hooked();
    let error = conv()
        .with_activation(ActivationFn::Relu)
        .merge_batch_norm(&norm(4), "block.conv")
        .unwrap_err();
    assert!(matches!(error, MergeError::Activated { .. }));
    assert!(error.to_string().contains("block.conv") && error.to_string().contains("relu"));
    let error = conv().merge_batch_norm(&norm(5), "stem").unwrap_err();
    assert!(
        error
            .to_string()
            .contains("5 features into stem, which has 4 outputs"),
        "{error}"
    );
    let linear = LinearConfig::new(3, 2)
        .with_bias(false)
        .init(&device)
        .hooked();
    let x = Tensor::<2>::random([6, 3], Distribution::Normal(0.0, 1.0), &device);
    let mut norm = BatchNormConfig::new(2).init(&device);
    norm.running_mean = RunningState::new(Tensor::from_floats([0.4, -0.7], &device));
    norm.running_var = RunningState::new(Tensor::from_floats([2.0, 0.3], &device));
    let norm = norm.hooked().with_activation(ActivationFn::Silu);
    let before = values(norm.forward(linear.forward(x.clone())));
    let after = values(linear.merge_batch_norm(&norm, "linear").unwrap().forward(x));
    assert_close("linear", &after, &before, 1e-5);
}

/// LRP-epsilon of a dense network with one hidden layer of ReLUs, written down connection by connection:
/// the relevance of every connection, and of every bias, summed over samples.
fn explicit_relevances(
    x: &[f64],
    layers: [(&[f64], &[f64]); 2],
    [inputs, hidden, outputs]: [usize; 3],
    targets: &[usize],
    epsilon: f64,
) -> [(Vec<f64>, Vec<f64>); 2] {
    let widths = [inputs, hidden, outputs];
    let mut of = [0, 1].map(|layer| {
        (
            vec![0.0; widths[layer] * widths[layer + 1]],
            vec![0.0; widths[layer + 1]],
        )
    });
    for (sample, &target) in x.chunks(inputs).zip(targets) {
        let mut activations = vec![sample.to_vec()];
        let mut sums = Vec::new();
        for (layer, (weights, biases)) in layers.iter().enumerate() {
            let below = &activations[layer];
            let z: Vec<f64> = (0..widths[layer + 1])
                .map(|j| {
                    let of_input = |i: usize| below[i] * weights[i * widths[layer + 1] + j];
                    biases[j] + (0..widths[layer]).map(of_input).sum::<f64>()
                })
                .collect();
            activations.push(
                z.iter()
                    .map(|z| if layer == 0 { z.max(0.0) } else { *z })
                    .collect(),
            );
            sums.push(z);
        }
        let mut relevance = vec![0.0; outputs];
        relevance[target] = 1.0;
        for layer in [1, 0] {
            let (weights, biases) = layers[layer];
            let mut below = vec![0.0; widths[layer]];
            for j in 0..widths[layer + 1] {
                let z = sums[layer][j];
                let share = relevance[j] / (z + if z < 0.0 { -epsilon } else { epsilon });
                for i in 0..widths[layer] {
                    let connection = i * widths[layer + 1] + j;
                    let r = activations[layer][i] * weights[connection] * share;
                    of[layer].0[connection] += r;
                    below[i] += r;
                }
                of[layer].1[j] += biases[j] * share;
            }
            relevance = below;
        }
    }
    of
}

#[test]
fn relevances_are_those_of_lrp_and_add_up_to_the_layers() {
    let device = autodiff();
    let (widths, epsilon) = ([5, 7, 3], 1e-6);
    let mut numbers = Numbers::new(51);
    let x = numbers.uniform(6 * 5, -1.0, 1.0);
    let w1 = numbers.uniform(5 * 7, -1.0, 1.0);
    let b1 = numbers.uniform(7, -0.3, 0.3);
    let w2 = numbers.uniform(7 * 3, -1.0, 1.0);
    let b2 = numbers.uniform(3, -0.3, 0.3);
    let targets = [0, 1, 2, 2, 1, 0];
    let expected = explicit_relevances(&x, [(&w1, &b1), (&w2, &b2)], widths, &targets, epsilon);

    let layer = |weights: &[f64], biases: &[f64], from, to| {
        let mut layer = LinearConfig::new(from, to).init(&device);
        let param = burn::module::Param::from_tensor(tensor(weights, [from, to], &device));
        layer.weight = param;
        layer.bias = Some(burn::module::Param::from_tensor(tensor(
            biases,
            [to],
            &device,
        )));
        layer.hooked()
    };
    let model = vec![
        layer(&w1, &b1, 5, 7).with_activation(ActivationFn::Relu),
        layer(&w2, &b2, 7, 3),
    ];
    let forward = |x| model[1].forward(model[0].forward(x));
    let mut relevance = Relevance::default();
    let mut sums: [(Vec<f64>, Vec<f64>); 2] = [0, 1].map(|_| (Vec::new(), Vec::new()));
    // In two batches: relevances are summed over the whole set.
    for (x, targets) in x.chunks(15).zip(targets.chunks(3)) {
        let logits = forward(tensor(x, [3, 5], &device));
        let targets: Vec<i64> = targets.iter().map(|&target| target as i64).collect();
        let targets = Tensor::<1, Int>::from_data(targets.as_slice(), &device);
        let reward = TargetReward::new().forward(logits.clone(), targets);
        let feedback = logits
            .try_propagate(reward, &LfpConfig::new().with_epsilon(epsilon))
            .unwrap();
        relevance.add(&feedback, &model);
        let batch = feedback.relevances(&model);
        for (layer, (weights, biases)) in sums.iter_mut().enumerate() {
            let add = |sum: &mut Vec<f64>, new: Vec<f64>| match sum.is_empty() {
                true => *sum = new,
                false => sum.iter_mut().zip(new).for_each(|(sum, new)| *sum += new),
            };
            add(
                weights,
                values(batch.get::<2>(model[layer].inner().weight.id).unwrap()),
            );
            let bias = model[layer].inner().bias.as_ref().unwrap().id;
            add(biases, values(batch.get::<1>(bias).unwrap()));
        }
    }
    for layer in [0, 1] {
        assert_close("connections", &sums[layer].0, &expected[layer].0, 1e-5);
        assert_close("biases", &sums[layer].1, &expected[layer].1, 1e-5);
    }
    // The last layer's connections and biases share out what the outputs got, 1 for each of six samples; the
    // first layer's what the connections of the last handed down.
    let sum = |of: &[f64]| of.iter().sum::<f64>();
    assert!((sum(&sums[1].0) + sum(&sums[1].1) - 6.0).abs() < 1e-4);
    assert!((sum(&sums[0].0) + sum(&sums[0].1) - sum(&sums[1].0)).abs() < 1e-4);

    // The scores are their magnitudes: the least relevant connection goes first.
    let all: Vec<f64> = sums
        .iter()
        .flat_map(|(weights, _)| weights.clone())
        .collect();
    let least = all.iter().map(|r| r.abs()).fold(f64::INFINITY, f64::min);
    let masks = relevance
        .scores(&model, LayerFilter::All)
        .masks(RankingScope::Global, 1.0 / 56.0)
        .unwrap();
    let pruned = layer_weights(&masks.apply(model.clone()));
    let pruned: Vec<f32> = pruned.into_iter().flat_map(|layer| layer.values).collect();
    let zeros: Vec<usize> = (0..56).filter(|&index| pruned[index] == 0.0).collect();
    assert_eq!(zeros.len(), 1);
    assert!((all[zeros[0]].abs() - least).abs() < 1e-6);
}

#[test]
fn magnitudes_go_by_layer_or_over_all_layers() {
    let (device, _alone) = seeded(55);
    let model = vec![
        Conv2dConfig::new([1, 2], [2, 2]).init(&device),
        Conv2dConfig::new([2, 2], [2, 2]).init(&device),
    ];
    let weights = |model: &Vec<burn::nn::conv::Conv2d>| {
        let layers = layer_weights(model).into_iter();
        layers.map(|layer| layer.values).collect::<Vec<_>>()
    };
    let before = weights(&model);
    let scores = Scores::magnitude(&model, LayerFilter::Convolutions);
    let zeros = |values: &Vec<f32>| values.iter().filter(|value| **value == 0.0).count();
    let threshold = |values: &[f32], count: usize| {
        let mut magnitudes: Vec<f32> = values.iter().map(|value| value.abs()).collect();
        magnitudes.sort_by(f32::total_cmp);
        magnitudes[count]
    };

    let local = weights(
        &scores
            .masks(RankingScope::Local, 0.25)
            .unwrap()
            .apply(model.clone()),
    );
    assert_eq!(
        [zeros(&local[0]), zeros(&local[1])],
        [2, 4],
        "a quarter of each"
    );
    let global = weights(
        &scores
            .masks(RankingScope::Global, 0.25)
            .unwrap()
            .apply(model.clone()),
    );
    assert_eq!(zeros(&global[0]) + zeros(&global[1]), 6, "a quarter of all");
    let all = before.concat();
    for (pruned, original) in global.concat().iter().zip(&all) {
        let kept = original.abs() >= threshold(&all, 6);
        assert_eq!(*pruned, if kept { *original } else { 0.0 });
    }
    for (rate, share) in [(0.0, 0.0), (1.0, 1.0)] {
        let masks = scores.masks(RankingScope::Global, rate).unwrap();
        assert_eq!(masks.pruned_share(), share);
        assert_eq!(masks.collapsed().len(), if rate == 1.0 { 2 } else { 0 });
    }
    for rate in [-0.1, 1.1, f64::NAN] {
        let error = scores.masks(RankingScope::Local, rate).unwrap_err();
        assert!(error.to_string().contains("from 0 to 1"), "{error}");
    }
    let linear = LinearConfig::new(2, 2).init(&device);
    let error =
        Scores::magnitude(&linear, LayerFilter::Convolutions).masks(RankingScope::Local, 0.5);
    assert_eq!(error.unwrap_err(), PruneError::NoLayers);
    assert_eq!(layer_weights(&linear)[0].kind, LayerKind::Linear);
}

#[test]
fn a_layer_that_is_emptied_is_reported_and_what_is_pruned_stays_so() {
    let (device, _alone) = seeded(56);
    let conv = |scale: f64| {
        let weights = burn::nn::Initializer::Uniform {
            min: -scale,
            max: scale,
        };
        Conv2dConfig::new([2, 2], [3, 3])
            .with_initializer(weights)
            .init(&device)
    };
    let model = vec![conv(1.0), conv(1e-3)];
    let scores = Scores::magnitude(&model, LayerFilter::Convolutions);
    // Global magnitude takes the layer of small weights first.
    let masks = scores.masks(RankingScope::Global, 0.6).unwrap();
    assert_eq!(masks.collapsed(), ["1"]);
    assert!(
        scores
            .masks(RankingScope::Local, 0.6)
            .unwrap()
            .collapsed()
            .is_empty()
    );

    // A step of training moves the pruned weights; the masks bring them back.
    let pruned = masks.apply(model);
    let x = Tensor::<4>::random([2, 2, 8, 8], Distribution::Normal(0.0, 1.0), &device);
    let step = |model: Vec<burn::nn::conv::Conv2d>| {
        let loss = model[1]
            .forward(model[0].forward(x.clone()))
            .powi_scalar(2)
            .sum();
        let grads = burn::optim::GradientsParams::from_grads(loss.backward(), &model);
        burn::optim::SgdConfig::new().init().step(0.1, model, grads)
    };
    let zeros = |model: &Vec<burn::nn::conv::Conv2d>| {
        let values = layer_weights(model)
            .into_iter()
            .flat_map(|layer| layer.values);
        values.filter(|value| *value == 0.0).count()
    };
    let before = zeros(&pruned);
    assert_eq!(before, (0.6f64 * 72.0).round() as usize);
    let moved = step(pruned);
    assert!(
        zeros(&moved) < before,
        "they still learn: {}",
        zeros(&moved)
    );
    let tuned = masks.apply(moved);
    assert_eq!(zeros(&tuned), before);
    assert!(
        tuned
            .iter()
            .all(|layer| layer.weight.val().is_require_grad())
    );
}

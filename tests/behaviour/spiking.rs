//! Spiking networks: what is sent back through spikes and through time.

use burn::{
    module::{Module, ModuleVisitor, Param},
    nn::{Linear, LinearConfig, conv::Conv2dConfig, loss::CrossEntropyLossConfig},
    optim::{GradientsParams, ModuleOptimizer, SgdConfig},
    tensor::{Distribution, Int, Tensor},
};
use lfp_burn::{
    LfpConfig, LifDenominator, LifError, Normalization, Propagate, Surrogate, hooks,
    optim::AdaptiveClipConfig,
    reward::{Reward, SpikeRateReward},
    spiking::{Activity, LifConfig, Spike, Spiking, rate_cross_entropy, spike_counts},
};
use lfp_models::{Classifier, Outputs, SpikingLeNetConfig, SpikingMlpConfig};
use lfp_tests::{Numbers, Sent, SpikingDense, Trace, stabilized};

use crate::{assert_close, autodiff, max_abs, seeded, tensor, values};

const TOLERANCE: f64 = 5e-5;
const WIDTHS: [usize; 3] = [5, 12, 4];
const STEPS: usize = 9;
const BATCH: usize = 3;
const SLOPE: f64 = 25.0;

/// Two layers of neurons of different kinds in both forms, and their inputs.
struct Pair {
    explicit: [SpikingDense; 2],
    /// `[sample][step][input]`.
    inputs: Vec<Vec<Vec<f64>>>,
    layers: [Spiking<Linear>; 2],
    sequence: Tensor<3>,
}

impl Pair {
    fn new(seed: u64) -> Self {
        let mut numbers = Numbers::new(seed);
        let kinds = [(0.9, 1.0), (0.4, 0.7)];
        let mut explicit = |index: usize| {
            let (inputs, neurons) = (WIDTHS[index], WIDTHS[index + 1]);
            SpikingDense {
                neurons,
                weights: numbers.uniform(inputs * neurons, -0.6, 1.0),
                biases: numbers.uniform(neurons, -0.2, 0.2),
                beta: kinds[index].0,
                threshold: kinds[index].1,
            }
        };
        let explicit = [explicit(0), explicit(1)];
        let inputs: Vec<Vec<Vec<f64>>> = (0..BATCH)
            .map(|_| {
                (0..STEPS)
                    .map(|_| numbers.uniform(WIDTHS[0], 0.0, 1.0))
                    .collect()
            })
            .collect();
        let layers = [0, 1].map(|index| layer(&explicit[index], WIDTHS[index]));
        let sequence = tensor(&time_major(&inputs), [STEPS, BATCH, WIDTHS[0]], &autodiff());
        Self {
            explicit,
            inputs,
            layers,
            sequence: sequence.require_grad(),
        }
    }

    fn run(&self) -> Tensor<3> {
        let [first, second] = &self.layers;
        second.forward(first.forward(self.sequence.clone()))
    }

    /// What the explicit form sends back from `arriving` at the last spikes, `[sample][step][output]`: to the layers of
    /// both, summed over the samples, and to the inputs, time-major.
    fn expect(
        &self,
        arriving: &[Vec<Vec<f64>>],
        back: impl Fn(&SpikingDense, &Trace, &[Vec<f64>], bool) -> Sent,
    ) -> ([Sent; 2], Vec<f64>) {
        let empty = |layer: &SpikingDense| Sent {
            inputs: Vec::new(),
            weights: vec![0.0; layer.weights.len()],
            biases: vec![0.0; layer.neurons],
        };
        let mut sums = [empty(&self.explicit[0]), empty(&self.explicit[1])];
        let mut to_inputs = Vec::new();
        for (inputs, arriving) in self.inputs.iter().zip(arriving) {
            let first = self.explicit[0].run(inputs.clone());
            let second = self.explicit[1].run(first.spikes.clone());
            let upper = back(&self.explicit[1], &second, arriving, true);
            let lower = back(&self.explicit[0], &first, &upper.inputs, false);
            for (sum, sent) in sums.iter_mut().zip([&lower, &upper]) {
                add(&mut sum.weights, &sent.weights);
                add(&mut sum.biases, &sent.biases);
            }
            to_inputs.push(lower.inputs);
        }
        (sums, time_major(&to_inputs))
    }
}

fn layer(explicit: &SpikingDense, inputs: usize) -> Spiking<Linear> {
    let device = autodiff();
    let mut linear = LinearConfig::new(inputs, explicit.neurons).init(&device);
    linear.weight = Param::from_tensor(tensor(
        &explicit.weights,
        [inputs, explicit.neurons],
        &device,
    ));
    linear.bias = Some(Param::from_tensor(tensor(
        &explicit.biases,
        [explicit.neurons],
        &device,
    )));
    let lif = LifConfig::new()
        .with_beta(explicit.beta)
        .with_threshold(explicit.threshold)
        .with_surrogate(Surrogate::FastSigmoid { slope: SLOPE });
    linear.spiking(lif.init().unwrap())
}

fn add(sum: &mut [f64], more: &[f64]) {
    sum.iter_mut()
        .zip(more)
        .for_each(|(sum, more)| *sum += more);
}

/// `[sample][step][..]` as one row after the other, steps outermost.
fn time_major(samples: &[Vec<Vec<f64>>]) -> Vec<f64> {
    let steps = 0..samples[0].len();
    steps
        .flat_map(|t| samples.iter().flat_map(move |sample| sample[t].clone()))
        .collect()
}

fn assert_layers(found: &GradientsParams, pair: &Pair, expected: &[Sent; 2], sign: f64) {
    for (layer, expected) in pair.layers.iter().zip(expected) {
        let negated = |values: Vec<f64>| values.into_iter().map(|v| sign * v).collect::<Vec<_>>();
        let weights = found.get::<2>(layer.inner().weight.id).unwrap();
        assert_close(
            "weights",
            &negated(values(weights)),
            &expected.weights,
            TOLERANCE,
        );
        let biases = found
            .get::<1>(layer.inner().bias.as_ref().unwrap().id)
            .unwrap();
        assert_close(
            "biases",
            &negated(values(biases)),
            &expected.biases,
            TOLERANCE,
        );
    }
}

#[test]
fn rewards_pass_spikes_and_time_as_the_recurrences_say() {
    type Denominator = fn(f64, f64, f64) -> f64;
    let denominators: [(LifDenominator, Denominator); 3] = [
        (LifDenominator::SumOfMagnitudes, |before, came, epsilon| {
            before.abs() + came.abs() + epsilon
        }),
        (LifDenominator::MagnitudeOfSum, |before, came, epsilon| {
            (before + came).abs() + epsilon
        }),
        (LifDenominator::SignedSum, |before, came, epsilon| {
            stabilized(before + came, epsilon)
        }),
    ];
    let magnitudes = (0..12).map(|seed| (seed, seed % 2, [1e-6, 1e-3, 1e-1][seed % 3]));
    // A sum in which contributions cancel amplifies the rounding to f32, so its stabiliser is larger.
    let signed = (12..18).map(|seed| (seed, 2, [1e-2, 1e-1][seed % 2]));
    for (seed, which, epsilon) in magnitudes.chain(signed) {
        let (kind, denominator) = denominators[which];
        let seed = seed as u64;
        let pair = Pair::new(seed);
        let mut numbers = Numbers::new(100 + seed);
        let rewards: Vec<Vec<Vec<f64>>> = (0..BATCH)
            .map(|_| {
                (0..STEPS)
                    .map(|_| numbers.uniform(WIDTHS[2], -1.0, 1.0))
                    .collect()
            })
            .collect();
        let (expected, to_inputs) = pair.expect(&rewards, |layer, trace, arriving, _| {
            layer.divide(trace, arriving, denominator, epsilon)
        });

        let reward = tensor(
            &time_major(&rewards),
            [STEPS, BATCH, WIDTHS[2]],
            &autodiff(),
        );
        // The recurrences divide nothing by the largest magnitude.
        let rule = LfpConfig::new()
            .with_epsilon(epsilon)
            .with_lif_denominator(kind)
            .with_reward_normalization(Normalization::None);
        let feedback = pair.run().propagate_with(reward, &rule);
        let found = values(feedback.reward(&pair.sequence).unwrap());
        assert_close("inputs", &found, &to_inputs, TOLERANCE);
        let grads = feedback.into_grads(&pair.layers.to_vec());
        assert_layers(&grads, &pair, &expected, -1.0);
    }
}

#[test]
fn eq_6_at_a_potential_conserves_rewards_over_time() {
    // One input of weight 1 and one spike at the end: `beta U[t-1]` and `I[t]` add up to the potential before the reset, so
    // their shares add up to the reward. The potential is negative at first, and reset after the second step.
    let lif = LifConfig::new().with_beta(0.5).init().unwrap();
    let currents = tensor::<3>(&[-0.4, 1.8, 0.3, 1.5], [4, 1, 1], &autodiff()).require_grad();
    let (spikes, membrane) = lif.forward(currents.clone(), 4);
    assert_close("membrane", &values(membrane), &[-0.4, 1.6, 0.1, 1.55], 1e-6);
    let rule = LfpConfig::new().with_reward_normalization(Normalization::None);
    let sent = |denominator| {
        let reward = tensor::<3>(&[0.0, 0.0, 0.0, 3.0], [4, 1, 1], &autodiff());
        let rule = rule.with_lif_denominator(denominator);
        let feedback = spikes.clone().propagate_with(reward, &rule);
        values(feedback.reward(&currents).unwrap())
    };
    let shares = sent(LifDenominator::SignedSum);
    // Backwards: 3 is divided 1.5 : 0.05; the 0.0968 of step 3 goes 0.3 : 0.8, and so on down to the first step.
    let last = 3.0 * 1.5 / 1.55;
    let third = (3.0 - last) * 0.3 / 1.1;
    let second = (3.0 - last - third) * 1.8 / 1.6;
    let first = 3.0 - last - third - second;
    assert_close("shares", &shares, &[first, second, third, last], 1e-4);
    assert_close("sum", &[shares.iter().sum()], &[3.0], 1e-5);
    assert!(
        first < 0.0,
        "a negative current worked against the spike: {first}"
    );
}

#[test]
fn gradients_pass_spikes_by_the_surrogate() {
    let pair = Pair::new(7);
    let mut numbers = Numbers::new(8);
    let weights: Vec<Vec<Vec<f64>>> = (0..BATCH)
        .map(|_| {
            (0..STEPS)
                .map(|_| numbers.uniform(WIDTHS[2], -1.0, 1.0))
                .collect()
        })
        .collect();
    let (expected, to_inputs) = pair.expect(&weights, |layer, trace, arriving, _| {
        layer.differentiate(trace, arriving, SLOPE)
    });

    let weights = tensor(
        &time_major(&weights),
        [STEPS, BATCH, WIDTHS[2]],
        &autodiff(),
    );
    let gradients = (pair.run() * weights).sum().backward();
    let found = values(pair.sequence.grad(&gradients).unwrap());
    assert_close("inputs", &found, &to_inputs, TOLERANCE);
    let grads = GradientsParams::from_grads(gradients, &pair.layers.to_vec());
    assert_layers(&grads, &pair, &expected, 1.0);
}

#[test]
fn without_a_surrogate_the_gradient_is_zero_and_the_feedback_is_not() {
    let (device, _alone) = seeded(3);
    let lif = LifConfig::new()
        .with_surrogate(Surrogate::None)
        .init()
        .unwrap();
    let layer = LinearConfig::new(6, 8).init(&device).spiking(lif);
    let x = Tensor::<2>::random([4, 6], Distribution::Uniform(0.0, 3.0), &device);
    let gradients = layer.forward_constant(x.clone(), 5).sum().backward();
    let gradient = layer.inner().weight.val().grad(&gradients).unwrap();
    assert!(values(gradient).iter().all(|&gradient| gradient == 0.0));
    let spikes = layer.forward_constant(x, 5);
    let feedback = spikes
        .clone()
        .propagate(spikes.ones_like())
        .into_grads(&layer);
    let feedback = feedback.get::<2>(layer.inner().weight.id).unwrap();
    let largest = max_abs(&values(feedback));
    assert!(largest.is_finite() && largest > 0.0);
}

#[test]
fn a_constant_input_is_the_same_input_at_every_step() {
    let (device, _alone) = seeded(4);
    let lif = LifConfig::new().init().unwrap();
    let layer = Conv2dConfig::new([2, 3], [3, 3])
        .init(&device)
        .spiking(lif)
        .with_max_pool([2, 2]);
    let x = Tensor::<4>::random([2, 2, 8, 8], Distribution::Uniform(0.0, 2.0), &device);
    let results = [true, false].map(|constant| {
        let x = x.clone().require_grad();
        let spikes = match constant {
            true => layer.forward_constant(x.clone(), 6),
            false => layer.forward(x.clone().unsqueeze_dim::<5>(0).repeat_dim(0, 6)),
        };
        let feedback = spikes.clone().propagate(spikes.ones_like());
        let reward = values(feedback.reward(&x).unwrap());
        let grads = feedback.into_grads(&layer);
        (
            values(spikes),
            reward,
            values(grads.get::<4>(layer.inner().weight.id).unwrap()),
        )
    });
    let [constant, repeated] = results;
    assert_eq!(constant.0, repeated.0);
    assert_close("input", &constant.1, &repeated.1, 1e-5);
    assert_close("weights", &constant.2, &repeated.2, 1e-5);
}

#[test]
fn rewards_of_the_largest_magnitude_reach_the_layer_below_as_one() {
    let pair = Pair::new(5);
    let reward = || Tensor::full([STEPS, BATCH, WIDTHS[2]], 1e-3, &autodiff());
    let largest = |lif_reward| {
        let rule = LfpConfig::new().with_reward_normalization(lif_reward);
        let [first, second] = &pair.layers;
        let (hidden, mark) = lfp_burn::mark(first.forward(pair.sequence.clone()));
        let feedback = second.forward(hidden).propagate_with(reward(), &rule);
        let arriving = values(feedback.reward_at(&mark).unwrap());
        let below = values(feedback.reward(&pair.sequence).unwrap());
        (max_abs(&arriving), below)
    };
    let (scale, plain) = largest(Normalization::None);
    let (_, scaled) = largest(Normalization::MaxAbs);
    // A layer is linear in its rewards: dividing them by their largest divides all that follows.
    let expected: Vec<f64> = plain.iter().map(|reward| reward / scale).collect();
    assert_close("below", &scaled, &expected, TOLERANCE);
}

#[test]
fn gradients_of_the_largest_magnitude_reach_the_layer_below_as_one() {
    // Appendix A.6.4 normalises every backward pass of spiking networks, that of the surrogate gradient included.
    let pair = Pair::new(6);
    let (device, [first, second]) = (autodiff(), &pair.layers);
    let weights = Numbers::new(7).uniform(STEPS * BATCH * WIDTHS[2], -1.0, 1.0);
    let weights = tensor(&weights, [STEPS, BATCH, WIDTHS[2]], &device);
    let gradients_below = |hidden: &Spiking<Linear>| {
        let outputs = second.forward(hidden.forward(pair.sequence.clone()));
        let gradients = (outputs * weights.clone()).sum().backward();
        values(pair.sequence.grad(&gradients).unwrap())
    };
    let spikes = first.forward(pair.sequence.clone()).detach();
    let spikes = spikes.require_grad();
    let outputs = second.forward(spikes.clone());
    let arriving = (outputs * weights.clone()).sum().backward();
    let largest = max_abs(&values(spikes.grad(&arriving).unwrap()));
    // A layer is linear in its gradients.
    let plain = gradients_below(first);
    let expected: Vec<f64> = plain.iter().map(|gradient| gradient / largest).collect();
    let neuron = first.lif().neuron();
    let lif = LifConfig::new()
        .with_beta(neuron.beta())
        .with_threshold(neuron.threshold())
        .with_surrogate(neuron.surrogate())
        .with_gradient_normalization(Normalization::MaxAbs);
    let normalized = first.inner().clone().spiking(lif.init().unwrap());
    assert!((largest - 1.0).abs() > 0.1, "{largest}");
    assert_close("below", &gradients_below(&normalized), &expected, TOLERANCE);
}

#[test]
fn the_output_layer_of_a_network_does_not_normalise_its_gradient() {
    let (device, _alone) = seeded(31);
    let x = Tensor::<4>::random([4, 1, 20, 20], Distribution::Uniform(0.0, 3.0), &device);
    let targets = Tensor::<1, Int>::from_ints([0, 1, 2, 0], &device);
    let lif = LifConfig::new();
    let normalized = lif.with_gradient_normalization(Normalization::MaxAbs);
    let dense = |lif| {
        let config = SpikingMlpConfig::new().with_widths(vec![400, 30, 3]);
        config.with_lif(lif).init(&device).unwrap()
    };
    let convolutional = |lif| {
        let config = SpikingLeNetConfig::new()
            .with_image_size([20, 20])
            .with_num_classes(3);
        config.with_lif(lif).init(&device).unwrap()
    };
    fn updates<M: Classifier>(model: &M, x: Tensor<4>, targets: Tensor<1, Int>) -> Vec<f64> {
        let Outputs::Spikes(spikes) = model.outputs(x) else {
            unreachable!("a spiking network emits spikes")
        };
        let gradients = rate_cross_entropy(spikes, targets).backward();
        let mut updates = Updates {
            grads: &GradientsParams::from_grads(gradients, model),
            found: Vec::new(),
        };
        model.visit(&mut updates);
        updates.found
    }
    fn compare<M: Classifier>(plain: M, normalized: M, x: &Tensor<4>, targets: &Tensor<1, Int>) {
        let normalized = normalized.load_record(plain.clone().into_record());
        let found = [plain, normalized].map(|of| updates(&of, x.clone(), targets.clone()));
        let [plain, normalized] = found;
        // Weights and biases of each layer, from the input to the output.
        let output = plain.len() - 2;
        assert_eq!(plain[output..], normalized[output..]);
        let pairs = plain.iter().zip(&normalized).take(output);
        for (plain, normalized) in pairs {
            assert!(
                *plain > 0.0 && normalized > &(2.0 * plain),
                "{plain} {normalized}"
            );
        }
    }
    compare(dense(lif), dense(normalized), &x, &targets);
    compare(convolutional(lif), convolutional(normalized), &x, &targets);
}

#[test]
fn a_silent_network_learns_at_its_outputs_alone() {
    let device = autodiff();
    let model = SpikingMlpConfig::new()
        .with_widths(vec![3, 4, 2])
        .with_steps(4)
        .with_lif(LifConfig::new().with_threshold(10.0))
        .init(&device)
        .unwrap();
    // Biases of at most 3^-1/2 fill a membrane to less than four times that, far from the threshold.
    let spikes = model.forward(Tensor::zeros([2, 3], &device));
    let silent = spikes.clone().sum().into_scalar::<f32>() == 0.0;
    let targets = Tensor::<1, Int>::from_ints([0, 1], &device);
    let reward = SpikeRateReward::new().forward(spikes.clone(), targets);
    let grads = spikes.propagate(reward).into_grads(&model);
    assert!(silent, "the potentials are below the threshold");
    let mut updates = Updates {
        grads: &grads,
        found: Vec::new(),
    };
    model.visit(&mut updates);
    // Weights and biases of the hidden layer, then of the outputs: only the outputs' biases, which need nobody to
    // fire, have anything to be rewarded for.
    let moved = updates.found.iter().map(|&update| update > 0.0);
    assert_eq!(moved.collect::<Vec<_>>(), [false, false, false, true]);
    assert!(updates.found.iter().all(|update| update.is_finite()));
}

/// The largest magnitude of every parameter's update.
struct Updates<'a> {
    grads: &'a GradientsParams,
    found: Vec<f64>,
}

impl ModuleVisitor for Updates<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let update = self.grads.get::<D>(param.id).expect("an update");
        self.found.push(max_abs(&values(update)));
    }
}

#[test]
fn one_step_one_sample_and_membranes_that_forget_or_never_leak() {
    let (device, _alone) = seeded(6);
    for (beta, steps) in [(0.0, 1), (0.0, 5), (1.0, 5), (0.9, 1)] {
        let lif = LifConfig::new().with_beta(beta);
        let model = SpikingMlpConfig::new()
            .with_widths(vec![3, 16, 2])
            .with_steps(steps)
            .with_lif(lif)
            .init(&device)
            .unwrap();
        let spikes = model.forward(Tensor::full([1, 3], 2.0, &device));
        assert_eq!(spikes.dims(), [steps, 1, 2]);
        assert!(values(spikes.clone()).iter().all(|&s| s == 0.0 || s == 1.0));
        let targets = Tensor::<1, Int>::from_ints([1], &device);
        let reward = SpikeRateReward::new().forward(spikes.clone(), targets.clone());
        let grads = spikes.clone().propagate(reward).into_grads(&model);
        let mut updates = Updates {
            grads: &grads,
            found: Vec::new(),
        };
        model.visit(&mut updates);
        assert_eq!(updates.found.len(), 4, "weights and biases of two layers");
        assert!(updates.found.iter().all(|update| update.is_finite()));
        let loss = rate_cross_entropy(model.forward(Tensor::full([1, 3], 2.0, &device)), targets);
        assert!(loss.into_scalar::<f32>().is_finite());
    }
}

#[test]
fn membranes_that_never_leak_count() {
    // 0.3 a step against a threshold of 1: potentials 0.3, 0.6, 0.9, 1.2 (fires), 0.5, 0.8, 1.1 (fires), 0.4.
    let neuron = LifConfig::new().with_beta(1.0).init().unwrap();
    let currents = Tensor::<3>::full([1, 1, 1], 0.3, &autodiff());
    let (spikes, membrane) = neuron.forward(currents, 8);
    assert_eq!(values(spikes), [0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 1.0, 0.0]);
    let expected = [0.3, 0.6, 0.9, 1.2, 0.5, 0.8, 1.1, 0.4];
    assert_close("membrane", &values(membrane), &expected, 1e-6);
}

#[test]
fn neurons_that_cannot_be_are_named() {
    let config = LifConfig::new();
    for threshold in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        let error = config.with_threshold(threshold).init().unwrap_err();
        assert!(matches!(error, LifError::Threshold(_)), "{error}");
        assert!(error.to_string().contains("positive"), "{error}");
    }
    for beta in [-0.1, 1.1, f64::NAN] {
        let error = config.with_beta(beta).init().unwrap_err();
        assert!(matches!(error, LifError::Beta(_)), "{error}");
    }
    let steep = Surrogate::FastSigmoid { slope: 0.0 };
    let error = config.with_surrogate(steep).init().unwrap_err();
    assert!(matches!(error, LifError::Slope(_)), "{error}");
}

#[test]
#[should_panic(expected = "expected 1 or 4 steps")]
fn currents_of_another_number_of_steps() {
    let lif = LifConfig::new().init().unwrap();
    lif.forward(Tensor::<3>::zeros([3, 1, 1], &autodiff()), 4);
}

#[test]
fn the_rate_coded_loss_is_the_mean_over_steps() {
    let (device, _alone) = seeded(9);
    let spikes = Tensor::<3>::random([4, 5, 3], Distribution::Bernoulli(0.4), &device);
    let targets = Tensor::<1, Int>::from_ints([0, 2, 1, 1, 0], &device);
    let loss = CrossEntropyLossConfig::new().init(&device);
    let mean: f64 = (0..4)
        .map(|t| {
            let step = spikes.clone().slice(t..t + 1).squeeze_dim::<2>(0);
            loss.forward(step, targets.clone()).into_scalar::<f64>() / 4.0
        })
        .sum();
    let ours = rate_cross_entropy(spikes, targets).into_scalar::<f64>();
    assert!((ours - mean).abs() < 1e-6, "{ours} {mean}");
}

#[test]
fn activity_tells_counts_and_firing_rates() {
    let spikes = tensor(&[1.0, 0.0, 1.0, 1.0, 0.0, 0.0], [3, 1, 2], &autodiff());
    let activity = Activity::new("hidden", spikes.clone(), spikes.zeros_like());
    assert_eq!(values(activity.spike_counts()), [2.0, 1.0]);
    assert_eq!(activity.firing_rate(), 0.5);
    assert_eq!(values(spike_counts(spikes)), [2.0, 1.0]);
}

#[test]
fn a_spiking_lenet_shows_what_every_layer_does() {
    let (device, _alone) = seeded(10);
    let model = SpikingLeNetConfig::new()
        .with_image_size([20, 24])
        .with_channels(2)
        .with_num_classes(3)
        .with_steps(4)
        .init(&device)
        .unwrap();
    let images = Tensor::<4>::random([2, 2, 20, 24], Distribution::Uniform(0.0, 3.0), &device);
    let activities = model.observe(images.clone());
    let shapes: Vec<_> = activities.iter().map(|layer| layer.spikes.dims()).collect();
    // (20 - 4) / 2 = 8 and (24 - 4) / 2 = 10, then (8 - 4) / 2 = 2 and (10 - 4) / 2 = 3.
    assert_eq!(shapes, [[4, 2, 12 * 8 * 10], [4, 2, 64 * 2 * 3], [4, 2, 3]]);
    let last = values(activities[2].spikes.clone());
    assert_eq!(values(model.forward(images)), last);
    for layer in &activities {
        let fired = values(layer.spikes.clone());
        let above = values(layer.membrane.clone());
        assert_eq!(fired.len(), above.len());
        for (spike, potential) in fired.iter().zip(above) {
            assert!(potential.is_finite(), "{}", layer.layer);
            assert_eq!(*spike, f64::from(potential > 1.0), "{}", layer.layer);
        }
    }
}

#[test]
fn adaptive_clipping_limits_every_unit_by_its_own_weights() {
    let device = autodiff();
    let mut layer = LinearConfig::new(2, 3).init(&device);
    // Columns, which are the units, of norms 5, 10 and 0.
    let weight = [[3.0, 6.0, 0.0], [4.0, 8.0, 0.0]].concat();
    layer.weight = Param::from_tensor(tensor(&weight, [2, 3], &device));
    layer.bias = Some(Param::from_tensor(tensor(&[0.0, 3.0, 4.0], [3], &device)));
    let mut grads = GradientsParams::new();
    let update = tensor::<2>(
        &[[1.0, 0.03, 2.0], [0.0, 0.04, 0.0]].concat(),
        [2, 3],
        &device,
    );
    grads.register(layer.weight.id, update.inner());
    let bias_id = layer.bias.as_ref().unwrap().id;
    grads.register(bias_id, tensor::<1>(&[0.0, 6.0, 8.0], [3], &device).inner());
    let config = AdaptiveClipConfig::new(0.1).with_epsilon(1e-2);
    let clipped = config.init(SgdConfig::new().build()).unwrap();
    let before = layer.clone();
    // A step of rate 1 moves every parameter by its clipped update.
    let after = ModuleOptimizer::from(clipped).step(1.0, layer, grads);
    // At most 0.1 * 5 of 1; 0.05 is below 0.1 * 10; at most 0.1 * 0.01 of 2.
    let expected = [[0.5, 0.03, 0.001], [0.0, 0.04, 0.0]].concat();
    let moved = values(before.weight.val().inner() - after.weight.val().inner());
    assert_close("weight", &moved, &expected, 1e-5);
    // A vector is one unit: at most 0.1 * 5 of 10.
    let bias = |layer: &Linear| layer.bias.as_ref().unwrap().val().inner();
    let moved = values(bias(&before) - bias(&after));
    assert_close("bias", &moved, &[0.0, 0.3, 0.4], 1e-5);
    for lambda in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        let error = AdaptiveClipConfig::new(lambda).init(SgdConfig::new().build());
        assert!(error.err().unwrap().to_string().contains("lambda"));
    }
}

#[test]
fn a_view_of_the_spikes_starts_a_propagation_as_the_spikes_do() {
    let pair = Pair::new(11);
    let mut numbers = Numbers::new(12);
    let shape = [STEPS, BATCH, WIDTHS[2]];
    let reward = numbers.uniform(shape.iter().product(), 0.1, 1.0);
    let reward = tensor::<3>(&reward, shape, &autodiff());
    let below = |feedback: lfp_burn::Feedback| values(feedback.reward(&pair.sequence).unwrap());
    let expected = below(pair.run().propagate(reward.clone()));
    assert!(expected.iter().any(|reward| *reward != 0.0));
    let flat = pair.run().flatten::<2>(0, 1);
    let found = below(flat.propagate(reward.clone().flatten(0, 1)));
    assert_close("reshaped", &found, &expected, 1e-6);
    let turned = pair.run().permute([1, 2, 0]);
    let found = below(turned.propagate(reward.clone().permute([1, 2, 0])));
    assert_close("permuted", &found, &expected, 1e-6);

    // The last step alone, whose silent neurons are rewarded, too.
    let last = |tensor: Tensor<3>| tensor.narrow(0, STEPS - 1, 1);
    let others = reward.zeros_like().narrow(0, 0, STEPS - 1);
    let padded = Tensor::cat(vec![others, last(reward.clone())], 0);
    let expected = below(pair.run().propagate(padded));
    let found = below(last(pair.run()).propagate(last(reward)));
    assert_close("sliced", &found, &expected, 1e-6);
}

#[test]
fn a_layer_below_another_one_is_no_output() {
    // A hidden silent neuron has contributed nothing, so it receives nothing: neither under a hooked layer nor under a
    // convolution without a stabiliser.
    let device = autodiff();
    let lif = LifConfig::new().init().unwrap();
    let currents = tensor::<4>(&[0.5, 2.0], [1, 1, 1, 2], &device).require_grad();
    let (spikes, _) = lif.forward(currents.clone(), 1);
    let weight = tensor::<4>(&[1.0], [1, 1, 1, 1], &device);
    let options = burn::tensor::ops::ConvOptions::new([1, 1], [0, 0], [1, 1], 1);
    let outputs = hooks::conv2d(spikes, weight, None, options);
    let feedback = outputs.propagate(Tensor::ones([1, 1, 1, 2], &device));
    let rewards = values(feedback.reward(&currents).unwrap());
    assert_eq!(rewards[0], 0.0);
    assert!(rewards[1] > 0.0);
}

#[test]
fn counts_of_spikes_are_logits_like_any_others() {
    // Summing spikes is a linear map, so a reward of the counts goes to the spikes, in equal parts.
    let lif = LifConfig::new().with_beta(1.0).init().unwrap();
    let currents = Tensor::<3>::full([4, 1, 1], 0.6, &autodiff()).require_grad();
    let (spikes, _) = lif.forward(currents.clone(), 4);
    let (spikes, mark) = lfp_burn::mark(spikes);
    let counts = hooks::stabilize(spike_counts(spikes));
    let feedback = counts.propagate(Tensor::full([1, 1], 2.0, &autodiff()));
    // Potentials 0.6, 1.2, 0.8, 1.4: two spikes.
    let rewards = values(feedback.reward_at(&mark).unwrap());
    assert_close("spikes", &rewards, &[0.0, 1.0, 0.0, 1.0], 1e-5);
}

//! What blocks rewards and updates, and what does not (sections 3.4 and 5.1).

use burn::{
    module::{Module, Param},
    nn::{BatchNorm, BatchNormConfig, Linear, LinearConfig},
    optim::{GradientsParams, ModuleOptimizer, SgdConfig, momentum::MomentumConfig},
    tensor::{Device, Distribution, Int, Tensor},
};
use lfp_burn::{
    ActivationFn, Propagate, hooks,
    nn::{Hook, Hooked},
    reward::{Reward, SoftmaxReward},
};

use crate::{autodiff, max_abs, seeded, tensor, values};

#[derive(Module, Debug)]
struct Model {
    hidden: Hooked<Linear>,
    norm: Hooked<BatchNorm>,
    output: Hooked<Linear>,
}

impl Model {
    /// Every fifth weight and every second bias of the hidden layer is zero; Burn draws the others, and starts `beta` of
    /// batch normalisation at zero.
    fn new(device: &Device) -> Self {
        let mut hidden = LinearConfig::new(4, 6).init(device);
        let kept = |every: usize| {
            move |values: Vec<f64>| {
                let values = values.into_iter().enumerate();
                let kept = values.map(|(i, value)| if i % every == 0 { 0.0 } else { value });
                kept.collect::<Vec<_>>()
            }
        };
        let weights = kept(5)(values(hidden.weight.val()));
        hidden.weight = Param::from_tensor(tensor(&weights, [4, 6], device));
        let biases = hidden.bias.take().expect("a bias").val();
        let biases = kept(2)(values(biases));
        hidden.bias = Some(Param::from_tensor(tensor(&biases, [6], device)));
        Self {
            hidden: hidden.hooked(),
            norm: BatchNormConfig::new(6)
                .init(device)
                .hooked()
                .with_activation(ActivationFn::Relu),
            output: LinearConfig::new(6, 3).init(device).hooked(),
        }
    }

    fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        self.output
            .forward(self.norm.forward(self.hidden.forward(x)))
    }

    /// Weights and biases of the hidden layer, gamma and beta.
    fn parameters(&self) -> [Vec<f64>; 4] {
        let (hidden, norm) = (self.hidden.inner(), self.norm.inner());
        [
            values(hidden.weight.val()),
            values(hidden.bias.as_ref().expect("a bias").val()),
            values(norm.gamma.val()),
            values(norm.beta.val()),
        ]
    }
}

/// The parameters before and after five steps with momentum.
fn trained(
    grads: impl Fn(&Model, Tensor<2>, Tensor<1, Int>) -> GradientsParams,
) -> [[Vec<f64>; 4]; 2] {
    let (device, _alone) = seeded(41);
    let mut model = Model::new(&device);
    let before = model.parameters();
    let momentum = MomentumConfig::new().with_momentum(0.9).with_dampening(0.0);
    let mut sgd: ModuleOptimizer = SgdConfig::new().with_momentum(Some(momentum)).init();
    for _ in 0..5 {
        let x = Tensor::<2>::random([12, 4], Distribution::Normal(0.0, 1.0), &device);
        let targets = Tensor::<1, Int>::from_ints([0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2], &device);
        let grads = grads(&model, x, targets);
        model = sgd.step(0.05, model, grads);
    }
    [before, model.parameters()]
}

#[test]
fn a_parameter_of_zero_never_moves_by_lfp() {
    // Eqs. 4, 7 and 10: the update is proportional to the parameter's magnitude. Therefore the beta of batch normalisation,
    // which Burn and PyTorch start at zero, stays there.
    let [before, after] = trained(|model, x, targets| {
        let outputs = model.forward(x);
        let reward = SoftmaxReward::new().forward(outputs.clone(), targets);
        outputs.propagate(reward).into_grads(model)
    });
    for (before, after) in before.iter().zip(&after) {
        for (before, after) in before.iter().zip(after) {
            assert_eq!(*before == 0.0, *after == *before, "{before} {after}");
        }
    }
    let zeros = before.map(|of| of.iter().filter(|value| **value == 0.0).count());
    assert_eq!(zeros, [5, 3, 0, 6]);

    let [before, after] = trained(|model, x, targets| {
        let outputs = model.forward(x);
        let loss = burn::nn::loss::CrossEntropyLossConfig::new().init(&outputs.device());
        GradientsParams::from_grads(loss.forward(outputs, targets).backward(), model)
    });
    for by_gradient in [0, 3] {
        let pairs = before[by_gradient].iter().zip(&after[by_gradient]);
        let mut zeros = pairs.filter(|(before, _)| **before == 0.0);
        assert!(
            zeros.all(|(_, after)| *after != 0.0),
            "the gradient moves zeros"
        );
    }
}

#[test]
fn a_zero_activation_or_a_zero_weight_blocks_a_connection_both_ways() {
    // Section 5.1: LFP blocks the update of a weight and the reward through it by either; the gradient blocks each by one.
    for (x, weight, gradient_moves, gradient_passes) in [
        ([0.0, 1.0], [0.5, 0.5], false, true),
        ([1.0, 1.0], [0.0, 0.5], true, false),
    ] {
        let device = autodiff();
        let x = tensor::<2>(&x, [1, 2], &device).require_grad();
        let weight = tensor::<2>(&weight, [2, 1], &device).require_grad();
        let outputs = || hooks::stabilize(x.clone().matmul(weight.clone()));
        let feedback = outputs().propagate(Tensor::ones([1, 1], &device));
        let quotient = feedback.reward(&weight).expect("a reward of the weights");
        // The magnitude of the update |w| V is that of the connection's reward w V.
        let moves = values(quotient)[0] != 0.0;
        let passes = values(feedback.reward(&x).expect("a reward"))[0] != 0.0;
        assert_eq!([moves, passes], [false, false]);

        let gradients = outputs().sum().backward();
        let moves = values(weight.grad(&gradients).expect("a gradient"))[0] != 0.0;
        let passes = values(x.grad(&gradients).expect("a gradient"))[0] != 0.0;
        assert_eq!([moves, passes], [gradient_moves, gradient_passes]);
    }
}

#[test]
fn a_reward_needs_no_derivative_of_a_heaviside_function() {
    // Section 3.1.1: the gradient below a Heaviside function is zero, the reward is not where the neuron is active.
    let device = autodiff();
    let z = tensor::<1>(&[-1.0, 0.5, 2.0], [3], &device).require_grad();
    let outputs = || hooks::stabilize(hooks::activation(z.clone(), ActivationFn::Heaviside) * 2.0);
    let gradient = z.grad(&outputs().sum().backward()).expect("a gradient");
    assert_eq!(max_abs(&values(gradient)), 0.0);
    let feedback = outputs().propagate(Tensor::ones([3], &device));
    let rewards = values(feedback.reward(&z).expect("a reward"));
    assert_eq!(rewards[0], 0.0, "a silent neuron contributed nothing");
    assert!(
        rewards[1..].iter().all(|reward| *reward > 0.9),
        "{rewards:?}"
    );
}

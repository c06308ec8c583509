//! What is wrong is said, with what was expected.

use burn::{
    nn::LinearConfig,
    tensor::{Device, Tensor},
};
use lfp_burn::{ActivationFn, LfpConfig, Propagate, PropagationError, hooks, nn::Hook};

use crate::{autodiff, seeded};

#[test]
fn a_reward_of_another_shape() {
    let (device, _alone) = seeded(12);
    let layer = LinearConfig::new(2, 3).init(&device).hooked();
    let outputs = layer.forward(Tensor::<2>::ones([4, 2], &device));
    let reward = Tensor::ones([4, 2], &Device::default());
    let error = outputs
        .try_propagate(reward, &LfpConfig::new())
        .err()
        .unwrap();
    let expected = PropagationError::Shape {
        expected: vec![4, 3],
        found: vec![4, 2],
    };
    assert_eq!(error, expected);
    assert!(error.to_string().contains("[4, 3]") && error.to_string().contains("[4, 2]"));
}

#[test]
fn outputs_that_depend_on_nothing_tracked() {
    for device in [Device::default(), autodiff()] {
        let outputs = hooks::stabilize(Tensor::<2>::ones([1, 2], &device));
        let reward = Tensor::ones([1, 2], &device);
        let error = outputs
            .try_propagate(reward, &LfpConfig::new())
            .err()
            .unwrap();
        assert_eq!(error, PropagationError::Untracked);
        assert!(error.to_string().contains("device.autodiff()"));
    }
}

#[test]
#[should_panic(expected = "the reward must have the shape of the outputs")]
fn propagate_panics_where_burn_would() {
    let (device, _alone) = seeded(12);
    let layer = LinearConfig::new(2, 3).init(&device).hooked();
    let outputs = layer.forward(Tensor::<2>::ones([4, 2], &device));
    let _ = outputs.propagate(Tensor::ones([1, 3], &Device::default()));
}

#[test]
fn an_epsilon_that_stabilises_nothing() {
    for epsilon in [0.0, -1e-6, f64::NAN, f64::INFINITY] {
        let error = LfpConfig::new()
            .with_epsilon(epsilon)
            .validate()
            .unwrap_err();
        assert!(error.to_string().contains("positive"), "{error}");
    }
}

#[test]
fn an_activation_nobody_knows() {
    let error = "mish".parse::<ActivationFn>().unwrap_err().to_string();
    assert!(
        error.contains("mish") && error.contains("leaky_relu"),
        "{error}"
    );
}

#[test]
#[should_panic(expected = "expected [2, 3], found [3, 2]")]
fn an_activation_that_changes_the_shape() {
    let z = Tensor::<2>::ones([2, 3], &autodiff());
    let _ = hooks::custom_linear_activation(z, |z| z.transpose());
}

#[test]
fn a_propagation_that_panics_leaves_gradients_as_they_are() {
    let device = autodiff();
    let x = Tensor::<1>::from_floats([0.5, -2.0], &device).require_grad();
    let activated = || hooks::linear_activation(x.clone(), ActivationFn::Tanh);
    let derivative = || crate::values(x.grad(&activated().sum().backward()).unwrap());
    let expected = derivative();
    // The outputs' tape has been consumed, which Burn notices in the backward pass, when the propagation is under way.
    let outputs = activated();
    let _ = outputs.clone().sum().backward();
    let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        outputs.propagate(Tensor::ones([2], &device))
    }));
    assert!(caught.is_err());
    assert_eq!(derivative(), expected);
}

#[test]
fn settings_out_of_range_are_refused_before_anything_is_propagated() {
    let x = Tensor::<1>::from_floats([0.5, -2.0], &autodiff()).require_grad();
    let outputs = hooks::stabilize(x.clone());
    let config = LfpConfig::new().with_epsilon(-1.0);
    let error = outputs
        .clone()
        .try_propagate(Tensor::ones([2], &autodiff()), &config);
    assert!(matches!(error.err().unwrap(), PropagationError::Config(_)));
    // The tape is still there.
    let feedback = outputs.propagate(Tensor::ones([2], &autodiff()));
    assert!(feedback.reward(&x).is_some());
}

#[test]
fn propagations_on_several_threads_do_not_disturb_each_other() {
    let run = |epsilon: f64| {
        let x = Tensor::<1>::from_floats([1.0, 2.0], &autodiff()).require_grad();
        let outputs = hooks::stabilize(hooks::stabilize(x.clone()) * 1.0);
        let reward = Tensor::ones([2], &Device::default());
        let feedback = outputs.propagate_with(reward, &LfpConfig::new().with_epsilon(epsilon));
        crate::values(feedback.reward(&x).unwrap())
    };
    let expected: Vec<_> = [0.1, 0.5, 1.0].map(run).into();
    let threads: Vec<_> = (0..24)
        .map(|index| std::thread::spawn(move || run([0.1, 0.5, 1.0][index % 3])))
        .collect();
    for (index, thread) in threads.into_iter().enumerate() {
        assert_eq!(thread.join().unwrap(), expected[index % 3]);
    }
}

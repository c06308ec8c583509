//! Which backward pass a tape runs is decided when the pass starts: [`propagate`] opens a scope that the hooks see. Burn
//! runs backward steps on the calling thread, so the scope is a thread-local.
//!
//! The thread alone does not identify a pass: while a kernel waits for its parallel parts, rayon may run another training
//! step, with a `backward()` of its own, on top of the waiting propagation. Therefore the first step of a propagation, the
//! seed, records the address of the pass's `Gradients`. Every step of that pass gets the same `Gradients`, and no
//! other pass that is under way does.

use core::cell::Cell;

use burn_autodiff::grads;
use burn_core::{
    backend::Dispatch,
    tensor::{Gradients, Tensor},
};

use crate::{ConfigError, LfpConfig, LfpOps};

/// Why a propagation cannot start.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum PropagationError {
    /// The reward has another shape than the outputs.
    #[error(
        "the reward must have the shape of the outputs: expected {expected:?}, found {found:?}"
    )]
    Shape {
        /// The shape of the outputs.
        expected: Vec<usize>,
        /// The shape of the reward.
        found: Vec<usize>,
    },
    /// The outputs depend on no tracked tensor.
    #[error(
        "the outputs depend on no tracked parameter or input: create the model on \
         `device.autodiff()`, and feed it tensors of that device"
    )]
    Untracked,
    /// A setting is out of range.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The backward pass ran without the scope of its propagation, so it computed no rewards.
    #[error(
        "the backward pass did not run on the thread that called `propagate`, so the hooks could not see the propagation"
    )]
    OutOfScope,
}

/// Propagates `reward` from `output` down the tape, and returns the *quotients* `r / a` at every tracked tensor. The tape
/// is consumed, as by `backward()`.
///
/// # Shapes
///
/// - `output`, `reward`: the same, any rank
///
/// # Errors
///
/// See [`PropagationError`].
pub fn propagate<const D: usize>(
    output: Tensor<D>,
    reward: Tensor<D>,
    config: &LfpConfig,
) -> Result<Gradients, PropagationError> {
    config.validate()?;
    if output.dims() != reward.dims() {
        return Err(PropagationError::Shape {
            expected: output.dims().to_vec(),
            found: reward.dims().to_vec(),
        });
    }
    if !output.is_tracked() {
        return Err(PropagationError::Untracked);
    }
    let reward = reward.to_device(&output.device()).detach();
    let seed = Dispatch::lfp_seed(output.into_dispatch(), reward.into_dispatch());
    let root = Tensor::<1>::from_dispatch(seed);
    let scope = Scope::enter(*config);
    let quotients = root.backward();
    match scope.has_started() {
        true => Ok(quotients),
        false => Err(PropagationError::OutOfScope),
    }
}

thread_local! {
    static CURRENT: Cell<Option<Propagation>> = const { Cell::new(None) };
}

#[derive(Clone, Copy)]
struct Propagation {
    config: LfpConfig,
    /// `None` until the seed has run.
    pass: Option<Pass>,
}

/// The backward pass of a propagation.
#[derive(Clone, Copy)]
struct Pass {
    /// The address of its `Gradients`.
    address: usize,
    /// Whether no hook of a layer has run yet.
    at_output: bool,
}

/// An open propagation on this thread. Dropping it, also on unwinding, restores the outer one.
struct Scope {
    outer: Option<Propagation>,
}

impl Scope {
    fn enter(config: LfpConfig) -> Self {
        let inner = Propagation { config, pass: None };
        Self {
            outer: CURRENT.replace(Some(inner)),
        }
    }

    /// Whether the seed of this propagation has run on this thread.
    fn has_started(&self) -> bool {
        CURRENT.get().is_some_and(|inner| inner.pass.is_some())
    }
}

impl Drop for Scope {
    fn drop(&mut self) {
        CURRENT.set(self.outer);
    }
}

/// How a hook of a layer takes part in a propagation.
#[derive(Clone, Copy)]
pub(crate) struct Arrival {
    pub(crate) config: LfpConfig,
    /// Whether the initial reward arrives here: this is the first layer that the pass meets, and only views (reshape,
    /// slice, permute, ...) lie between it and the outputs. The seed has already divided by its stabilised output.
    pub(crate) at_output: bool,
}

/// Starts the backward pass of the open propagation.
///
/// # Panics
///
/// If no propagation is open on this thread: the pass would otherwise compute gradients and return them as rewards.
pub(crate) fn begin(grads: &grads::Gradients) -> LfpConfig {
    let Some(propagation) = CURRENT.get() else {
        panic!("{}", PropagationError::OutOfScope);
    };
    let pass = Some(Pass {
        address: address(grads),
        at_output: true,
    });
    CURRENT.set(Some(Propagation {
        pass,
        ..propagation
    }));
    propagation.config
}

/// The settings of the propagation whose backward pass fills `grads`; `None` under `backward()`.
pub(crate) fn config_of(grads: &grads::Gradients) -> Option<LfpConfig> {
    running(grads).map(|(propagation, _)| propagation.config)
}

/// The same for the hook of a layer that decomposes rewards; the next such hook is not at the output any more.
pub(crate) fn arrive(grads: &grads::Gradients) -> Option<Arrival> {
    let (propagation, pass) = running(grads)?;
    let passed = Pass {
        at_output: false,
        ..pass
    };
    CURRENT.set(Some(Propagation {
        pass: Some(passed),
        ..propagation
    }));
    Some(Arrival {
        config: propagation.config,
        at_output: pass.at_output,
    })
}

fn running(grads: &grads::Gradients) -> Option<(Propagation, Pass)> {
    let propagation = CURRENT.get()?;
    let pass = propagation.pass?;
    (pass.address == address(grads)).then_some((propagation, pass))
}

fn address(grads: &grads::Gradients) -> usize {
    core::ptr::from_ref(grads).addr()
}

#[cfg(test)]
mod tests {
    use burn_core::tensor::Device;

    use super::*;
    use crate::{ActivationFn, functions::linear_activation};

    fn with_epsilon(epsilon: f64) -> LfpConfig {
        LfpConfig::new().with_epsilon(epsilon)
    }

    fn epsilon() -> Option<f64> {
        CURRENT.get().map(|propagation| propagation.config.epsilon)
    }

    #[test]
    fn leaving_an_inner_propagation_restores_the_outer_one() {
        assert_eq!(epsilon(), None);
        let outer = Scope::enter(with_epsilon(0.1));
        let inner = Scope::enter(with_epsilon(0.2));
        assert_eq!(epsilon(), Some(0.2));
        drop(inner);
        assert_eq!(epsilon(), Some(0.1));
        drop(outer);
        assert_eq!(epsilon(), None);
    }

    #[test]
    fn other_threads_do_not_see_a_propagation() {
        let _scope = Scope::enter(LfpConfig::new());
        let elsewhere = std::thread::spawn(epsilon).join().unwrap();
        assert_eq!(elsewhere, None);
    }

    #[test]
    fn a_panic_ends_the_propagation() {
        let result = std::panic::catch_unwind(|| {
            let _scope = Scope::enter(LfpConfig::new());
            panic!("inside");
        });
        assert!(result.is_err());
        assert_eq!(epsilon(), None);
    }

    fn tanh(x: &Tensor<1>) -> Tensor<1> {
        linear_activation(x.clone(), ActivationFn::Tanh)
    }

    fn input() -> Tensor<1> {
        let x = Tensor::<1>::from_floats([0.5, -2.0], &Device::default().autodiff());
        x.require_grad()
    }

    #[test]
    fn another_backward_pass_during_a_propagation_is_an_ordinary_gradient() {
        let derivative = || {
            let x = input();
            x.grad(&tanh(&x).sum().backward()).unwrap().to_data()
        };
        let expected = derivative();
        let _scope = Scope::enter(with_epsilon(0.5));
        let pass = Some(Pass {
            address: usize::MAX,
            at_output: true,
        });
        CURRENT.set(CURRENT.get().map(|outer| Propagation { pass, ..outer }));
        assert_eq!(derivative(), expected);
    }

    #[test]
    #[should_panic(expected = "the hooks could not see the propagation")]
    fn a_seed_without_a_scope_is_an_error_and_not_a_gradient() {
        let output = tanh(&input());
        let reward = output.clone().detach();
        let seed = Dispatch::lfp_seed(output.into_dispatch(), reward.into_dispatch());
        let _ = Tensor::<1>::from_dispatch(seed).backward();
    }
}

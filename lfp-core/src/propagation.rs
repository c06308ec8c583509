//! Which backward pass a tape runs is decided when the pass starts: [`propagate`] opens a scope that
//! the hooks see. Burn runs backward steps on the calling thread, so the scope is a thread-local.
//!
//! The thread alone does not tell which pass a hook is in: while a kernel waits for its parallel parts,
//! rayon may run another training step, with a `backward()` of its own, on top of the waiting
//! propagation. So the first step of a propagation, the seed, notes the address of the pass's
//! `Gradients`, which every step of that pass is handed, and no other pass that is under way.

use core::cell::Cell;

use burn_autodiff::{NodeId, grads};
use burn_core::{
    backend::Dispatch,
    tensor::{Gradients, Tensor},
};

use crate::{LfpOps, Rule};

/// Why a propagation cannot start.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PropagationError {
    /// One reward per output is needed.
    #[error(
        "the reward must have the shape of the outputs: expected {expected:?}, found {found:?}"
    )]
    Shape {
        /// The shape of the outputs.
        expected: Vec<usize>,
        /// The shape of the reward.
        found: Vec<usize>,
    },
    /// The outputs depend on nothing that is tracked.
    #[error(
        "the outputs depend on no tracked parameter or input: create the model on \
         `device.autodiff()`, and feed it tensors of that device"
    )]
    Untracked,
}

/// Propagates `reward` from `output` down the tape, and returns the *quotients* `r / a` at every
/// tracked tensor. The tape is consumed, as by `backward()`.
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
    rule: Rule,
) -> Result<Gradients, PropagationError> {
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
    let _scope = Scope::enter(rule);
    Ok(root.backward())
}

thread_local! {
    static CURRENT: Cell<Option<Propagation>> = const { Cell::new(None) };
}

#[derive(Clone, Copy)]
struct Propagation {
    rule: Rule,
    pass: Option<Pass>,
}

/// The backward pass of a propagation, from its first step on.
#[derive(Clone, Copy)]
struct Pass {
    /// Where its `Gradients` are.
    address: usize,
    /// The node at which rewards entered.
    root: NodeId,
}

/// An open propagation on this thread. Leaving, also by unwinding, restores what was before.
struct Scope {
    outer: Option<Propagation>,
}

impl Scope {
    fn enter(rule: Rule) -> Self {
        let inner = Propagation { rule, pass: None };
        Self {
            outer: CURRENT.replace(Some(inner)),
        }
    }
}

impl Drop for Scope {
    fn drop(&mut self) {
        CURRENT.set(self.outer);
    }
}

/// Starts the backward pass of the open propagation: rewards enter at `root`, as quotients that are
/// stabilised already. Returns the rule.
pub(crate) fn begin(grads: &grads::Gradients, root: NodeId) -> Rule {
    let address = address(grads);
    let propagation = CURRENT.get().map(|propagation| Propagation {
        pass: Some(Pass { address, root }),
        ..propagation
    });
    CURRENT.set(propagation);
    propagation.map_or_else(Rule::default, |propagation| propagation.rule)
}

/// The rule of the propagation whose backward pass fills `grads`; `None` under `backward()`.
pub(crate) fn rule_of(grads: &grads::Gradients) -> Option<Rule> {
    let propagation = CURRENT.get()?;
    (propagation.pass?.address == address(grads)).then_some(propagation.rule)
}

/// Whether the rewards entered at `node`: its stabiliser has been applied by the seed.
pub(crate) fn is_root(node: NodeId) -> bool {
    let pass = CURRENT.get().and_then(|propagation| propagation.pass);
    pass.is_some_and(|pass| pass.root == node)
}

fn address(grads: &grads::Gradients) -> usize {
    core::ptr::from_ref(grads).addr()
}

#[cfg(test)]
mod tests {
    use burn_core::tensor::Device;

    use super::*;
    use crate::{Activation, functions::neuron};

    fn epsilon() -> Option<f64> {
        CURRENT.get().map(|propagation| propagation.rule.epsilon())
    }

    #[test]
    fn leaving_an_inner_propagation_restores_the_outer_one() {
        assert_eq!(epsilon(), None);
        let outer = Scope::enter(Rule::new(0.1).unwrap());
        let inner = Scope::enter(Rule::new(0.2).unwrap());
        assert_eq!(epsilon(), Some(0.2));
        drop(inner);
        assert_eq!(epsilon(), Some(0.1));
        drop(outer);
        assert_eq!(epsilon(), None);
    }

    #[test]
    fn other_threads_do_not_see_a_propagation() {
        let _scope = Scope::enter(Rule::default());
        let elsewhere = std::thread::spawn(epsilon).join().unwrap();
        assert_eq!(elsewhere, None);
    }

    #[test]
    fn a_panic_ends_the_propagation() {
        let result = std::panic::catch_unwind(|| {
            let _scope = Scope::enter(Rule::default());
            panic!("inside");
        });
        assert!(result.is_err());
        assert_eq!(epsilon(), None);
    }

    #[test]
    fn another_backward_pass_during_a_propagation_is_an_ordinary_gradient() {
        let derivative = || {
            let x = Tensor::<1>::from_floats([0.5, -2.0], &Device::default().autodiff());
            let x = x.require_grad();
            let grads = neuron(x.clone(), Activation::Tanh).sum().backward();
            x.grad(&grads).unwrap().to_data()
        };
        let expected = derivative();
        let _scope = Scope::enter(Rule::new(0.5).unwrap());
        let elsewhere = usize::MAX;
        let pass = Some(Pass {
            address: elsewhere,
            root: NodeId::new(),
        });
        CURRENT.set(CURRENT.get().map(|outer| Propagation { pass, ..outer }));
        assert_eq!(derivative(), expected);
    }
}

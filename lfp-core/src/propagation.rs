//! Which backward pass a tape runs is decided when the pass starts: [`propagate`] opens a scope that
//! the hooks see. Burn runs backward steps on the calling thread, so the scope is a thread-local.

use core::cell::Cell;

use burn_autodiff::NodeId;
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
    root: Option<NodeId>,
}

/// An open propagation on this thread. Leaving, also by unwinding, restores what was before.
struct Scope {
    outer: Option<Propagation>,
}

impl Scope {
    fn enter(rule: Rule) -> Self {
        let inner = Propagation { rule, root: None };
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

/// The rule of the propagation that is running on this thread; `None` under `backward()`.
pub(crate) fn current_rule() -> Option<Rule> {
    CURRENT.get().map(|propagation| propagation.rule)
}

/// Says that rewards enter at `node`, as quotients that are stabilised already.
pub(crate) fn set_root(node: NodeId) {
    let entered = CURRENT.get().map(|propagation| Propagation {
        root: Some(node),
        ..propagation
    });
    CURRENT.set(entered);
}

/// Whether the rewards entered at `node`: its stabiliser has been applied by the seed.
pub(crate) fn is_root(node: NodeId) -> bool {
    CURRENT.get().and_then(|propagation| propagation.root) == Some(node)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn epsilon() -> Option<f64> {
        current_rule().map(|rule| rule.epsilon())
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
    fn a_propagation_has_one_root_and_an_inner_one_does_not_see_it() {
        let _scope = Scope::enter(Rule::default());
        let (root, other) = (NodeId::new(), NodeId::new());
        set_root(root);
        assert!(is_root(root));
        assert!(!is_root(other));
        let _inner = Scope::enter(Rule::default());
        assert!(!is_root(root));
    }
}

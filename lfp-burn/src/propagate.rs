//! The start of a propagation.

use burn::tensor::Tensor;
use lfp_core::{PropagationError, Rule};

use crate::Feedback;

/// Starts a propagation at a model's outputs.
pub trait Propagate<const D: usize>: Sized {
    /// Propagates `reward` by the default [`Rule`], in place of `loss.backward()`.
    ///
    /// Start at the output of the last layer itself. Where that is activated, start at what goes
    /// into the activation: rewards pass activations unchanged, but a neuron that is silent could
    /// not pass on what it gets.
    ///
    /// # Shapes
    ///
    /// - `reward`: that of the outputs, any rank
    ///
    /// # Panics
    ///
    /// Where [`try_propagate`](Self::try_propagate) fails, with its message.
    fn propagate(self, reward: Tensor<D>) -> Feedback {
        self.try_propagate(reward, Rule::default())
            .unwrap_or_else(|error| panic!("{error}"))
    }

    /// Propagates `reward` by a given rule.
    ///
    /// # Shapes
    ///
    /// - `reward`: that of the outputs, any rank
    ///
    /// # Errors
    ///
    /// If the reward has another shape, or the outputs depend on nothing that is tracked.
    fn try_propagate(self, reward: Tensor<D>, rule: Rule) -> Result<Feedback, PropagationError>;
}

impl<const D: usize> Propagate<D> for Tensor<D> {
    fn try_propagate(self, reward: Tensor<D>, rule: Rule) -> Result<Feedback, PropagationError> {
        lfp_core::propagate(self, reward, rule).map(Feedback::new)
    }
}

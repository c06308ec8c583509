//! Starting a propagation at a model's outputs.

use burn::tensor::Tensor;
use lfp_core::{LfpConfig, PropagationError};

use crate::Feedback;

/// Starts a propagation at a model's outputs.
///
/// Start at the output of the last hooked or spiking layer, or at a view of it (reshape, slice, permute): the initial
/// reward then enters that layer exactly. At an activated output it passes the activation unchanged, except that an
/// inactive ReLU cannot pass it on; start below the ReLU if inactive outputs are to learn. At spikes it enters below the
/// spikes, so silent neurons learn, too.
pub trait Propagate<const D: usize>: Sized {
    /// Propagates `reward` with the default [`LfpConfig`], in place of `loss.backward()`.
    ///
    /// # Shapes
    ///
    /// - `reward`: that of the outputs, any rank
    ///
    /// # Panics
    ///
    /// If [`try_propagate`](Self::try_propagate) fails, with its message.
    fn propagate(self, reward: Tensor<D>) -> Feedback {
        self.propagate_with(reward, &LfpConfig::new())
    }

    /// Propagates `reward` with other settings.
    ///
    /// # Shapes
    ///
    /// - `reward`: that of the outputs, any rank
    ///
    /// # Panics
    ///
    /// If [`try_propagate`](Self::try_propagate) fails, with its message.
    ///
    /// # Example
    ///
    /// ```
    /// use burn::tensor::{Device, Tensor};
    /// use lfp_burn::{DropoutRule, LfpConfig, Propagate, hooks::stabilize};
    ///
    /// let x = Tensor::<2>::ones([1, 3], &Device::default().autodiff()).require_grad();
    /// let outputs = stabilize(x.clone() * 2.0);
    /// let config = LfpConfig::new().with_epsilon(1e-4).with_dropout(DropoutRule::Scale);
    /// let feedback = outputs.propagate_with(Tensor::ones([1, 3], &Device::default()), &config);
    /// assert!(feedback.reward(&x).is_some());
    /// ```
    fn propagate_with(self, reward: Tensor<D>, config: &LfpConfig) -> Feedback {
        self.try_propagate(reward, config)
            .unwrap_or_else(|error| panic!("{error}"))
    }

    /// [`propagate_with`](Self::propagate_with), with an error in place of a panic.
    ///
    /// # Errors
    ///
    /// If the reward has another shape than the outputs, the outputs depend on no tracked tensor, or a setting is out of
    /// range.
    fn try_propagate(
        self,
        reward: Tensor<D>,
        config: &LfpConfig,
    ) -> Result<Feedback, PropagationError>;
}

impl<const D: usize> Propagate<D> for Tensor<D> {
    fn try_propagate(
        self,
        reward: Tensor<D>,
        config: &LfpConfig,
    ) -> Result<Feedback, PropagationError> {
        lfp_core::propagate(self, reward, config).map(Feedback::new)
    }
}

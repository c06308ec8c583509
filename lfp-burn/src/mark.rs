//! Rewards of tensors inside a model.

use burn::tensor::{Gradients, Tensor};

/// A tensor of the forward pass whose rewards a propagation records.
#[derive(Clone, Debug)]
pub struct Mark<const D: usize> {
    value: Tensor<D>,
    /// A tracked zero, added to the tensor; `None` on a device without autodiff.
    probe: Option<Tensor<D>>,
}

/// Marks `tensor`, a layer's output, so that [`Feedback::reward_at`](crate::Feedback::reward_at) returns its rewards. Continue
/// the forward pass with the returned tensor.
///
/// # Shapes
///
/// - `tensor` and the one returned: the same, any rank
///
/// # Example
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use lfp_burn::{Propagate, mark};
///
/// let x = Tensor::<2>::from_floats([[1.0, 2.0]], &Device::default().autodiff());
/// let (x, inputs) = mark(x);
/// let sum = x.sum_dim(1);
/// let feedback = sum.propagate(Tensor::from_floats([[3.0]], &Device::default()));
/// let rewards = feedback.reward_at(&inputs).unwrap().to_data().to_vec::<f32>().unwrap();
/// assert!((rewards[0] - 1.0).abs() < 1e-5 && (rewards[1] - 2.0).abs() < 1e-5);
/// ```
pub fn mark<const D: usize>(tensor: Tensor<D>) -> (Tensor<D>, Mark<D>) {
    let value = tensor.clone().inner();
    if !tensor.is_autodiff() {
        return (tensor, Mark { value, probe: None });
    }
    let probe = tensor.zeros_like().require_grad();
    let marked = tensor + probe.clone();
    let probe = Some(probe);
    (marked, Mark { value, probe })
}

impl<const D: usize> Mark<D> {
    pub(crate) fn reward(&self, quotients: &Gradients) -> Option<Tensor<D>> {
        let quotient = self.probe.as_ref()?.grad(quotients)?;
        Some(self.value.clone() * quotient)
    }
}

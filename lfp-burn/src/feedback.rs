//! The result of a propagation.

use burn::{
    module::{Module, ModuleVisitor, Param},
    optim::GradientsParams,
    tensor::{Gradients, Tensor},
};
use lfp_core::functions::descent;

use crate::Mark;

/// The result of a propagation: updates of parameters, relevances of connections, rewards of tensors.
///
/// It holds the quotients `r / a` at every tracked tensor.
pub struct Feedback {
    quotients: Gradients,
}

impl Feedback {
    pub(crate) fn new(quotients: Gradients) -> Self {
        Self { quotients }
    }

    /// The update of every parameter for an optimiser that minimises: `-d`, where `d = |w| V` is the feedback of Eq. 7, summed
    /// over the batch (unless the reward is averaged).
    ///
    /// # Shapes
    ///
    /// - each entry: that of its parameter
    pub fn into_grads<M: Module>(self, model: &M) -> GradientsParams {
        let mut grads = GradientsParams::from_grads(self.quotients, model);
        model.visit(&mut Descent { grads: &mut grads });
        grads
    }

    /// The reward of every connection and bias, `r_ij = w V` (Eq. 6), summed over the batch. With a
    /// reward of 1 at one output and 0 elsewhere this is its relevance by LRP-epsilon.
    ///
    /// # Shapes
    ///
    /// - each entry: that of its parameter
    pub fn relevances<M: Module>(&self, model: &M) -> GradientsParams {
        let mut visitor = Relevances {
            quotients: &self.quotients,
            relevances: GradientsParams::new(),
        };
        model.visit(&mut visitor);
        visitor.relevances
    }

    /// The reward of every element of `tensor`, for example an input with `require_grad()`.
    ///
    /// `None` if the tensor does not require gradients, or does not affect the outputs.
    ///
    /// # Shapes
    ///
    /// - the result: that of `tensor`
    pub fn reward<const D: usize>(&self, tensor: &Tensor<D>) -> Option<Tensor<D>> {
        let quotient = tensor.grad(&self.quotients)?;
        Some(tensor.clone().inner() * quotient)
    }

    /// The reward of every element of a tensor inside the model; see [`mark`](crate::mark).
    ///
    /// `None` if the model did not run on an autodiff device.
    ///
    /// # Shapes
    ///
    /// - the result: that of the marked tensor
    pub fn reward_at<const D: usize>(&self, mark: &Mark<D>) -> Option<Tensor<D>> {
        mark.reward(&self.quotients)
    }
}

struct Descent<'a> {
    grads: &'a mut GradientsParams,
}

impl ModuleVisitor for Descent<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some(quotient) = self.grads.remove::<D>(param.id) {
            self.grads
                .register(param.id, descent(param.val(), quotient));
        }
    }
}

struct Relevances<'a> {
    quotients: &'a Gradients,
    relevances: GradientsParams,
}

impl ModuleVisitor for Relevances<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let weight = param.val();
        if let Some(quotient) = weight.grad(self.quotients) {
            self.relevances
                .register(param.id, weight.inner() * quotient);
        }
    }
}

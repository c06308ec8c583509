//! Rate coding: the output is the number of spikes.

use burn::{
    nn::loss::CrossEntropyLossConfig,
    tensor::{Int, Tensor},
};

/// The number of spikes of every output. The class with the most spikes is the prediction.
///
/// # Shapes
///
/// - `spikes`: `[steps, batch_size, classes]`
/// - output: `[batch_size, classes]`
pub fn spike_counts(spikes: Tensor<3>) -> Tensor<2> {
    spikes.sum_dim(0).squeeze_dim(0)
}

/// The cross-entropy of the spikes of every step, averaged over steps and samples: the loss of the surrogate gradient.
///
/// # Shapes
///
/// - `spikes`: `[steps, batch_size, classes]`
/// - `targets`: `[batch_size]`
/// - output: `[1]`
pub fn rate_cross_entropy(spikes: Tensor<3>, targets: Tensor<1, Int>) -> Tensor<1> {
    let [steps, batch, classes] = spikes.dims();
    let loss = CrossEntropyLossConfig::new().init(&spikes.device());
    let targets = targets.repeat_dim(0, steps);
    loss.forward(spikes.reshape([steps * batch, classes]), targets)
}

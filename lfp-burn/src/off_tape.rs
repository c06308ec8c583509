//! Changes of parameters outside training.

use burn::tensor::Tensor;

/// Changes a parameter's value on its inner device, and keeps whether it requires gradients.
pub(crate) fn off_tape<const D: usize>(
    value: Tensor<D>,
    change: impl FnOnce(Tensor<D>) -> Tensor<D>,
) -> Tensor<D> {
    if !value.is_autodiff() {
        return change(value);
    }
    let require_grad = value.is_require_grad();
    let changed = Tensor::from_inner(change(value.inner()));
    changed.set_require_grad(require_grad)
}

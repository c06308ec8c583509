//! Networks for layer-wise feedback propagation, ready to train.
//!
//! Each is a `Config` with an `init(&device)`, as in `burn::nn`, takes its activation as a
//! parameter, and knows the names its parameters have in PyTorch ([`PyTorchNames`]). Weights are
//! drawn as PyTorch draws them, which is Burn's default: uniform within `1 / sqrt(fan_in)`.
//!
//! | model | used for |
//! |---|---|
//! | [`Mlp`] | the toy data of Figure 3; dense networks on images |
//! | [`LeNet`] | MNIST |
//! | [`SpikingMlp`], [`SpikingLeNet`] | spiking networks on MNIST (Figure 7) |
//! | [`Vgg`] | VGG-16 with and without batch normalisation; VGG-like for CIFAR (Appendix A.6.2) |
//! | [`ResNet`] | ResNet-18 and -34; ResNet-32 for CIFAR |
//!
//! [`StateDict`] brings torchvision's weights into them, and [`to_safetensors`] takes weights back there.

mod convolution;
mod lenet;
mod mlp;
mod names;
mod resnet;
mod spiking_lenet;
mod spiking_mlp;
mod state_dict;
mod vgg;

pub use lenet::{LeNet, LeNetConfig};
pub use mlp::{Mlp, MlpConfig};
pub use names::PyTorchNames;
pub use resnet::{ResNet, ResNetConfig};
pub use spiking_lenet::{SpikingLeNet, SpikingLeNetConfig};
pub use spiking_mlp::{SpikingMlp, SpikingMlpConfig};
pub use state_dict::{Applied, Mismatch, StateDict, StateDictError, to_safetensors};
pub use vgg::{Vgg, VggConfig};

/// A model whose batch normalisation can be merged into the linear maps before it.
pub trait Canonize: burn::module::Module {
    /// The model without batch normalisation: in inference mode the same function.
    ///
    /// # Errors
    ///
    /// If one cannot be merged.
    fn canonized(self) -> Result<Self, lfp_burn::nn::MergeError>;
}

//! Networks for Layer-wise Feedback Propagation (LFP), ready to train.
//!
//! Each network is a Burn `Config` with `init(&device)`, as in `burn::nn`. Weights are initialised as PyTorch
//! initialises a single layer, which is Burn's default: uniform within `1 / sqrt(fan_in)`.
//!
//! | network | models | use |
//! |---|---|---|
//! | [`Mlp`] | `mlp`, `mlp-toy` | dense networks on images; the toy data of Figure 3 |
//! | [`LeNet`] | `lenet` | MNIST |
//! | [`Vgg`] | `vgg16`, `vgg16-bn`, `vgg-like`, `vgg-like-bn` | VGG-16; VGG-like for CIFAR (Appendix A.6.2) |
//! | [`ResNet`] | `resnet18`, `resnet34`, `resnet32` | ResNet-18 and -34; ResNet-32 for CIFAR |
//! | [`Vit`] | `vit-tiny`, `vit-b-16`, `vit-b-32` | Vision Transformers: small, for MNIST and CIFAR; torchvision's |
//! | [`SpikingMlp`], [`SpikingLeNet`] | `snn-mlp`, `snn-lenet` | spiking networks on MNIST (Figure 7) |
//!
//! [`CharTransformer`] predicts characters, and is no classifier of images.
//!
//! - [`Classifier`] is what they have in common: outputs, PyTorch's weights, merged batch normalisation.
//! - [`Model`] finds a network by name; [`NetworkConfig`] configures any of them; [`Network`] holds any of them.
//! - [`StateDict`] loads weights from PyTorch's files and from safetensors; [`Classifier::to_safetensors`] writes them.
//! - [`initialized`] draws the random weights at once, so that a seed determines them.

mod classifier;
mod handle;
mod initialized;
mod networks;
mod registry;
mod state_dict;

pub use classifier::{Classifier, LogitsRequired, Outputs};
pub use initialized::initialized;
pub use networks::*;
pub use registry::{
    Model, ModelOptions, ModelSpec, NetworkConfig, NetworkError, SpikingConfig, UnknownModel,
};
pub use state_dict::{Applied, Difference, Mismatch, Stack, StateDict, StateDictError};

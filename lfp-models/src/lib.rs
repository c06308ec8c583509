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
//! | [`VggLike`] | CIFAR-10 and -100 (Appendix A.6.2) |

mod lenet;
mod mlp;
mod names;
mod spiking_lenet;
mod spiking_mlp;
mod vgg_like;

pub use lenet::{LeNet, LeNetConfig};
pub use mlp::{Mlp, MlpConfig};
pub use names::PyTorchNames;
pub use spiking_lenet::{SpikingLeNet, SpikingLeNetConfig};
pub use spiking_mlp::{SpikingMlp, SpikingMlpConfig};
pub use vgg_like::{VggLike, VggLikeConfig};

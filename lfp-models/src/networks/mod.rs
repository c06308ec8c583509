//! One file per network: the network, its configuration, and the models that it makes.
//!
//! To add a network: write its file, declare it here, and list it in `networks!` and its models in [`MODELS`].

use burn::{module::Module, tensor::Tensor};
use lfp_burn::{
    LifNeuron,
    nn::{InputError, MergeError},
    spiking::Activity,
};

use crate::{Classifier, Model, Outputs, Stack};

mod char_transformer;
mod convolution;
mod encoder;
mod lenet;
mod mlp;
mod resnet;
mod spiking_lenet;
mod spiking_mlp;
mod vgg;
mod vit;

pub use char_transformer::{CharTransformer, CharTransformerConfig, RelevanceError};
pub use encoder::TransformerError;
pub use lenet::{LeNet, LeNetConfig};
pub use mlp::{Mlp, MlpConfig};
pub use resnet::{ResNet, ResNetConfig};
pub use spiking_lenet::{SpikingLeNet, SpikingLeNetConfig};
pub use spiking_mlp::{SpikingMlp, SpikingMlpConfig};
pub use vgg::{Vgg, VggConfig};
pub use vit::{Vit, VitConfig};

/// All models, in the order in which help texts list them.
pub(crate) const MODELS: &[Model] = &[
    Model::MLP,
    Model::MLP_TOY,
    Model::LENET,
    Model::VGG_LIKE,
    Model::VGG_LIKE_BN,
    Model::VGG16,
    Model::VGG16_BN,
    Model::RESNET18,
    Model::RESNET34,
    Model::RESNET32,
    Model::VIT_TINY,
    Model::VIT_B_16,
    Model::VIT_B_32,
    Model::SNN_MLP,
    Model::SNN_LENET,
];

/// Defines [`Network`] with one variant per network, and implements [`Classifier`] by dispatch.
macro_rules! networks {
    ($($network:ident),+ $(,)?) => {
        /// Any network of this crate.
        ///
        /// [`Model::init`] builds one. Weights in PyTorch's format do not depend on whether the network is
        /// wrapped in this type.
        #[derive(Module, Debug)]
        #[allow(
            clippy::large_enum_variant,
            reason = "a program holds few networks, and Burn implements no Module for a box"
        )]
        pub enum Network {
            $(
                #[doc = concat!("A [`", stringify!($network), "`].")]
                $network($network)
            ),+
        }

        $(
            impl From<$network> for Network {
                fn from(network: $network) -> Self {
                    Self::$network(network)
                }
            }
        )+

        impl Classifier for Network {
            fn outputs(&self, images: Tensor<4>) -> Outputs {
                match self {
                    $(Self::$network(network) => network.outputs(images)),+
                }
            }

            fn observe(&self, images: Tensor<4>) -> Vec<Activity> {
                match self {
                    $(Self::$network(network) => Classifier::observe(network, images)),+
                }
            }

            fn neurons(&self) -> Vec<LifNeuron> {
                match self {
                    $(Self::$network(network) => network.neurons()),+
                }
            }

            fn attention_rollout(
                &self,
                images: Tensor<4>,
            ) -> Result<Option<Tensor<3>>, InputError> {
                match self {
                    $(Self::$network(network) => network.attention_rollout(images)),+
                }
            }

            fn merge_batch_norm(self) -> Result<Self, MergeError> {
                match self {
                    $(Self::$network(network) => network.merge_batch_norm().map(Self::$network)),+
                }
            }

            fn pytorch_names(&self) -> Vec<(String, String)> {
                match self {
                    $(Self::$network(network) => network.pytorch_names()),+
                }
            }

            fn pytorch_stacks(&self) -> Vec<Stack> {
                match self {
                    $(Self::$network(network) => network.pytorch_stacks()),+
                }
            }

            fn other_names(&self) -> Vec<(String, String)> {
                match self {
                    $(Self::$network(network) => network.other_names()),+
                }
            }

            fn last_layer(&self) -> String {
                match self {
                    $(Self::$network(network) => network.last_layer()),+
                }
            }
        }
    };
}

networks!(Mlp, LeNet, Vgg, ResNet, Vit, SpikingMlp, SpikingLeNet);

/// Pairs of layer paths from literals.
fn pairs<const N: usize>(names: [(&str, &str); N]) -> Vec<(String, String)> {
    names
        .map(|(ours, theirs)| (ours.to_owned(), theirs.to_owned()))
        .into()
}

//! Pruning: the connections that matter least become zero.
//!
//! [`Scores`] say how much each connection matters, by its magnitude or by its relevance; [`Scores::masks`]
//! picks those to keep, in each layer or over all layers together; [`Masks::apply`] makes the others zero. The
//! model stays an ordinary module of Burn, with the same parameters.
//!
//! # Example
//!
//! ```
//! use burn::nn::conv::Conv2dConfig;
//! use burn::tensor::Device;
//! use lfp_burn::{layer_weights, prune::{Layers, Scope, Scores}};
//!
//! let model = Conv2dConfig::new([3, 8], [3, 3]).init(&Device::default());
//! let masks = Scores::magnitude(&model, Layers::Convolutions).masks(Scope::Global, 0.75)?;
//! let pruned = masks.apply(model);
//! let kept = layer_weights(&pruned)[0].values.iter().filter(|w| **w != 0.0).count();
//! assert_eq!(kept, 3 * 8 * 9 / 4);
//! # Ok::<(), lfp_burn::prune::PruneError>(())
//! ```

mod masks;
mod relevance;
mod scores;

pub use masks::Masks;
pub use relevance::Relevance;
pub use scores::{Layers, PruneError, Scope, Scores};

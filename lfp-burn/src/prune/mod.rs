//! Unstructured pruning: the least important connections become zero.
//!
//! [`Scores`] rank connections by magnitude or by relevance; [`Scores::masks`] selects those to keep, per layer or over all
//! layers together; [`Masks::apply`] sets the others to zero. The model stays an ordinary module of Burn, with the same
//! parameters.
//!
//! # Example
//!
//! ```
//! use burn::nn::conv::Conv2dConfig;
//! use burn::tensor::Device;
//! use lfp_burn::{layer_weights, prune::{LayerFilter, RankingScope, Scores}};
//!
//! let model = Conv2dConfig::new([3, 8], [3, 3]).init(&Device::default());
//! let masks = Scores::magnitude(&model, LayerFilter::Convolutions).masks(RankingScope::Global, 0.75)?;
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
pub use scores::{LayerFilter, PruneError, RankingScope, Scores};

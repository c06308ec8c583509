//! The program that reproduces the experiments of the paper, as a library.
//!
//! | command | module |
//! |---|---|
//! | `bench` | [`mod@bench`]: what a training step costs |
//! | `conformance` | [`conformance`]: our results against those of the authors' package |
//! | `explain` | [`mod@explain`]: heat maps of relevance |
//! | `prune` | [`pruning`]: accuracy over the share of connections pruned |
//! | `reproduce` | [`reproduce`]: figures of the paper |
//! | (`reproduce`) | [`sweep`]: many runs, each kept when it is done |
//! | `train` | [`train`]: one network on real data |

mod allocator;
pub mod bench;
pub mod cli;
pub mod conformance;
pub mod data;
pub mod device;
pub mod explain;
mod files;
pub mod objective;
pub mod plot;
pub mod pruning;
pub mod reproduce;
mod seed;
pub mod sweep;
pub mod train;

pub use allocator::Allocator;
pub use files::FileError;

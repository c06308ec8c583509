//! The program that reproduces the experiments of the paper, as a library.
//!
//! | command | module |
//! |---|---|
//! | `bench` | [`mod@bench`]: time and memory of a training step |
//! | `conformance` | [`conformance`]: comparison with the authors' package |
//! | `explain` | [`mod@explain`]: relevance heat maps |
//! | `prune` | [`mod@prune`]: accuracy over the pruning rate |
//! | `reproduce` | [`reproduce`]: figures and tables of the paper, each made from a [`study`] |
//! | `train` | [`train`]: training of one network |

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
pub mod prune;
pub mod reproduce;
mod seed;
pub mod study;
pub mod train;

pub use allocator::Allocator;
pub use files::FileError;

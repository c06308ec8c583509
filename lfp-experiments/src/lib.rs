//! The program that reproduces the experiments of the paper, as a library.
//!
//! | command | module |
//! |---|---|
//! | `conformance` | [`conformance`]: our results against those of the authors' package |
//! | `train` | [`train`]: one network on real data |

pub mod cli;
pub mod conformance;
pub mod data;
pub mod device;
mod files;
pub mod network;
pub mod objective;
pub mod train;

pub use files::FileError;

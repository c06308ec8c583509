//! The program that reproduces the experiments of the paper, as a library.

pub mod conformance;

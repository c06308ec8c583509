//! `demo`: worked examples of objectives that have no derivative.

pub mod control;
mod curves;
mod digits;
pub mod f1;
pub mod levenshtein;
pub mod quantized;
pub mod verdict;

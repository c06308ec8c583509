//! `demo`: worked examples of objectives that have no derivative.

pub mod control;
pub mod f1;
pub mod quantized;

//! `demo`: worked examples of objectives and networks that have no derivative.

pub mod control;
mod curves;
mod digits;
pub mod f1;
pub mod heaviside;
pub mod levenshtein;
pub mod quantized;
pub mod verdict;

use clap::ValueEnum;

use crate::plot::Look;

/// A way to train that a demo compares with others.
pub trait Compared: ValueEnum + Copy + PartialEq + Send + Sync + 'static {
    /// Its name in figures.
    fn title(self) -> &'static str;

    /// The look of its curve.
    fn look(self) -> Look;
}

//! `reproduce`: figures and tables of the paper, each with its data.
//!
//! To add a figure: write its file or folder with its options (trait `Reproduce`), grid and panels, declare it here, and
//! list it in `figures!`. `shared` has the grids that several figures are made from.

mod args;
mod shared;

mod fig3;
mod fig4;
mod fig5;
mod fig6;
mod fig7;
mod figa1;
mod figa2;
mod figa3;
mod figa5;
mod figa6;
mod figa7;
mod figa8;
mod table3;

use std::path::PathBuf;

use anyhow::Result;
use clap::Subcommand;

pub use args::{Common, DataArgs, Output, PretrainedArgs, Profile};
pub(crate) use args::{Context, PhotographArgs};

/// A figure or table: the options of its subcommand, and how to make it.
trait Reproduce: clap::Args {
    /// Name of the subcommand, and of the folder of the results.
    const NAME: &'static str;

    /// Trains what is not trained yet, and writes picture and report. Returns the folder of the results.
    fn run(&self) -> Result<PathBuf>;
}

/// Defines [`Figure`] with one subcommand per figure.
macro_rules! figures {
    ($($(#[$doc:meta])* $figure:ident: $module:ident,)+) => {
        /// A figure or table of the paper.
        #[derive(Debug, Subcommand)]
        pub enum Figure {
            $(
                $(#[$doc])*
                #[command(name = $module::$figure::NAME)]
                $figure($module::$figure),
            )+
        }

        impl Figure {
            fn write(&self) -> Result<PathBuf> {
                match self {
                    $(Self::$figure(figure) => figure.run(),)+
                }
            }
        }
    };
}

figures! {
    /// LFP and gradient on toy data: decision boundaries, accuracy, weights
    Fig3: fig3,
    /// Trajectories of the two weights of a neuron
    Fig4: fig4,
    /// Distribution of weights by LFP and by gradient
    Fig5: fig5,
    /// Accuracy over the pruning rate
    Fig6: fig6,
    /// Spiking networks: accuracy over the learning rate
    Fig7: fig7,
    /// The curves of Figure 3, enlarged
    FigA1: figa1,
    /// A reward without a derivative, on toy data
    FigA2: figa2,
    /// Spiking networks: accuracy over the number of time steps and the decay of membranes
    FigA3: figa3,
    /// Figure 5 for all networks and data sets
    FigA5: figa5,
    /// Pruning by local magnitude, for all networks and data sets
    FigA6: figa6,
    /// Pruning by global magnitude, for all networks and data sets
    FigA7: figa7,
    /// Pruning by global relevance, for all networks and data sets
    FigA8: figa8,
    /// LFP and gradient on photographs, over networks and activations
    Table3: table3,
}

impl Figure {
    /// Makes the figure, and prints where it is.
    ///
    /// # Errors
    ///
    /// If data or weights cannot be used, a run fails, or a file cannot be written.
    pub fn run(&self) -> Result<bool> {
        let folder = self.write()?;
        println!("written to {}", folder.display());
        Ok(true)
    }
}

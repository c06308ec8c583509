//! `reproduce`: figures and tables of the paper, each with its data.
//!
//! To add a figure: write its file or folder with its options (trait `Reproduce`), grid and panels, declare it here, and
//! list it in `figures!`. `shared` has the grids that several figures are made from.

mod all;
mod args;
mod attempt;
mod fuller;
mod list;
mod overview;
mod shared;

mod fig3;
mod fig4;
mod fig5;
mod fig6;
mod fig7;
mod figa1;
mod figa2;
mod figa3;
mod figa4;
mod figa5;
mod figa6;
mod figa7;
mod figa8;
mod table3;

use anyhow::{Result, bail};
use clap::Subcommand;

use args::{Common, ImageArgs, Output, PhotographArgs, Profile};
pub(crate) use args::{Context, Options};
use overview::OverviewArgs;

use crate::{
    files, output,
    study::{Group, Study, Survey},
};

/// A figure or table: the options of its subcommand, what it trains, and how it is drawn.
pub(crate) trait Reproduce {
    /// Name of the subcommand, and of the folder of the results.
    const NAME: &'static str;

    /// Options of the subcommand.
    type Options: Options;

    /// The studies that the figure is made from. Studies in the same folder share runs with equal names.
    fn studies(_context: &Context) -> Vec<Study> {
        Vec::new()
    }

    /// Trains what is not trained yet, and writes picture and report into the folder of the context.
    fn draw(context: &Context) -> Result<()>;
}

/// A figure or table, as a value.
#[derive(Clone, Copy)]
pub(crate) struct Entry {
    /// Name of the subcommand, and of the folder of the results.
    pub(crate) name: &'static str,
    /// What it shows.
    pub(crate) summary: &'static str,
    /// See [`Reproduce::studies`].
    pub(crate) studies: fn(&Context) -> Vec<Study>,
    draw: fn(&Context) -> Result<()>,
}

/// Defines [`Figure`] with one subcommand per figure, and their list.
macro_rules! figures {
    ($(#[doc = $summary:literal] $figure:ident: $module:ident,)+) => {
        /// A figure or table of the paper.
        #[derive(Debug, Subcommand)]
        pub(crate) enum Figure {
            $(
                #[doc = $summary]
                #[command(name = $module::$figure::NAME)]
                $figure(<$module::$figure as Reproduce>::Options),
            )+
        }

        /// All figures and tables, in the order of the paper.
        pub(crate) const FIGURES: &[Entry] = &[$(Entry {
            name: $module::$figure::NAME,
            summary: $summary.trim_ascii(),
            studies: $module::$figure::studies,
            draw: $module::$figure::draw,
        }),+];

        impl Figure {
            fn open(&self) -> Result<(Entry, Context)> {
                let (name, context) = match self {
                    $(Self::$figure(options) => {
                        let name = $module::$figure::NAME;
                        (name, options.open(name)?)
                    })+
                };
                let entry = FIGURES.iter().find(|entry| entry.name == name);
                Ok((*entry.expect("both come from one list"), context))
            }
        }
    };
}

figures! {
    /// LFP and gradient on toy data: decision boundaries, accuracy, weights
    Fig3: fig3,
    /// Trajectories of the two weights of a neuron
    Fig4: fig4,
    /// LFP and gradient on photographs, over networks and activations
    Table3: table3,
    /// Distribution of weight magnitudes and Gini coefficients, by LFP and by gradient
    Fig5: fig5,
    /// Accuracy over the percentage of pruned connections, by three criteria
    Fig6: fig6,
    /// Spiking networks: accuracy over the learning rate
    Fig7: fig7,
    /// Decision boundaries by LFP on toy data, for the activations other than ReLU
    FigA1: figa1,
    /// A reward without a derivative, on toy data
    FigA2: figa2,
    /// Spiking networks: accuracy over the number of time steps and the decay of membranes
    FigA3: figa3,
    /// The activation functions, and the factor by which LFP replaces their derivative
    FigA4: figa4,
    /// Figure 5 for the additional networks and data sets
    FigA5: figa5,
    /// Figure 5 without normalisation: the magnitudes themselves
    FigA6: figa6,
    /// Figure A.5 without normalisation: the magnitudes themselves
    FigA7: figa7,
    /// Figure 6 for the additional networks and data sets
    FigA8: figa8,
}

/// The command that makes a figure with the paper's grid.
pub(crate) fn command(figure: &str) -> String {
    let figures = Figure::augment_subcommands(clap::Command::new("reproduce"));
    let has = |option: &str| {
        let mut options = figures.find_subcommand(figure)?.get_arguments();
        options.find(|of| of.get_long() == Some(option))
    };
    let options = ["profile paper", "data-dir DATA", "pretrained WEIGHTS"];
    let options = options.into_iter().filter(|option| {
        let name = option.split(' ').next().unwrap_or_default();
        has(name).is_some()
    });
    let options: String = options.map(|option| format!(" --{option}")).collect();
    format!("lfp-experiments reproduce {figure}{options}")
}

/// A subcommand of `reproduce`.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    #[command(flatten)]
    Figure(Figure),
    /// List figures and tables: what each needs, how long it takes, and what is there
    List(OverviewArgs),
    /// Make all figures and tables that the data at hand allow, the cheapest first
    All(OverviewArgs),
}

impl Command {
    /// Runs the subcommand. Returns whether everything that could be made was made.
    ///
    /// # Errors
    ///
    /// If data or weights cannot be used, a run fails, or a file cannot be written.
    pub(crate) fn run(&self) -> Result<bool> {
        match self {
            Self::Figure(figure) => figure.run()?,
            Self::List(args) => list::run(args)?,
            Self::All(args) => return all::run(args),
        }
        Ok(true)
    }
}

impl Figure {
    /// Makes the figure, and prints where it is.
    fn run(&self) -> Result<()> {
        let (entry, context) = self.open()?;
        let mut studies = (entry.studies)(&context).into_iter();
        let weights = &context.resources.pretrained;
        if weights.is_some() && !studies.any(|study| study.needs_imagenet_weights()) {
            bail!("--pretrained has no effect: no network here starts from ImageNet weights");
        }
        if let Some(fuller) = fuller::results(&context, &entry.groups(&context)?) {
            bail!("{fuller}");
        }
        entry.write(&context)?;
        let folder = context.folder.display();
        output::line(format_args!("written to {folder}"))?;
        Ok(())
    }
}

impl Entry {
    /// The runs of the figure, without training any.
    fn groups(&self, context: &Context) -> Result<Vec<Group>> {
        let survey = Survey::new(&context.resources);
        let mut groups = Vec::new();
        for study in (self.studies)(context) {
            groups.extend(survey.of(&study)?);
        }
        Ok(groups)
    }

    /// Creates the folder of the figure, and makes the figure.
    fn write(&self, context: &Context) -> Result<()> {
        files::create_folder(&context.folder)?;
        (self.draw)(context)
    }
}

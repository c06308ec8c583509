//! Table 3: LFP and gradient on photographs, over networks and activations, beside the paper's values.

mod grid;
mod paper;
mod table;

use std::fmt;

use anyhow::{Result, bail};
use clap::Args;
use lfp_burn::ActivationFn;
use lfp_models::Model;

use super::{Context, Options, PhotographArgs, Reproduce, args::check_any_run};
use crate::{
    cli::values,
    data::DataSet,
    objective::Method,
    study::{Condition, MethodVariant, Study, report::Report},
};

pub struct Table3;

#[derive(Debug, Args)]
pub struct TableArgs {
    #[command(flatten)]
    options: PhotographArgs,
    #[command(flatten)]
    selection: Selection,
}

/// Which part of the table to run; an empty list selects everything.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Selection")]
struct Selection {
    /// Networks, separated by commas [default: all]
    #[arg(long, value_delimiter = ',', value_parser = values::model())]
    models: Vec<Model>,
    /// Data sets, separated by commas [default: all that are in --data-dir]
    #[arg(long, value_delimiter = ',', value_parser = values::data_set())]
    datasets: Vec<DataSet>,
    /// Activations, separated by commas [default: all]
    #[arg(long, value_delimiter = ',')]
    activations: Vec<ActivationFn>,
    /// Methods, separated by commas [default: both]
    #[arg(long, value_delimiter = ',')]
    methods: Vec<Method>,
}

impl Selection {
    fn has(&self, condition: &Condition, method: MethodVariant) -> bool {
        fn listed<T: PartialEq>(list: &[T], one: &T) -> bool {
            list.is_empty() || list.contains(one)
        }
        let settings = &condition.settings;
        listed(&self.models, &settings.model)
            && listed(&self.datasets, &settings.dataset)
            && listed(&self.activations, &settings.activation)
            && listed(&self.methods, &method.method())
    }

    /// Checks that every item is one of the table.
    ///
    /// # Errors
    ///
    /// The first that is not.
    fn check_each(&self, conditions: &[Condition]) -> Result<()> {
        fn check<T: PartialEq + fmt::Display>(
            option: &str,
            list: &[T],
            known: impl Iterator<Item = T> + Clone,
        ) -> Result<()> {
            let mut unknown = list
                .iter()
                .filter(|item| !known.clone().any(|of| of == **item));
            match unknown.next() {
                Some(item) => bail!("--{option}: table3 has no {item}"),
                None => Ok(()),
            }
        }
        let settings = conditions.iter().map(|condition| &condition.settings);
        check("models", &self.models, settings.clone().map(|of| of.model))?;
        check(
            "datasets",
            &self.datasets,
            settings.clone().map(|of| of.dataset),
        )?;
        check(
            "activations",
            &self.activations,
            settings.map(|of| of.activation),
        )
    }
}

impl Options for TableArgs {
    fn open(&self, figure: &'static str) -> Result<Context> {
        let selection = self.selection.clone();
        values::distinct("models", &selection.models)?;
        values::distinct("datasets", &selection.datasets)?;
        values::distinct("activations", &selection.activations)?;
        values::distinct("methods", &selection.methods)?;
        let context = self.options.open(figure)?;
        selection.check_each(&grid::quick_conditions())?;
        let context = context.only(move |condition, method| selection.has(condition, method));
        let selected = study(&context);
        let mut selected = selected.selected_conditions().peekable();
        if selected.peek().is_none() {
            bail!(
                "table3 has nothing in profile {} that --models, --datasets, --activations and --methods select together",
                context.profile
            );
        }
        if selected.all(|condition| condition.deferred) {
            bail!("what is selected is trained with --profile paper alone");
        }
        Ok(context)
    }
}

impl Reproduce for Table3 {
    const NAME: &'static str = "table3";

    type Options = TableArgs;

    fn studies(context: &Context) -> Vec<Study> {
        vec![study(context)]
    }

    fn draw(context: &Context) -> Result<()> {
        let results = study(context).run(&context.resources, |_| Ok(()))?;
        check_any_run(context, &results)?;
        let report = Report::new(context.header(), &results).with_paper(&results, paper::value);
        report.write(&context.folder)?;
        table::write(context, &results, &grid::note(context))
    }
}

fn study(context: &Context) -> Study {
    context.study(grid::conditions(context))
}

//! Figure A.1: decision boundaries by LFP on toy data, for the activations other than ReLU.

use anyhow::Result;
use lfp_burn::ActivationFn;

use super::{
    Common, Context, Reproduce,
    args::Layout,
    shared::{activations::ACTIVATIONS, toy},
};
use crate::{
    data::DataSet,
    study::{Condition, MethodVariant, Study},
    train::Settings,
};

pub struct FigA1;

impl Reproduce for FigA1 {
    const NAME: &'static str = "figa1";

    type Options = Common;

    fn studies(context: &Context) -> Vec<Study> {
        vec![study(context)]
    }

    fn draw(context: &Context) -> Result<()> {
        let results = toy::run(context, study(context))?;
        let panels = results.cells.iter().map(|cell| {
            let title = &cell.condition.title;
            toy::boundary(title, cell, &context.resources.device)
        });
        let layout = Layout {
            columns: activations().count(),
            panel_size: (250, 250),
            panels: panels.collect::<Result<_>>()?,
            ..Layout::default()
        };
        context.draw(&results, layout)
    }
}

/// The activations of each data set.
fn study(context: &Context) -> Study {
    let conditions = toy::DATA_SETS.into_iter().flat_map(|dataset| {
        activations().map(move |(activation, title)| condition(context, dataset, activation, title))
    });
    toy::study(context, conditions.collect())
}

fn activations() -> impl Iterator<Item = (ActivationFn, &'static str)> {
    let others = |(activation, _): &(ActivationFn, _)| *activation != ActivationFn::Relu;
    ACTIVATIONS.into_iter().filter(others)
}

/// That of Figure 3 by LFP, with an activation after the last layer: without it, the last layer alone could solve the task.
fn condition(
    context: &Context,
    dataset: DataSet,
    activation: ActivationFn,
    title: &str,
) -> Condition {
    let condition = toy::condition(context, dataset);
    Condition {
        name: format!("{dataset}-{activation}-output"),
        title: format!("{dataset}: {title}"),
        methods: vec![MethodVariant::Lfp],
        settings: Settings {
            activation,
            output_activation: true,
            ..condition.settings.clone()
        },
        ..condition
    }
}

//! Figure A.3: spiking networks over the number of time steps (above) and the decay of membranes (below).
//!
//! One varies while the other is fixed. The paper states neither the fixed values nor the x axis; ours is the value that
//! varies, with the accuracy of each method at its best learning rate for that value. The quick profile has one rate.

use anyhow::Result;
use lfp_models::Model;

use super::{
    Context, ImageArgs, Reproduce,
    args::{Layout, Profile},
    shared::spiking::{self, BETA, BETAS, MODELS, Quick, Rasters},
};
use crate::{
    plot::{Axis, INK, Key, Mark, Panel, Shape, band},
    study::{Cell, MethodVariant, Results, Study, panels},
};

pub struct FigA3;

impl Reproduce for FigA3 {
    const NAME: &'static str = "figa3";

    type Options = ImageArgs;

    fn studies(context: &Context) -> Vec<Study> {
        vec![study(context)]
    }

    fn draw(context: &Context) -> Result<()> {
        let results = spiking::run(context, study(context))?;
        let fixed = spiking::steps(context.profile);
        let over_steps = MODELS.map(|model| {
            let title = format!("{}, \u{3b2} = {BETA}", spiking::title(model));
            let steps = spiking::all_steps(context.profile);
            let axis = Axis::whole("number of time steps n", 0.0..1.1 * steps[2] as f64);
            let values = steps.map(|steps| (steps as f64, spiking::name(model, steps, BETA)));
            panel(title, axis, &values, &results)
        });
        let over_decay = MODELS.map(|model| {
            let title = format!("{}, n = {fixed}", spiking::title(model));
            let axis = Axis::new("decay of membranes \u{3b2}", 0.2..1.0);
            let values = BETAS.map(|beta| (beta, spiking::name(model, fixed, beta)));
            panel(title, axis, &values, &results)
        });
        let layout = Layout {
            columns: MODELS.len(),
            panel_size: (520, 340),
            panels: over_steps.into_iter().chain(over_decay).collect(),
            note: note(context),
        };
        context.draw(&results, layout)
    }
}

fn study(context: &Context) -> Study {
    let quick = Quick {
        rates: vec![0.1],
        seeds: 2,
    };
    let condition = |(model, steps, beta): (Model, usize, f64)| {
        spiking::condition(context, &quick, model, steps, beta)
    };
    let conditions = MODELS
        .into_iter()
        .flat_map(|model| grid(context.profile, model));
    spiking::study(context, conditions.map(condition).collect())
}

fn note(context: &Context) -> String {
    let rates = (context.profile).choose("learning rate 0.1", "each at its best learning rate");
    format!("{rates}; {}", spiking::note(context))
}

/// Model, number of steps and decay of all conditions; the fixed values once.
fn grid(profile: Profile, model: Model) -> impl Iterator<Item = (Model, usize, f64)> {
    let fixed = spiking::steps(profile);
    let over_steps = spiking::all_steps(profile).map(|steps| (model, steps, BETA));
    let decays = BETAS.into_iter().filter(|&beta| beta != BETA);
    let over_decay = decays.map(move |beta| (model, fixed, beta));
    over_steps.into_iter().chain(over_decay)
}

/// Test accuracy of each method at its best learning rate, over `values` with the names of their conditions. A diamond
/// marks the highest accuracy of each method.
fn panel(title: String, axis: Axis, values: &[(f64, String)], results: &Results<Rasters>) -> Panel {
    let cells_at = |name: &str| {
        let mut conditions = results.conditions();
        let found = conditions.find(|cells| cells[0].condition.name == name);
        found.unwrap_or_default()
    };
    let curve = |method: MethodVariant| -> Vec<_> {
        let at = |(value, name): &(f64, String)| {
            let mut cells = cells_at(name).iter();
            let best = cells.find(|cell| cell.method == method)?.best()?;
            let accuracy = best.accuracy();
            Some((*value, (accuracy.mean, accuracy.width())))
        };
        values.iter().filter_map(at).collect()
    };
    let first: &[Cell<Rasters>] = values.first().map_or(&[], |(_, name)| cells_at(name));
    let mut panel = Panel::new(title, axis, panels::accuracy_axis(0.0));
    panel.legend = panels::legend(first);
    panel
        .legend
        .push(Key::mark("highest accuracy", Mark::Diamond, INK));
    for cell in first {
        let curve = curve(cell.method);
        panel
            .shapes
            .extend(band(&curve, &panels::SHARES, cell.method.look()));
        let highest = curve.iter().max_by(|a, b| a.1.0.total_cmp(&b.1.0));
        let highest = highest.map(|&(value, (mean, _))| (value, mean));
        let best = highest.map(|point| Shape::Best(point, cell.method.colour()));
        panel.shapes.extend(best);
    }
    panel
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_value_varies_at_a_time() {
        let grid: Vec<_> = grid(Profile::Paper, Model::SNN_MLP).collect();
        let values: Vec<_> = grid.iter().map(|&(_, steps, beta)| (steps, beta)).collect();
        let over_steps = [(5, 0.9), (15, 0.9), (25, 0.9)];
        let over_decay = [(15, 0.3), (15, 0.6)];
        assert_eq!(values, [&over_steps[..], &over_decay].concat());
    }
}

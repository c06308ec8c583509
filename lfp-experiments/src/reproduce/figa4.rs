//! Figure A.4: the activations of section 3.4.

use anyhow::Result;
use burn::tensor::{Device, Tensor};
use lfp_burn::{ActivationFn, LfpConfig, hooks::activation};
use serde::Serialize;

use super::{Context, Output, Reproduce, args::Layout, shared::activations::ACTIVATIONS};
use crate::{
    files::{self, to_json},
    plot::{Axis, INK, Key, LFP, Panel, Point, Shape},
    study::report::Header,
};

/// Range of the input, and of the axis of the output.
const INPUTS: (f64, f64) = (-3.0, 3.0);
const OUTPUTS: (f64, f64) = (-1.25, 3.0);
/// Number of inputs; even, so that 0, where a / z is not defined, is none of them.
const COUNT: usize = 600;

pub struct FigA4;

/// `result.json`; the values are in `results.csv`.
#[derive(Serialize)]
struct Report {
    #[serde(flatten)]
    header: Header,
    activations: Vec<String>,
    epsilon: f64,
}

/// An activation over its input.
struct Curve {
    activation: ActivationFn,
    title: &'static str,
    /// z and a = phi(z).
    outputs: Vec<Point>,
    /// z and a / (z + sign(z) epsilon).
    shares: Vec<Point>,
}

impl Reproduce for FigA4 {
    const NAME: &'static str = "figa4";

    type Options = Output;

    fn draw(context: &Context) -> Result<()> {
        let device = &context.resources.device;
        let curves = ACTIVATIONS.map(|(activation, title)| Curve::of(activation, title, device));
        files::create_folder(&context.folder)?;
        let report = Report {
            header: context.header(),
            activations: curves.iter().map(|of| of.activation.to_string()).collect(),
            epsilon: LfpConfig::new().epsilon,
        };
        files::write(&context.folder.join("result.json"), &to_json(&report))?;
        let columns = ["activation", "z", "a", "a_over_z"];
        let rows = curves.iter().flat_map(Curve::rows);
        files::write_csv(&context.folder.join("results.csv"), columns, rows)?;
        let layout = Layout {
            columns: 3,
            panel_size: (330, 280),
            panels: curves.iter().map(Curve::panel).collect(),
            note: "LFP multiplies by a / z where the gradient multiplies by the derivative."
                .to_owned(),
        };
        let figure = layout.with_corner("functions of z; no data".to_owned());
        figure.write(&context.folder, Self::NAME)
    }
}

impl Curve {
    fn of(function: ActivationFn, title: &'static str, device: &Device) -> Self {
        let (from, to) = INPUTS;
        let steps = (COUNT - 1) as f64;
        let inputs = (0..COUNT).map(|index| from + (to - from) * index as f64 / steps);
        let inputs: Vec<f64> = inputs.collect();
        let z = Tensor::<1>::from_floats(inputs.as_slice(), device);
        let outputs = activation(z, function).into_data();
        let outputs: Vec<Point> = inputs.into_iter().zip(outputs.iter::<f64>()).collect();
        let epsilon = LfpConfig::new().epsilon;
        let share = |&(z, a): &Point| {
            let stabilized = z + if z < 0.0 { -epsilon } else { epsilon };
            (z, a / stabilized)
        };
        Self {
            activation: function,
            title,
            shares: outputs.iter().map(share).collect(),
            outputs,
        }
    }

    fn rows(&self) -> impl Iterator<Item = [String; 4]> {
        let points = self.outputs.iter().zip(&self.shares);
        points.map(|(&(z, a), &(_, share))| {
            let [z, a, share] = [z, a, share].map(|value| value.to_string());
            [self.activation.to_string(), z, a, share]
        })
    }

    fn panel(&self) -> Panel {
        let mut panel = Panel::new(
            self.title,
            Axis::new("z", INPUTS.0..INPUTS.1),
            Axis::new("a, a / z", OUTPUTS.0..OUTPUTS.1),
        );
        let shares = pieces(&self.shares).map(|piece| Shape::Dashes(piece.into(), INK));
        let outputs = pieces(&self.outputs).map(|piece| Shape::Line(piece.into(), LFP.colour));
        panel.shapes = shares.chain(outputs).collect();
        panel.legend = vec![
            Key::line("output a of the activation", LFP.colour),
            Key::dashes("a / z", INK),
        ];
        panel
    }
}

/// The parts of a curve within the range of the axis, cut where the function jumps.
fn pieces(points: &[Point]) -> impl Iterator<Item = &[Point]> {
    let is_shown = |&(_, y): &Point| (OUTPUTS.0..=OUTPUTS.1).contains(&y);
    let joined = move |a: &Point, b: &Point| is_shown(a) && is_shown(b) && (a.1 - b.1).abs() < 0.5;
    let pieces = points.chunk_by(joined);
    pieces.filter(|piece| piece.len() > 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn curve(activation: ActivationFn) -> Curve {
        Curve::of(activation, "", &Device::default())
    }

    /// Section 3.4: rewards keep their sign where a / z is not negative, which only the sigmoid violates.
    #[test]
    fn of_the_six_only_the_sigmoid_changes_the_sign() {
        for (activation, _) in ACTIVATIONS {
            let negative = curve(activation)
                .shares
                .iter()
                .any(|&(_, share)| share < 0.0);
            assert_eq!(
                negative,
                activation == ActivationFn::Sigmoid,
                "{activation}"
            );
        }
    }

    #[test]
    fn a_curve_is_cut_at_a_jump_and_at_the_border_of_the_panel() {
        let step = curve(ActivationFn::Heaviside);
        assert_eq!(pieces(&step.outputs).count(), 2);
        // 1 / z leaves the panel above 3.
        let highest = pieces(&step.shares).flatten().map(|&(_, share)| share);
        assert!(highest.fold(0.0, f64::max) <= OUTPUTS.1);
    }
}

//! `explain`: heat maps of the relevance of pixels.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Result, bail};
use burn::tensor::{Device, Tensor, TensorData, activation::softmax};
use image::{Rgb, RgbImage};
use lfp_burn::{
    LfpConfig, Propagate,
    reward::{Reward, TargetReward},
};
use lfp_models::{Classifier, Network};
use plotters::prelude::RGBColor;

use crate::{
    data::{Sample, Samples},
    files,
    plot::{Axis, ColourBar, Figure, Panel, Shape, mix},
};

/// Width of a cell of the figure's grid: that of a colour bar.
const CELL: u32 = 84;
/// Cells that the image takes; the heat map takes one more, for its bar.
const CELLS: usize = 4;
/// Height of the panels, with which an image becomes a square.
const HEIGHT: u32 = 347;

/// Lowest relevance, no relevance, highest relevance: the colours of the map "cividis". The lightness rises with the
/// relevance, so that the map can be read without colour.
const COLOURS: [RGBColor; 3] = [
    RGBColor(0, 32, 77),
    RGBColor(124, 123, 120),
    RGBColor(255, 234, 70),
];

/// Draws the first `count` samples of `data`, each beside the relevance of its pixels for its true class, with the true
/// class, the prediction and a colour bar; for a network with attention also beside its rollout. `origin` says which network it is. Returns the paths of the files.
///
/// # Errors
///
/// If the samples are no images, a sample cannot be read, a file cannot be written, or the network emits spikes.
pub fn explain(
    network: &Network,
    data: &Arc<dyn Samples>,
    count: usize,
    origin: &str,
    device: &Device,
    folder: &Path,
) -> Result<Vec<PathBuf>> {
    files::create_folder(folder)?;
    let mut written = Vec::new();
    for index in 0..count.min(data.len()) {
        let sample = data.read(index, 0)?;
        let Some(picture) = data.picture(index)? else {
            bail!("explain draws images, and the samples of this data set are none");
        };
        let explanation = Explanation::of(network, &sample, data.shape(), device)?;
        let name = |class: usize| match data.class_name(class) {
            Some(name) => format!("{class} ({name})"),
            None => class.to_string(),
        };
        let mut figure = explanation.figure(&picture, name);
        figure.corner = format!("{origin}; test image {index}");
        let path = folder.join(format!("{index:04}-class{}.png", sample.label));
        figure.write_png(&path)?;
        written.push(path);
    }
    Ok(written)
}

/// What a network makes of an image.
struct Explanation {
    label: u32,
    predicted: usize,
    /// Softmax of the predicted class.
    score: f32,
    /// Relevance of each pixel for the true class, row by row.
    relevance: Vec<f32>,
    /// Attention of the class token for each pixel, if the network has attention.
    rollout: Option<Vec<f32>>,
}

impl Explanation {
    /// LRP-epsilon from 1 at the true class, summed over the channels.
    fn of(
        network: &Network,
        sample: &Sample,
        [channels, height, width]: [usize; 3],
        device: &Device,
    ) -> Result<Self> {
        let pixels = TensorData::new(sample.values.clone(), [1, channels, height, width]);
        let inputs = Tensor::<4>::from_data(pixels, device).require_grad();
        let logits = network.outputs(inputs.clone()).logits()?;
        let scores = softmax(logits.clone().inner(), 1).into_data();
        let scores = scores.iter::<f32>().enumerate();
        let best = scores.reduce(|best, next| if next.1 > best.1 { next } else { best });
        let (predicted, score) = best.unwrap_or_default();
        let target = Tensor::from_data([i64::from(sample.label)], device);
        let reward = TargetReward::new().forward(logits.clone(), target);
        let feedback = logits
            .try_propagate(reward, &LfpConfig::new())
            .expect("the reward has the shape of the logits, and the inputs are tracked");
        let relevance = feedback.reward(&inputs).expect("the inputs are tracked");
        let numbers = |data: TensorData| data.iter::<f32>().collect();
        let rollout = network.attention_rollout(inputs)?;
        Ok(Self {
            label: sample.label,
            predicted,
            score,
            relevance: numbers(relevance.sum_dim(1).into_data()),
            rollout: rollout.map(|shares| numbers(shares.into_data())),
        })
    }

    /// The image on the left, then the relevance, then the attention if there is any.
    fn figure(&self, picture: &RgbImage, name: impl Fn(usize) -> String) -> Figure {
        let Self {
            label,
            predicted,
            score,
            ref relevance,
            ref rollout,
        } = *self;
        let (label, predicted) = (name(label as usize), name(predicted));
        let mut image = panel(format!("true class {label}"), picture);
        image.span = (CELLS, 1);
        let title = format!("predicted {predicted}, score {:.1} %", 100.0 * score);
        let size = picture.dimensions();
        let mut panels = vec![image, heat_map(title, relevance, size, "relevance")];
        let mut columns = 2 * CELLS + 1;
        let what =
            format!("relevance of each pixel for class {label} (LRP-epsilon from 1 at its logit)");
        let note = match rollout {
            None => format!("Right: {what}"),
            Some(shares) => {
                columns += CELLS + 1;
                panels.push(heat_map(
                    "attention rollout".to_owned(),
                    shares,
                    size,
                    "attention",
                ));
                format!("Middle: {what}; right: attention of the class token")
            }
        };
        Figure {
            columns,
            panel_size: (CELL, HEIGHT),
            panels,
            corner: String::new(),
            note,
        }
    }
}

/// Values of pixels, row by row, as colours with a bar.
fn heat_map(title: String, values: &[f32], (width, height): (u32, u32), label: &str) -> Panel {
    let largest = values
        .iter()
        .fold(0.0, |largest: f32, value| largest.max(value.abs()));
    let map = RgbImage::from_fn(width, height, |x, y| {
        let value = values.get((y * width + x) as usize).copied();
        let RGBColor(r, g, b) = colour(value.unwrap_or_default(), largest);
        Rgb([r, g, b])
    });
    let mut panel = panel(title, &map);
    panel.span = (CELLS + 1, 1);
    panel.bar = Some(bar(largest, label));
    panel
}

/// A picture in the middle of a square.
fn panel(title: String, picture: &RgbImage) -> Panel {
    let (width, height) = picture.dimensions();
    let size = f64::from(width.max(height));
    let axis = |length: u32| {
        let margin = (size - f64::from(length)) / 2.0;
        Axis::hidden(-margin..size - margin)
    };
    let mut panel = Panel::new(title, axis(width), axis(height));
    for (x, y, pixel) in picture.enumerate_pixels() {
        let [r, g, b] = pixel.0;
        // Rows are counted from the top, and the axis goes upwards.
        let (left, top) = (f64::from(x), f64::from(height - y));
        let corner = (left + 1.0, top - 1.0);
        let cell = Shape::Cell((left, top), corner, RGBColor(r, g, b));
        panel.shapes.push(cell);
    }
    panel
}

/// The colour of a relevance, where `largest` is the largest magnitude.
fn colour(relevance: f32, largest: f32) -> RGBColor {
    let share = match largest > 0.0 {
        true => f64::from(relevance / largest),
        false => 0.0,
    };
    let [lowest, zero, highest] = COLOURS;
    match share < 0.0 {
        true => mix(zero, lowest, -share),
        false => mix(zero, highest, share),
    }
}

fn bar(largest: f32, label: &str) -> ColourBar {
    const STEPS: i32 = 64;
    let colours = (-STEPS..=STEPS).map(|step| colour(step as f32, STEPS as f32));
    let tick = |share: f32| {
        let place = f64::from(share + 1.0) / 2.0;
        (place, two_digits(share * largest))
    };
    ColourBar {
        label: label.to_owned(),
        colours: colours.collect(),
        ticks: [-1.0, -0.5, 0.0, 0.5, 1.0].map(tick).into(),
    }
}

/// A number with two significant digits, such as 0.034.
fn two_digits(value: f32) -> String {
    let magnitude = value.abs().log10().floor();
    match magnitude.is_finite() {
        true => format!("{value:.*}", (1.0 - magnitude).clamp(0.0, 9.0) as usize),
        false => "0".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lightness_rises_with_the_relevance_and_the_largest_magnitude_has_the_full_colour() {
        // Relative luminance by the weights of sRGB, without its gamma.
        let lightness = |relevance| {
            let RGBColor(r, g, b) = colour(relevance, 2.0);
            0.2126 * f64::from(r) + 0.7152 * f64::from(g) + 0.0722 * f64::from(b)
        };
        let rising: Vec<f64> = [-2.0, -1.0, -0.1, 0.0, 0.1, 1.0, 2.0].map(lightness).into();
        assert!(rising.is_sorted_by(|a, b| a < b), "{rising:?}");
        assert_eq!([-2.0, 0.0, 2.0].map(|value| colour(value, 2.0)), COLOURS);
        assert_eq!(colour(0.0, 0.0), COLOURS[1], "nothing is relevant");
    }

    #[test]
    fn the_bar_goes_from_the_lowest_to_the_highest_relevance() {
        let ColourBar { colours, ticks, .. } = bar(0.125, "relevance");
        assert_eq!([colours[0], colours[64], colours[128]], COLOURS);
        let ticks: Vec<_> = ticks
            .iter()
            .map(|(at, text)| (*at, text.as_str()))
            .collect();
        let expected = [
            (0.0, "-0.12"),
            (0.25, "-0.062"),
            (0.5, "0"),
            (0.75, "0.062"),
            (1.0, "0.12"),
        ];
        assert_eq!(ticks, expected);
    }
}

//! `explain`: heat maps of the relevance of pixels.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::Result;
use burn::tensor::{Device, Tensor, TensorData};
use image::{ImageEncoder, Rgb, RgbImage, codecs::png::PngEncoder, imageops::FilterType};
use lfp_burn::{
    LfpConfig, Propagate,
    reward::{Reward, TargetReward},
};
use lfp_models::{Classifier, LogitsRequired, Network};

use crate::{
    data::{Sample, Samples},
    files,
};

/// Smallest height or width of a picture; smaller images are enlarged by whole factors.
const SMALLEST: u32 = 224;

/// Draws the first `count` samples of `data`, each beside the relevance of its pixels for its true class: red for
/// positive relevance, blue for negative. Returns the paths of the files.
///
/// # Errors
///
/// If a sample cannot be read, a file cannot be written, or the network emits spikes.
pub fn explain(
    network: &Network,
    data: &Arc<dyn Samples>,
    count: usize,
    device: &Device,
    folder: &Path,
) -> Result<Vec<PathBuf>> {
    files::create_folder(folder)?;
    let mut written = Vec::new();
    for index in 0..count.min(data.len()) {
        let sample = data.read(index, 0)?;
        let relevance = relevance(network, &sample, data.shape(), device)?;
        let picture = beside(
            &original(&sample, data.shape()),
            &heat_map(&relevance, data.shape()),
        );
        let path = folder.join(format!("{index:04}-class{}.png", sample.label));
        files::write(&path, &png(&picture))?;
        written.push(path);
    }
    Ok(written)
}

/// LRP-epsilon from 1 at the true class: the relevance of each pixel, row by row, summed over the channels.
fn relevance(
    network: &Network,
    sample: &Sample,
    [channels, height, width]: [usize; 3],
    device: &Device,
) -> Result<Vec<f32>, LogitsRequired> {
    let pixels = TensorData::new(sample.values.clone(), [1, channels, height, width]);
    let inputs = Tensor::<4>::from_data(pixels, device).require_grad();
    let logits = network.outputs(inputs.clone()).logits()?;
    let target = Tensor::from_data([i64::from(sample.label)], device);
    let reward = TargetReward::new().forward(logits.clone(), target);
    let feedback = logits
        .try_propagate(reward, &LfpConfig::new())
        .expect("the reward has the shape of the logits, and the inputs are tracked");
    let relevance = feedback.reward(&inputs).expect("the inputs are tracked");
    Ok(relevance.sum_dim(1).into_data().iter::<f32>().collect())
}

/// Red for positive, blue for negative, white for zero; the largest magnitude has the full colour.
fn heat_map(relevance: &[f32], [_, height, width]: [usize; 3]) -> RgbImage {
    let largest = relevance
        .iter()
        .fold(0.0, |largest: f32, value| largest.max(value.abs()));
    let colour = |x: u32, y: u32| {
        let value = relevance[y as usize * width + x as usize];
        let strength = if largest > 0.0 {
            value.abs() / largest
        } else {
            0.0
        };
        let fading = |share: f32| (255.0 * (1.0 - share * strength)).round() as u8;
        match value > 0.0 {
            true => Rgb([fading(0.1), fading(1.0), fading(1.0)]),
            false => Rgb([fading(1.0), fading(1.0), fading(0.1)]),
        }
    };
    RgbImage::from_fn(width as u32, height as u32, colour)
}

/// The sample with its values scaled to 0..255; grey if it has one channel.
fn original(sample: &Sample, [channels, height, width]: [usize; 3]) -> RgbImage {
    let values = &sample.values;
    let lowest = values.iter().copied().fold(f32::INFINITY, f32::min);
    let highest = values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let range = (highest - lowest).max(f32::MIN_POSITIVE);
    RgbImage::from_fn(width as u32, height as u32, |x, y| {
        let pixel = y as usize * width + x as usize;
        Rgb([0, 1, 2].map(|channel: usize| {
            let value = values[channel.min(channels - 1) * height * width + pixel];
            (255.0 * (value - lowest) / range).round() as u8
        }))
    })
}

fn beside(left: &RgbImage, right: &RgbImage) -> RgbImage {
    let (width, height) = left.dimensions();
    let scale = SMALLEST.div_ceil(width.max(height));
    let (width, height) = (width * scale, height * scale);
    let mut both = RgbImage::new(2 * width, height);
    for (index, image) in (0..).zip([left, right]) {
        let large = image::imageops::resize(image, width, height, FilterType::Nearest);
        image::imageops::replace(&mut both, &large, index * i64::from(width), 0);
    }
    both
}

fn png(image: &RgbImage) -> Vec<u8> {
    let (width, height) = image.dimensions();
    let mut content = Vec::new();
    let kind = image::ExtendedColorType::Rgb8;
    PngEncoder::new(&mut content)
        .write_image(image, width, height, kind)
        .expect("writing to memory does not fail");
    content
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positive_relevance_is_red_and_negative_relevance_blue() {
        let map = heat_map(&[2.0, -2.0, 0.0, 1.0], [1, 2, 2]);
        assert_eq!(*map.get_pixel(0, 0), Rgb([230, 0, 0]));
        assert_eq!(*map.get_pixel(1, 0), Rgb([0, 0, 230]));
        assert_eq!(*map.get_pixel(0, 1), Rgb([255, 255, 255]));
        assert_eq!(*map.get_pixel(1, 1), Rgb([242, 128, 128]));
        assert_eq!(
            *heat_map(&[0.0; 4], [1, 2, 2]).get_pixel(0, 0),
            Rgb([255; 3])
        );
    }
}

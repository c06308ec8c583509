//! Images in memory.

use burn::data::dataset::{Dataset, DatasetError};
use image::{Rgb, RgbImage};
use sha2::{Digest, Sha256};

use super::{DataError, Sample, Samples, samples::identify_by_labels};

/// Images as bytes in memory, normalised on access.
#[derive(Debug)]
pub struct Images {
    /// Shape of an image, `[channels, height, width]`.
    pub(super) shape: [usize; 3],
    pub(super) num_classes: usize,
    /// Names of the classes; empty if they have none.
    pub(super) class_names: &'static [&'static str],
    /// All images, one after another.
    pub(super) pixels: Vec<u8>,
    pub(super) labels: Vec<u8>,
    /// Per-channel lookup table from a byte to its normalised value.
    pub(super) lookup: Vec<[f32; 256]>,
}

/// The images of a part as they are read: bytes, all of one size.
#[derive(Default)]
pub(super) struct Contents {
    /// Height and width.
    pub(super) sides: [usize; 2],
    /// All images, one after another, channel by channel.
    pub(super) pixels: Vec<u8>,
    pub(super) labels: Vec<u8>,
}

impl Contents {
    /// No images.
    pub(super) fn of(sides: [usize; 2]) -> Self {
        Self {
            sides,
            ..Self::default()
        }
    }

    /// Images with a channel for each table of `lookup`.
    pub(super) fn into_images(
        self,
        num_classes: usize,
        class_names: &'static [&'static str],
        lookup: Vec<[f32; 256]>,
    ) -> Images {
        let [height, width] = self.sides;
        Images {
            shape: [lookup.len(), height, width],
            num_classes,
            class_names,
            pixels: self.pixels,
            labels: self.labels,
            lookup,
        }
    }
}

/// Lookup tables that map a byte to `[0, 1]`, subtract the channel's mean and divide by its standard deviation.
pub(super) fn normalization<const N: usize>(mean: [f32; N], std: [f32; N]) -> Vec<[f32; 256]> {
    let channel =
        |(mean, std): (f32, f32)| std::array::from_fn(|byte| (byte as f32 / 255.0 - mean) / std);
    mean.into_iter().zip(std).map(channel).collect()
}

impl Images {
    /// Pixels of an image, `[channels, height, width]`.
    fn bytes(&self, index: usize) -> &[u8] {
        let size = self.shape.iter().product::<usize>();
        &self.pixels[index * size..(index + 1) * size]
    }

    fn sample(&self, index: usize) -> Sample {
        let [_, height, width] = self.shape;
        let pixels = self.bytes(index);
        let channels = pixels.chunks(height * width).zip(&self.lookup);
        let values = channels
            .flat_map(|(pixels, lookup)| pixels.iter().map(|&pixel| lookup[usize::from(pixel)]));
        Sample {
            values: values.collect(),
            label: self.label(index),
        }
    }
}

impl Dataset<Sample> for Images {
    fn get(&self, index: usize) -> Result<Sample, DatasetError> {
        Ok(self.sample(index))
    }

    fn len(&self) -> usize {
        self.labels.len()
    }
}

impl Samples for Images {
    fn shape(&self) -> [usize; 3] {
        self.shape
    }

    fn num_classes(&self) -> usize {
        self.num_classes
    }

    fn class_name(&self, class: usize) -> Option<&str> {
        self.class_names.get(class).copied()
    }

    fn label(&self, index: usize) -> u32 {
        self.labels[index].into()
    }

    fn read(&self, index: usize, _variant: u64) -> Result<Sample, DataError> {
        Ok(self.sample(index))
    }

    fn identify(&self, digest: &mut Sha256) {
        identify_by_labels(self, digest);
        digest.update(&self.pixels);
    }

    /// Grey if the images have one channel.
    fn picture(&self, index: usize) -> Result<Option<RgbImage>, DataError> {
        let [channels, height, width] = self.shape;
        let bytes = self.bytes(index);
        let colour = |x: u32, y: u32| {
            let pixel = y as usize * width + x as usize;
            Rgb([0, 1, 2]
                .map(|channel: usize| bytes[channel.min(channels - 1) * height * width + pixel]))
        };
        Ok(Some(RgbImage::from_fn(width as u32, height as u32, colour)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_has_the_bytes_before_normalisation() {
        let images = |channels: usize| Images {
            shape: [channels, 1, 2],
            num_classes: 1,
            class_names: &[],
            pixels: (0..2 * 2 * channels as u8).collect(),
            labels: vec![0, 0],
            lookup: vec![[0.0; 256]; channels],
        };
        let second = |channels| images(channels).picture(1).unwrap().unwrap().into_raw();
        assert_eq!(second(1), [2, 2, 2, 3, 3, 3], "one channel is grey");
        assert_eq!(
            second(3),
            [6, 8, 10, 7, 9, 11],
            "channels come one after another"
        );
    }
}

//! Images in memory.

use burn::data::dataset::{Dataset, DatasetError};

use super::{DataError, Sample, Samples};

/// Images as bytes in memory, normalised on access.
#[derive(Debug)]
pub struct Images {
    /// Shape of an image, `[channels, height, width]`.
    pub(super) shape: [usize; 3],
    pub(super) num_classes: usize,
    /// All images, one after another.
    pub(super) pixels: Vec<u8>,
    pub(super) labels: Vec<u8>,
    /// Per-channel lookup table from a byte to its normalised value.
    pub(super) lookup: Vec<[f32; 256]>,
}

/// Lookup tables that map a byte to `[0, 1]`, subtract the channel's mean and divide by its standard deviation.
pub(super) fn normalization<const N: usize>(mean: [f32; N], std: [f32; N]) -> Vec<[f32; 256]> {
    let channel =
        |(mean, std): (f32, f32)| std::array::from_fn(|byte| (byte as f32 / 255.0 - mean) / std);
    mean.into_iter().zip(std).map(channel).collect()
}

impl Images {
    fn sample(&self, index: usize) -> Sample {
        let [channels, height, width] = self.shape;
        let size = channels * height * width;
        let pixels = &self.pixels[index * size..(index + 1) * size];
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

    fn label(&self, index: usize) -> u32 {
        self.labels[index].into()
    }

    fn read(&self, index: usize, _variant: u64) -> Result<Sample, DataError> {
        Ok(self.sample(index))
    }
}

//! Images in memory.

use burn::data::dataset::{Dataset, DatasetError};

use super::{DataError, Sample, Samples};

/// Images of bytes, scaled when they are read.
#[derive(Debug)]
pub struct Images {
    pub(super) shape: [usize; 3],
    pub(super) num_classes: usize,
    pub(super) pixels: Vec<u8>,
    pub(super) labels: Vec<u8>,
    /// What becomes of each of the 256 values, by channel.
    pub(super) scale: Vec<[f32; 256]>,
}

/// Maps bytes to `[0, 1]`, then subtracts the mean and divides by the deviation of each channel.
pub(super) fn normalized_scale<const N: usize>(
    mean: [f32; N],
    deviation: [f32; N],
) -> Vec<[f32; 256]> {
    let channel = |(mean, deviation): (f32, f32)| {
        std::array::from_fn(|byte| (byte as f32 / 255.0 - mean) / deviation)
    };
    mean.into_iter().zip(deviation).map(channel).collect()
}

impl Images {
    /// The first `count` images, or all if there are fewer.
    #[must_use]
    pub fn first(&self, count: usize) -> Self {
        let count = count.min(self.labels.len());
        let size: usize = self.shape.iter().product();
        Self {
            shape: self.shape,
            num_classes: self.num_classes,
            pixels: self.pixels[..count * size].to_vec(),
            labels: self.labels[..count].to_vec(),
            scale: self.scale.clone(),
        }
    }

    fn sample(&self, index: usize) -> Sample {
        let [channels, height, width] = self.shape;
        let size = channels * height * width;
        let pixels = &self.pixels[index * size..(index + 1) * size];
        let channels = pixels.chunks(height * width).zip(&self.scale);
        let scaled = channels
            .flat_map(|(pixels, scale)| pixels.iter().map(|&pixel| scale[usize::from(pixel)]));
        Sample {
            values: scaled.collect(),
            label: self.labels[index].into(),
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

    fn count(&self) -> usize {
        self.labels.len()
    }

    fn label(&self, index: usize) -> u32 {
        self.labels[index].into()
    }

    fn read(&self, index: usize, _variant: u64) -> Result<Sample, DataError> {
        Ok(self.sample(index))
    }
}

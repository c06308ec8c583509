//! Images in memory.

use burn::data::dataset::{Dataset, DatasetError};

use super::{Sample, Samples};

/// Images of bytes, scaled when they are read.
#[derive(Debug)]
pub struct Images {
    pub(super) shape: [usize; 3],
    pub(super) num_classes: usize,
    pub(super) pixels: Vec<u8>,
    pub(super) labels: Vec<u8>,
    /// What becomes of each of the 256 values.
    pub(super) scale: [f32; 256],
}

/// Maps bytes to `[-1, 1]`: scaled to `[0, 1]`, then mean and deviation of 0.5.
pub(super) fn signed_scale() -> [f32; 256] {
    std::array::from_fn(|byte| (byte as f32 / 255.0 - 0.5) / 0.5)
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
            scale: self.scale,
        }
    }
}

impl Dataset<Sample> for Images {
    fn get(&self, index: usize) -> Result<Sample, DatasetError> {
        let size: usize = self.shape.iter().product();
        let pixels = &self.pixels[index * size..(index + 1) * size];
        let scaled = pixels.iter().map(|&pixel| self.scale[usize::from(pixel)]);
        Ok(Sample {
            values: scaled.collect(),
            label: self.labels[index],
        })
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
}

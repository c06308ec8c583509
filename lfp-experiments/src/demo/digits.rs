//! Images of a data set in memory.

use anyhow::Result;
use burn::tensor::{Device, Int, Tensor, TensorData};

use crate::data::Samples;

/// Images of a data set with their labels.
pub(super) struct Digits {
    /// `[channels, height, width]`
    pub(super) shape: [usize; 3],
    pixels: Vec<f32>,
    labels: Vec<usize>,
    /// The darkest pixel.
    pub(super) background: f32,
}

impl Digits {
    /// Reads the first samples, at most `most`.
    ///
    /// # Errors
    ///
    /// If one cannot be read.
    pub(super) fn read(samples: &dyn Samples, most: usize) -> Result<Self> {
        Self::of(samples, 0..samples.len().min(most))
    }

    /// Reads some samples.
    ///
    /// # Errors
    ///
    /// If one cannot be read.
    pub(super) fn of(
        samples: &dyn Samples,
        indices: impl IntoIterator<Item = usize>,
    ) -> Result<Self> {
        let mut digits = Self {
            shape: samples.shape(),
            pixels: Vec::new(),
            labels: Vec::new(),
            background: 0.0,
        };
        for index in indices {
            digits.pixels.extend(samples.read(index, 0)?.values);
            digits.labels.push(samples.label(index) as usize);
        }
        digits.background = digits.pixels.iter().copied().fold(0.0, f32::min);
        Ok(digits)
    }

    pub(super) fn len(&self) -> usize {
        self.labels.len()
    }

    pub(super) fn label(&self, index: usize) -> usize {
        self.labels[index]
    }

    pub(super) fn pixels(&self, index: usize) -> &[f32] {
        let size = self.shape.iter().product::<usize>();
        &self.pixels[index * size..(index + 1) * size]
    }

    /// Some of the images, `[samples, channels, height, width]`.
    pub(super) fn pictures(&self, indices: &[usize], device: &Device) -> Tensor<4> {
        let [channels, height, width] = self.shape;
        let pixels = indices.iter().flat_map(|&index| self.pixels(index));
        let pixels: Vec<f32> = pixels.copied().collect();
        let shape = [indices.len(), channels, height, width];
        Tensor::from_data(TensorData::new(pixels, shape), device)
    }
    /// The classes of some of the images, `[samples]`.
    pub(super) fn classes(&self, indices: &[usize], device: &Device) -> Tensor<1, Int> {
        let classes = indices.iter().map(|&index| self.label(index) as i64);
        Tensor::from_data(classes.collect::<Vec<_>>().as_slice(), device)
    }
}

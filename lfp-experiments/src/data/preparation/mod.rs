//! Preparation of photographs for a network: resize, augmentation, normalisation.

mod blur;
mod colour;
mod geometry;

use image::{DynamicImage, RgbImage, imageops::FilterType};
use rand::{Rng, RngExt, SeedableRng, rngs::StdRng};
use rand_distr::{Distribution, StandardNormal};

use geometry::Affine;

/// How a photograph is fitted to a square.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fit {
    /// Resize both sides, without regard to the aspect ratio.
    Stretch,
    /// Resize the shorter side and crop the centre.
    CenterCrop,
}

/// Random augmentation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Augmentation {
    /// No augmentation.
    None,
    /// Horizontal flip with probability 0.5.
    Flip,
    /// The authors' augmentation for CUB: with probability 0.5 each Gaussian noise (standard deviation 0.05) and a horizontal
    /// flip; always a rotation by up to 10 degrees, a shift by up to a fifth of the size, and a scale from 0.8 to 1.2.
    Cub,
    /// The authors' augmentation for ISIC 2019 and Food-11: with probability 0.25 each a horizontal flip, a vertical flip, a
    /// Gaussian blur (kernel 5x9, standard deviation 0.1 to 5), a rotation by 0 to 30 degrees, and colour jitter (brightness,
    /// saturation and hue by up to 0.1).
    Isic,
}

/// Resize, augmentation and normalisation of a photograph.
#[derive(Clone, Copy, Debug)]
pub struct Preparation {
    /// Height and width of the result in pixels.
    pub size: u32,
    /// How the photograph is fitted to that size.
    pub fit: Fit,
    /// Filter of the resize.
    pub filter: FilterType,
    /// Random augmentation, after the resize.
    pub augmentation: Augmentation,
    /// Channel means to subtract, for values from 0 to 1.
    pub mean: [f32; 3],
    /// Channel standard deviations to divide by.
    pub std: [f32; 3],
}

/// A square RGB image, `[3, size, size]`, with values from 0 to 1.
#[derive(Clone, Debug, PartialEq)]
struct Picture {
    size: usize,
    values: Vec<f32>,
}

impl Preparation {
    /// Resizes a photograph to `[size, size]`.
    pub(super) fn resized(&self, photograph: DynamicImage) -> RgbImage {
        let photograph = photograph.into_rgb8();
        let (width, height) = photograph.dimensions();
        let size = self.size;
        let resize = |width, height| {
            if photograph.dimensions() == (width, height) {
                return photograph.clone();
            }
            image::imageops::resize(&photograph, width, height, self.filter)
        };
        match self.fit {
            Fit::Stretch => resize(size, size),
            Fit::CenterCrop => {
                let shorter = width.min(height);
                // torchvision rounds the longer side down.
                let scaled =
                    |side: u32| (u64::from(side) * u64::from(size) / u64::from(shorter)) as u32;
                let (width, height) = (scaled(width), scaled(height));
                let resized = resize(width, height);
                let middle = |side: u32| ((side - size) as f32 / 2.0).round_ties_even() as u32;
                let (left, top) = (middle(width), middle(height));
                image::imageops::crop_imm(&resized, left, top, size, size).to_image()
            }
        }
    }

    /// Augmented and normalised values, `[3, size, size]`, of resized pixels, `[size, size, 3]`. `variant` seeds the augmentation.
    pub(super) fn values(&self, pixels: &[u8], variant: u64) -> Vec<f32> {
        let mut picture = Picture::new(pixels, self.size as usize);
        let mut rng = StdRng::seed_from_u64(variant);
        match self.augmentation {
            Augmentation::None => {}
            Augmentation::Flip => {
                if rng.random_bool(0.5) {
                    picture = picture.horizontally_flipped();
                }
            }
            Augmentation::Cub => picture = picture.augmented_like_cub(&mut rng),
            Augmentation::Isic => picture = picture.augmented_like_isic(&mut rng),
        }
        picture.normalized(self.mean, self.std)
    }
}

impl Picture {
    /// From RGB pixels, `[size, size, 3]`.
    fn new(pixels: &[u8], size: usize) -> Self {
        let channel = |channel: usize| {
            let bytes = pixels.iter().skip(channel).step_by(3);
            bytes.map(|&byte| f32::from(byte) / 255.0)
        };
        Self {
            size,
            values: (0..3).flat_map(channel).collect(),
        }
    }

    fn normalized(mut self, mean: [f32; 3], std: [f32; 3]) -> Vec<f32> {
        let channels = self.values.chunks_mut(self.size * self.size);
        for ((channel, mean), std) in channels.zip(mean).zip(std) {
            channel
                .iter_mut()
                .for_each(|value| *value = (*value - mean) / std);
        }
        self.values
    }

    fn augmented_like_cub(mut self, rng: &mut StdRng) -> Self {
        if rng.random_bool(0.5) {
            for value in &mut self.values {
                let noise: f32 = StandardNormal.sample(rng);
                *value += 0.05 * noise;
            }
        }
        if rng.random_bool(0.5) {
            self = self.horizontally_flipped();
        }
        let shift = 0.2 * self.size as f32;
        let affine = Affine {
            degrees: rng.random_range(-10.0..=10.0),
            shift: [(); 2].map(|()| rng.random_range(-shift..=shift).round()),
            scale: rng.random_range(0.8..=1.2),
        };
        self.transformed(affine)
    }

    fn augmented_like_isic(mut self, rng: &mut StdRng) -> Self {
        let one_in_four = |rng: &mut StdRng| rng.random_bool(0.25);
        if one_in_four(rng) {
            self = self.horizontally_flipped();
        }
        if one_in_four(rng) {
            self = self.vertically_flipped();
        }
        if one_in_four(rng) {
            let std = rng.random_range(0.1..=5.0);
            self = self.blurred([5, 9], std);
        }
        if one_in_four(rng) {
            let degrees = rng.random_range(0.0..=30.0);
            self = self.transformed(Affine::rotation(degrees));
        }
        if one_in_four(rng) {
            self = self.colour_jittered(rng);
        }
        self
    }

    /// Changes brightness, saturation and hue in random order.
    fn colour_jittered(mut self, rng: &mut impl Rng) -> Self {
        let mut steps = [0, 1, 2];
        for last in [2, 1] {
            steps.swap(last, rng.random_range(0..=last));
        }
        let brightness = rng.random_range(0.9..=1.1);
        let saturation = rng.random_range(0.9..=1.1);
        let hue = rng.random_range(-0.1..=0.1);
        for step in steps {
            self = match step {
                0 => self.brightened(brightness),
                1 => self.saturated(saturation),
                _ => self.hue_shifted(hue),
            };
        }
        self
    }
}

#[cfg(test)]
mod tests;

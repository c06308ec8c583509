//! What becomes of a photograph before a network sees it: size, random alterations, scale.

mod blur;
mod colour;
mod geometry;

use image::{DynamicImage, RgbImage, imageops::FilterType};
use rand::{Rng, RngExt, SeedableRng, rngs::StdRng};
use rand_distr::{Distribution, Normal};

use geometry::Affine;

/// How a photograph is brought to the size of the network's images.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fit {
    /// Its sides are stretched to it.
    Stretch,
    /// Its shorter side is brought to it, and the middle cut out.
    CropMiddle,
}

/// How photographs are altered at random.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Augmentation {
    /// Not at all.
    None,
    /// Half of them are mirrored.
    Mirror,
    /// Half of them get Gaussian noise of 0.05, half are mirrored, all are rotated by up to 10 degrees,
    /// shifted by up to a fifth, and scaled by 0.8 to 1.2: the authors' for CUB.
    Birds,
    /// A quarter each is mirrored, turned upside down, blurred (5 by 9, deviation 0.1 to 5), rotated by up
    /// to 30 degrees, changed in colour (brightness, saturation and hue by up to 0.1): the authors' for
    /// ISIC 2019 and Food-11.
    Quarters,
}

/// Everything that is done to a photograph.
#[derive(Clone, Copy, Debug)]
pub struct Preparation {
    /// Height and width of the result.
    pub size: u32,
    /// How it is brought to that.
    pub fit: Fit,
    /// By which filter.
    pub filter: FilterType,
    /// How it is altered.
    pub augmentation: Augmentation,
    /// Mean of each channel, from 0 to 1, which is subtracted.
    pub mean: [f32; 3],
    /// Deviation of each channel, by which it is divided.
    pub deviation: [f32; 3],
}

/// A square picture: three channels of `size * size` values from 0 to 1, row by row.
#[derive(Clone, Debug, PartialEq)]
struct Picture {
    size: usize,
    values: Vec<f32>,
}

impl Preparation {
    /// Brings a photograph to size.
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
            Fit::CropMiddle => {
                let shorter = width.min(height);
                // Like torchvision: the longer side is rounded down.
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

    /// The values of a photograph of the right size, `[3, size, size]`; `variant` decides how it is altered.
    pub(super) fn values(&self, pixels: &[u8], variant: u64) -> Vec<f32> {
        let mut picture = Picture::new(pixels, self.size as usize);
        let mut rng = StdRng::seed_from_u64(variant);
        match self.augmentation {
            Augmentation::None => {}
            Augmentation::Mirror => {
                if rng.random_bool(0.5) {
                    picture = picture.mirrored();
                }
            }
            Augmentation::Birds => picture = picture.altered_as_birds(&mut rng),
            Augmentation::Quarters => picture = picture.altered_in_quarters(&mut rng),
        }
        picture.normalized(self.mean, self.deviation)
    }
}

impl Picture {
    /// From pixels of three bytes.
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

    fn normalized(mut self, mean: [f32; 3], deviation: [f32; 3]) -> Vec<f32> {
        let channels = self.values.chunks_mut(self.size * self.size);
        for ((channel, mean), deviation) in channels.zip(mean).zip(deviation) {
            channel
                .iter_mut()
                .for_each(|value| *value = (*value - mean) / deviation);
        }
        self.values
    }

    fn altered_as_birds(mut self, rng: &mut StdRng) -> Self {
        if rng.random_bool(0.5) {
            let noise = Normal::new(0.0, 0.05).expect("a positive deviation");
            let values = self.values.iter_mut();
            values.for_each(|value| *value += noise.sample(rng));
        }
        if rng.random_bool(0.5) {
            self = self.mirrored();
        }
        let shift = 0.2 * self.size as f32;
        let affine = Affine {
            degrees: rng.random_range(-10.0..=10.0),
            shift: [(); 2].map(|()| rng.random_range(-shift..=shift).round()),
            scale: rng.random_range(0.8..=1.2),
        };
        self.transformed(affine)
    }

    fn altered_in_quarters(mut self, rng: &mut StdRng) -> Self {
        let quarter = |rng: &mut StdRng| rng.random_bool(0.25);
        if quarter(rng) {
            self = self.mirrored();
        }
        if quarter(rng) {
            self = self.upside_down();
        }
        if quarter(rng) {
            let deviation = rng.random_range(0.1..=5.0);
            self = self.blurred([5, 9], deviation);
        }
        if quarter(rng) {
            let degrees = rng.random_range(0.0..=30.0);
            self = self.transformed(Affine::rotation(degrees));
        }
        if quarter(rng) {
            self = self.recoloured(rng);
        }
        self
    }

    /// Brightness, saturation and hue, in any order.
    fn recoloured(mut self, rng: &mut impl Rng) -> Self {
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

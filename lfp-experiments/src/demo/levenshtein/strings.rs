//! Pictures of strings: digits side by side that overlap.

use anyhow::{Result, ensure};
use burn::tensor::{Device, Int, Tensor, TensorData};
use rand::{RngExt, rngs::StdRng};

use super::BLANK;
use crate::{data::Samples, demo::digits::Digits};

/// Pixels per column of the reader.
pub(super) const COLUMN: usize = 4;
/// Pixels from a digit to the next; an image of MNIST has 28, of which the digit takes up to 20.
const STEPS: std::ops::RangeInclusive<usize> = 14..=20;
/// By the alignment, columns less far than this from the centre of a digit show it, in pixels. Between the centres of two
/// digits, at least 14 pixels apart, this leaves at least 4 pixels, so one column at least shows neither.
const HALF: f64 = 5.0;

/// Draws pictures of strings of up to a number of digits.
pub(super) struct Writer {
    digits: Digits,
    longest: usize,
}

/// A string and where its digits lie.
pub(super) struct Written {
    /// Classes from 0 to 9.
    pub(super) text: Vec<usize>,
    /// Centres of the digits, in pixels from the left.
    centres: Vec<f64>,
}

/// Pictures with their strings.
pub(super) struct Batch {
    /// `[samples, 1, height, width]`
    pub(super) pictures: Tensor<4>,
    pub(super) written: Vec<Written>,
}

impl Writer {
    /// Draws digits of `samples`.
    ///
    /// # Errors
    ///
    /// If they cannot be read, or are no digits of MNIST's format.
    pub(super) fn new(samples: &dyn Samples, longest: usize) -> Result<Self> {
        let digits = Digits::read(samples, usize::MAX)?;
        ensure!(
            digits.shape == [1, 28, 28],
            "strings are drawn from images of 28x28 pixels in grey, found {:?}; name a folder of MNIST",
            digits.shape
        );
        Ok(Self { digits, longest })
    }

    fn height(&self) -> usize {
        self.digits.shape[1]
    }

    fn width(&self) -> usize {
        let widest = self.digits.shape[2] + (self.longest - 1) * STEPS.end();
        widest.next_multiple_of(COLUMN)
    }

    /// Draws one string for each of the `lengths`.
    pub(super) fn batch(&self, lengths: &[usize], random: &mut StdRng, device: &Device) -> Batch {
        let mut pixels = Vec::new();
        let written = lengths
            .iter()
            .map(|&length| self.write(length, random, &mut pixels));
        let written: Vec<Written> = written.collect();
        let shape = [lengths.len(), 1, self.height(), self.width()];
        Batch {
            pictures: Tensor::from_data(TensorData::new(pixels, shape), device),
            written,
        }
    }

    /// Appends a picture. Where digits overlap, the brighter pixel counts.
    fn write(&self, length: usize, random: &mut StdRng, pixels: &mut Vec<f32>) -> Written {
        let [_, height, side] = self.digits.shape;
        let mut steps: Vec<usize> = (1..length).map(|_| random.random_range(STEPS)).collect();
        let taken = side + steps.iter().sum::<usize>();
        steps.insert(0, random.random_range(0..=self.width() - taken));
        let start = pixels.len();
        pixels.resize(start + height * self.width(), self.digits.background);
        let (mut text, mut centres, mut left) = (Vec::new(), Vec::new(), 0);
        for step in steps {
            left += step;
            let index = random.random_range(0..self.digits.len());
            let rows = self.digits.pixels(index).chunks(side);
            let lines = pixels[start..].chunks_mut(self.width());
            for (row, line) in rows.zip(lines) {
                for (&bright, pixel) in row.iter().zip(&mut line[left..]) {
                    *pixel = pixel.max(bright);
                }
            }
            text.push(self.digits.label(index));
            centres.push(left as f64 + (side - 1) as f64 / 2.0);
        }
        Written { text, centres }
    }
}

impl Batch {
    /// The digit or blank of each column by the alignment, `[samples, columns]`.
    pub(super) fn aligned(&self) -> Tensor<2, Int> {
        let columns = self.pictures.dims()[3] / COLUMN;
        let labels = self.written.iter().flat_map(|written| {
            (0..columns).map(|column| {
                let centre = (column * COLUMN) as f64 + (COLUMN - 1) as f64 / 2.0;
                let near = |other: &f64| (other - centre).abs() < HALF;
                let digit = written.centres.iter().position(near);
                digit.map_or(BLANK, |digit| written.text[digit]) as i64
            })
        });
        let labels = TensorData::new(labels.collect::<Vec<i64>>(), [self.written.len(), columns]);
        Tensor::from_data(labels, &self.pictures.device())
    }

    /// The strings filled up with blanks, `[samples, longest]`, and their lengths, `[samples]`.
    pub(super) fn padded(&self) -> (Tensor<2, Int>, Tensor<1, Int>) {
        let device = self.pictures.device();
        let texts = || self.written.iter().map(|written| &written.text);
        let longest = texts().map(Vec::len).max().unwrap_or(0);
        let padded = texts().flat_map(|text| {
            let digits = text.iter().map(|&digit| digit as i64);
            digits.chain(std::iter::repeat(BLANK as i64)).take(longest)
        });
        let padded = TensorData::new(padded.collect::<Vec<i64>>(), [self.written.len(), longest]);
        let lengths: Vec<i64> = texts().map(|text| text.len() as i64).collect();
        (
            Tensor::from_data(padded, &device),
            Tensor::from_data(lengths.as_slice(), &device),
        )
    }
}

//! Planes in which each tap of a kernel is a constant distance from the output.

use crate::backends::flex::convolution::geometry::Geometry;

/// How far beyond its output a kernel reads within a phase.
fn reach(geometry: &Geometry, axis: usize) -> usize {
    (geometry.kernel[axis] - 1) * geometry.dilation[axis] / geometry.stride[axis]
}

/// Pixels of a line of a padded plane, which are the positions that are computed for a line of outputs.
pub(in super::super) fn columns(geometry: &Geometry) -> usize {
    geometry.out_size[1] + reach(geometry, 1)
}

/// Output rows that are computed together.
#[derive(Clone, Copy, Debug)]
pub(super) struct Band {
    pub sample: usize,
    pub first: usize,
    pub rows: usize,
}

/// The layout of the padded planes of a band of output rows.
///
/// With strides, a plane is split into phases: the pixels with the same remainders of row and column modulo the strides.
/// Within a phase successive outputs read successive pixels. All phases have [`rows`](Self::rows) rows of
/// [`columns`](Self::columns) pixels.
#[derive(Clone, Copy, Debug)]
pub(super) struct Planes<'a> {
    geometry: &'a Geometry,
    pub rows: usize,
    pub columns: usize,
}

impl<'a> Planes<'a> {
    /// The layout for `band_rows` output rows.
    pub fn new(geometry: &'a Geometry, band_rows: usize) -> Self {
        Self {
            geometry,
            rows: band_rows + reach(geometry, 0),
            columns: columns(geometry),
        }
    }

    /// Floats of a channel.
    pub fn len(&self) -> usize {
        let [vertical, horizontal] = self.geometry.stride;
        vertical * horizontal * self.rows * self.columns
    }

    /// Where each term of an output's sum lies, from the position of the output on: channels of a group, and taps.
    pub fn offsets(&self, channels: usize) -> Vec<usize> {
        let Geometry {
            kernel,
            stride,
            dilation,
            ..
        } = *self.geometry;
        let mut offsets = Vec::with_capacity(channels * self.geometry.taps());
        for channel in 0..channels {
            for y in (0..kernel[0]).map(|tap| tap * dilation[0]) {
                for x in (0..kernel[1]).map(|tap| tap * dilation[1]) {
                    let phase = y % stride[0] * stride[1] + x % stride[1];
                    let at = y / stride[0] * self.columns + x / stride[1];
                    offsets.push(channel * self.len() + phase * self.rows * self.columns + at);
                }
            }
        }
        offsets
    }

    /// Copies the plane of one channel, with zeros in its padding.
    #[inline(always)]
    pub fn fill(&self, band: Band, plane: &[f32], output: &mut [f32]) {
        let Geometry {
            size,
            stride,
            padding,
            ..
        } = *self.geometry;
        let phases = output[..self.len()].chunks_exact_mut(self.rows * self.columns);
        for (phase, output) in phases.enumerate() {
            let (phase_y, phase_x) = (phase / stride[1], phase % stride[1]);
            // Columns before `start` lie in the padding before the line, those from `end` on behind it.
            let start = padding[1].saturating_sub(phase_x).div_ceil(stride[1]);
            let end = (padding[1] + size[1]).saturating_sub(phase_x);
            let end = end.div_ceil(stride[1]).min(self.columns);
            let start = start.min(end);
            let first = (start * stride[1] + phase_x).saturating_sub(padding[1]);
            for (row, output) in output.chunks_exact_mut(self.columns).enumerate() {
                let y = ((band.first + row) * stride[0] + phase_y).wrapping_sub(padding[0]);
                if y >= size[0] || start == end {
                    output.fill(0.0);
                    continue;
                }
                output[..start].fill(0.0);
                output[end..].fill(0.0);
                let pixels = &plane[y * size[1] + first..(y + 1) * size[1]];
                copy(pixels, stride[1], &mut output[start..end]);
            }
        }
    }
}

/// Copies every pixel at a multiple of `stride`.
#[inline(always)]
fn copy(pixels: &[f32], stride: usize, output: &mut [f32]) {
    match stride {
        1 => output.copy_from_slice(&pixels[..output.len()]),
        _ => {
            for (output, &pixel) in output.iter_mut().zip(pixels.iter().step_by(stride)) {
                *output = pixel;
            }
        }
    }
}

/// Bands of all samples, whose planes of `channels` channels take about `floats`.
pub(super) fn bands(geometry: &Geometry, channels: usize, floats: usize) -> Vec<Band> {
    let height = geometry.out_size[0];
    let line = columns(geometry) * geometry.stride[0] * geometry.stride[1];
    let most = (floats / (channels * line).max(1)).clamp(1, height);
    let count = height.div_ceil(most);
    let first = |band: usize| band * height / count;
    let of_sample = move |sample: usize| {
        (0..count).map(move |band| Band {
            sample,
            first: first(band),
            rows: first(band + 1) - first(band),
        })
    };
    (0..geometry.samples).flat_map(of_sample).collect()
}

/// Output rows of the largest band.
pub(super) fn most_band_rows(bands: &[Band]) -> usize {
    bands.iter().map(|band| band.rows).max().unwrap_or(0)
}

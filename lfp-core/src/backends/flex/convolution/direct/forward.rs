//! The forward pass, and with weights that map outputs to inputs the input gradient.

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use super::planes::{Band, Planes, bands, most_band_rows};
use crate::backends::flex::{
    buffer::Buffer,
    convolution::{
        geometry::Geometry,
        product::{VECTORS, for_rows, most_rows},
    },
    shared::Shared,
    vectors::with_widest_vectors,
};

/// Floats of a band's planes: they stay in the cache of a core.
const PLANES: usize = 1 << 16;

/// Which way weights map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Orientation {
    /// From inputs to outputs.
    Forward,
    /// From outputs to inputs, with kernels turned by 180 degrees. The geometry is that of the correlation which gives the
    /// input gradient.
    Backward,
}

/// A correlation of any kernel, stride, dilation and number of groups.
pub(in super::super) struct Correlation<'a> {
    pub geometry: Geometry,
    pub input: &'a [f32],
    pub weights: &'a [f32],
    pub orientation: Orientation,
    pub bias: Option<&'a [f32]>,
}

impl Correlation<'_> {
    /// Computes the output, `[samples, to, out_height, out_width]`.
    pub fn compute(&self, output: &mut [f32]) {
        with_widest_vectors(Compute {
            correlation: self,
            output: Shared::new(output),
        });
    }

    /// Input and output channels of a group.
    fn channels(&self) -> [usize; 2] {
        [self.geometry.from, self.geometry.to].map(|channels| channels / self.geometry.groups)
    }

    /// The weight of a term, `input channel * taps + tap`, for output channel `to` of a group.
    fn weight(&self, group: usize, to: usize, term: usize) -> f32 {
        let (taps, [from_group, to_group]) = (self.geometry.taps(), self.channels());
        match self.orientation {
            Orientation::Forward => {
                self.weights[(group * to_group + to) * from_group * taps + term]
            }
            Orientation::Backward => {
                let (from, tap) = (term / taps, term % taps);
                let kernel = (group * from_group + from) * to_group + to;
                self.weights[kernel * taps + taps - 1 - tap]
            }
        }
    }

    /// All weights, `[groups, tiles, terms, rows of the tile]`.
    fn packed(&self, tiles: &[[usize; 2]]) -> Vec<f32> {
        let terms = self.channels()[0] * self.geometry.taps();
        let mut packed = Vec::with_capacity(self.geometry.to * terms);
        for group in 0..self.geometry.groups {
            for &[start, end] in tiles {
                for term in 0..terms {
                    packed.extend((start..end).map(|to| self.weight(group, to, term)));
                }
            }
        }
        packed
    }
}

/// Output channels in tiles of about the same size, which fit the registers.
fn tiles(channels: usize, most: usize) -> Vec<[usize; 2]> {
    let count = channels.div_ceil(most);
    let tile = |index: usize| [index, index + 1].map(|index| index * channels / count);
    (0..count).map(tile).collect()
}

struct Compute<'a> {
    correlation: &'a Correlation<'a>,
    output: Shared<'a>,
}

impl WithSimd for Compute<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let correlation = self.correlation;
        let [from, to] = correlation.channels();
        let tiles = tiles(to, most_rows::<S>());
        let bands = bands(&correlation.geometry, correlation.geometry.from, PLANES);
        let layout = Planes::new(&correlation.geometry, most_band_rows(&bands));
        let pass = Pass {
            correlation,
            layout,
            offsets: &layout.offsets(from),
            packed: &correlation.packed(&tiles),
            tiles: &tiles,
            output: self.output,
        };
        bands
            .par_iter()
            .for_each_init(Buffers::default, |buffers, &band| {
                simd.vectorize(BandTask {
                    pass: &pass,
                    band,
                    buffers,
                });
            });
    }
}

struct Pass<'a> {
    correlation: &'a Correlation<'a>,
    /// That of the largest band.
    layout: Planes<'a>,
    offsets: &'a [usize],
    packed: &'a [f32],
    tiles: &'a [[usize; 2]],
    output: Shared<'a>,
}

/// Memory of a thread.
#[derive(Default)]
struct Buffers {
    planes: Buffer,
    sums: Buffer,
}

/// All output channels of a band.
struct BandTask<'a> {
    pass: &'a Pass<'a>,
    band: Band,
    buffers: &'a mut Buffers,
}

impl WithSimd for BandTask<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self {
            pass,
            band,
            buffers: Buffers { planes, sums },
        } = self;
        let correlation = pass.correlation;
        let geometry = &correlation.geometry;
        let layout = pass.layout;
        let [from, to] = correlation.channels();
        let positions = band.rows * layout.columns;
        let stride = positions.next_multiple_of(VECTORS * S::F32_LANES);
        // Vectors at the end of the last plane read beyond it.
        planes.reserve(geometry.from * layout.len() + stride);
        let pixels = geometry.pixels();
        for channel in 0..geometry.from {
            let plane = &correlation.input[(band.sample * geometry.from + channel) * pixels..];
            layout.fill(
                band,
                &plane[..pixels],
                &mut planes[channel * layout.len()..],
            );
        }
        sums.reserve(most_rows::<S>() * stride);
        let mut weights = pass.packed;
        for group in 0..geometry.groups {
            let planes = &planes[group * from * layout.len()..];
            for &[start, end] in pass.tiles {
                let rows = end - start;
                let tile;
                (tile, weights) = weights.split_at(rows * pass.offsets.len());
                let problem = Tile {
                    planes,
                    weights: tile,
                    offsets: pass.offsets,
                    positions,
                    stride,
                };
                for_rows!(rows, S, multiply(simd, &problem, sums));
                for row in 0..rows {
                    let channel = group * to + start + row;
                    pass.put(band, channel, &sums[row * stride..], layout.columns);
                }
            }
        }
    }
}

impl Pass<'_> {
    /// Writes the lines of a channel, with the bias.
    #[inline(always)]
    #[allow(unsafe_code, reason = "threads write disjoint parts of the output")]
    fn put(&self, band: Band, channel: usize, sums: &[f32], columns: usize) {
        let geometry = &self.correlation.geometry;
        let [height, width] = geometry.out_size;
        let bias = self.correlation.bias.map_or(0.0, |bias| bias[channel]);
        let plane = band.sample * geometry.to + channel;
        let start = (plane * height + band.first) * width;
        // SAFETY: the task alone writes these rows of this channel.
        let output = unsafe { self.output.part(start, band.rows * width) };
        for (output, sums) in output.chunks_exact_mut(width).zip(sums.chunks(columns)) {
            for (output, sum) in output.iter_mut().zip(sums) {
                *output = sum + bias;
            }
        }
    }
}

/// Some output channels of a band.
struct Tile<'a> {
    planes: &'a [f32],
    /// `[terms, rows]`
    weights: &'a [f32],
    offsets: &'a [usize],
    positions: usize,
    /// Floats between the sums of successive channels.
    stride: usize,
}

/// The sums of `ROWS` output channels, `[rows, stride]`.
#[inline(always)]
fn multiply<S: Simd, const ROWS: usize>(simd: S, tile: &Tile<'_>, output: &mut [f32]) {
    let lanes = S::F32_LANES;
    let step = VECTORS * lanes;
    let (weights, _) = tile.weights.as_chunks::<ROWS>();
    for position in (0..tile.positions).step_by(step) {
        let mut sums = [[simd.splat_f32s(0.0); VECTORS]; ROWS];
        for (weights, &offset) in weights.iter().zip(tile.offsets) {
            let values = &tile.planes[position + offset..][..step];
            let values = S::as_simd_f32s(values).0;
            let [first, second] = [values[0], values[1]];
            for (sums, &weight) in sums.iter_mut().zip(weights) {
                let weight = simd.splat_f32s(weight);
                sums[0] = simd.mul_add_e_f32s(weight, first, sums[0]);
                sums[1] = simd.mul_add_e_f32s(weight, second, sums[1]);
            }
        }
        for (row, sums) in sums.into_iter().enumerate() {
            let output = &mut output[row * tile.stride + position..][..step];
            S::as_mut_simd_f32s(output).0.copy_from_slice(&sums);
        }
    }
}

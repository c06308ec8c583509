//! The transform of the weights, `G w G^T`.

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use super::transform::{PRODUCTS, SCALE, SPAN, TAPS, Transform};
use crate::backends::flex::convolution::product::VECTORS;

/// The weights of a convolution, `[channels_out, channels_in, 3, 3]`.
#[derive(Clone, Copy)]
pub(in super::super) struct Weights<'a> {
    values: &'a [f32],
    /// `[out, in]`
    channels: [usize; 2],
    /// Whether they map from outputs to inputs, with kernels turned by 180 degrees.
    flipped: bool,
}

impl<'a> Weights<'a> {
    pub fn new(values: &'a [f32], channels: [usize; 2]) -> Self {
        Self {
            values,
            channels,
            flipped: false,
        }
    }

    /// The weights of the input gradient.
    pub fn flipped(self) -> Self {
        Self {
            flipped: true,
            ..self
        }
    }

    /// The taps from one channel to as many channels as there are lanes, `[taps, lanes]`. Channels that do not exist stay
    /// as they are in `taps`.
    #[inline(always)]
    fn gather(&self, from: usize, to: usize, taps: &mut [f32]) {
        let [channels_out, channels_in] = self.channels;
        let (froms, tos) = match self.flipped {
            false => (channels_in, channels_out),
            true => (channels_out, channels_in),
        };
        if from >= froms {
            return;
        }
        let lanes = taps.len() / (TAPS * TAPS);
        for lane in 0..lanes.min(tos.saturating_sub(to)) {
            let (out, input) = match self.flipped {
                false => (to + lane, from),
                true => (from, to + lane),
            };
            let kernel = &self.values[(out * channels_in + input) * TAPS * TAPS..][..TAPS * TAPS];
            for (tap, &weight) in kernel.iter().enumerate() {
                let tap = match self.flipped {
                    false => tap,
                    true => TAPS * TAPS - 1 - tap,
                };
                taps[tap * lanes + lane] = weight;
            }
        }
    }
}

/// Layout of transformed weights, `[panels, products, from, 2 vectors]`: a panel holds the output channels of two vectors.
#[derive(Clone, Copy, Debug)]
pub(super) struct Panels {
    count: usize,
    /// Floats of one product of one panel.
    pub panel: usize,
}

impl Panels {
    pub fn new<S: Simd>(count: usize, from: usize) -> Self {
        let lanes = S::F32_LANES;
        Self {
            count,
            panel: from.next_multiple_of(lanes) * VECTORS * lanes,
        }
    }

    /// Floats of all panels.
    pub fn len(&self) -> usize {
        self.count * PRODUCTS * self.panel
    }

    /// Where a product of a panel starts.
    pub fn start(&self, product: usize, panel: usize) -> usize {
        (panel * PRODUCTS + product) * self.panel
    }
}

/// Transforms the weights of the panels from `first` on. Channels beyond the last are zero.
pub(super) fn transform_weights<S: Simd>(
    simd: S,
    weights: Weights<'_>,
    first: usize,
    layout: Panels,
    output: &mut [f32],
) {
    let per_panel = PRODUCTS * layout.panel;
    output[..layout.len()]
        .par_chunks_mut(per_panel)
        .enumerate()
        .for_each(|(panel, output)| {
            simd.vectorize(Panel {
                weights,
                index: first + panel,
                first: 0,
                output,
                stride: layout.panel,
            });
        });
}

/// Transforms the weights of one panel, from some input channels.
pub(super) struct Panel<'a> {
    pub weights: Weights<'a>,
    pub index: usize,
    /// The first input channel.
    pub first: usize,
    pub output: &'a mut [f32],
    /// Floats between products.
    pub stride: usize,
}

impl WithSimd for Panel<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let lanes = S::F32_LANES;
        let transform = Transform::new(simd);
        for from in 0..self.stride / (VECTORS * lanes) {
            for half in 0..VECTORS {
                let to = (self.index * VECTORS + half) * lanes;
                let mut taps = [simd.splat_f32s(0.0); TAPS * TAPS];
                self.weights
                    .gather(self.first + from, to, bytemuck::cast_slice_mut(&mut taps));
                let transformed = evaluate(simd, transform, &taps);
                for (product, value) in transformed.into_iter().enumerate() {
                    let start = product * self.stride + (from * VECTORS + half) * lanes;
                    S::as_mut_simd_f32s(&mut self.output[start..start + lanes]).0[0] = value;
                }
            }
        }
    }
}

/// `G w G^T` with the scale of both axes.
#[inline(always)]
fn evaluate<S: Simd>(
    simd: S,
    transform: Transform<S>,
    taps: &[S::f32s; TAPS * TAPS],
) -> [S::f32s; PRODUCTS] {
    let mut columns = [[simd.splat_f32s(0.0); SPAN]; TAPS];
    for (x, column) in columns.iter_mut().enumerate() {
        *column = transform.evaluate([taps[x], taps[TAPS + x], taps[2 * TAPS + x]]);
    }
    let mut products = [simd.splat_f32s(0.0); PRODUCTS];
    for y in 0..SPAN {
        let line = transform.evaluate([columns[0][y], columns[1][y], columns[2][y]]);
        for (x, value) in line.into_iter().enumerate() {
            let scale = simd.splat_f32s(SCALE[y] * SCALE[x]);
            products[y * SPAN + x] = simd.mul_f32s(value, scale);
        }
    }
    products
}

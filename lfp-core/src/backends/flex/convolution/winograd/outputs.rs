//! Back from products to the pixels of the output.

use pulp::Simd;

use super::{
    forward::Correlation,
    tiles::{Block, MOST_LANES, Scratch, Segment},
    transform::{SPAN, STEP, Transform},
};
use crate::backends::flex::{convolution::product::VECTORS, shared::Shared, transpose::transpose};

/// The outputs of a block of tiles for the channels of a panel.
pub(super) struct PanelOutputs<'a> {
    pub correlation: &'a Correlation<'a>,
    pub output: Shared<'a>,
    pub block: &'a Block,
    pub panel: usize,
}

impl PanelOutputs<'_> {
    /// Interpolates and writes them. `products` are `[products, 2, tiles]`, an odd number of vectors apart.
    #[inline(always)]
    pub fn put<S: Simd>(&self, simd: S, products: &[S::f32s], scratch: &mut Scratch) {
        for half in 0..VECTORS {
            let first = (self.panel * VECTORS + half) * S::F32_LANES;
            if first >= self.correlation.to {
                break;
            }
            let outputs = Outputs {
                correlation: self.correlation,
                simd,
                products: &products[half * self.block.tiles..],
                stride: products_stride(self.block.tiles),
                first,
                output: self.output,
            };
            for &segment in &self.block.segments {
                outputs.put(segment, scratch);
            }
        }
    }
}

/// Vectors between the products of a tile. Odd, as that of the input.
pub(super) fn products_stride(tiles: usize) -> usize {
    (VECTORS * tiles) | 1
}

/// The products of a block of tiles for as many output channels as there are lanes, from channel `first` on.
struct Outputs<'a, S: Simd> {
    correlation: &'a Correlation<'a>,
    simd: S,
    products: &'a [S::f32s],
    /// Vectors between the products of a tile.
    stride: usize,
    first: usize,
    output: Shared<'a>,
}

impl<S: Simd> Outputs<'_, S> {
    /// Interpolates the outputs of a segment's tiles and writes them.
    #[inline(always)]
    fn put(&self, segment: Segment, scratch: &mut Scratch) {
        let Self { simd, first, .. } = *self;
        let Correlation { to, bias, .. } = *self.correlation;
        let [height, width] = self.correlation.out_size;
        let transform = Transform::new(simd);
        let columns = width.div_ceil(STEP);
        let top = segment.first * STEP;
        let rows = (segment.count * STEP).min(height - top);
        let pixels = scratch.pixels.vectors::<S>(segment.count * STEP * width);
        for row in 0..segment.count {
            for column in 0..columns {
                let tile = segment.tile + row * columns + column;
                let outputs = interpolate(transform, simd, &self.products[tile..], self.stride);
                let seen = (width - column * STEP).min(STEP);
                for (y, line) in outputs.iter().enumerate() {
                    let start = (row * STEP + y) * width + column * STEP;
                    match pixels[start..start + seen].first_chunk_mut() {
                        Some(pixels) => *pixels = *line,
                        None => pixels[start..start + seen].copy_from_slice(&line[..seen]),
                    }
                }
            }
        }
        let channels = S::F32_LANES.min(to - first);
        let bias = bias.map(|bias| simd.partial_load_f32s(&bias[first..first + channels]));
        let planes = Planes {
            output: self.output,
            start: ((segment.sample * to + first) * height + top) * width,
            distance: height * width,
            channels,
        };
        planes.store(simd, &mut pixels[..rows * width], bias);
    }
}

/// `A^T m A` of one tile, whose products are `stride` vectors apart.
#[inline(always)]
fn interpolate<S: Simd>(
    transform: Transform<S>,
    simd: S,
    products: &[S::f32s],
    stride: usize,
) -> [[S::f32s; STEP]; STEP] {
    let mut vertical = [[simd.splat_f32s(0.0); SPAN]; STEP];
    for x in 0..SPAN {
        let mut column = [simd.splat_f32s(0.0); SPAN];
        for (y, value) in column.iter_mut().enumerate() {
            *value = products[(y * SPAN + x) * stride];
        }
        let column: [_; STEP] = transform.interpolate(column);
        for (line, value) in vertical.iter_mut().zip(column) {
            line[x] = value;
        }
    }
    let mut outputs = [[simd.splat_f32s(0.0); STEP]; STEP];
    for (output, line) in outputs.iter_mut().zip(vertical) {
        *output = transform.interpolate(line);
    }
    outputs
}

/// The planes of successive channels of the output, from a row on.
struct Planes<'a> {
    output: Shared<'a>,
    start: usize,
    distance: usize,
    channels: usize,
}

impl Planes<'_> {
    /// Writes pixels, one vector each, adding `bias`.
    #[inline(always)]
    #[allow(unsafe_code, reason = "threads write disjoint parts of the output")]
    fn store<S: Simd>(&self, simd: S, pixels: &mut [S::f32s], bias: Option<S::f32s>) {
        let lanes = S::F32_LANES;
        let mut block = [simd.splat_f32s(0.0); MOST_LANES];
        let block = &mut block[..lanes];
        for (index, pixels) in pixels.chunks(lanes).enumerate() {
            for (vector, pixel) in block.iter_mut().zip(pixels) {
                *vector = match bias {
                    Some(bias) => simd.add_f32s(*pixel, bias),
                    None => *pixel,
                };
            }
            transpose(simd, block);
            for (channel, vector) in block.iter().take(self.channels).enumerate() {
                let start = self.start + channel * self.distance + index * lanes;
                // SAFETY: the task alone writes these rows of these channels of this image.
                let plane = unsafe { self.output.part(start, pixels.len()) };
                match pixels.len() == lanes {
                    true => S::as_mut_simd_f32s(plane).0[0] = *vector,
                    false => simd.partial_store_f32s(plane, *vector),
                }
            }
        }
    }
}

//! Tiles of an image: their positions, and the transform of the pixels under them.
//!
//! Channels lie in the lanes of vectors. Images come with one plane per channel, so blocks of pixels are transposed on
//! the way in and out.

use pulp::Simd;

use super::transform::{SPAN, STEP, Transform};
use crate::backends::flex::{buffer::Buffer, transpose::transpose};

/// The tiles of a batch of images.
#[derive(Clone, Copy, Debug)]
pub(super) struct Grid {
    /// Tile rows of an image.
    pub rows: usize,
    /// Tiles of a row.
    pub columns: usize,
    /// Tile rows of all images.
    pub total: usize,
}

/// Successive tile rows of one image.
#[derive(Clone, Copy, Debug)]
pub(super) struct Segment {
    pub sample: usize,
    /// The first row.
    pub first: usize,
    pub count: usize,
    /// Index of the first tile in the block.
    pub tile: usize,
}

/// Successive tile rows of several images.
#[derive(Clone, Debug)]
pub(super) struct Block {
    pub segments: Vec<Segment>,
    pub tiles: usize,
    /// Tiles of a row.
    pub columns: usize,
}

impl Grid {
    /// Covers outputs of a size.
    pub fn new(samples: usize, [height, width]: [usize; 2]) -> Self {
        let rows = height.div_ceil(STEP);
        Self {
            rows,
            columns: width.div_ceil(STEP),
            total: samples * rows,
        }
    }

    /// Splits all tile rows into blocks of about as many tiles as asked for, at least a row each.
    pub fn blocks(&self, tiles: usize) -> Vec<Block> {
        let most = ((tiles + self.columns / 2) / self.columns).max(1);
        let count = self.total.div_ceil(most);
        let rows = |block: usize| block * self.total / count;
        (0..count)
            .map(|block| self.block(rows(block), rows(block + 1)))
            .collect()
    }

    /// All tile rows as one block.
    pub fn whole(&self) -> Block {
        self.block(0, self.total)
    }

    fn block(&self, start: usize, end: usize) -> Block {
        let mut segments = Vec::new();
        let mut row = start;
        while row < end {
            let first = row % self.rows;
            let count = (self.rows - first).min(end - row);
            segments.push(Segment {
                sample: row / self.rows,
                first,
                count,
                tile: (row - start) * self.columns,
            });
            row += count;
        }
        Block {
            segments,
            tiles: (end - start) * self.columns,
            columns: self.columns,
        }
    }
}

/// Images with one plane per channel, `[samples, channels, height, width]`.
#[derive(Clone, Copy)]
pub(in super::super) struct Images<'a> {
    values: &'a [f32],
    pub channels: usize,
    pub size: [usize; 2],
}

impl<'a> Images<'a> {
    pub fn new(values: &'a [f32], channels: usize, size: [usize; 2]) -> Self {
        Self {
            values,
            channels,
            size,
        }
    }

    pub fn pixels(&self) -> usize {
        self.size[0] * self.size[1]
    }

    /// The planes of the channels from `first` on, at most `count`.
    fn planes(&self, sample: usize, first: usize, count: usize) -> &'a [f32] {
        let count = count.min(self.channels.saturating_sub(first));
        let first = first.min(self.channels);
        let start = (sample * self.channels + first) * self.pixels();
        &self.values[start..start + count * self.pixels()]
    }
}

/// The transform of an image's tiles.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    /// Tiles of six by six, which overlap by two: the input of a convolution, `B^T d B`. The tile at the origin starts at
    /// `-padding`.
    Input { padding: [usize; 2] },
    /// Tiles of four by four: the incoming gradient, `G d G^T`.
    Gradient,
}

/// Buffers of a thread.
#[derive(Default)]
pub(super) struct Scratch {
    pub pixels: Buffer,
    vertical: Buffer,
}

/// Images whose tiles are transformed.
#[derive(Clone, Copy)]
pub(super) struct Source<'a> {
    pub images: Images<'a>,
    pub kind: Kind,
}

/// Transformed tiles. The products of a tile are `stride` vectors apart.
pub(super) struct Products<'a, V> {
    pub values: &'a mut [V],
    pub stride: usize,
}

impl Source<'_> {
    /// Transforms the tiles of a block for as many channels as there are lanes, from channel `first` on.
    #[inline(always)]
    pub fn transform<S: Simd>(
        self,
        simd: S,
        block: &Block,
        first: usize,
        scratch: &mut Scratch,
        mut output: Products<'_, S::f32s>,
    ) {
        let transform = Transform::new(simd);
        let (span, padding) = match self.kind {
            Kind::Input { padding } => (SPAN, padding),
            Kind::Gradient => (STEP, [0; 2]),
        };
        let width = block.columns * STEP + span - STEP;
        for segment in &block.segments {
            let height = segment.count * STEP + span - STEP;
            let pixels = scratch.pixels.vectors::<S>(height * width);
            let vertical = scratch.vertical.vectors::<S>(SPAN * width);
            let top = (segment.first * STEP) as isize - padding[0] as isize;
            let planes = self.images.planes(segment.sample, first, S::F32_LANES);
            let origin = [top, -(padding[1] as isize)];
            load(simd, planes, self.images.size, origin, pixels, width);
            for row in 0..segment.count {
                let tile = segment.tile + row * block.columns;
                let pixels = &pixels[row * STEP * width..];
                self.transform_row(transform, pixels, vertical, tile, &mut output);
            }
        }
    }

    /// Transforms a row of tiles, of which the first has index `tile`: down each column of pixels, which neighbouring tiles
    /// share, then along the lines.
    #[inline(always)]
    fn transform_row<S: Simd>(
        self,
        transform: Transform<S>,
        pixels: &[S::f32s],
        vertical: &mut [S::f32s],
        tile: usize,
        output: &mut Products<'_, S::f32s>,
    ) {
        let width = vertical.len() / SPAN;
        for column in 0..width {
            let values = apply(transform, self.kind, &pixels[column..], width);
            for (y, value) in values.into_iter().enumerate() {
                vertical[y * width + column] = value;
            }
        }
        for y in 0..SPAN {
            let line = &vertical[y * width..][..width];
            for column in 0..width / STEP {
                let values = apply(transform, self.kind, &line[column * STEP..], 1);
                for (x, value) in values.into_iter().enumerate() {
                    output.values[(y * SPAN + x) * output.stride + tile + column] = value;
                }
            }
        }
    }
}

/// The transform along one axis, of vectors that are `stride` apart.
#[inline(always)]
fn apply<S: Simd>(
    transform: Transform<S>,
    kind: Kind,
    pixels: &[S::f32s],
    stride: usize,
) -> [S::f32s; SPAN] {
    let [first, second, third] = [pixels[0], pixels[stride], pixels[2 * stride]];
    let fourth = pixels[3 * stride];
    match kind {
        Kind::Input { .. } => {
            let [fifth, sixth] = [pixels[4 * stride], pixels[5 * stride]];
            transform.spread([first, second, third, fourth, fifth, sixth])
        }
        Kind::Gradient => transform.evaluate([first, second, third, fourth]),
    }
}

/// Copies a window of an image, which starts at `origin` and may exceed the image, into rows of `width` vectors, one
/// vector per pixel. Outside the image, and for channels beyond the last, it is zero.
#[inline(always)]
fn load<S: Simd>(
    simd: S,
    planes: &[f32],
    [height, image_width]: [usize; 2],
    [top, left]: [isize; 2],
    window: &mut [S::f32s],
    width: usize,
) {
    let rows = (window.len() / width) as isize;
    let zero = simd.splat_f32s(0.0);
    for (y, line) in (top..).zip(window.chunks_exact_mut(width)) {
        let inside = match (0..height as isize).contains(&y) {
            true => -left..(image_width as isize - left).min(width as isize),
            false => 0..0,
        };
        let (before, rest) = line.split_at_mut(inside.start as usize);
        before.fill(zero);
        rest[(inside.end - inside.start) as usize..].fill(zero);
    }
    let start = top.clamp(0, height as isize) as usize * image_width;
    let end = (top + rows).clamp(0, height as isize) as usize * image_width;
    let mut block = [simd.splat_f32s(0.0); MOST_LANES];
    let block = &mut block[..S::F32_LANES];
    let (mut y, mut x) = (start / image_width, 0);
    for pixel in (start..end).step_by(S::F32_LANES) {
        let count = (end - pixel).min(S::F32_LANES);
        for (vector, plane) in block
            .iter_mut()
            .zip(planes.chunks_exact(height * image_width))
        {
            *vector = match count == S::F32_LANES {
                true => first_vector::<S>(&plane[pixel..]),
                false => simd.partial_load_f32s(&plane[pixel..pixel + count]),
            };
        }
        for vector in block.iter_mut().skip(planes.len() / (height * image_width)) {
            *vector = simd.splat_f32s(0.0);
        }
        transpose(simd, block);
        for vector in &block[..count] {
            let row = (y as isize - top) as usize * width;
            let column = x as isize - left;
            if (0..width as isize).contains(&column) {
                window[row + column as usize] = *vector;
            }
            x += 1;
            if x == image_width {
                (y, x) = (y + 1, 0);
            }
        }
    }
}

/// Lanes of the widest vectors.
pub(super) const MOST_LANES: usize = 16;

#[inline(always)]
pub(super) fn first_vector<S: Simd>(values: &[f32]) -> S::f32s {
    S::as_simd_f32s(&values[..S::F32_LANES]).0[0]
}

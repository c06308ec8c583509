//! Patches (im2col): the pixels under the kernel, as columns of a matrix.

use std::borrow::Cow;

use rayon::prelude::*;

use super::axis::{Axis, Span};
use crate::backends::flex::convolution::geometry::Geometry;

/// The indices from `start` to `start + count`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Block {
    pub start: usize,
    pub count: usize,
}

/// Splits `count` into blocks of `size`; the last may be shorter.
pub(super) fn blocks(count: usize, size: usize) -> Vec<Block> {
    let block = |start| Block {
        start,
        count: size.min(count - start),
    };
    (0..count).step_by(size).map(block).collect()
}

/// The kernel that moves over the planes of images.
#[derive(Clone)]
pub(super) struct Window {
    pub vertical: Axis,
    pub horizontal: Axis,
    /// Of each column of the kernel.
    spans: Vec<Span>,
}

impl Window {
    pub fn new(geometry: &Geometry) -> Self {
        let horizontal = Axis::new(geometry, 1);
        Self {
            vertical: Axis::new(geometry, 0),
            horizontal,
            spans: (0..horizontal.taps)
                .map(|tap| horizontal.span(tap))
                .collect(),
        }
    }

    pub fn taps(&self) -> usize {
        self.vertical.taps * self.horizontal.taps
    }

    /// Pixels of a plane of the input.
    pub fn pixels(&self) -> usize {
        self.vertical.input * self.horizontal.input
    }

    /// Whether the patches are the image itself: one tap that reads the pixel at its own position.
    pub fn is_identity(&self) -> bool {
        self.vertical.is_identity() && self.horizontal.is_identity()
    }

    /// Images with the pixels of each line in [`Axis::order`], so that a tap reads successive ones.
    pub fn ordered<'a>(&self, images: &'a [f32]) -> Cow<'a, [f32]> {
        if self.horizontal.is_ordered() {
            return Cow::Borrowed(images);
        }
        let mut ordered = vec![0.0; images.len()];
        let planes = ordered.par_chunks_mut(self.pixels());
        planes
            .zip(images.par_chunks(self.pixels()))
            .for_each(|(ordered, plane)| {
                self.for_each_line(ordered, plane, |ordered, line| {
                    let pixels = self.horizontal.order().map(|pixel| line[pixel]);
                    ordered
                        .iter_mut()
                        .zip(pixels)
                        .for_each(|(to, from)| *to = from);
                });
            });
        Cow::Owned(ordered)
    }

    /// The inverse of [`ordered`](Self::ordered), for one plane.
    pub fn restore(&self, ordered: &[f32], plane: &mut [f32]) {
        self.for_each_line(plane, ordered, |line, ordered| {
            let pixels = self.horizontal.order().zip(ordered);
            pixels.for_each(|(pixel, value)| line[pixel] = *value);
        });
    }

    fn for_each_line(&self, to: &mut [f32], from: &[f32], visit: impl Fn(&mut [f32], &[f32])) {
        let width = self.horizontal.input;
        let lines = to.chunks_exact_mut(width).zip(from.chunks_exact(width));
        lines.for_each(|(to, from)| visit(to, from));
    }

    /// Writes the patches of successive planes, `[planes * taps, outputs]` for the output rows `band`, into rows of `patches`
    /// of length `stride`, from column `at` on.
    pub fn lower(
        &self,
        planes: &[f32],
        band: Block,
        patches: &mut [f32],
        [stride, at]: [usize; 2],
    ) {
        let width = self.horizontal.input;
        let rows = patches.chunks_mut(self.taps() * stride);
        for (plane, rows) in planes.chunks_exact(self.pixels()).zip(rows) {
            for (tap, row) in rows.chunks_mut(stride).enumerate() {
                let (tap_y, tap_x) = (tap / self.horizontal.taps, tap % self.horizontal.taps);
                let Span { start, end, first } = self.spans[tap_x];
                let lines = row[at..]
                    .chunks_mut(self.horizontal.output)
                    .take(band.count);
                for (out, line) in (band.start..).zip(lines) {
                    let Some(y) = self.vertical.source(out, tap_y) else {
                        line.fill(0.0);
                        continue;
                    };
                    line[..start].fill(0.0);
                    line[start..end].copy_from_slice(&plane[y * width + first..][..end - start]);
                    line[end..].fill(0.0);
                }
            }
        }
    }

    /// Adds patches `[planes * taps, outputs]` to the pixels that they were read from (col2im).
    pub fn raise(&self, patches: &[f32], planes: &mut [f32]) {
        let (width, outputs) = (
            self.horizontal.input,
            self.vertical.output * self.horizontal.output,
        );
        let rows = patches.chunks_exact(self.taps() * outputs);
        for (plane, rows) in planes.chunks_exact_mut(self.pixels()).zip(rows) {
            for (tap, row) in rows.chunks_exact(outputs).enumerate() {
                let (tap_y, tap_x) = (tap / self.horizontal.taps, tap % self.horizontal.taps);
                let Span { start, end, first } = self.spans[tap_x];
                for (out, line) in row.chunks_exact(self.horizontal.output).enumerate() {
                    let Some(y) = self.vertical.source(out, tap_y) else {
                        continue;
                    };
                    let seen = &mut plane[y * width + first..][..end - start];
                    let line = &line[start..end];
                    seen.iter_mut()
                        .zip(line)
                        .for_each(|(pixel, value)| *pixel += value);
                }
            }
        }
    }
}

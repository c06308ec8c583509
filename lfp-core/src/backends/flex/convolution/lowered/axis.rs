//! Which pixels of the input a kernel reads, along one axis.

use crate::backends::flex::convolution::geometry::Geometry;

/// Along an axis, tap `t` of output `o` reads the input at `o * stride + t * dilation - padding`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Axis {
    /// Length of the input.
    pub input: usize,
    /// Length of the output.
    pub output: usize,
    pub taps: usize,
    stride: usize,
    dilation: usize,
    padding: usize,
}

/// The outputs of a line for which a tap reads inside the input, and the position of the first pixel it reads; elsewhere it
/// reads padding.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    pub start: usize,
    pub end: usize,
    pub first: usize,
}

impl Axis {
    pub fn new(geometry: &Geometry, axis: usize) -> Self {
        Self {
            input: geometry.size[axis],
            output: geometry.out_size[axis],
            taps: geometry.kernel[axis],
            stride: geometry.stride[axis],
            dilation: geometry.dilation[axis],
            padding: geometry.padding[axis],
        }
    }

    /// The pixel that a tap reads; `None` in the padding.
    pub fn source(&self, output: usize, tap: usize) -> Option<usize> {
        let ahead = output * self.stride + tap * self.dilation;
        let source = ahead.checked_sub(self.padding)?;
        (source < self.input).then_some(source)
    }

    /// Where along a line a tap reads inside the input. The line has its pixels in [`order`](Self::order), so the span reads
    /// successive ones.
    pub fn span(&self, tap: usize) -> Span {
        // Output `o` reads pixel `o * stride + ahead - padding`.
        let ahead = tap * self.dilation;
        let outputs_below = |pixel: usize| pixel.saturating_sub(ahead).div_ceil(self.stride);
        let start = outputs_below(self.padding).min(self.output);
        let end = outputs_below(self.padding + self.input).clamp(start, self.output);
        Span {
            start,
            end,
            first: match self.source(start, tap) {
                Some(pixel) if start < end => self.position(pixel),
                _ => 0,
            },
        }
    }

    /// Whether the pixels of a line are in their own order.
    pub fn is_ordered(&self) -> bool {
        self.stride == 1
    }

    /// The pixels of a line, ordered by their remainder modulo the stride.
    pub fn order(&self) -> impl Iterator<Item = usize> {
        let (stride, input) = (self.stride, self.input);
        (0..stride).flat_map(move |remainder| (remainder..input).step_by(stride))
    }

    /// The position of a pixel in that order.
    fn position(&self, pixel: usize) -> usize {
        let (remainder, quotient) = (pixel % self.stride, pixel / self.stride);
        // Remainders below that of the length have one pixel more.
        let longer = remainder.min(self.input % self.stride);
        remainder * (self.input / self.stride) + longer + quotient
    }

    /// Whether output `o` reads input `o` and nothing else.
    pub fn is_identity(&self) -> bool {
        self.taps == 1 && self.stride == 1 && self.padding == 0 && self.input == self.output
    }
}

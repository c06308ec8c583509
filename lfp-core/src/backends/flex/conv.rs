//! The weight gradient of a two-dimensional convolution, for gradients and quotients alike.
//!
//! Flex computes it as a convolution whose kernel is the whole incoming gradient and whose output is as small as the real
//! kernel: matrix products of about nine columns, which leave most vector registers idle. This module lowers blocks of
//! input channels to patches (im2col), so that each product has about `COLUMNS` columns.

use burn_core::backend::{Bytes, DType, Shape, ops::ConvOptions};
use burn_flex::{FlexTensor, Layout};
use rayon::prelude::*;

/// Columns of a product: enough to fill the registers of the micro-kernel.
const COLUMNS: usize = 128;
/// Output pixels of a product: the patches of that many stay in the cache.
const PIXELS: usize = 1024;
/// The least number of parallel tasks. It is the same on every machine, so that sums have the same order.
const TASKS: usize = 8;

/// The gradient, `[channels_out, channels_in, kernel_height, kernel_width]`. `None` for grouped, empty or non-f32 input; the
/// caller falls back to Burn.
pub(super) fn weight_gradient(
    x: &FlexTensor,
    grad: &FlexTensor,
    kernel: [usize; 2],
    options: &ConvOptions<2>,
) -> Option<FlexTensor> {
    let is_f32 = x.dtype() == DType::F32 && grad.dtype() == DType::F32;
    if !is_f32 || options.groups != 1 {
        return None;
    }
    let (x, grad) = (x.to_contiguous(), grad.to_contiguous());
    let [samples, from, height, width] = x.layout().shape().dims();
    let [_, to, out_height, out_width] = grad.layout().shape().dims();
    if samples * from * to * out_height * out_width == 0 {
        return None;
    }
    let convolution = Convolution {
        from,
        to,
        size: [height, width],
        out_size: [out_height, out_width],
        kernel,
        options,
        x: x.storage(),
        grad: grad.storage(),
    };
    let weights = convolution.weights(samples);
    let shape = Shape::from(vec![to, from, kernel[0], kernel[1]]);
    let (data, layout) = (Bytes::from_elems(weights), Layout::contiguous(shape));
    Some(FlexTensor::new(data, layout, DType::F32))
}

struct Convolution<'a> {
    from: usize,
    to: usize,
    size: [usize; 2],
    out_size: [usize; 2],
    kernel: [usize; 2],
    options: &'a ConvOptions<2>,
    /// `[samples, from, height, width]`
    x: &'a [f32],
    /// `[samples, to, out_height, out_width]`
    grad: &'a [f32],
}

/// The indices from `start` to `start + count`.
#[derive(Clone, Copy)]
struct Block {
    start: usize,
    count: usize,
}

/// The output pixels `start..end` of a line for which a kernel tap reads inside the image, and the first pixel it reads;
/// elsewhere it reads padding.
#[derive(Clone, Copy)]
struct Span {
    start: usize,
    end: usize,
    first: usize,
}

impl Convolution<'_> {
    fn taps(&self) -> usize {
        self.kernel[0] * self.kernel[1]
    }

    fn out_pixels(&self) -> usize {
        self.out_size[0] * self.out_size[1]
    }

    fn weights(&self, samples: usize) -> Vec<f32> {
        let channels = blocks(self.from, (COLUMNS / self.taps()).max(1));
        let chunks = TASKS.div_ceil(channels.len()).min(samples);
        let samples = blocks(samples, samples.div_ceil(chunks));
        let tasks: Vec<_> = samples
            .iter()
            .flat_map(|&samples| channels.iter().map(move |&channels| (samples, channels)))
            .collect();
        let sums: Vec<_> = tasks
            .par_iter()
            .map(|&(samples, channels)| self.sum(samples, channels))
            .collect();
        let row = self.from * self.taps();
        let mut weights = vec![0.0; self.to * row];
        for ((_, channels), sum) in tasks.iter().zip(sums) {
            let columns = channels.count * self.taps();
            for (row, sum) in weights.chunks_mut(row).zip(sum.chunks(columns)) {
                let row = &mut row[channels.start * self.taps()..][..columns];
                row.iter_mut()
                    .zip(sum)
                    .for_each(|(weight, sum)| *weight += sum);
            }
        }
        weights
    }

    /// The sum `[to, channels * taps]` over a block of samples, for a block of input channels.
    fn sum(&self, samples: Block, channels: Block) -> Vec<f32> {
        let mut sum = vec![0.0; self.to * channels.count * self.taps()];
        match PIXELS / self.out_pixels() {
            0 | 1 => self.add_in_bands(samples, channels, &mut sum),
            together => self.add_together(samples, channels, together, &mut sum),
        }
        sum
    }

    /// Large images: one band of output rows per product.
    fn add_in_bands(&self, samples: Block, channels: Block, sum: &mut [f32]) {
        let [height, width] = self.out_size;
        let rows = (PIXELS / width).clamp(1, height);
        let mut patches = vec![0.0; channels.count * self.taps() * rows * width];
        for sample in samples.start..samples.start + samples.count {
            let grad = &self.grad[sample * self.to * self.out_pixels()..];
            for band in blocks(height, rows) {
                let pixels = band.count * width;
                self.patches(sample, channels, band, &mut patches, [pixels, 0]);
                let grad = &grad[band.start * width..];
                multiply_add(sum, self.to, grad, self.out_pixels(), &patches, pixels);
            }
        }
    }

    /// Small images: several samples per product.
    fn add_together(&self, samples: Block, channels: Block, together: usize, sum: &mut [f32]) {
        let whole = Block {
            start: 0,
            count: self.out_size[0],
        };
        let most = together.min(samples.count) * self.out_pixels();
        let mut patches = vec![0.0; channels.count * self.taps() * most];
        let mut grads = Vec::new();
        for group in blocks(samples.count, together) {
            let first = samples.start + group.start;
            let pixels = group.count * self.out_pixels();
            for index in 0..group.count {
                let at = [pixels, index * self.out_pixels()];
                self.patches(first + index, channels, whole, &mut patches, at);
            }
            self.gather(first, group.count, &mut grads);
            multiply_add(sum, self.to, &grads, pixels, &patches, pixels);
        }
    }

    /// The incoming gradient of several samples, side by side: `[to, samples * pixels]`.
    fn gather(&self, first: usize, samples: usize, grads: &mut Vec<f32>) {
        let pixels = self.out_pixels();
        grads.clear();
        for channel in 0..self.to {
            for sample in first..first + samples {
                let start = (sample * self.to + channel) * pixels;
                grads.extend_from_slice(&self.grad[start..start + pixels]);
            }
        }
    }

    /// im2col: writes the patches of a sample, `[channels * taps, pixels]` for the output rows `band`, into rows of
    /// `patches` of length `stride`, from column `at` on.
    fn patches(
        &self,
        sample: usize,
        channels: Block,
        band: Block,
        patches: &mut [f32],
        [stride, at]: [usize; 2],
    ) {
        let [height, width] = self.size;
        let rows = patches
            .chunks_mut(stride)
            .take(channels.count * self.taps());
        for (index, row) in rows.enumerate() {
            let channel = channels.start + index / self.taps();
            let tap = index % self.taps();
            let (tap_y, tap_x) = (tap / self.kernel[1], tap % self.kernel[1]);
            let image =
                &self.x[(sample * self.from + channel) * height * width..][..height * width];
            let lines = row[at..].chunks_mut(self.out_size[1]).take(band.count);
            let span = self.span(tap_x);
            for (out_y, line) in (band.start..).zip(lines) {
                match self.source(0, out_y, tap_y) {
                    Some(y) => self.line(&image[y * width..][..width], span, line),
                    None => line.fill(0.0),
                }
            }
        }
    }

    /// Where along a line a tap reads inside the image.
    fn span(&self, tap: usize) -> Span {
        let width = self.out_size[1];
        let inside = |&x: &usize| self.source(1, x, tap).is_some();
        let start = (0..width).find(inside).unwrap_or(width);
        let end = (start..width).rfind(inside).map_or(start, |last| last + 1);
        Span {
            start,
            end,
            first: self.source(1, start, tap).unwrap_or(0),
        }
    }

    /// Copies what a tap reads of one image line.
    fn line(&self, image: &[f32], Span { start, end, first }: Span, line: &mut [f32]) {
        line[..start].fill(0.0);
        line[end..].fill(0.0);
        let seen = &mut line[start..end];
        match self.options.stride[1] {
            1 => seen.copy_from_slice(&image[first..first + seen.len()]),
            stride => {
                let image = image[first..].iter().step_by(stride);
                seen.iter_mut()
                    .zip(image)
                    .for_each(|(seen, pixel)| *seen = *pixel);
            }
        }
    }

    /// The image pixel that a tap reads for an output pixel, along an axis; `None` in the padding.
    fn source(&self, axis: usize, out: usize, tap: usize) -> Option<usize> {
        let ahead = out * self.options.stride[axis] + tap * self.options.dilation[axis];
        let source = ahead.checked_sub(self.options.padding_begin()[axis])?;
        (source < self.size[axis]).then_some(source)
    }
}

/// Splits `count` into blocks of `size`; the last may be shorter.
fn blocks(count: usize, size: usize) -> Vec<Block> {
    let block = |start| Block {
        start,
        count: size.min(count - start),
    };
    (0..count).step_by(size).map(block).collect()
}

/// Adds `grad * patches^T`: `[rows, pixels]`, whose rows are `stride` apart, and `[columns, pixels]`.
#[allow(unsafe_code, reason = "the product is a function on pointers")]
fn multiply_add(
    sum: &mut [f32],
    rows: usize,
    grad: &[f32],
    stride: usize,
    patches: &[f32],
    pixels: usize,
) {
    let columns = sum.len() / rows;
    assert!(grad.len() >= (rows - 1) * stride + pixels && patches.len() >= columns * pixels);
    // SAFETY: all three matrices lie within their slices: `sum` has `rows * columns` elements, and the assertion bounds
    // the other two.
    unsafe {
        gemm::gemm(
            rows,
            columns,
            pixels,
            sum.as_mut_ptr(),
            1,
            columns as isize,
            true,
            grad.as_ptr(),
            1,
            stride as isize,
            patches.as_ptr(),
            pixels as isize,
            1,
            1.0,
            1.0,
            false,
            false,
            false,
            gemm::Parallelism::None,
        );
    }
}

#[cfg(test)]
mod tests {
    use burn_core::backend::ops::ModuleOps;
    use burn_flex::Flex;

    use super::*;

    fn tensor(shape: [usize; 4], seed: usize) -> FlexTensor {
        let value = |index: usize| (((index * index + seed) as f64) * 0.37).sin() as f32;
        let values: Vec<f32> = (0..shape.iter().product()).map(value).collect();
        let layout = Layout::contiguous(Shape::new(shape));
        FlexTensor::new(Bytes::from_elems(values), layout, DType::F32)
    }

    /// A convolution: `[samples, from, height, width]`, `[to, height, width]` of the weights, options.
    fn assert_equals_burn(
        input: [usize; 4],
        [to, height, width]: [usize; 3],
        options: ConvOptions<2>,
    ) {
        let name = format!("{input:?}, {to} x {height} x {width}, {options:?}");
        let x = tensor(input, 1);
        let weight = tensor([to, input[1] / options.groups, height, width], 2);
        let output = Flex::conv2d(x.clone(), weight.clone(), None, options.clone());
        let grad = tensor(output.layout().shape().dims(), 3);
        let burns = Flex::conv2d_weight_backward(x.clone(), weight, grad.clone(), options.clone());
        let ours = weight_gradient(&x, &grad, [height, width], &options);
        if options.groups > 1 {
            assert!(ours.is_none(), "{name}");
            return;
        }
        let ours = ours.expect("f32 input that is not empty");
        assert_eq!(ours.layout().shape(), burns.layout().shape(), "{name}");
        let (ours, burns) = (ours.to_contiguous(), burns.to_contiguous());
        let (ours, burns): (&[f32], &[f32]) = (ours.storage(), burns.storage());
        let largest = burns
            .iter()
            .fold(0.0, |largest: f32, value| largest.max(value.abs()));
        for (ours, burns) in ours.iter().zip(burns) {
            assert!(
                (ours - burns).abs() <= 1e-5 * largest,
                "{name}: {burns}, ours {ours}"
            );
        }
    }

    fn options(stride: usize, padding: [(usize, usize); 2], dilation: usize) -> ConvOptions<2> {
        ConvOptions::new_with_padding([stride; 2], padding, [dilation; 2], 1)
    }

    #[test]
    fn the_weight_gradient_equals_burns() {
        let same = [(1, 1); 2];
        // Many samples together; several blocks of channels; bands of a large image.
        assert_equals_burn([37, 5, 6, 7], [9, 3, 3], options(1, same, 1));
        assert_equals_burn([2, 45, 8, 8], [4, 3, 3], options(1, same, 1));
        assert_equals_burn([2, 3, 70, 50], [8, 7, 7], options(2, [(3, 3); 2], 1));
        assert_equals_burn([1, 2, 3, 1500], [2, 1, 5], options(1, [(0, 0), (2, 2)], 1));
        // Strides, dilation, no padding, asymmetric padding, and more padding than image.
        assert_equals_burn([3, 4, 9, 8], [6, 3, 2], options(2, [(0, 0); 2], 1));
        assert_equals_burn([3, 4, 12, 11], [6, 3, 3], options(1, [(2, 2); 2], 2));
        assert_equals_burn([2, 3, 5, 5], [2, 3, 3], options(1, [(2, 0), (1, 2)], 1));
        assert_equals_burn([2, 3, 2, 2], [2, 5, 5], options(1, [(4, 4); 2], 1));
        assert_equals_burn([4, 130, 5, 5], [3, 1, 1], options(2, [(0, 0); 2], 1));
        // One pixel, one sample, one of everything.
        assert_equals_burn([1, 1, 1, 1], [1, 1, 1], options(1, [(0, 0); 2], 1));
        let grouped = ConvOptions::new_with_padding([1; 2], same, [1; 2], 2);
        assert_equals_burn([2, 4, 6, 6], [6, 3, 3], grouped);
    }

    #[test]
    fn the_weight_gradient_does_not_depend_on_the_memory_layout() {
        let x = tensor([6, 4, 3, 5], 1);
        let turned = x.transpose(2, 3).to_contiguous().transpose(2, 3);
        let grad = tensor([6, 2, 3, 5], 3);
        let options = options(1, [(1, 1); 2], 1);
        let of = |x: &FlexTensor| weight_gradient(x, &grad, [3, 3], &options).unwrap();
        assert_eq!(of(&x).storage::<f32>(), of(&turned).storage::<f32>());
    }
}

//! Max pooling: whole lines at a time, without a branch per pixel.

use burn_core::backend::DType;
use burn_flex::FlexTensor;
use rayon::prelude::*;

use super::tensor;
use crate::PoolWindows;

/// Windows that halve a plane: 2x2 pixels that do not overlap.
const HALVES: PoolWindows = PoolWindows {
    size: [2; 2],
    stride: [2; 2],
    padding: [0; 2],
};

/// The maxima, and the position in its window of each. `None` if `x` is not f32 or has no pixels.
pub(super) fn forward(x: &FlexTensor, windows: PoolWindows) -> Option<(FlexTensor, FlexTensor)> {
    let [samples, channels, height, width] = x.layout().shape().dims();
    if x.dtype() != DType::F32 || height * width == 0 {
        return None;
    }
    let [out_height, out_width] = windows.outputs([height, width]);
    let x = x.to_contiguous();
    let len = samples * channels * out_height * out_width;
    let (mut maxima, mut winners) = (vec![0.0; len], vec![0.0; len]);
    if len > 0 {
        let planes = x.storage::<f32>().par_chunks(height * width);
        let maxima = maxima.par_chunks_mut(out_height * out_width);
        let winners = winners.par_chunks_mut(out_height * out_width);
        planes
            .zip(maxima.zip(winners))
            .for_each(|(plane, (maxima, winners))| match windows == HALVES {
                true => halve(plane, width, out_width, maxima, winners),
                false => pool(plane, width, windows, out_width, maxima, winners),
            });
    }
    let shape = [samples, channels, out_height, out_width];
    Some((tensor(maxima, shape), tensor(winners, shape)))
}

/// Passes what arrives at each maximum to its pixel. `None` if `grad` is not f32, or the planes have no pixels.
pub(super) fn backward(
    grad: &FlexTensor,
    winners: &FlexTensor,
    size: [usize; 2],
    windows: PoolWindows,
) -> Option<FlexTensor> {
    if grad.dtype() != DType::F32 || size.contains(&0) {
        return None;
    }
    let [samples, channels, out_height, out_width] = grad.layout().shape().dims();
    let (grad, winners) = (grad.to_contiguous(), winners.to_contiguous());
    let mut below = vec![0.0; samples * channels * size[0] * size[1]];
    if out_height * out_width > 0 {
        let planes = below.par_chunks_mut(size[0] * size[1]);
        let grads = grad.storage::<f32>().par_chunks(out_height * out_width);
        let winners = winners.storage::<f32>().par_chunks(out_height * out_width);
        let are_adjacent = windows.stride == windows.size && windows.padding == [0; 2];
        planes
            .zip(grads.zip(winners))
            .for_each(|(plane, (grads, winners))| match are_adjacent {
                true => distribute(plane, size[1], windows.size, out_width, grads, winners),
                false => scatter(plane, size[1], windows, out_width, grads, winners),
            });
    }
    Some(tensor(below, [samples, channels, size[0], size[1]]))
}

/// A pixel and its index: the one kept, unless the next wins.
#[inline(always)]
fn larger(kept: (f32, f32), next: (f32, f32)) -> (f32, f32) {
    let wins = next.0 > kept.0 || next.0.is_nan();
    if wins { next } else { kept }
}

/// One plane in windows of [`HALVES`]: all four pixels of a window at once, because small planes have lines of few windows.
#[multiversion::multiversion(targets("x86_64+avx512f+avx512vl+avx512bw+avx512dq", "x86_64+avx2"))]
fn halve(plane: &[f32], width: usize, out_width: usize, maxima: &mut [f32], winners: &mut [f32]) {
    let bands = plane.chunks_exact(2 * width);
    let lines = maxima
        .chunks_exact_mut(out_width)
        .zip(winners.chunks_exact_mut(out_width));
    for (band, (maxima, winners)) in bands.zip(lines) {
        let (top, bottom) = band.split_at(width);
        let windows = top.as_chunks::<2>().0.iter().zip(bottom.as_chunks::<2>().0);
        for ((top, bottom), (maximum, winner)) in windows.zip(maxima.iter_mut().zip(winners)) {
            let first = (top[0], 0.0);
            let second = larger(first, (top[1], 1.0));
            let third = larger(second, (bottom[0], 2.0));
            (*maximum, *winner) = larger(third, (bottom[1], 3.0));
        }
    }
}

/// One plane. NaN wins, as in Burn; of equal values the first.
#[multiversion::multiversion(targets("x86_64+avx512f+avx512vl+avx512bw+avx512dq", "x86_64+avx2"))]
fn pool(
    plane: &[f32],
    width: usize,
    windows: PoolWindows,
    out_width: usize,
    maxima: &mut [f32],
    winners: &mut [f32],
) {
    let PoolWindows {
        size,
        stride,
        padding,
    } = windows;
    let lines = maxima
        .chunks_exact_mut(out_width)
        .zip(winners.chunks_exact_mut(out_width));
    for (out, (maxima, winners)) in lines.enumerate() {
        let top = out * stride[0];
        maxima.fill(f32::NEG_INFINITY);
        let first_row = padding[0].saturating_sub(top);
        for (column, winner) in winners.iter_mut().enumerate() {
            let first_column = padding[1].saturating_sub(column * stride[1]);
            *winner = (first_row * size[1] + first_column) as f32;
        }
        for row in first_row..size[0] {
            let Some(line) = plane.chunks_exact(width).nth(top + row - padding[0]) else {
                break;
            };
            for column in 0..size[1] {
                // Outputs whose windows have a pixel in this column.
                let start = padding[1].saturating_sub(column).div_ceil(stride[1]);
                let pixels = (width + padding[1]).saturating_sub(column);
                let end = pixels.div_ceil(stride[1]).min(out_width);
                if start < end {
                    let line = &line[start * stride[1] + column - padding[1]..];
                    let index = (row * size[1] + column) as f32;
                    let (maxima, winners) = (&mut maxima[start..end], &mut winners[start..end]);
                    match stride[1] {
                        1 => keep_larger::<1>(line, index, maxima, winners),
                        2 => keep_larger::<2>(line, index, maxima, winners),
                        3 => keep_larger::<3>(line, index, maxima, winners),
                        stride => keep_larger_of(
                            line.iter().step_by(stride),
                            index,
                            maxima.iter_mut().zip(winners),
                        ),
                    }
                }
            }
        }
    }
}

/// Every `STEP`th pixel of a line: a distance that the compiler knows and can vectorise.
#[inline(always)]
fn keep_larger<const STEP: usize>(
    line: &[f32],
    index: f32,
    maxima: &mut [f32],
    winners: &mut [f32],
) {
    let (chunks, rest) = line.as_chunks::<STEP>();
    let whole = chunks.len().min(maxima.len());
    let (maxima, last_maximum) = maxima.split_at_mut(whole);
    let (winners, last_winner) = winners.split_at_mut(whole);
    let pixels = chunks.iter().map(|chunk| &chunk[0]);
    keep_larger_of(pixels, index, maxima.iter_mut().zip(winners));
    keep_larger_of(rest.iter(), index, last_maximum.iter_mut().zip(last_winner));
}

#[inline(always)]
fn keep_larger_of<'a>(
    pixels: impl Iterator<Item = &'a f32>,
    index: f32,
    kept: impl Iterator<Item = (&'a mut f32, &'a mut f32)>,
) {
    for (&pixel, (maximum, winner)) in pixels.zip(kept) {
        (*maximum, *winner) = larger((*maximum, *winner), (pixel, index));
    }
}

/// One plane, whose pixels are zero before: windows that do not overlap, so that each pixel is written once.
#[multiversion::multiversion(targets("x86_64+avx512f+avx512vl+avx512bw+avx512dq", "x86_64+avx2"))]
fn distribute(
    plane: &mut [f32],
    width: usize,
    window: [usize; 2],
    out_width: usize,
    grads: &[f32],
    winners: &[f32],
) {
    let [height, step] = window;
    let bands = plane.chunks_exact_mut(height * width);
    let lines = grads
        .chunks_exact(out_width)
        .zip(winners.chunks_exact(out_width));
    for (band, (grads, winners)) in bands.zip(lines) {
        for (row, line) in band.chunks_exact_mut(width).enumerate() {
            let first = (row * step) as f32;
            match step {
                2 => spread::<2>(&mut line[..out_width * step], first, grads, winners),
                3 => spread::<3>(&mut line[..out_width * step], first, grads, winners),
                _ => {
                    let windows = line.chunks_exact_mut(step);
                    for ((window, &grad), &winner) in windows.zip(grads).zip(winners) {
                        for (column, pixel) in window.iter_mut().enumerate() {
                            *pixel = if winner == first + column as f32 {
                                grad
                            } else {
                                0.0
                            };
                        }
                    }
                }
            }
        }
    }
}

/// A line in windows of a width that the compiler knows. `first` is the position of its first pixel in a window.
#[inline(always)]
fn spread<const STEP: usize>(line: &mut [f32], first: f32, grads: &[f32], winners: &[f32]) {
    let (windows, _) = line.as_chunks_mut::<STEP>();
    for ((window, &grad), &winner) in windows.iter_mut().zip(grads).zip(winners) {
        for (column, pixel) in window.iter_mut().enumerate() {
            *pixel = if winner == first + column as f32 {
                grad
            } else {
                0.0
            };
        }
    }
}

/// One plane, whose pixels are zero before: windows that may overlap.
fn scatter(
    plane: &mut [f32],
    width: usize,
    windows: PoolWindows,
    out_width: usize,
    grads: &[f32],
    winners: &[f32],
) {
    let PoolWindows {
        size,
        stride,
        padding,
    } = windows;
    let lines = grads
        .chunks_exact(out_width)
        .zip(winners.chunks_exact(out_width));
    for (row, (grads, winners)) in lines.enumerate() {
        for (column, (&grad, &winner)) in grads.iter().zip(winners).enumerate() {
            let position = winner as usize;
            let y = row * stride[0] + position / size[1] - padding[0];
            let x = column * stride[1] + position % size[1] - padding[1];
            plane[y * width + x] += grad;
        }
    }
}

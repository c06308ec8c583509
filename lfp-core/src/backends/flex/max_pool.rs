//! Max pooling in windows that do not overlap: whole lines at a time, without a branch per pixel.

use burn_core::backend::{Bytes, DType, Shape};
use burn_flex::{FlexTensor, Layout};
use rayon::prelude::*;

/// The maxima, and the position in its window of each, `[samples, channels, height / window, width / window]`. `None` if `x`
/// is not f32.
pub(super) fn forward(x: &FlexTensor, window: [usize; 2]) -> Option<(FlexTensor, FlexTensor)> {
    if x.dtype() != DType::F32 {
        return None;
    }
    let [samples, channels, height, width] = x.layout().shape().dims();
    let [out_height, out_width] = [height / window[0], width / window[1]];
    let x = x.to_contiguous();
    let len = samples * channels * out_height * out_width;
    let (mut maxima, mut winners) = (vec![0.0; len], vec![0.0; len]);
    if len > 0 {
        let planes = x.storage::<f32>().par_chunks(height * width);
        let maxima = maxima.par_chunks_mut(out_height * out_width);
        let winners = winners.par_chunks_mut(out_height * out_width);
        planes
            .zip(maxima.zip(winners))
            .for_each(|(plane, (maxima, winners))| {
                pool(plane, width, window, out_width, maxima, winners);
            });
    }
    let shape = [samples, channels, out_height, out_width];
    Some((tensor(maxima, shape), tensor(winners, shape)))
}

/// Passes what arrives at each maximum to its pixel. `None` if `grad` is not f32.
pub(super) fn backward(
    grad: &FlexTensor,
    winners: &FlexTensor,
    size: [usize; 2],
    window: [usize; 2],
) -> Option<FlexTensor> {
    if grad.dtype() != DType::F32 {
        return None;
    }
    let [samples, channels, out_height, out_width] = grad.layout().shape().dims();
    let (grad, winners) = (grad.to_contiguous(), winners.to_contiguous());
    let mut below = vec![0.0; samples * channels * size[0] * size[1]];
    if out_height * out_width > 0 {
        let planes = below.par_chunks_mut(size[0] * size[1]);
        let grads = grad.storage::<f32>().par_chunks(out_height * out_width);
        let winners = winners.storage::<f32>().par_chunks(out_height * out_width);
        planes
            .zip(grads.zip(winners))
            .for_each(|(plane, (grads, winners))| {
                distribute(plane, size[1], window, out_width, grads, winners);
            });
    }
    Some(tensor(below, [samples, channels, size[0], size[1]]))
}

/// One plane. NaN wins, as in Burn; of equal values the first.
#[multiversion::multiversion(targets("x86_64+avx512f+avx512vl+avx512bw+avx512dq", "x86_64+avx2"))]
fn pool(
    plane: &[f32],
    width: usize,
    window: [usize; 2],
    out_width: usize,
    maxima: &mut [f32],
    winners: &mut [f32],
) {
    let [height, step] = window;
    let bands = plane.chunks_exact(height * width);
    let lines = maxima
        .chunks_exact_mut(out_width)
        .zip(winners.chunks_exact_mut(out_width));
    for (band, (maxima, winners)) in bands.zip(lines) {
        for tap in 0..height * step {
            let line = &band[tap / step * width..][..out_width * step];
            let index = tap as f32;
            match step {
                2 => keep_larger::<2>(line, tap, index, maxima, winners),
                3 => keep_larger::<3>(line, tap, index, maxima, winners),
                _ => {
                    let pixels = line[tap % step..].iter().step_by(step);
                    for ((&pixel, maximum), winner) in
                        pixels.zip(maxima.iter_mut()).zip(winners.iter_mut())
                    {
                        if tap == 0 || pixel > *maximum || pixel.is_nan() {
                            (*maximum, *winner) = (pixel, index);
                        }
                    }
                }
            }
        }
    }
}

/// The pixels of a line at the tap's column, in windows of a width that the compiler knows and can vectorise.
#[inline(always)]
fn keep_larger<const STEP: usize>(
    line: &[f32],
    tap: usize,
    index: f32,
    maxima: &mut [f32],
    winners: &mut [f32],
) {
    let (windows, _) = line.as_chunks::<STEP>();
    let column = tap % STEP;
    for ((window, maximum), winner) in windows.iter().zip(maxima).zip(winners) {
        let pixel = window[column];
        let wins = tap == 0 || pixel > *maximum || pixel.is_nan();
        *maximum = if wins { pixel } else { *maximum };
        *winner = if wins { index } else { *winner };
    }
}

/// One plane, whose pixels are zero before.
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

fn tensor(values: Vec<f32>, shape: [usize; 4]) -> FlexTensor {
    let layout = Layout::contiguous(Shape::new(shape));
    FlexTensor::new(Bytes::from_elems(values), layout, DType::F32)
}

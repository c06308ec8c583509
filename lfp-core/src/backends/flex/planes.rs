//! Tensors of planes, channel by channel.

use burn_core::backend::DType;
use burn_flex::FlexTensor;
use rayon::prelude::*;

use super::shared::Shared;

/// Pixels of a plane from which kernels by channel are faster: with few, they would read lines of the cache for single values.
const PIXELS: usize = 16;
/// Elements of a parallel task, at least.
const TASK: usize = 1 << 14;
/// Pixels that are summed in f32, before the sum goes on in f64: the rounding errors of more would add up.
pub(super) const BLOCK: usize = 4096;
/// Sums that run side by side, as many as the widest vectors have lanes.
pub(super) const LANES: usize = 16;

/// The planes of a tensor `[samples, channels, ...]`.
#[derive(Clone, Copy)]
pub(super) struct Planes {
    samples: usize,
    pub channels: usize,
    pub pixels: usize,
}

impl Planes {
    /// `None` if `x` or one of the `others` is not f32, or planes are small.
    pub fn of(x: &FlexTensor, others: &[&FlexTensor]) -> Option<Self> {
        let shape = x.layout().shape();
        let planes = Self {
            samples: shape[0],
            channels: shape[1],
            pixels: shape.iter().skip(2).product(),
        };
        let is_f32 = |tensor: &FlexTensor| tensor.dtype() == DType::F32;
        let fits = planes.samples > 0 && planes.channels > 0 && planes.pixels >= PIXELS;
        (fits && is_f32(x) && others.iter().all(|tensor| is_f32(tensor))).then_some(planes)
    }

    pub fn per_channel(&self) -> usize {
        self.samples * self.pixels
    }

    /// Where the planes of a channel start.
    pub fn starts(self, channel: usize) -> impl Iterator<Item = usize> {
        (0..self.samples).map(move |sample| (sample * self.channels + channel) * self.pixels)
    }

    #[allow(unsafe_code, reason = "threads write the planes of different channels")]
    pub fn output(self, output: Shared<'_>, start: usize) -> &mut [f32] {
        // SAFETY: the task of a channel alone uses its planes, one at a time.
        unsafe { output.part(start, self.pixels) }
    }

    pub fn for_each_channel<R: Send>(
        self,
        task: impl Fn(usize) -> R + Sync + Send,
    ) -> impl ParallelIterator<Item = R> {
        let least = TASK.div_ceil(self.per_channel());
        (0..self.channels)
            .into_par_iter()
            .with_min_len(least)
            .map(task)
    }

    /// The pixels of a channel, in blocks that may be summed in f32.
    pub fn blocks(self, values: &[f32], channel: usize) -> impl Iterator<Item = &[f32]> {
        let planes = self.starts(channel);
        let planes = planes.map(move |start| &values[start..start + self.pixels]);
        planes.flat_map(|plane| plane.chunks(BLOCK))
    }
}

/// The sum of some pixels.
#[multiversion::multiversion(targets("x86_64+avx512f+avx512vl+avx512bw+avx512dq", "x86_64+avx2"))]
pub(super) fn sum(plane: &[f32]) -> f64 {
    let (chunks, rest) = plane.as_chunks::<LANES>();
    let mut sums = [0.0; LANES];
    for chunk in chunks {
        for (sum, &value) in sums.iter_mut().zip(chunk) {
            *sum += value;
        }
    }
    total(&sums) + total(rest)
}

/// The sum of all lanes.
pub(super) fn total(sums: &[f32]) -> f64 {
    sums.iter().copied().map(f64::from).sum()
}

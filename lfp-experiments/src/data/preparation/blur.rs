//! Gaussian blur.

use super::Picture;

impl Picture {
    /// Averages over `[width, height]` pixels around each, weighted by a normal distribution; beyond an
    /// edge the picture is mirrored.
    pub(super) fn blurred(self, [width, height]: [usize; 2], deviation: f32) -> Self {
        let size = self.size;
        let across = weights(width, deviation);
        let down = weights(height, deviation);
        let channels = self.values.chunks(size * size);
        let blurred = channels.flat_map(|channel| {
            let rows = filtered(channel, size, &across, |line, along| line * size + along);
            filtered(&rows, size, &down, |line, along| along * size + line)
        });
        Self {
            values: blurred.collect(),
            size,
        }
    }
}

/// A normal distribution over `count` pixels, which sums to 1.
fn weights(count: usize, deviation: f32) -> Vec<f32> {
    let half = (count / 2) as f32;
    let density = |index| (-0.5 * ((index as f32 - half) / deviation).powi(2)).exp();
    let densities: Vec<f32> = (0..count).map(density).collect();
    let sum: f32 = densities.iter().sum();
    densities.iter().map(|density| density / sum).collect()
}

/// Weighted averages along the lines of a channel, whose pixels are `at(line, along)`.
fn filtered(
    channel: &[f32],
    size: usize,
    weights: &[f32],
    at: impl Fn(usize, usize) -> usize,
) -> Vec<f32> {
    let half = weights.len() / 2;
    let mut result = vec![0.0; channel.len()];
    for line in 0..size {
        for along in 0..size {
            let taps = weights.iter().enumerate().map(|(tap, weight)| {
                let along = mirrored((along + tap) as isize - half as isize, size);
                weight * channel[at(line, along)]
            });
            result[at(line, along)] = taps.sum();
        }
    }
    result
}

/// The pixel that stands for one beyond an edge, which itself is not repeated.
fn mirrored(index: isize, size: usize) -> usize {
    let last = size as isize - 1;
    if last == 0 {
        return 0;
    }
    let index = index.rem_euclid(2 * last);
    index.min(2 * last - index) as usize
}

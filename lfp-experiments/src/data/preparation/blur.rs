//! Gaussian blur.

use super::Picture;

impl Picture {
    /// Gaussian blur with a kernel of `[width, height]` pixels. Edges are padded by reflection.
    pub(super) fn blurred(self, [width, height]: [usize; 2], std: f32) -> Self {
        let size = self.size;
        let across = weights(width, std);
        let down = weights(height, std);
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

/// Normalised weights of a Gaussian over `count` pixels.
fn weights(count: usize, std: f32) -> Vec<f32> {
    let half = (count / 2) as f32;
    let density = |index| (-0.5 * ((index as f32 - half) / std).powi(2)).exp();
    let densities: Vec<f32> = (0..count).map(density).collect();
    let sum: f32 = densities.iter().sum();
    densities.iter().map(|density| density / sum).collect()
}

/// Convolves each line of a channel with `weights`. `at(line, along)` is the index of a pixel.
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
                let along = reflected((along + tap) as isize - half as isize, size);
                weight * channel[at(line, along)]
            });
            result[at(line, along)] = taps.sum();
        }
    }
    result
}

/// Index after reflection at the edges, which are not repeated.
fn reflected(index: isize, size: usize) -> usize {
    let last = size as isize - 1;
    if last == 0 {
        return 0;
    }
    let index = index.rem_euclid(2 * last);
    index.min(2 * last - index) as usize
}

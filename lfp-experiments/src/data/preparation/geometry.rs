//! Flips, rotations, shifts and scales.

use super::Picture;

/// A rotation about the centre, a scale, and a shift.
#[derive(Clone, Copy, Debug)]
pub(super) struct Affine {
    /// Rotation, clockwise.
    pub(super) degrees: f32,
    /// Shift to the right and down, in pixels.
    pub(super) shift: [f32; 2],
    /// Magnification.
    pub(super) scale: f32,
}

impl Affine {
    /// A counterclockwise rotation, like torchvision's `rotate`.
    pub(super) fn rotation(degrees: f32) -> Self {
        Self {
            degrees: -degrees,
            shift: [0.0; 2],
            scale: 1.0,
        }
    }
}

impl Picture {
    /// Flips left and right.
    pub(super) fn horizontally_flipped(mut self) -> Self {
        self.values.chunks_mut(self.size).for_each(<[f32]>::reverse);
        self
    }

    /// Flips top and bottom.
    pub(super) fn vertically_flipped(self) -> Self {
        let rows = |channel: &[f32]| {
            let rows = channel.chunks(self.size).rev();
            rows.flatten().copied().collect::<Vec<_>>()
        };
        let channels = self.values.chunks(self.size * self.size);
        Self {
            values: channels.flat_map(rows).collect(),
            size: self.size,
        }
    }

    /// Applies `affine` by nearest-neighbour sampling. Pixels from outside the picture are black.
    pub(super) fn transformed(self, affine: Affine) -> Self {
        let size = self.size;
        let (sin, cos) = affine.degrees.to_radians().sin_cos();
        let middle = (size as f32 - 1.0) / 2.0;
        let nearest = |at: f32| {
            let at = (at + middle).round_ties_even();
            (0.0..size as f32).contains(&at).then_some(at as usize)
        };
        let source = |pixel: usize| {
            let x = (pixel % size) as f32 - middle - affine.shift[0];
            let y = (pixel / size) as f32 - middle - affine.shift[1];
            let column = nearest((cos * x + sin * y) / affine.scale)?;
            let row = nearest((cos * y - sin * x) / affine.scale)?;
            Some(row * size + column)
        };
        let sources: Vec<Option<usize>> = (0..size * size).map(source).collect();
        let channels = self.values.chunks(size * size);
        let moved = channels.flat_map(|channel| {
            let sources = sources.iter();
            sources.map(|source| source.map_or(0.0, |source| channel[source]))
        });
        Self {
            values: moved.collect(),
            size,
        }
    }
}

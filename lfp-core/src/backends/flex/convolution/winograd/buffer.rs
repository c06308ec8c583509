//! Memory for vectors.

use std::ops::{Deref, DerefMut};

use aligned_vec::{AVec, ConstAlign};
use pulp::Simd;

/// Floats that start at a line of the cache, so that no vector lies across two.
#[derive(Debug)]
pub(super) struct Buffer(AVec<f32, ConstAlign<64>>);

impl Buffer {
    pub fn zeros(len: usize) -> Self {
        let mut values = AVec::new(0);
        values.resize(len, 0.0);
        Self(values)
    }

    /// The first `count` vectors; the buffer grows if needed.
    #[inline(always)]
    pub fn vectors<S: Simd>(&mut self, count: usize) -> &mut [S::f32s] {
        let len = count * S::F32_LANES;
        if self.0.len() < len {
            self.0.resize(len, 0.0);
        }
        &mut S::as_mut_simd_f32s(&mut self.0).0[..count]
    }
}

impl Default for Buffer {
    fn default() -> Self {
        Self::zeros(0)
    }
}

impl Deref for Buffer {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        &self.0
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [f32] {
        &mut self.0
    }
}

//! Memory for vectors, which a thread uses again.

use std::{
    cell::RefCell,
    mem,
    ops::{Deref, DerefMut},
};

use aligned_vec::{AVec, ConstAlign};
use pulp::Simd;

/// Floats that start at a line of the cache, so that no vector lies across two.
type Floats = AVec<f32, ConstAlign<64>>;

/// Buffers that a thread keeps, at most. A pass has fewer at a time.
const MOST_KEPT: usize = 6;

thread_local! {
    /// Memory of dropped buffers. Fresh memory would cost a fifth of a pass: the system zeroes its pages.
    static KEPT: RefCell<Vec<Floats>> = const { RefCell::new(Vec::new()) };
}

/// A buffer with whatever an earlier user of its memory left in it.
#[derive(Debug)]
pub(super) struct Buffer(Floats);

impl Buffer {
    pub fn new(len: usize) -> Self {
        let mut buffer = Self(Floats::new(0));
        buffer.reserve(len);
        buffer
    }

    /// The first `count` vectors. If the buffer grows, its content is lost.
    #[inline(always)]
    pub fn vectors<S: Simd>(&mut self, count: usize) -> &mut [S::f32s] {
        self.reserve(count * S::F32_LANES);
        &mut S::as_mut_simd_f32s(&mut self.0).0[..count]
    }

    /// Makes room for `len` floats. If the buffer grows, its content is lost.
    pub fn reserve(&mut self, len: usize) {
        if self.0.len() < len {
            self.keep();
            self.0 = take(len);
        }
    }

    /// Leaves the memory to later buffers.
    fn keep(&mut self) {
        let floats = mem::replace(&mut self.0, Floats::new(0));
        if floats.is_empty() {
            return;
        }
        // Fails while the thread ends, when nobody needs the memory.
        let _ = KEPT.try_with(|kept| {
            let mut kept = kept.borrow_mut();
            kept.push(floats);
            kept.sort_by_key(|floats| floats.len());
            if kept.len() > MOST_KEPT {
                kept.remove(0);
            }
        });
    }
}

/// The smallest memory that suffices.
fn take(len: usize) -> Floats {
    let kept = KEPT.with_borrow_mut(|kept| {
        let fits = kept.iter().position(|floats| floats.len() >= len);
        fits.map(|index| kept.remove(index))
    });
    kept.unwrap_or_else(|| {
        let mut floats = Floats::new(0);
        floats.resize(len, 0.0);
        floats
    })
}

impl Default for Buffer {
    fn default() -> Self {
        Self::new(0)
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        self.keep();
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

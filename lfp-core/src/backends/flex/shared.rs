//! Memory that several threads write at once.

use std::{marker::PhantomData, slice};

/// A slice whose disjoint parts are written by several threads.
#[derive(Clone, Copy)]
pub(super) struct Shared<'a> {
    start: *mut f32,
    len: usize,
    slice: PhantomData<&'a mut [f32]>,
}

#[allow(unsafe_code, reason = "threads write disjoint parts; see `part`")]
// SAFETY: the only access is `part`, whose callers promise disjoint parts.
unsafe impl Send for Shared<'_> {}
#[allow(unsafe_code, reason = "as above")]
// SAFETY: as above.
unsafe impl Sync for Shared<'_> {}

impl<'a> Shared<'a> {
    pub fn new(slice: &'a mut [f32]) -> Self {
        Self {
            start: slice.as_mut_ptr(),
            len: slice.len(),
            slice: PhantomData,
        }
    }

    /// The elements from `start` to `start + len`.
    ///
    /// # Safety
    ///
    /// While the part is in use, no other overlaps it.
    #[inline(always)]
    #[allow(
        unsafe_code,
        reason = "the borrow checker cannot see that parts are disjoint"
    )]
    pub unsafe fn part(self, start: usize, len: usize) -> &'a mut [f32] {
        assert!(start <= self.len && len <= self.len - start);
        // SAFETY: the part lies within the slice, and the caller promises that no other overlaps it.
        unsafe { slice::from_raw_parts_mut(self.start.add(start), len) }
    }
}

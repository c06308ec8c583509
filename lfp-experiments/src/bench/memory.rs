//! Counts the bytes that the program has allocated.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
};

static NOW: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

/// The system's allocator with a count, which the program installs as its global one. All four
/// functions go straight through: zeroed pages from the system stay as cheap as they are.
#[derive(Debug)]
pub struct CountingAllocator;

impl CountingAllocator {
    fn grow(bytes: usize) {
        let now = NOW.fetch_add(bytes, Relaxed) + bytes;
        PEAK.fetch_max(now, Relaxed);
    }

    fn shrink(bytes: usize) {
        NOW.fetch_sub(bytes, Relaxed);
    }
}

#[expect(
    unsafe_code,
    reason = "an allocator is unsafe by nature; this one only counts"
)]
// SAFETY: every call is handed to the system's allocator as it came.
unsafe impl GlobalAlloc for CountingAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        Self::grow(layout.size());
        // SAFETY: by the caller.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        Self::grow(layout.size());
        // SAFETY: by the caller.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        Self::shrink(layout.size());
        // SAFETY: by the caller.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        Self::grow(size);
        Self::shrink(layout.size());
        // SAFETY: by the caller.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

/// Measures the most that is allocated from now on, beyond what is now.
#[derive(Debug)]
pub(super) struct Peak {
    before: usize,
}

impl Peak {
    pub(super) fn start() -> Self {
        let before = NOW.load(Relaxed);
        PEAK.store(before, Relaxed);
        Self { before }
    }

    pub(super) fn mebibytes(self) -> f64 {
        PEAK.load(Relaxed).saturating_sub(self.before) as f64 / f64::from(1 << 20)
    }
}

//! The program's allocator: the system's, which counts what is allocated, and asks for huge pages where they
//! pay.
//!
//! A training step allocates and frees tensors of many megabytes, and the system hands out each of their pages, zeroed,
//! when it is first touched. With pages of 2 MiB instead of 4 KiB there are five hundred times fewer of these
//! interruptions; on Linux, which must be asked, that makes a step of a spiking LeNet a third faster.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
};

/// Blocks from this size on are put on huge pages.
#[cfg(target_os = "linux")]
const HUGE_PAGE: usize = 2 << 20;
/// No ordinary page is larger.
#[cfg(target_os = "linux")]
const LARGEST_PAGE: usize = 64 << 10;

static NOW: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

/// The allocator, which the program installs as its global one. All four functions go straight
/// through: zeroed pages from the system stay as cheap as they are.
#[derive(Debug)]
pub struct Allocator;

impl Allocator {
    fn grow(bytes: usize) {
        let now = NOW.fetch_add(bytes, Relaxed) + bytes;
        PEAK.fetch_max(now, Relaxed);
    }

    /// Asks for huge pages under a block that is about to be filled. Where the system has none, or is none that
    /// can be asked, nothing changes.
    #[expect(unsafe_code, reason = "advice about memory is a call of the system's")]
    fn advise(block: *mut u8, bytes: usize) -> *mut u8 {
        #[cfg(target_os = "linux")]
        if bytes >= HUGE_PAGE && !block.is_null() {
            // Whole pages of whatever size the system has.
            let start = block.addr().next_multiple_of(LARGEST_PAGE);
            let end = (block.addr() + bytes) / LARGEST_PAGE * LARGEST_PAGE;
            let block = block.with_addr(start).cast();
            // SAFETY: the range lies inside the block, and the advice changes no content.
            unsafe { libc::madvise(block, end - start, libc::MADV_HUGEPAGE) };
        }
        block
    }

    fn shrink(bytes: usize) {
        NOW.fetch_sub(bytes, Relaxed);
    }
}

#[expect(
    unsafe_code,
    reason = "an allocator is unsafe by nature; this one counts and gives advice"
)]
// SAFETY: every call is handed to the system's allocator as it came.
unsafe impl GlobalAlloc for Allocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        Self::grow(layout.size());
        // SAFETY: by the caller.
        let block = unsafe { System.alloc(layout) };
        Self::advise(block, layout.size())
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        Self::grow(layout.size());
        // SAFETY: by the caller.
        let block = unsafe { System.alloc_zeroed(layout) };
        Self::advise(block, layout.size())
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
pub(crate) struct Peak {
    before: usize,
}

impl Peak {
    pub(crate) fn start() -> Self {
        let before = NOW.load(Relaxed);
        PEAK.store(before, Relaxed);
        Self { before }
    }

    pub(crate) fn mebibytes(self) -> f64 {
        PEAK.load(Relaxed).saturating_sub(self.before) as f64 / f64::from(1 << 20)
    }
}

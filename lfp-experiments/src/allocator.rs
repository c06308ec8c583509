//! Global allocator: the system's, with a counter of allocated bytes and huge pages for large blocks. If the system refuses
//! memory, it ends the program with a message.
//!
//! A training step allocates and frees tensors of many megabytes. The kernel zeroes each page at its first access, in a page
//! fault. Huge pages (2 MiB instead of 4 KiB) need 512 times fewer faults; Linux provides them on request, which makes a
//! step of a spiking LeNet a third faster.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    io::Write,
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
};

/// Minimum size of a block on huge pages.
#[cfg(target_os = "linux")]
const HUGE_PAGE: usize = 2 << 20;
/// Largest regular page size of any supported architecture.
#[cfg(target_os = "linux")]
const LARGEST_PAGE: usize = 64 << 10;

static NOW: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

/// The allocator. It forwards all four functions to the system, so that `alloc_zeroed` keeps its fast path.
#[derive(Debug)]
pub struct Allocator;

impl Allocator {
    fn grow(bytes: usize) {
        let now = NOW.fetch_add(bytes, Relaxed) + bytes;
        PEAK.fetch_max(now, Relaxed);
    }

    /// Requests huge pages for a new block. Without support from the system, the request has no effect.
    #[expect(unsafe_code, reason = "madvise is a system call")]
    fn advise(block: *mut u8, bytes: usize) -> *mut u8 {
        #[cfg(target_os = "linux")]
        if bytes >= HUGE_PAGE && !block.is_null() {
            // Aligned to whole pages, of whichever size.
            let start = block.addr().next_multiple_of(LARGEST_PAGE);
            let end = (block.addr() + bytes) / LARGEST_PAGE * LARGEST_PAGE;
            let block = block.with_addr(start).cast();
            // SAFETY: the range lies inside the block, and the advice changes no content.
            unsafe { libc::madvise(block, end - start, libc::MADV_HUGEPAGE) };
        }
        block
    }

    /// Ends the program if the system refuses memory. Otherwise Rust aborts, which looks like a fault of the program.
    fn checked(block: *mut u8, bytes: usize) -> *mut u8 {
        if block.is_null() {
            // Formatting to standard error, which may be closed, allocates nothing.
            let _ = writeln!(
                std::io::stderr(),
                "error: out of memory: the system refuses {bytes} bytes; use a smaller --batch, more --accumulate, smaller \
                 images, or fewer --workers"
            );
            std::process::exit(2);
        }
        block
    }

    fn shrink(bytes: usize) {
        NOW.fetch_sub(bytes, Relaxed);
    }
}

#[expect(unsafe_code, reason = "GlobalAlloc is an unsafe trait")]
// SAFETY: every call is forwarded to the system allocator with its arguments. The blocks are the system's; advice on a block
// changes neither its content nor its address.
unsafe impl GlobalAlloc for Allocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        Self::grow(layout.size());
        // SAFETY: the caller upholds the contract of `GlobalAlloc`.
        let block = unsafe { System.alloc(layout) };
        Self::advise(Self::checked(block, layout.size()), layout.size())
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        Self::grow(layout.size());
        // SAFETY: the caller upholds the contract of `GlobalAlloc`.
        let block = unsafe { System.alloc_zeroed(layout) };
        Self::advise(Self::checked(block, layout.size()), layout.size())
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        Self::shrink(layout.size());
        // SAFETY: the caller upholds the contract of `GlobalAlloc`.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        Self::grow(size);
        Self::shrink(layout.size());
        // SAFETY: the caller upholds the contract of `GlobalAlloc`.
        let block = unsafe { System.realloc(pointer, layout, size) };
        Self::checked(block, size)
    }
}

/// Measures the peak of allocated bytes above the present.
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

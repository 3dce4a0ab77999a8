//! The memory of a journal: a mapped file, or the heap where there is no file.

use std::sync::atomic::AtomicU64;

use memmap2::MmapMut;

/// A piece of memory that a writing and a reading thread share. Each byte has one writer at a time; which bytes the
/// reader may look at is agreed through atomic words and the tracker's lock. See the SAFETY notes of its users.
pub(super) struct Region {
    start: *mut u8,
    length: usize,
    backing: Backing,
}

/// Keeps the memory alive; it is reached through `start` alone.
#[allow(dead_code)]
enum Backing {
    Mapped(MmapMut),
    // Words, so that the memory is aligned like a mapping's as far as we need it.
    Heap(Vec<u64>),
}

// SAFETY: `start` points into `backing`, which does not move its memory when it is moved itself. The memory is plain
// bytes; that no two threads use the same bytes at once, one of them writing, is what `write` and `read` ask of their
// callers.
unsafe impl Send for Region {}
// SAFETY: as above.
unsafe impl Sync for Region {}

impl Region {
    pub fn mapped(mut map: MmapMut) -> Self {
        Self { start: map.as_mut_ptr(), length: map.len(), backing: Backing::Mapped(map) }
    }

    /// Zeroed memory that dies with the process.
    pub fn heap(length: usize) -> Self {
        let mut words = vec![0u64; length.div_ceil(8)];
        Self { start: words.as_mut_ptr().cast(), length, backing: Backing::Heap(words) }
    }

    pub fn is_mapped(&self) -> bool {
        matches!(self.backing, Backing::Mapped(_))
    }

    pub fn len(&self) -> usize {
        self.length
    }

    /// An atomic word of the header.
    pub fn word(&self, at: usize) -> &AtomicU64 {
        assert!(at.is_multiple_of(8) && at + 8 <= self.length);
        // SAFETY: within the region, aligned (both backings start at a multiple of 8), and these words are only ever
        // used as atomics while the region is shared.
        unsafe { AtomicU64::from_ptr(self.start.add(at).cast()) }
    }

    /// Copies bytes into the region.
    ///
    /// # Safety
    /// No other thread reads or writes those bytes meanwhile.
    #[inline(always)]
    pub unsafe fn write(&self, at: usize, bytes: &[u8]) {
        assert!(at <= self.length && bytes.len() <= self.length - at);
        // SAFETY: within the region as just checked; `bytes` is borrowed from elsewhere; no data race by the contract.
        unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), self.start.add(at), bytes.len()) }
    }

    /// Fills a part of the region with zeros.
    ///
    /// # Safety
    /// As for [`Region::write`].
    pub unsafe fn clear(&self, at: usize, length: usize) {
        assert!(at <= self.length && length <= self.length - at);
        // SAFETY: within the region as just checked; no data race by the contract.
        unsafe { std::ptr::write_bytes(self.start.add(at), 0, length) }
    }

    /// Looks at bytes of the region.
    ///
    /// # Safety
    /// No thread writes those bytes as long as the slice lives.
    #[inline]
    pub unsafe fn read(&self, at: usize, length: usize) -> &[u8] {
        assert!(at <= self.length && length <= self.length - at);
        // SAFETY: within the region as just checked; no one writes meanwhile by the contract.
        unsafe { std::slice::from_raw_parts(self.start.add(at), length) }
    }
}

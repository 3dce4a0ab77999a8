//! The ledger by value.

use std::mem::offset_of;

use super::boundary::fill;
use crate::error::Result;
use crate::tracker::Stats;

/// The ledger: accepted == stored + delivered + dropped, at every moment, also after a kill. Set `struct_size` before
/// handing it over to be filled.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct sessio_stats {
    /// sizeof(sessio_stats)
    pub struct_size: usize,
    /// Events for which `sessio_tracker_track` gave SESSIO_OK, since the database was made.
    pub accepted: u64,
    /// Events that wait, in the journal or the database.
    pub stored: u64,
    /// Events that at least one destination took.
    pub delivered: u64,
    /// Events that are gone without; by reason below.
    pub dropped: u64,
    /// Dropped because they were over the cap of age.
    pub dropped_aged: u64,
    /// Dropped because there were too many, or too many bytes.
    pub dropped_overflowed: u64,
    /// Dropped because the host had them erased.
    pub dropped_erased: u64,
    /// Lost with a damaged file, or with power.
    pub dropped_lost: u64,
    /// What is acknowledged survives the death of the process. False without a database file, and where the journal
    /// cannot be mapped.
    pub survives_kill: bool,
}

impl sessio_stats {
    pub(super) fn new(stats: &Stats) -> Self {
        Self {
            struct_size: size_of::<Self>(),
            accepted: stats.accepted,
            stored: stats.stored,
            delivered: stats.delivered,
            dropped: stats.dropped.total(),
            dropped_aged: stats.dropped.aged,
            dropped_overflowed: stats.dropped.overflowed,
            dropped_erased: stats.dropped.erased,
            dropped_lost: stats.dropped.lost,
            survives_kill: stats.survives_kill,
        }
    }

    /// Writes it into a caller's struct, of whatever edition.
    ///
    /// # Safety
    /// `out` is NULL or a struct as its size says.
    pub(super) unsafe fn put(self, out: *mut Self) -> Result<()> {
        // SAFETY: passed on from the caller. The first edition ended with `dropped`.
        unsafe { fill("out", out, offset_of!(Self, dropped_aged), self) }
    }
}

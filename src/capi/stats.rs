//! The ledger by value.

use std::ffi::{CStr, c_char};
use std::mem::offset_of;

use super::boundary::fill;
use crate::error::Result;
use crate::tracker::{DeliveryStats, Stats};

/// The ledger: accepted == stored + delivered + dropped, at every moment, also after a kill. Set `struct_size` before
/// handing it over to be filled.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct sessio_stats {
    /// sizeof(sessio_stats)
    pub struct_size: usize,
    /// Events for which `sessio_tracker_track` gave SESSIO_OK, since the database was made.
    pub accepted: u64,
    /// Events that wait, in the journal or the database: for delivery, or for the end of a session that is kept only if
    /// it crashes.
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
    /// Dropped because every destination refused them for good.
    pub dropped_refused: u64,
    /// Dropped because they were larger than any destination takes.
    pub dropped_oversize: u64,
    /// Dropped because no destination could be sent them: they were damaged, or older than it takes.
    pub dropped_unsendable: u64,
    /// Events that event callbacks dropped since the tracker was opened: they were never accepted.
    pub filtered: u64,
    /// Dropped because their session is not among the share that is kept (`sessio_config_set_sampling`).
    pub dropped_sampled: u64,
}

/// What one destination has done since the database was made: events, and starts and ends of sessions, which
/// sessio_stats does not count.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct sessio_delivery_stats {
    /// sizeof(sessio_delivery_stats), as the library has it.
    pub struct_size: usize,
    /// Its name, valid for the length of the call that hands it over.
    pub destination: *const c_char,
    /// It took them.
    pub delivered: u64,
    /// It refused them for good.
    pub refused: u64,
    /// They were larger than it takes.
    pub oversize: u64,
    /// They could not be written, or were older than it takes.
    pub unsendable: u64,
    /// There was more than is kept for it.
    pub overflowed: u64,
}

impl sessio_delivery_stats {
    /// The name, which must outlive it, is given apart.
    pub(super) fn new(name: &CStr, stats: &DeliveryStats) -> Self {
        let counts = &stats.counts;
        Self {
            struct_size: size_of::<Self>(),
            destination: name.as_ptr(),
            delivered: counts.delivered,
            refused: counts.refused,
            oversize: counts.oversize,
            unsendable: counts.unsendable,
            overflowed: counts.overflowed,
        }
    }
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
            dropped_refused: stats.dropped.refused,
            dropped_oversize: stats.dropped.oversize,
            dropped_unsendable: stats.dropped.unsendable,
            filtered: stats.filtered,
            dropped_sampled: stats.dropped.sampled,
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
